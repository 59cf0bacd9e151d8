//! The facts that a verdict is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::confirmation::Confirmation;
use crate::baseline::Said;
use crate::check::{CheckResult, Outcome, Severity};
use crate::model::{DivergenceKind, Drift, MicroUsd, ReplayReport, StepIndex};
use crate::stats::Passes;

/// Whether anything could go live.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing could: what did not match was refused.
    Offline,
    /// What lay behind the fork went to the model.
    Live,
}

/// What kept a sample from being measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Rewind itself, or the machine: no port, no such command, no room.
    Harness,
    /// The provider: unreachable, overloaded, out of credit.
    Provider,
    /// The judge.
    Judge,
    /// A limit on money, tokens or time was reached.
    Budget,
    /// The replay was stopped on purpose at a place that may not be passed.
    Halted,
    /// The run was stopped before it came to this.
    Stopped,
}

/// A fault that is not the agent's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Whose fault it is.
    pub kind: FaultKind,
    /// What happened, in one sentence without content.
    pub message: String,
    /// What the other side said; may quote content.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
}

impl Fault {
    /// Returns a fault of which one sentence says everything.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            said: String::new(),
        }
    }
}

/// One run of one fork.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Whether anything could go live.
    pub mode: Mode,
    /// What the replay found out.
    pub replay: ReplayReport,
    /// The agent's exit status; `None` where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The recorded exit status; `None` where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_exit: Option<i32>,
    /// What kept it from being measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Whether its standard output held its final answer; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<bool>,
    /// Whether it made the calls of the reference, whatever was said.
    pub is_same_trajectory: bool,
    /// What the checks found.
    pub checks: Vec<CheckResult>,
}

/// What the evidence that was accepted for this fork said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// The checks held; so it is taken where nothing was accepted yet.
    #[default]
    Passed,
    /// The checks did not hold, and that was accepted.
    Failed,
    /// It was made under other conditions; says which.
    Incomparable(String),
}

/// Everything that is known of one fork of one baseline.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkInput {
    /// The baseline's name.
    pub baseline: String,
    /// The address of the fork point.
    pub fork: String,
    /// The first step that was to run live; `None` for `auto` and offline runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepIndex>,
    /// Whether it counts for the run's verdict.
    pub is_gating: bool,
    /// How many samples must be measured.
    pub min_samples: u32,
    /// How many gating forks of the run were held against accepted samples; 0 where this one was not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tests: u32,
    /// Of how many baselines with more than one accepted sample these are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sessions: u32,
    /// How many samples are run at most; 0 where there is one run that decides alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub max_samples: u32,
    /// How likely a false alarm may be in a run, from 0 to 0.5.
    #[serde(default = "usual_alpha")]
    pub alpha: f64,
    /// By how much a share or a mean score must be worse to count, from 0 to 1.
    #[serde(default = "usual_margin")]
    pub margin: f64,
    /// By how much unchanged forks differ from their accepted samples today, by measure: [`PASSES`](super::PASSES), or the
    /// name of an evaluator.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub noise: BTreeMap<String, f64>,
    /// What one more sample costs, as recorded; `None` where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_cost_micro_usd: Option<MicroUsd>,
    /// What the accepted evidence said.
    #[serde(default)]
    pub accepted: Accepted,
    /// What each comparable accepted sample came to, in order: whether all gating checks held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_results: Vec<Said>,
    /// The scores of the accepted samples, in order, by the id of the check; only of checks that are defined now as they
    /// were then. `None` of a sample that was as recorded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accepted_scores: BTreeMap<String, Vec<Option<f64>>>,
    /// What changed before the fork and is put to the model by no fork of the baseline, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unheard: Vec<String>,
    /// The runs, in the order of their numbers.
    pub samples: Vec<Sample>,
    /// What came of trying it again beside the base; `None` where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
}

