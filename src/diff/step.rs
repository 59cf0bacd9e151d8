//! Compares two steps: what was said and called, never headers, ids or times.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{FieldChange, TextDiff, structural, text_diff};
use crate::model::{
    ContentId, Message, Part, Status, Step, StepKind, canonical_id, canonical_json, plain_text,
};

/// A value that differs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Changed<T> {
    /// The value on the left.
    pub left: T,
    /// The value on the right.
    pub right: T,
}

/// How two steps differ; only what differs is there.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct StepDiff {
    /// The text of the model's answer, or of the tool's result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextDiff>,
    /// The model's readable reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<TextDiff>,
    /// The arguments of a tool step, or the calls in a model's answer (`/0/arguments/q`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// How the step ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Changed<Status>>,
    /// The provider's error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Changed<Option<String>>>,
}

/// What makes a step the same as another, as texts and values.
struct Essence {
    text: String,
    reasoning: String,
    fields: Value,
    status: Status,
    error: Option<String>,
}

/// Returns how two steps differ; `None` for equal ones.
pub fn step_diff(left: &Step, right: &Step) -> Option<StepDiff> {
    let (a, b) = (essence(left), essence(right));
    let diff = StepDiff {
        text: text_diff(&a.text, &b.text),
        reasoning: text_diff(&a.reasoning, &b.reasoning),
        fields: structural(&a.fields, &b.fields),
        status: (a.status != b.status).then_some(Changed {
            left: a.status,
            right: b.status,
        }),
        error: (a.error != b.error).then_some(Changed {
            left: a.error,
            right: b.error,
        }),
    };
    (diff != StepDiff::default()).then_some(diff)
}

/// Returns a hash that two steps share only if [`step_diff`] finds no difference between them.
pub(super) fn key(step: &Step) -> ContentId {
    let Essence {
        text,
        reasoning,
        fields,
        status,
        error,
    } = essence(step);
    let what = match &step.kind {
        StepKind::Model(_) => json!("model"),
        StepKind::Tool(tool) => json!({"tool": tool.name}),
    };
    canonical_id(&json!([what, text, reasoning, fields, status, error]))
}

/// Returns how alike two steps are, from 1 to 100; `None` where they are not of one kind.
pub(super) fn likeness(left: &Step, right: &Step) -> Option<u32> {
    match (&left.kind, &right.kind) {
        (StepKind::Tool(a), StepKind::Tool(b)) if a.name != b.name => return None,
        (StepKind::Tool(_), StepKind::Tool(_)) | (StepKind::Model(_), StepKind::Model(_)) => {}
        (StepKind::Tool(_), StepKind::Model(_)) | (StepKind::Model(_), StepKind::Tool(_)) => {
            return None;
        }
    }
    let words = |essence: Essence| -> Vec<String> {
        let all = format!("{} {}", canonical_json(&essence.fields), essence.text);
        let mut words: Vec<String> = all
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(MAX_WORDS)
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        words
    };
    let (a, b) = (words(essence(left)), words(essence(right)));
    let all = a.len() + b.len();
    if all == 0 {
        return Some(100);
    }
    let share = 2 * common(&a, &b) * 99 / all;
    Some(1 + u32::try_from(share).unwrap_or(99))
}

/// Returns how many words two sorted lists share.
fn common(a: &[String], b: &[String]) -> usize {
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    let mut count = 0;
    while let (Some(x), Some(y)) = (left.peek(), right.peek()) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => drop(left.next()),
            std::cmp::Ordering::Greater => drop(right.next()),
            std::cmp::Ordering::Equal => {
                count += 1;
                left.next();
                right.next();
            }
        }
    }
    count
}

fn essence(step: &Step) -> Essence {
    match &step.kind {
        StepKind::Tool(tool) => Essence {
            text: tool.result.as_deref().map(result_text).unwrap_or_default(),
            reasoning: String::new(),
            fields: tool.arguments.clone(),
            status: step.status,
            error: None,
        },
        StepKind::Model(call) => {
            let output = call.response.output.as_ref();
            Essence {
                text: output
                    .map(|message| answer_text(message))
                    .unwrap_or_default(),
                reasoning: output.map(|message| reasoning(message)).unwrap_or_default(),
                fields: output.map(|message| calls(message)).unwrap_or_default(),
                status: step.status,
                error: call
                    .response
                    .error
                    .as_ref()
                    .map(|error| error.message.clone()),
            }
        }
    }
}

/// Returns the text of a tool's result; what is no text stands there as JSON.
fn result_text(parts: &[Part]) -> String {
    if parts.iter().all(|part| matches!(part, Part::Text { .. })) {
        return plain_text(parts);
    }
    canonical_json(&parts)
}

/// Returns what the model said: text, refusals and, as JSON, anything that is no text.
fn answer_text(message: &Message) -> String {
    let texts: Vec<String> = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text { text, .. } => Some(text.clone()),
            Part::Refusal { text } => Some(format!("[refusal] {text}")),
            Part::Media { kind, source } => Some(format!("[{kind}] {source}")),
            Part::Other { value } => Some(value.to_string()),
            Part::ToolCall { .. } | Part::ToolResult { .. } | Part::Reasoning { .. } => None,
        })
        .collect();
    texts.join("\n")
}

fn reasoning(message: &Message) -> String {
    let texts: Vec<&str> = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Reasoning { text, .. } => Some(text.as_str()),
            Part::Text { .. }
            | Part::Refusal { .. }
            | Part::Media { .. }
            | Part::Other { .. }
            | Part::ToolCall { .. }
            | Part::ToolResult { .. } => None,
        })
        .collect();
    texts.join("\n")
}

fn calls(message: &Message) -> Value {
    message
        .tool_calls()
        .map(|(name, arguments)| json!({"name": name, "arguments": arguments}))
        .collect()
}

/// How many words of a step are looked at to say how alike two are.
const MAX_WORDS: usize = 2_000;
