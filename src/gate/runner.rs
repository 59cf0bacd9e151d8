//! Runs baselines: replays each against the current agent, dry first, and live where that is needed.
//!
//! The dry pass goes all the way on the recording and proves an unaffected baseline at 0 tokens. Only
//! where it doesn't, and live runs are allowed, the forks run live.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::watch;

use super::answers::{Answers, Remembering};
use super::budget::{Budget, Capped, Cashier};
use super::confirm::BaseAgent;
use super::evidence;
use super::input::{Fault, FaultKind, ForkInput, Mode, Sample, USUAL_ALPHA, USUAL_MARGIN};
use super::reference::trajectory;
use super::schedule::Stop;
use super::surroundings::{Judges, Surroundings};
use crate::agent::{AgentSpec, Ended};
use crate::baseline::{Baseline, Evidence};
use crate::check::{self, CheckContext, CheckResult};
use crate::model::{Call, ContentId, ForkPoint, SampleRange, Thread, Timeline};
use crate::price::PriceTable;
use crate::proxy::{Backend, Options};
use crate::record::Recorder;
use crate::redact::Redactor;
use crate::replay::{
    AnswerFrom, Driven, Fork, Keys, Plan, Recording, Replay, Rules, Timing, drive, not_printed,
    resolve,
};
use crate::wire::Parser;

/// A baseline with its recording.
#[derive(Debug, Clone)]
pub struct Case {
    /// What people wrote about it.
    pub baseline: Baseline,
    /// The recorded input; `None` where the command holds it.
    pub input: Option<String>,
    /// How the agent is run.
    pub agent: AgentSpec,
    /// Where its final answer is read.
    pub output: AnswerFrom,
    /// The timeline that is held up as right.
    pub reference: Arc<Timeline>,
    /// The agent's name, where one is configured.
    pub agent_name: Option<String>,
    /// The hash of the recording.
    pub recording: ContentId,
    /// What was accepted; `None` where nothing was.
    pub accepted: Option<Evidence>,
    /// What was accepted, where the judge of now has judged it.
    pub rejudged: Option<Evidence>,
    /// Whether it counts for the run's verdict.
    pub is_gating: bool,
    /// Whether the change brings it: it can fail, and has no part in what others come to.
    pub is_new: bool,
    /// How many samples of a fork run live; `None` takes what the [`Runner`] says.
    pub samples: Option<SampleRange>,
    /// Why its agent can't be run, where what has to be done before failed.
    pub unready: Option<String>,
    /// The agent of the base, which reds are tried again on; `None` where there is none.
    pub base: Option<BaseAgent>,
}

impl Case {
    /// Returns what was accepted, where a run may be compared with it.
    pub fn comparable(&self) -> Option<&Evidence> {
        let name = self.agent_name.as_deref();
        let known = self.rejudged.as_ref().or(self.accepted.as_ref());
        known.filter(|known| known.comparable_with(name, self.recording).is_none())
    }
}

/// How cases are run.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Runner {
    /// The rules of the replays.
    pub rules: Arc<Rules>,
    /// What requests are compared by.
    pub keys: Arc<Keys>,
    /// What is taken out before anything is compared.
    pub redactor: Arc<Redactor>,
    /// Where live calls go; `None` runs everything offline.
    pub backend: Option<Arc<dyn Backend>>,
    /// Makes the options of a listener, with a fresh token each.
    pub listen: Box<dyn Fn() -> Options + Send + Sync>,
    /// When recorded answers are served.
    pub timing: Timing,
    /// Whether requests with a credential of the agent's own are refused.
    pub strict_keys: bool,
    /// Whether the agent's clock goes on from the start of the recording.
    pub clock: bool,
    /// Who scores answers.
    pub judges: Arc<dyn Judges>,
    /// What model calls cost, for budgets.
    pub prices: Arc<PriceTable>,
    /// How many samples of a fork run live where its baseline doesn't say.
    pub samples: SampleRange,
    /// How likely a false alarm may be in a run, from 0 to 0.5.
    pub alpha: f64,
    /// By how much a share or a mean score must be worse to count, from 0 to 1.
    pub margin: f64,
    /// Of how many forks and baselines a run is of which this is a part, by [`most_tests`](super::most_tests); `None` where
    /// it is the whole.
    pub whole: Option<(u32, u32)>,
    /// How many unchanged forks run live beside those that changed, as a control; 0 for no control at all.
    pub aa: u32,
    /// How many agents run at once; at least 1.
    pub jobs: usize,
    /// What live calls may cost.
    pub budget: Arc<Budget>,
    /// What earlier runs got to hear live; `None` asks anew each time.
    pub answers: Option<Arc<Answers>>,
    /// Whether the first failure ends the run.
    pub fail_fast: bool,
    /// Says that the run ends early.
    pub stop: watch::Sender<Option<Stop>>,
}