/// What one sample is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// It was not measured.
    Unmeasured,
    /// It left the recorded way and could not go on, so only a part was seen.
    Cut,
    /// It was made to follow the recording although the treatment changed.
    Forced,
    /// It is a whole run, good or bad.
    Whole,
}

impl ForkInput {
    /// Returns whether any of it ran live.
    pub fn is_live(&self) -> bool {
        let mut modes = self.samples.iter().map(|sample| sample.mode);
        modes.any(|mode| mode == Mode::Live)
    }

    /// Returns the runs that show the agent's whole behaviour.
    pub(super) fn whole(&self) -> impl Iterator<Item = &Sample> {
        self.samples
            .iter()
            .filter(|sample| sample.state() == State::Whole)
    }

    /// Returns by how much a measure must be worse to count: the margin, or what unchanged forks fell by today where that is
    /// more.
    pub(super) fn least(&self, measure: &str) -> f64 {
        self.margin.max(self.noise_of(measure))
    }

    /// Returns by how much unchanged forks fell today; 0 where it was tried again beside the base, which has the same day.
    pub(super) fn noise_of(&self, measure: &str) -> f64 {
        match self.confirmation {
            Some(_) => 0.0,
            None => self.noise.get(measure).copied().unwrap_or_default(),
        }
    }

    /// Returns how many whole runs passed and failed.
    pub fn candidate(&self) -> Passes {
        passes(self.whole().map(|sample| !sample.is_failing()))
    }

    /// Returns how many accepted samples passed and failed.
    pub(super) fn base(&self) -> Passes {
        passes(self.accepted_passes())
    }

    /// Returns whether each accepted sample passed, in order, where that is known.
    fn accepted_passes(&self) -> impl Iterator<Item = bool> {
        let known = self.accepted_results.iter();
        known.filter_map(|said| match said {
            Said::Passed => Some(true),
            Said::Failed => Some(false),
            Said::NotRun => None,
        })
    }

    /// Returns what [`PASSES`](super::PASSES) says of each accepted sample, in order.
    pub(super) fn accepted_shares(&self) -> Vec<f64> {
        self.accepted_passes().map(share_of).collect()
    }

    /// Returns what it says of each whole run of now, in order.
    pub(super) fn shares(&self) -> Vec<f64> {
        let holds = self.whole().map(|sample| !sample.is_failing());
        holds.map(share_of).collect()
    }
}

