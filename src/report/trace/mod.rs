//! What a page shows of the timelines behind a verdict: a fork beside what it was replayed from, step by step
//! as aligned.
//!
//! A [`Trace`] is plain data that reads back as written, so that a report can be made again where neither the
//! baselines nor the agent are. It holds as much of what was said as its [`Texts`] allow, and nothing else of it.

mod build;
mod pool;
mod side;
mod step;
mod treatment;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::diff_report::Is;
use super::run_report::Content;
use super::units::count;
use crate::diff::{StepDiff, TextDiff};
use crate::gate::Sample;
use crate::model::{Divergence, Message, MicroUsd, Part, Rung, StepIndex};

/// How much of what was said stands in a trace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Texts {
    /// Nothing: who, when, how long, how many tokens.
    #[default]
    None,
    /// The beginnings of what was said in steps that differ.
    Excerpt,
    /// All that was said, each text up to a length that people read.
    Full,
    /// All that was said, whole.
    Whole,
}

/// The traces of a run's forks, by `baseline@fork`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// The forks.
    pub forks: BTreeMap<String, Trace>,
}

/// Two timelines as aligned, or one alone.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// How much of what was said is here.
    pub texts: Texts,
    /// The timeline that was replayed.
    pub left: Side,
    /// The replay; `None` where a timeline stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Side>,
    /// The address of the fork point, as it was asked for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The row at which the replay goes live; `None` where everything was served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork_row: Option<usize>,
    /// The first row in which the two differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_row: Option<usize>,
    /// The row of the step that gives the final answer, where a step does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_row: Option<usize>,
    /// The steps of both.
    pub rows: Vec<Row>,
    /// What the change alters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Where the agent went another way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub divergences: Vec<Divergence>,
    /// Whether the final answers are different ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_other_answer: bool,
    /// How the final answers differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<TextDiff>,
    /// Every message once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// Conversations as chains: the chain before, and the message that follows it. Chain 0 is the empty one,
    /// and the first entry is chain 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chains: Vec<(usize, usize)>,
}

/// One of the two timelines.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Its label.
    pub label: String,
    /// The agent's exit status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The final answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why the run or its recording is not whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// Number of steps.
    pub steps: u32,
    /// Number of model calls that were served from a recording.
    pub served: u32,
    /// Number of model calls that went to the model.
    pub live: u32,
    /// The tokens of all model calls, as recorded or run.
    pub tokens: u64,
    /// What all model calls cost; `None` where one has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<MicroUsd>,
    /// Number of steps that failed.
    pub failed: u32,
}

/// Two steps that correspond, or one without a counterpart.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// How they relate.
    pub is: Is,
    /// The step on the left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<TraceStep>,
    /// The step on the right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<TraceStep>,
    /// In what they differ: `answer`, `result`, `arguments`, `calls`, `reasoning`, `status`, `error`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
    /// How they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Box<StepDiff>>,
}

/// How an answer came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// As the recording has it: the step is one of a recorded timeline.
    #[default]
    Recorded,
    /// It was served from the recording.
    Served,
    /// The model was asked.
    Live,
    /// The tool ran for real.
    Ran,
}

/// A step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceStep {
    /// Its number.
    pub number: StepIndex,
    /// Whether it is a tool call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_tool: bool,
    /// The model's or the tool's name.
    pub name: String,
    /// The agent that made it.
    pub agent: String,
    /// The lane that it belongs to, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lane: u32,
    /// Whether it did not end well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_failed: bool,
    /// What went wrong; a word where more may not be said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// How its answer came.
    #[serde(default)]
    pub came: Came,
    /// How a served request matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<Rung>,
    /// What of the treatment was different.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<String>,
    /// Input tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<MicroUsd>,
    /// When it began, in microseconds since the start; of a served one as recorded.
    pub began_us: u64,
    /// How long it took; of a served one as recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    /// The conversation that the model saw, as a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<usize>,
    /// The system and developer messages that the model saw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<usize>,
    /// How many messages of the conversation the model had seen before.
    #[serde(default, skip_serializing_if = "is_none_seen")]
    pub seen: usize,
    /// The model's answer, as a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<usize>,
    /// A tool's arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// A tool's result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Vec<Part>>,
}