/// One fork of a case, as it was run.
#[derive(Debug)]
pub struct ForkRun {
    /// The facts for the verdict.
    pub evidence: ForkInput,
    /// The timelines of the samples, in order; `None` where the agent could not be run.
    pub timelines: Vec<Option<Timeline>>,
    /// The conversations of requests that the first sample was refused.
    pub refused: Vec<Thread>,
    /// The end of what the agent wrote to standard error in the first sample that failed.
    pub log: String,
    /// How long its samples took, added up, in milliseconds.
    pub took_ms: u64,
    /// The timelines of the samples that tried it again.
    pub confirming: Vec<Timeline>,
}

impl ForkRun {
    /// Returns a fork of which these are the samples; `min` of them must be measured.
    pub(super) fn new(case: &Case, fork: &ForkPoint, attempts: &[Attempt], min: u32) -> Self {
        let samples: Vec<Sample> = attempts.iter().map(|one| one.sample.clone()).collect();
        let is_live = samples.iter().any(|sample| sample.mode == Mode::Live);
        let step = match resolve(fork, &case.reference) {
            Ok(Fork::At(step)) if is_live => Some(step),
            Ok(_) | Err(_) => None,
        };
        let logs = attempts.iter().map(|one| one.log.as_str());
        Self {
            evidence: ForkInput {
                baseline: case.baseline.name.clone(),
                fork: fork.to_string(),
                step,
                is_gating: case.is_gating,
                min_samples: min,
                tests: 0,
                sessions: 0,
                max_samples: 0,
                alpha: USUAL_ALPHA,
                margin: USUAL_MARGIN,
                noise: std::collections::BTreeMap::new(),
                sample_cost_micro_usd: None,
                accepted: evidence::accepted(case, fork, &samples),
                accepted_results: evidence::accepted_results(case, fork),
                accepted_scores: evidence::accepted_scores(case, fork),
                unheard: Vec::new(),
                samples,
                confirmation: None,
            },
            timelines: attempts.iter().map(|one| one.timeline.clone()).collect(),
            refused: attempts
                .first()
                .map(|one| one.refused.clone())
                .unwrap_or_default(),
            log: logs
                .into_iter()
                .find(|log| !log.is_empty())
                .unwrap_or_default()
                .to_owned(),
            took_ms: attempts.iter().map(|one| one.took_ms).sum(),
            confirming: Vec::new(),
        }
    }

    /// Returns the timeline of the first sample that has one.
    pub fn timeline(&self) -> Option<&Timeline> {
        self.timelines.iter().flatten().next()
    }
}

/// What of a fork is run live.
#[derive(Clone, Copy)]
pub(super) struct Live<'c> {
    pub(super) fork: &'c ForkPoint,
    /// The number of the sample, from 1.
    pub(super) ordinal: u32,
    /// Whether what was heard before counts for nothing.
    pub(super) is_fresh: bool,
}

/// What one run of the agent came to.
pub(super) struct Attempt {
    /// The number of the sample, from 1; 0 of a dry run.
    pub(super) ordinal: u32,
    pub(super) sample: Sample,
    pub(super) timeline: Option<Timeline>,
    refused: Vec<Thread>,
    pub(super) log: String,
    took_ms: u64,
}

impl Attempt {
    /// Puts it among others by its number: they end in any order.
    pub(super) fn put_into(self, taken: &mut Vec<Self>) {
        let before = taken.partition_point(|one| one.ordinal < self.ordinal);
        taken.insert(before, self);
    }
}