/// Returns what one run adds to a share.
fn share_of(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

fn passes(held: impl Iterator<Item = bool>) -> Passes {
    held.fold(Passes::default(), |mut sum, held| {
        if held {
            sum.passed += 1;
        } else {
            sum.failed += 1;
        }
        sum
    })
}

impl Sample {
    pub(super) fn state(&self) -> State {
        let is_refused = self.replay.refused > 0;
        match self.mode {
            _ if self.fault.is_some() => State::Unmeasured,
            Mode::Offline if is_refused => State::Cut,
            Mode::Live if is_refused => State::Unmeasured,
            Mode::Offline if self.has_treatment_drift() => State::Forced,
            Mode::Offline | Mode::Live if self.is_undecided() => State::Unmeasured,
            Mode::Offline | Mode::Live => State::Whole,
        }
    }

    /// Returns the gating checks that failed. Where a check may fail in some samples of many, one failure is none.
    pub(super) fn failures(&self) -> impl Iterator<Item = &CheckResult> {
        let failed = self.checks.iter().filter(|check| check.is_gating_failure());
        failed.filter(|check| {
            let is_violation = matches!(
                check.outcome,
                Outcome::Failed {
                    is_violation: true,
                    ..
                }
            );
            is_violation || check.k_of_n.is_none()
        })
    }

    /// Returns whether what a check found counts: of a run that was not measured, only what may never happen.
    /// That no answer came, and that a call failed, follows from what ended it.
    pub fn counts(&self, check: &CheckResult) -> bool {
        match &check.outcome {
            Outcome::Failed { is_violation, .. } => {
                *is_violation || self.state() != State::Unmeasured
            }
            Outcome::Passed { .. } | Outcome::NotRun { .. } => true,
        }
    }

    /// Returns whether something was found that may never happen.
    pub(super) fn violation(&self) -> Option<&CheckResult> {
        let is_final = match self.state() {
            // What fails although the run could not show all, no continuation can mend.
            State::Cut | State::Forced => true,
            State::Unmeasured | State::Whole => false,
        };
        self.failures().find(|check| {
            is_final
                || matches!(
                    check.outcome,
                    Outcome::Failed {
                        is_violation: true,
                        ..
                    }
                )
        })
    }

    /// Returns whether it is as recorded but for what it printed: no model has a part in that.
    pub(super) fn differs_in_print_alone(&self) -> bool {
        let ReplayReport {
            drift,
            divergences,
            refused,
            ..
        } = &self.replay;
        let mut kinds = divergences.iter().map(|divergence| divergence.kind);
        let is_print = kinds.all(|kind| kind == DivergenceKind::Printed);
        is_print && !divergences.is_empty() && drift.is_empty() && *refused == 0
    }

    /// Returns why it counts as one whose answer did not reach whoever asked; `None` where it did, or never does.
    pub(super) fn not_printed(&self) -> Option<&str> {
        let mut divergences = self.replay.divergences.iter();
        let printed = divergences.find(|divergence| divergence.kind == DivergenceKind::Printed);
        printed.map(|divergence| divergence.message.as_str())
    }

    /// Returns whether it ended at a tool that may not run.
    pub(super) fn is_halted(&self) -> bool {
        let mut divergences = self.replay.divergences.iter();
        divergences.any(|divergence| divergence.kind == DivergenceKind::Mutating)
    }

    /// Returns whether the agent failed where the recorded one did not.
    pub(super) fn is_crash(&self) -> bool {
        self.exit.is_some_and(|status| status != 0) && self.exit != self.recorded_exit
    }

    /// Returns whether it shows the agent failing; meaningful for whole and forced runs.
    pub(super) fn is_failing(&self) -> bool {
        self.is_crash() || self.failures().next().is_some()
    }

    /// Returns whether at least one check that counts held, or may fail in some samples.
    pub(super) fn has_gating_pass(&self) -> bool {
        self.checks.iter().any(|check| {
            let says_nothing = matches!(check.outcome, Outcome::NotRun { .. });
            let holds = matches!(check.outcome, Outcome::Passed { .. });
            check.severity == Severity::Gate && (holds || check.k_of_n.is_some() && !says_nothing)
        })
    }

    /// Returns the first check that counts and could not run.
    pub(super) fn not_run(&self) -> Option<&CheckResult> {
        self.checks.iter().find(|check| {
            check.severity == Severity::Gate && matches!(check.outcome, Outcome::NotRun { .. })
        })
    }

    /// Returns whether nothing failed, but a check that counts could not run.
    fn is_undecided(&self) -> bool {
        !self.is_failing() && self.not_run().is_some()
    }

    /// Returns whether something changed that may change what a model answers. A tool's result that
    /// the configuration takes for the recorded one does not.
    fn has_treatment_drift(&self) -> bool {
        self.replay.drift.iter().any(|drift| match drift {
            Drift::SystemPrompt | Drift::Tool { .. } | Drift::Model | Drift::Setting { .. } => true,
            Drift::ToolResult { .. } => false,
        })
    }
}

/// How likely a false alarm may be in a run, where nothing else is said.
pub const USUAL_ALPHA: f64 = 0.05;

/// By how much something must be worse to count, where nothing else is said.
pub const USUAL_MARGIN: f64 = 0.1;

/// How many unchanged forks run live beside those that changed, where nothing else is said.
pub const USUAL_AA: u32 = 2;

fn usual_alpha() -> f64 {
    USUAL_ALPHA
}

fn usual_margin() -> f64 {
    USUAL_MARGIN
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
