//! What of a run comes when: all dry runs first, then the tails that go live, within the caps.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt as _};

use super::confirm::is_red;
use super::evidence::{accepted_costs, accepted_results};
use super::fork::decide_fork;
use super::input::{FaultKind, Mode, Sample};
use super::level::LEAST_BASE;
use super::noise::Noise;
use super::numbers::count;
use super::plan::{LivePlan, costly, estimate};
use super::reference::paid_from;
use super::rounds::next_round;
use super::runner::{Attempt, Case, ForkRun, Live, Runner, not_run};
use super::sampled::is_open;
use super::verdict::Shown;
use crate::model::{DivergenceKind, ForkPoint, MicroUsd, SampleRange};
use crate::replay::{Fork, Recording, Tally, Unheard, resolve, unheard};

/// Why a run ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The first failure ends it.
    Failed,
    /// Someone pressed Ctrl-C; agents under way are ended, too.
    Interrupted,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "not run: another fork had failed, and `--fail-fast` was given",
            Self::Interrupted => "not run to its end: the gate was interrupted",
        })
    }
}

/// Is told how a run goes on.
pub trait Progress {
    /// So many of so many have ended, the last one this.
    fn done(&self, done: usize, total: usize, name: &str);

    /// The dry runs have ended, and this is about to go live.
    fn live(&self, plan: &LivePlan);

    /// So many forks are tried again beside the base: those that are red, or all where they are red together.
    fn confirm(&self, _forks: usize, _together: bool) {}
}

/// What the cases came to.
#[derive(Debug)]
pub struct Ran {
    /// The forks of each case, in the order of the cases.
    pub forks: Vec<Vec<ForkRun>>,
    /// What unchanged forks differ by today; `None` where nothing went live, or none could be held against itself.
    pub noise: Option<Noise>,
}

/// The dry run of a case.
pub(super) struct Dry {
    pub(super) recording: Arc<Recording>,
    pub(super) attempt: Attempt,
}

/// A fork that has to run live.
#[derive(Clone)]
pub(super) struct Tail<'c> {
    pub(super) case: &'c Case,
    fork: &'c ForkPoint,
    recording: Arc<Recording>,
    pub(super) estimate: Tally,
    /// What changed and is put to the model by no fork of the baseline, in words.
    unheard: Arc<[String]>,
    /// How many gating forks run live.
    tests: u32,
    /// Of how many baselines these are.
    sessions: u32,
    /// Whether what was heard before counts for nothing.
    is_fresh: bool,
}

impl<'c> Tail<'c> {
    /// Returns what a sample costs at most in nine of ten runs.
    pub(super) fn p90(&self) -> MicroUsd {
        costly(self.estimate.cost, &accepted_costs(self.case, self.fork))
    }

    /// Returns it with the agent of this case, and without what was heard before.
    pub(super) fn fresh(&self, case: &'c Case) -> Self {
        Self {
            case,
            is_fresh: true,
            ..self.clone()
        }
    }
}