impl Runner {
    /// Runs the agent once: live from `fork` on, or dry where there is none.
    pub(super) async fn attempt(
        &self,
        case: &Case,
        recording: &Arc<Recording>,
        live: Option<Live<'_>>,
    ) -> Attempt {
        let fork = live.map(|live| live.fork);
        let (begun, began_at) = (Instant::now(), SystemTime::now());
        let stopped = *self.stop.borrow();
        if let Some(stop) = stopped {
            let mode = fork.map_or(Mode::Offline, |_fork| Mode::Live);
            return not_run(case, mode, FaultKind::Stopped, stop.to_string());
        }
        let capped = fork.and_then(|_fork| {
            let backend = Arc::clone(self.backend.as_ref()?);
            Some(Arc::new(Capped::new(backend, Arc::clone(&self.budget))))
        });
        let way = live.zip(capped.clone());
        let way = way.map(|(live, capped)| (live, self.way_out(case, live, capped)));
        let mut agent = case.agent.clone();
        let ordinal = live.map_or(0, |live| live.ordinal);
        let variable = (SAMPLE.to_owned(), ordinal.to_string());
        agent.environment.set([variable]);
        let redactor = self.redactor.of_session();
        let driven = self.driven(case, &agent, recording, way, &redactor).await;
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mode = if fork.is_some() {
            Mode::Live
        } else {
            Mode::Offline
        };
        let mut attempt = match driven {
            Ok(driven) => {
                let log = redactor.text(&tail(&driven.ended)).into_owned();
                match self.judged(case, driven, began_at, redactor).await {
                    Ok(judged) => Attempt {
                        log,
                        ..measured(case, judged, mode, took_ms)
                    },
                    Err(message) => unmeasured(case, message, mode, took_ms),
                }
            }
            Err(message) => {
                let message = redactor.text(&message).into_owned();
                unmeasured(case, message, mode, took_ms)
            }
        };
        if let Some(cap) = capped.and_then(|capped| capped.refused()) {
            attempt.sample.fault = Some(Fault::new(FaultKind::Budget, cap));
        }
        if *self.stop.borrow() == Some(Stop::Interrupted) {
            let fault = Fault::new(FaultKind::Stopped, Stop::Interrupted.to_string());
            attempt.sample.fault = Some(fault);
        }
        attempt
    }

    /// Returns where the live calls of a sample go: first to what was heard before, where that is kept.
    fn way_out(&self, case: &Case, live: Live<'_>, capped: Arc<Capped>) -> Arc<dyn Backend> {
        let answers = self.answers.as_ref().filter(|_answers| !live.is_fresh);
        let Some(answers) = answers else {
            return capped;
        };
        let tail = [
            &case.baseline.name,
            &case.recording.to_string(),
            &live.fork.to_string(),
            &live.ordinal.to_string(),
        ];
        let tail = tail.map(String::as_str);
        Arc::new(Remembering::new(capped, Arc::clone(answers), &tail))
    }

