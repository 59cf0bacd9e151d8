//! The difference between two timelines of a session, ready to be shown or printed as JSON.

use serde::{Deserialize, Serialize};

use super::terminal::words;
use crate::diff::{Alignment, Changed, Pair, StepDiff, TextDiff, align};
use crate::model::{MicroUsd, SessionId, Step, StepIndex, StepKind, Timeline};
use crate::price::PriceTable;

/// Tokens, time and money of one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Metrics {
    /// Input tokens; `None` where the provider did not say.
    pub input_tokens: Option<u64>,
    /// Output tokens; `None` where the provider did not say.
    pub output_tokens: Option<u64>,
    /// How long it took, in microseconds; `None` where it is not known.
    pub duration_us: Option<u64>,
    /// What it cost; `None` where it is not known.
    pub cost_micro_usd: Option<MicroUsd>,
}

/// How a step of one timeline relates to the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Is {
    /// The other has the same.
    Same,
    /// The other has one like it.
    Changed,
    /// Only the left has it.
    Removed,
    /// Only the right has it.
    Added,
}

/// Two steps that correspond, or one without a counterpart.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DiffRow {
    /// How they relate.
    pub is: Is,
    /// The step on the left.
    pub left: Option<StepIndex>,
    /// The step on the right.
    pub right: Option<StepIndex>,
    /// The agent that made it.
    pub agent: String,
    /// `model` or `tool`.
    pub kind: &'static str,
    /// The model's or the tool's name.
    pub name: String,
    /// How they differ; `None` unless they are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<StepDiff>,
    /// What the left one used; `None` where there is none.
    pub left_metrics: Option<Metrics>,
    /// What the right one used; `None` where there is none.
    pub right_metrics: Option<Metrics>,
}

/// The difference between two timelines.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DiffReport {
    /// The version of this shape.
    pub format: &'static str,
    /// The session's id.
    pub session: SessionId,
    /// The label of the timeline on the left.
    pub left: String,
    /// The label of the timeline on the right.
    pub right: String,
    /// Whether nothing differs.
    pub is_equal: bool,
    /// All steps of both, in the order of the left.
    pub steps: Vec<DiffRow>,
    /// How the final answers differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<TextDiff>,
    /// How the exit status differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Changed<Option<i32>>>,
}

impl DiffReport {
    /// Returns the difference between two timelines of a session.
    pub fn new(session: SessionId, left: &Timeline, right: &Timeline, prices: &PriceTable) -> Self {
        let alignment = align(left, right);
        let is_equal = alignment.is_equal();
        let Alignment {
            steps,
            answer,
            exit,
        } = alignment;
        let steps = steps
            .into_iter()
            .filter_map(|pair| {
                let a = pair.left().and_then(|number| left.step(number));
                let b = pair.right().and_then(|number| right.step(number));
                row(pair, a, b, prices)
            })
            .collect();
        Self {
            format: "1.0",
            session,
            left: left.label.clone(),
            right: right.label.clone(),
            is_equal,
            steps,
            answer,
            exit,
        }
    }

    /// Returns how many rows relate so.
    pub fn count(&self, is: Is) -> usize {
        self.steps.iter().filter(|row| row.is == is).count()
    }
}

fn row(
    pair: Pair,
    left: Option<&Step>,
    right: Option<&Step>,
    prices: &PriceTable,
) -> Option<DiffRow> {
    let shown = right.or(left)?;
    let (left_number, right_number) = (pair.left(), pair.right());
    let (is, diff) = match pair {
        Pair::Same { .. } => (Is::Same, None),
        Pair::Changed { diff, .. } => (Is::Changed, Some(*diff)),
        Pair::Removed { .. } => (Is::Removed, None),
        Pair::Added { .. } => (Is::Added, None),
    };
    let (kind, name) = match &shown.kind {
        StepKind::Model(call) => ("model", words::model(call)),
        StepKind::Tool(tool) => ("tool", tool.name.clone()),
    };
    Some(DiffRow {
        is,
        left: left_number,
        right: right_number,
        agent: shown.agent.clone(),
        kind,
        name,
        diff,
        left_metrics: left.map(|step| metrics(step, prices)),
        right_metrics: right.map(|step| metrics(step, prices)),
    })
}

/// Returns what a step used.
pub(super) fn metrics(step: &Step, prices: &PriceTable) -> Metrics {
    let call = step.call();
    let usage = call.and_then(|call| call.response.usage);
    Metrics {
        input_tokens: usage.map(|usage| usage.input),
        output_tokens: usage.map(|usage| usage.output),
        duration_us: step.duration_us(),
        cost_micro_usd: call.and_then(|call| prices.price_of(call)),
    }
}
