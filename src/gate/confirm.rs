//! Tries reds again on the code of the base.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::OnceCell;

use super::confirmation::Confirmation;
use super::fork::decide_fork;
use super::input::{Fault, FaultKind};
use super::numbers::count;
use super::runner::{Attempt, Case, ForkRun, Runner};
use super::schedule::{Progress, Tail};
use super::suite::suite;
use super::verdict::Verdict;
use crate::agent::{AgentSpec, Setup};
use crate::model::SampleRange;

/// The agent of the base.
#[derive(Debug, Clone)]
pub struct BaseAgent {
    /// How it is run.
    pub agent: AgentSpec,
    /// What has to be done once before.
    pub setup: Option<Setup>,
    /// Whether that was done; agents of the same checkout share it.
    pub ready: Arc<OnceCell<Result<(), String>>>,
}

impl BaseAgent {
    /// Makes it ready, once.
    async fn make_ready(&self) -> Result<(), String> {
        let ready = self.ready.get_or_init(|| async {
            let Some(setup) = &self.setup else {
                return Ok(());
            };
            setup.run().await.map_err(|error| error.to_string())
        });
        ready.await.clone()
    }
}

/// A red that is tried again.
struct Red {
    /// The number of its tail.
    nth: usize,
    /// Its case with the base's agent.
    base: Case,
    /// The number of its last sample.
    last: u32,
    /// Whether it is red by itself, else with all baselines together.
    is_alone: bool,
    runs: [Vec<Attempt>; 2],
}

impl Red {
    fn confirmation(&self) -> Confirmation {
        let samples = |side: &Vec<Attempt>| side.iter().map(|one| one.sample.clone()).collect();
        let [base, candidate] = &self.runs;
        Confirmation {
            unready: self.base.unready.clone(),
            base: samples(base),
            candidate: samples(candidate),
        }
    }
}