    async fn driven(
        &self,
        case: &Case,
        agent: &AgentSpec,
        recording: &Arc<Recording>,
        live: Option<(Live<'_>, Arc<dyn Backend>)>,
        redactor: &Arc<Redactor>,
    ) -> Result<Driven, String> {
        if let Some(why) = &case.unready {
            return Err(why.clone());
        }
        let fork = live.as_ref().map(|(live, _backend)| live.fork);
        let address = fork.cloned().unwrap_or(ForkPoint::Auto);
        let resolved = match fork {
            Some(fork) => resolve(fork, &case.reference).map_err(|error| error.to_string())?,
            None => Fork::Never,
        };
        let plan = Plan {
            recording: Arc::clone(recording),
            rules: Arc::clone(&self.rules),
            fork: resolved,
            address,
            label: "candidate".to_owned(),
            backend: live.map(|(_live, backend)| backend),
            timing: self.timing,
            output: case.output.clone(),
            strict_keys: self.strict_keys,
            clock: self.clock,
        };
        let parser = Arc::new(Parser::new(Arc::clone(redactor) as _));
        let recorder = Arc::new(Recorder::new(
            parser,
            Arc::clone(redactor),
            Arc::new(Cashier(Arc::clone(&self.budget))),
        ));
        let replay = Replay::start(plan, recorder, (self.listen)()).await;
        let replay = replay.map_err(|error| error.to_string())?;
        drive(replay, agent, case.input.as_deref(), self.interrupted())
            .await
            .map_err(|error| error.to_string())
    }
}

/// A run with what the checks say of it.
struct Judged {
    timeline: Timeline,
    refused: Vec<Thread>,
    printed: Option<bool>,
    ended: Ended,
    checks: Vec<CheckResult>,
}

impl Runner {
    /// Runs the checks, away from the threads that serve the agents: programs may take their time.
    async fn judged(
        &self,
        case: &Case,
        driven: Driven,
        began_at: SystemTime,
        redactor: Arc<Redactor>,
    ) -> Result<Judged, String> {
        let Driven {
            finished,
            ended,
            run_dir,
        } = driven;
        let surroundings =
            Surroundings::new(&case.agent, redactor, tokio::runtime::Handle::current())
                .of_run(&case.agent, &run_dir, began_at)
                .with_judges(Arc::clone(&self.judges));
        let definitions = case.baseline.definition.checks.clone();
        let (reference, prices) = (Arc::clone(&case.reference), Arc::clone(&self.prices));
        let judging = tokio::task::spawn_blocking(move || {
            let context = CheckContext {
                refused: &finished.refused,
                is_complete: finished.refused.is_empty(),
                prices: &prices,
                outside: &surroundings,
                ..CheckContext::new(&reference, &finished.timeline)
            };
            let checks = check::run(&definitions, &context);
            drop(run_dir);
            Judged {
                checks,
                timeline: finished.timeline,
                refused: finished.refused,
                printed: finished.printed,
                ended,
            }
        });
        judging
            .await
            .map_err(|_error| "the checks broke off; please report this".to_owned())
    }
}

fn measured(case: &Case, judged: Judged, mode: Mode, took_ms: u64) -> Attempt {
    let Judged {
        mut timeline,
        refused,
        printed,
        ended,
        checks,
    } = judged;
    let mut replay = timeline.replay.clone().unwrap_or_default();
    // Who was refused an answer has none to print.
    if printed == Some(false) && replay.refused == 0 && evidence::has_printed(case) {
        replay.is_unaffected = false;
        replay.divergences.push(not_printed());
        timeline.replay = Some(replay.clone());
    }
    let sample = Sample {
        mode,
        exit: Some(ended.exit),
        recorded_exit: case.reference.outcome.exit,
        fault: provider_fault(&timeline),
        printed,
        is_same_trajectory: trajectory(&case.reference) == trajectory(&timeline),
        checks,
        replay,
    };
    Attempt {
        ordinal: 0,
        sample,
        timeline: Some(timeline),
        refused,
        log: String::new(),
        took_ms,
    }
}

/// Returns an attempt that was not made.
pub(super) fn not_run(case: &Case, mode: Mode, kind: FaultKind, why: String) -> Attempt {
    let mut attempt = unmeasured(case, String::new(), mode, 0);
    attempt.sample.fault = Some(Fault::new(kind, why));
    attempt
}

fn unmeasured(case: &Case, message: String, mode: Mode, took_ms: u64) -> Attempt {
    let sample = Sample {
        mode,
        replay: crate::model::ReplayReport::default(),
        exit: None,
        recorded_exit: case.reference.outcome.exit,
        fault: Some(Fault::new(FaultKind::Harness, message)),
        printed: None,
        is_same_trajectory: false,
        checks: Vec::new(),
    };
    Attempt {
        ordinal: 0,
        sample,
        timeline: None,
        refused: Vec::new(),
        log: String::new(),
        took_ms,
    }
}

/// Returns the fault of a live call that the provider refused for reasons of its own.
fn provider_fault(timeline: &Timeline) -> Option<Fault> {
    let is_providers = |call: &Call| {
        call.served.is_none() && matches!(call.exchange.status, 401..=403 | 429 | 500..=599)
    };
    let (step, call) = timeline
        .model_steps()
        .find(|(_step, call)| is_providers(call))?;
    let said = call
        .response
        .error
        .as_ref()
        .map_or("", |error| error.message.as_str());
    Some(Fault {
        kind: FaultKind::Provider,
        message: format!(
            "the provider answered step {} with status {}",
            step.number, call.exchange.status
        ),
        said: said.to_owned(),
    })
}

/// Tells the agent the number of the sample, from 1; 0 in the dry run.
const SAMPLE: &str = "REWIND_SAMPLE";

/// The most characters of the agent's standard error that are kept.
const LOG_CHARS: usize = 2_000;

/// Returns the end of what an agent that failed wrote, and what went wrong around any agent.
fn tail(ended: &Ended) -> String {
    let mut text = match ended.exit {
        0 => String::new(),
        _ => String::from_utf8_lossy(&ended.stderr).into_owned(),
    };
    for fault in &ended.faults {
        text.push_str(fault);
        text.push('\n');
    }
    let skip = text.chars().count().saturating_sub(LOG_CHARS);
    text.chars().skip(skip).collect()
}
