//! Runs the A/A control: forks of which nothing changed go live once more.

use futures_util::stream::{self, StreamExt as _};

use super::evidence::accepted_results;
use super::level::LEAST_BASE;
use super::noise::Noise;
use super::plan::LivePlan;
use super::runner::{Attempt, Case, ForkRun, Runner};
use super::schedule::{Dry, Progress, Tail};
use crate::model::{ForkPoint, MicroUsd};
use crate::replay::{Tally, savings};

impl Runner {
    /// Returns the forks that are run once more though nothing of them changed: the cheapest ones of unaffected baselines with
    /// accepted samples. None where the base can say it.
    pub(super) fn unchanged<'c>(&self, cases: &'c [Case], dry: &[Dry]) -> Vec<Tail<'c>> {
        if self.backend.is_none() {
            return Vec::new();
        }
        let heard = std::sync::Arc::default();
        let mut tails: Vec<Tail<'c>> = cases
            .iter()
            .zip(dry)
            .filter(|(case, dry)| {
                let is_unaffected = dry.attempt.sample.replay.is_unaffected;
                case.is_gating && !case.is_new && case.base.is_none() && is_unaffected
            })
            .filter_map(|(case, dry)| {
                let mut forks = case.baseline.definition.forks.iter();
                // `auto` goes live where something changed, and nothing did.
                let fork = forks.find(|fork| {
                    **fork != ForkPoint::Auto && accepted_results(case, fork).len() >= LEAST_BASE
                })?;
                Some(self.tail(case, fork, dry, &heard))
            })
            .collect();
        // The cases are sorted by name, and so are those that cost the same.
        tails.sort_by_key(|tail| tail.estimate.cost);
        tails.truncate(self.aa as usize);
        tails
    }

    /// Returns what a run comes to with its control.
    pub(super) fn with_control(&self, plan: LivePlan, unchanged: &[Tail<'_>]) -> LivePlan {
        unchanged.iter().fold(plan, |plan, tail| {
            let times = self.range(tail.case).min();
            let estimate = (0..times).fold(plan.estimate, |sum, _nth| sum + tail.estimate);
            let p90 = tail.p90().0.saturating_mul(times.into());
            LivePlan {
                unchanged: plan.unchanged + 1,
                control_samples: plan.control_samples.saturating_add(times),
                estimate,
                p90: plan.p90 + MicroUsd(p90),
                ..plan
            }
        })
    }

    /// Runs the unchanged forks, and returns what they say; `None` where there are none.
    pub(super) async fn control(
        &self,
        unchanged: &[Tail<'_>],
        progress: &dyn Progress,
    ) -> Option<Noise> {
        let round: Vec<(usize, &Tail<'_>, u32)> = unchanged
            .iter()
            .enumerate()
            .flat_map(|(nth, tail)| {
                (1..=self.range(tail.case).min()).map(move |ordinal| (nth, tail, ordinal))
            })
            .collect();
        let total = round.len();
        let mut taken: Vec<Vec<Attempt>> = unchanged.iter().map(|_tail| Vec::new()).collect();
        let mut samples = stream::iter(round)
            .map(|(nth, tail, ordinal)| async move {
                let fresh = tail.fresh(tail.case);
                (nth, tail, self.sample(&fresh, ordinal).await)
            })
            .buffer_unordered(self.jobs.max(1));
        let mut done = 0;
        while let Some((nth, tail, attempt)) = samples.next().await {
            done += 1;
            progress.done(done, total, &tail.case.baseline.name);
            if let Some(taken) = taken.get_mut(nth) {
                attempt.put_into(taken);
            }
        }
        let runs: Vec<_> = unchanged
            .iter()
            .zip(&taken)
            .map(|(tail, taken)| self.fork_run(tail, taken))
            .collect();
        let mut noise = Noise::of_unaffected(runs.iter().map(|run| &run.evidence))?;
        noise.paid = unchanged
            .iter()
            .zip(&runs)
            .flat_map(|(tail, run)| {
                let timelines = run.timelines.iter().flatten();
                timelines.map(|one| savings(one, Some(&tail.case.reference), &self.prices).paid)
            })
            .fold(Tally::default(), |sum, paid| sum + paid);
        // How long a provider took is no part of what was found.
        noise.paid.time_us = 0;
        Some(noise)
    }

    /// Returns the control of a run whose live part has ended, and holds its forks to it.
    ///
    /// Where nothing unaffected was run for it, the base's agent says it, or the accepted samples.
    pub(super) fn controlled(&self, control: Option<Noise>, runs: &mut [ForkRun]) -> Option<Noise> {
        if self.aa == 0 {
            return None;
        }
        let noise = control.or_else(|| {
            let forks = || runs.iter().map(|run| &run.evidence);
            if forks().any(|fork| fork.confirmation.is_some()) {
                Noise::of_base(forks())
            } else {
                Noise::of_accepted(forks())
            }
        })?;
        for run in runs {
            run.evidence.noise = noise.least();
        }
        Some(noise)
    }
}