impl Runner {
    /// Runs reds again, on the code of the base and on that of now, where the base is there.
    pub(super) async fn confirm(
        &self,
        tails: &[Tail<'_>],
        runs: &mut [ForkRun],
        progress: &dyn Progress,
    ) {
        let mut tried = reds(tails, runs, self.whole.is_some(), progress).await;
        if tried.is_empty() {
            return;
        }
        while let Some(round) = self.round(tails, runs, &tried) {
            let mut samples = stream::iter(round)
                .map(|(red, side, ordinal)| {
                    let tried = &tried;
                    async move {
                        (
                            red,
                            side,
                            self.again(tails, tried, red, side, ordinal).await,
                        )
                    }
                })
                .buffer_unordered(self.jobs.max(1));
            let mut taken = Vec::new();
            while let Some(one) = samples.next().await {
                taken.push(one);
            }
            drop(samples);
            taken.sort_by_key(|(red, side, attempt)| {
                (*red, *side, attempt.as_ref().map(|one| one.ordinal))
            });
            for (red, side, attempt) in taken {
                let red = tried.get_mut(red);
                let side = red.and_then(|red| red.runs.get_mut(side));
                if let (Some(side), Some(attempt)) = (side, attempt) {
                    side.push(attempt);
                }
            }
        }
        for red in tried {
            let Some(run) = runs.get_mut(red.nth) else {
                continue;
            };
            run.evidence.confirmation = Some(red.confirmation());
            if decide_fork(&run.evidence).verdict == Verdict::NotMeasured {
                let [base, _candidate] = &red.runs;
                let mut logs = base.iter().map(|one| &one.log);
                let log = logs.find(|log| !log.is_empty());
                run.log = log.cloned().unwrap_or_default();
            }
            let attempts = red.runs.into_iter().flatten();
            let timelines = attempts.filter_map(|one| one.timeline);
            run.confirming = timelines.collect();
            self.stop_at(run);
        }
    }

    /// Returns what is run next: the red, the side, and the number of the sample; `None` where nothing is.
    fn round(
        &self,
        tails: &[Tail<'_>],
        runs: &[ForkRun],
        tried: &[Red],
    ) -> Option<Vec<(usize, usize, u32)>> {
        let mut round = Vec::new();
        for (nth, red) in tried.iter().enumerate() {
            let Some(tail) = tails.get(red.nth) else {
                continue;
            };
            let range = self.range(tail.case);
            let run = runs.get(red.nth);
            // All baselines together are looked at once.
            let once = SampleRange::new(range.min(), range.min());
            let range = once.filter(|_once| !red.is_alone).unwrap_or(range);
            let Some(run) = run.filter(|run| red.confirmation().is_open(&run.evidence, range))
            else {
                continue;
            };
            let range = Confirmation::range(&run.evidence, range);
            let taken = count(red.runs.iter().map(Vec::len).min().unwrap_or_default());
            let until = taken.saturating_add(range.min()).min(range.max());
            for ordinal in taken + 1..=until {
                round.extend([(nth, 0, ordinal), (nth, 1, red.last + ordinal)]);
            }
        }
        (!round.is_empty()).then_some(round)
    }

    /// Runs one more sample of a side of a red.
    async fn again(
        &self,
        tails: &[Tail<'_>],
        tried: &[Red],
        red: usize,
        side: usize,
        ordinal: u32,
    ) -> Option<Attempt> {
        let red = tried.get(red)?;
        let tail = tails.get(red.nth)?;
        if side != 0 {
            return Some(self.sample(&tail.fresh(tail.case), ordinal).await);
        }
        let mut attempt = self.sample(&tail.fresh(&red.base), ordinal).await;
        let sample = &mut attempt.sample;
        let replay = &sample.replay;
        let has_asked = replay.served + replay.live + replay.refused > 0;
        if sample.fault.is_none() && sample.is_crash() && !has_asked {
            let exit = sample.exit.unwrap_or_default();
            let why = format!(
                "the agent of the base exited with status {exit} before its first model call"
            );
            sample.fault = Some(Fault::new(FaultKind::Harness, why));
        }
        Some(attempt)
    }
}

/// Returns what is tried again, with the base made ready: the forks that are red, and all where they are red together.
async fn reds(
    tails: &[Tail<'_>],
    runs: &[ForkRun],
    is_part: bool,
    progress: &dyn Progress,
) -> Vec<Red> {
    let together = suite(runs.iter().map(|run| &run.evidence));
    let together = together.iter().any(|test| {
        // A part of a run knows too little to say whether all of it is red.
        let may_be_red = is_part && test.head < test.base - test.margin;
        may_be_red || test.verdict == Some(Verdict::Regressed)
    });
    let mut reds = Vec::new();
    for (nth, (tail, run)) in tails.iter().zip(runs).enumerate() {
        let is_alone = is_red(run);
        let is_tried = is_alone || together && has_part(run);
        if let Some(base) = tail.case.base.as_ref().filter(|_base| is_tried) {
            let last = run.evidence.samples.len();
            reds.push((nth, base, count(last), is_alone));
        }
    }
    if reds.is_empty() {
        return Vec::new();
    }
    progress.confirm(reds.len(), together);
    let mut tried = Vec::new();
    for (nth, base, last, is_alone) in reds {
        let Some(tail) = tails.get(nth) else { continue };
        let ready = base.make_ready().await;
        let base = Case {
            agent: base.agent.clone(),
            unready: ready.err(),
            ..tail.case.clone()
        };
        let runs = [Vec::new(), Vec::new()];
        tried.push(Red {
            nth,
            base,
            last,
            is_alone,
            runs,
        });
    }
    tried
}

/// Returns whether a fork has a part in what all baselines say together, and was not as bad when it was accepted.
fn has_part(run: &ForkRun) -> bool {
    let verdict = decide_fork(&run.evidence).verdict;
    run.evidence.is_gating
        && verdict.is_covered()
        && verdict != Verdict::PreExisting
        && !run.evidence.sides().is_empty()
}

/// Returns whether a fork is red by what its samples came to, and counts.
pub(super) fn is_red(run: &ForkRun) -> bool {
    let verdict = decide_fork(&run.evidence).verdict;
    run.evidence.is_gating && matches!(verdict, Verdict::Broken | Verdict::Regressed)
}
