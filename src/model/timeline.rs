//! Timelines: the steps of one run, and how the run ended.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Ancillary, Call, Drift, Step, StepIndex};

/// Where a timeline was forked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkedFrom {
    /// The label of the timeline that was replayed.
    pub label: String,
    /// The fork point as it was asked for (`14`, `auto`, `tool:search#2`).
    pub address: String,
    /// The first live step; `None` where everything was served.
    pub step: Option<StepIndex>,
}

/// How the run of a timeline ended.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outcome {
    /// The agent's exit status (128 + signal where a signal ended it); `None` where unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The final answer; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why the run or its recording is not whole, in words; empty for a whole one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// What a divergence is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DivergenceKind {
    /// A message of the history differs.
    History,
    /// A request beyond what was recorded (another turn, another conversation).
    Extra,
    /// The same request more often than recorded.
    Repeated,
    /// Several recorded answers fit and differ.
    Ambiguous,
    /// The treatment differs where it may not.
    Treatment,
    /// A recorded step was never asked for.
    Skipped,
    /// The exit status differs.
    Exit,
    /// The final answer differs.
    Answer,
    /// Standard output does not hold the final answer, and did when the baseline was accepted.
    Printed,
    /// A live answer called a tool that changes something and is not allowed; it was kept from the agent.
    Mutating,
}

/// A place where the agent went another way than the recording.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divergence {
    /// What it is.
    pub kind: DivergenceKind,
    /// The recorded step that is nearest (or was skipped).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepIndex>,
    /// The agent whose lane diverged; empty where unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent: String,
    /// A JSON pointer into the request's history, such as `/messages/3/content`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// What was recorded there, shortened.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub recorded: String,
    /// What is there now, shortened.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// One sentence: what happened and what to do.
    pub message: String,
    /// A line for `rewind.toml` that would let it pass; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// What a replay found out about a timeline.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayReport {
    /// What of the treatment differs from the recording, sorted.
    pub drift: Vec<Drift>,
    /// Where the agent went another way; the first one of each lane.
    pub divergences: Vec<Divergence>,
    /// Recorded model steps before the fork that were never asked for.
    pub skipped: Vec<StepIndex>,
    /// Number of model calls that were served from the recording.
    pub served: u32,
    /// Number of model calls that went live.
    pub live: u32,
    /// Number of requests that were refused (answered 422).
    pub refused: u32,
    /// Whether the run is proved to be equal to the recording.
    pub is_unaffected: bool,
}

/// An ordered list of steps: one run of the agent.
#[derive(Clone, PartialEq, Debug)]
pub struct Timeline {
    /// Its label: `main` for the recorded one.
    pub label: String,
    /// Where it was forked; `None` for a recorded one.
    pub forked_from: Option<ForkedFrom>,
    /// When it began; shown to people, never compared.
    pub started_at: jiff::Timestamp,
    /// Whether it was finished in order; a killed run is not.
    pub is_complete: bool,
    /// All steps, numbered from 1.
    pub steps: Vec<Step>,
    /// Traffic without a number.
    pub ancillary: Vec<Ancillary>,
    /// How the run ended.
    pub outcome: Outcome,
    /// What the replay found out; `None` for a recorded timeline.
    pub replay: Option<ReplayReport>,
}

impl Timeline {
    /// Returns the step with this number.
    pub fn step(&self, number: StepIndex) -> Option<&Step> {
        let index = usize::try_from(number.0).ok()?.checked_sub(1)?;
        self.steps.get(index)
    }

    /// Returns the model steps with their calls, in order.
    pub fn model_steps(&self) -> impl Iterator<Item = (&Step, &Arc<Call>)> {
        self.steps
            .iter()
            .filter_map(|step| step.call().map(|call| (step, call)))
    }
}