impl Runner {
    /// Runs all cases, `jobs` at once.
    ///
    /// All dry runs come first, so that what is to go live is known before the first live call.
    ///
    /// Where a case goes live whose judge changed, what was accepted of it is judged anew before.
    pub async fn run(&self, cases: &mut [Case], progress: &dyn Progress) -> Ran {
        let jobs = self.jobs.max(1);
        let done = AtomicUsize::new(0);
        let tell = |total: usize, name: &str| {
            progress.done(done.fetch_add(1, Ordering::Relaxed) + 1, total, name);
        };
        let tell = &tell;
        // In the order in which they end: one slow agent must not keep the others from starting.
        let all = cases.len();
        let mut dry: Vec<(usize, Dry)> = stream::iter(cases.iter().enumerate())
            .map(|(nth, case)| async move {
                let dry = self.dry(case).await;
                tell(all, &case.baseline.name);
                (nth, dry)
            })
            .buffer_unordered(jobs)
            .collect()
            .await;
        dry.sort_by_key(|(nth, _dry)| *nth);
        let dry: Vec<Dry> = dry.into_iter().map(|(_nth, dry)| dry).collect();
        for (case, dry) in cases.iter_mut().zip(&dry) {
            if !self.tails(case, dry).is_empty() {
                self.rejudge(case).await;
            }
        }
        let cases = &*cases;
        let mut tails: Vec<Tail<'_>> = cases
            .iter()
            .zip(&dry)
            .flat_map(|(case, dry)| self.tails(case, dry))
            .collect();
        self.share(&mut tails);
        let unchanged = if tails.is_empty() {
            Vec::new()
        } else {
            self.unchanged(cases, &dry)
        };
        if !tails.is_empty() {
            let plan = self.live_plan(&dry, &tails);
            progress.live(&self.with_control(plan, &unchanged));
        }
        let mut runs = self.sampled(&tails, progress).await;
        self.confirm(&tails, &mut runs, progress).await;
        // Last, so that it takes no money from what changed.
        let control = self.control(&unchanged, progress).await;
        let noise = self.controlled(control, &mut runs);
        let mut runs = tails.iter().zip(runs).peekable();
        let mut all = Vec::with_capacity(cases.len());
        for (case, dry) in cases.iter().zip(&dry) {
            let mut forks = Vec::new();
            while let Some((_tail, run)) =
                runs.next_if(|(tail, _run)| std::ptr::eq(tail.case, case))
            {
                forks.push(run);
            }
            if forks.is_empty() {
                let points = case.baseline.definition.forks.iter();
                let dry = std::slice::from_ref(&dry.attempt);
                forks = points
                    .map(|fork| self.held_to(ForkRun::new(case, fork, dry, 1)))
                    .collect();
            }
            all.push(forks);
        }
        Ran { forks: all, noise }
    }