/// One thing that the change alters.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What it is, such as `system prompt` or ``tool `refund` ``.
    pub what: String,
    /// The agent whose requests it is in; empty where all have it.
    #[serde(default)]
    pub agent: String,
    /// How it differs.
    #[serde(default)]
    pub diff: Option<TextDiff>,
}

impl Trace {
    /// Returns the messages of a step that the model had not seen before, in order.
    pub fn new_messages(&self, step: &TraceStep) -> Vec<&Message> {
        let mut chain = step.context.unwrap_or_default();
        let mut found = Vec::new();
        while let Some((before, message)) = self.chain(chain) {
            found.extend(self.messages.get(message));
            chain = before;
        }
        let fresh = found.len().saturating_sub(step.seen);
        found.truncate(fresh);
        found.reverse();
        found
    }

    /// Returns whether each chain leads to the empty one.
    fn is_sound(&self) -> bool {
        let chains = self.chains.iter().enumerate();
        chains
            .into_iter()
            .all(|(index, (before, _message))| *before <= index)
    }

    /// Returns the chain before a chain, and its last message; `None` for the empty one.
    fn chain(&self, chain: usize) -> Option<(usize, usize)> {
        self.chains.get(chain.checked_sub(1)?).copied()
    }

    /// Returns how many rows relate so.
    pub fn count(&self, is: Is) -> usize {
        self.rows.iter().filter(|row| row.is == is).count()
    }
}

impl Traces {
    /// Returns the text of the file that keeps them beside a report.
    pub fn to_json(&self) -> String {
        // Our own types have string keys, so this can't fail; if it did, the reason is the text.
        let mut text = serde_json::to_string(self).unwrap_or_else(|error| error.to_string());
        text.push('\n');
        text
    }

    /// Returns how much there is, such as `2 timelines, 60 steps, 41 messages`.
    pub fn size(&self) -> String {
        let labels = self.forks.values().flat_map(|trace| {
            let right = trace.right.as_ref();
            std::iter::once(&trace.left).chain(right)
        });
        let sides: BTreeMap<&str, u32> = labels
            .map(|side| (side.label.as_str(), side.steps))
            .collect();
        let mut parts = vec![
            count(sides.len() as u64, "timeline"),
            count(sides.values().copied().map(u64::from).sum(), "step"),
        ];
        let messages: usize = self.forks.values().map(|trace| trace.messages.len()).sum();
        if messages > 0 {
            parts.push(count(messages as u64, "message"));
        }
        parts.join(", ")
    }

    /// Returns the traces that a file holds.
    ///
    /// # Errors
    /// It holds none, or those of another version.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let mut traces: Self = serde_json::from_str(text)?;
        traces.forks.retain(|_name, trace| trace.is_sound());
        Ok(traces)
    }

    /// Returns the traces of the parts of a run together, but for those in which more was said than `content` allows.
    #[must_use]
    pub fn merged(parts: impl IntoIterator<Item = Self>, content: Content) -> Self {
        let mut forks: BTreeMap<String, Trace> = BTreeMap::new();
        for part in parts {
            forks.extend(part.forks);
        }
        forks.retain(|_name, trace| trace.texts <= content.into());
        Self { forks }
    }
}

impl From<Content> for Texts {
    fn from(content: Content) -> Self {
        match content {
            Content::None => Self::None,
            Content::Excerpt => Self::Excerpt,
            Content::Full => Self::Full,
        }
    }
}

/// Returns the place of the sample that a fork is shown by: the first that failed, else the first.
pub fn shown_sample(samples: &[Sample]) -> usize {
    let is_bad = |sample: &Sample| {
        let mut checks = sample.checks.iter();
        checks.any(|check| check.is_gating_failure() && sample.counts(check))
    };
    let bad = samples.iter().position(is_bad);
    let odd = || {
        samples
            .iter()
            .position(|sample| !sample.replay.is_unaffected)
    };
    bad.or_else(odd).unwrap_or_default()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_none_seen(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;