    /// Says of each tail with how many it shares the chance of a false alarm. What is new in the change has no part in what
    /// others come to.
    fn share(&self, tails: &mut [Tail<'_>]) {
        let gating = || tails.iter().filter(|tail| tail.case.is_gating);
        let known = || gating().filter(|tail| !tail.case.is_new);
        let names: BTreeSet<&str> = known()
            .filter(|tail| has_base(tail.case, tail.fork))
            .map(|tail| tail.case.baseline.name.as_str())
            .collect();
        let (all, old, sessions) = match self.whole {
            // The other parts of the run have the same share, whatever goes live there.
            Some((tests, sessions)) => (tests, tests, sessions),
            None => (
                count(gating().count()),
                count(known().count()),
                count(names.len()),
            ),
        };
        for tail in tails {
            (tail.tests, tail.sessions) = if tail.case.is_new {
                (all, 0)
            } else {
                (old, sessions)
            };
        }
    }

    pub(super) async fn dry(&self, case: &Case) -> Dry {
        let now = jiff::Timestamp::now();
        let recording = Arc::new(Recording::new(&case.reference, Arc::clone(&self.keys), now));
        let attempt = self.attempt(case, &recording, None).await;
        if self.backend.is_none() {
            for fork in &case.baseline.definition.forks {
                self.stop_at(&ForkRun::new(case, fork, std::slice::from_ref(&attempt), 1));
            }
        }
        Dry { recording, attempt }
    }

    /// Returns the forks of a case that have to run live.
    fn tails<'c>(&self, case: &'c Case, dry: &Dry) -> Vec<Tail<'c>> {
        let sample = &dry.attempt.sample;
        let is_known = sample.replay.is_unaffected || sample.differs_in_print_alone();
        if is_known || self.backend.is_none() || sample.fault.is_some() {
            return Vec::new();
        }
        let forks = &case.baseline.definition.forks;
        let unheard = unheard_by(forks, case, dry);
        let needs_auto = !unheard.is_empty() || needs_auto(forks, sample);
        // Where there is `auto`, it goes live and puts it to the model.
        let unheard: Arc<[String]> = if forks.contains(&ForkPoint::Auto) {
            Arc::default()
        } else {
            unheard.iter().map(unheard_why).collect()
        };
        forks
            .iter()
            .filter(|fork| **fork != ForkPoint::Auto || needs_auto)
            .map(|fork| self.tail(case, fork, dry, &unheard))
            .collect()
    }

    pub(super) fn tail<'c>(
        &self,
        case: &'c Case,
        fork: &'c ForkPoint,
        dry: &Dry,
        unheard: &Arc<[String]>,
    ) -> Tail<'c> {
        let from = paid_from(&fork.to_string(), &case.reference);
        Tail {
            unheard: Arc::clone(unheard),
            tests: 0,
            sessions: 0,
            is_fresh: false,
            case,
            fork,
            recording: Arc::clone(&dry.recording),
            estimate: estimate(&case.reference, from, &self.prices),
        }
    }

    /// Runs as many samples of each tail as its verdict needs.
    pub(super) async fn sampled(
        &self,
        tails: &[Tail<'_>],
        progress: &dyn Progress,
    ) -> Vec<ForkRun> {
        let mut taken: Vec<Vec<Attempt>> = tails.iter().map(|_tail| Vec::new()).collect();
        let (mut done, mut total) = (0, 0);
        loop {
            let runs: Vec<(ForkRun, SampleRange)> = tails
                .iter()
                .zip(&taken)
                .map(|(tail, taken)| (self.fork_run(tail, taken), self.range(tail.case)))
                .collect();
            let forks: Vec<_> = runs
                .iter()
                .map(|(run, range)| (&run.evidence, *range))
                .collect();
            let more = next_round(&forks);
            let round: Vec<(usize, &Tail<'_>, u32)> = tails
                .iter()
                .zip(&taken)
                .zip(more)
                .enumerate()
                .flat_map(|(nth, ((tail, taken), more))| {
                    let from = count(taken.len());
                    (from + 1..=from + more).map(move |ordinal| (nth, tail, ordinal))
                })
                .collect();
            if round.is_empty() {
                break;
            }
            total += round.len();
            let mut samples =
                stream::iter(round)
                    .map(|(nth, tail, ordinal)| async move {
                        (nth, tail, self.sample(tail, ordinal).await)
                    })
                    .buffer_unordered(self.jobs.max(1));
            while let Some((nth, tail, attempt)) = samples.next().await {
                done += 1;
                progress.done(done, total, &tail.case.baseline.name);
                if let Some(taken) = taken.get_mut(nth) {
                    attempt.put_into(taken);
                    let run = self.fork_run(tail, taken);
                    let is_last = tail.case.base.is_none() || !is_red(&run);
                    if is_last && !is_open(&run.evidence, self.range(tail.case)) {
                        self.stop_at(&run);
                    }
                }
            }
        }
        let runs = tails.iter().zip(&taken);
        runs.map(|(tail, taken)| self.fork_run(tail, taken))
            .collect()
    }

    /// Returns what the tails come to.
    pub(super) fn live_plan(&self, dry: &[Dry], tails: &[Tail<'_>]) -> LivePlan {
        let affected = dry
            .iter()
            .filter(|dry| !dry.attempt.sample.replay.is_unaffected);
        let plan = LivePlan {
            affected: count(affected.count()),
            baselines: count(dry.len()),
            tails: count(tails.len()),
            ..LivePlan::default()
        };
        tails.iter().fold(plan, |plan, tail| {
            let range = self.range(tail.case);
            let p90 = tail.p90();
            let times = u64::from(range.min());
            LivePlan {
                samples: plan.samples.saturating_add(range.min()),
                most_samples: plan.most_samples.saturating_add(range.max()),
                estimate: (0..times).fold(plan.estimate, |sum, _nth| sum + tail.estimate),
                p90: plan.p90 + MicroUsd(p90.0.saturating_mul(times)),
                ..plan
            }
        })
    }

    /// Returns how many samples of a fork of this case run live.
    pub(super) fn range(&self, case: &Case) -> SampleRange {
        case.samples.unwrap_or(self.samples)
    }

    pub(super) fn fork_run(&self, tail: &Tail<'_>, taken: &[Attempt]) -> ForkRun {
        let range = self.range(tail.case);
        let mut run = ForkRun::new(tail.case, tail.fork, taken, range.min());
        run.evidence.unheard = tail.unheard.to_vec();
        run.evidence.tests = tail.tests;
        run.evidence.sessions = tail.sessions;
        run.evidence.max_samples = range.max();
        run.evidence.sample_cost_micro_usd = Some(tail.estimate.cost);
        self.held_to(run)
    }

    /// Returns a fork with what this run holds it to.
    fn held_to(&self, mut run: ForkRun) -> ForkRun {
        run.evidence.alpha = self.alpha;
        run.evidence.margin = self.margin;
        run
    }

    pub(super) async fn sample(&self, tail: &Tail<'_>, ordinal: u32) -> Attempt {
        let mut attempt = match self.budget.reserve(tail.estimate) {
            Ok(_reserved) => {
                let live = Live {
                    fork: tail.fork,
                    ordinal,
                    is_fresh: tail.is_fresh,
                };
                self.attempt(tail.case, &tail.recording, Some(live)).await
            }
            Err(why) => not_run(tail.case, Mode::Live, FaultKind::Budget, why),
        };
        attempt.ordinal = ordinal;
        attempt
    }

    /// Stops the run where it is to end with the first failure, and this is one.
    pub(super) fn stop_at(&self, run: &ForkRun) {
        let is_failure = || decide_fork(&run.evidence).verdict.row().shown == Shown::Fail;
        if self.fail_fast && run.evidence.is_gating && is_failure() {
            self.stop.send_if_modified(|stop| {
                let is_first = stop.is_none();
                if is_first {
                    *stop = Some(Stop::Failed);
                }
                is_first
            });
        }
    }

    /// Ends when the run is interrupted.
    pub(super) fn interrupted(&self) -> impl Future<Output = ()> + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            let interrupted = stop.wait_for(|stop| *stop == Some(Stop::Interrupted));
            if interrupted.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Returns how many forks of these cases can be tested, and of how many baselines with accepted samples: what the parts of a
/// run share the chance of a false alarm by.
pub fn most_tests<'c>(cases: impl Iterator<Item = &'c Case>) -> (u32, u32) {
    let (mut tests, mut sessions) = (0, 0);
    for case in cases.filter(|case| case.is_gating) {
        let forks = &case.baseline.definition.forks;
        // Beside others `auto` rarely runs.
        let explicit = forks.iter().filter(|fork| **fork != ForkPoint::Auto);
        tests += count(explicit.count()).max(1);
        let is_session = !case.is_new && forks.iter().any(|fork| has_base(case, fork));
        sessions += u32::from(is_session);
    }
    (tests, sessions)
}

fn has_base(case: &Case, fork: &ForkPoint) -> bool {
    accepted_results(case, fork).len() >= LEAST_BASE
}

/// Returns what changed in the dry run and is put to the model by none of the explicit forks.
fn unheard_by(forks: &[ForkPoint], case: &Case, dry: &Dry) -> Vec<Unheard> {
    let explicit: Vec<Fork> = forks
        .iter()
        .filter(|fork| **fork != ForkPoint::Auto)
        .filter_map(|fork| resolve(fork, &case.reference).ok())
        .collect();
    let timeline = dry.attempt.timeline.as_ref();
    timeline
        .map(|timeline| unheard(timeline, &dry.recording, &explicit))
        .unwrap_or_default()
}

fn unheard_why(unheard: &Unheard) -> String {
    let Unheard { agent, drift, step } = unheard;
    format!(
        "no fork puts the changed {drift} of {agent} (step {step}) to the model: \
         add \"{}\" or \"auto\" to `forks` in baseline.toml",
        ForkPoint::Agent(agent.clone())
    )
}

/// Returns whether `auto` runs live: where it stands alone, or the history went another way.
///
/// Beside an explicit fork it else only proves baselines unaffected: what a changed treatment does is
/// measured from the explicit fork on, unless that agent is not asked any more behind it.
fn needs_auto(forks: &[ForkPoint], dry: &Sample) -> bool {
    let is_alone = forks.iter().all(|fork| *fork == ForkPoint::Auto);
    is_alone
        || dry.replay.divergences.iter().any(|divergence| {
            matches!(
                divergence.kind,
                DivergenceKind::History | DivergenceKind::Extra
            )
        })
}
