//! Finds what started each lane, for the tree that people read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{LaneId, Step, StepIndex, ToolStep};

/// What started a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nothing that is known: a lane at the top of the tree.
    Root,
    /// A tool call that was under way: the lane is a sub-agent's.
    Tool(StepIndex),
    /// Another lane's model step, whose conversation it continues beside that lane.
    Branch(StepIndex),
}

/// The least length of an argument that is looked for in a sub-agent's first message.
const MIN_ARGUMENT_CHARS: usize = 4;

/// Returns the origin of each lane.
///
/// A lane whose conversation continues another lane's is a branch of it. Else it belongs to the tool
/// call under way whose arguments its first message quotes, else to the only tool call under way.
pub fn origins(steps: &[Step]) -> BTreeMap<LaneId, Origin> {
    let mut origins = BTreeMap::new();
    for step in steps.iter().filter(|step| step.call().is_some()) {
        origins
            .entry(step.lane)
            .or_insert_with(|| origin(steps, step));
    }
    origins
}

fn origin(steps: &[Step], first: &Step) -> Origin {
    if let Some(parent) = first.parent {
        return Origin::Branch(parent);
    }
    let under_way: Vec<(&Step, &ToolStep)> = steps
        .iter()
        .filter_map(|step| step.tool().map(|tool| (step, tool)))
        .filter(|(step, tool)| step.lane != first.lane && is_under_way(steps, step, tool, first))
        .collect();
    let question = first
        .call()
        .map(|call| call.request.thread.messages())
        .unwrap_or_default()
        .iter()
        .map(|message| message.plain_text())
        .collect::<Vec<_>>()
        .join("\n");
    let quoted = under_way
        .iter()
        .rev()
        .find(|(_step, tool)| is_quoted(&tool.arguments, &question));
    match (quoted, under_way.as_slice()) {
        (Some((step, _tool)), _) | (None, [(step, _tool)]) => Origin::Tool(step.number),
        (None, _) => Origin::Root,
    }
}

/// Returns whether a tool call had begun before `first` and its result had not come back yet.
fn is_under_way(steps: &[Step], step: &Step, tool: &ToolStep, first: &Step) -> bool {
    let reported = tool
        .seen_by
        .and_then(|number| steps.iter().find(|step| step.number == number))
        .map_or(u64::MAX, |seen| seen.began_us);
    step.began_us <= first.began_us && first.began_us < reported
}

/// Returns whether a text argument of the call stands in `text`.
fn is_quoted(arguments: &Value, text: &str) -> bool {
    match arguments {
        Value::String(argument) => {
            argument.chars().count() >= MIN_ARGUMENT_CHARS && text.contains(argument.as_str())
        }
        Value::Array(items) => items.iter().any(|item| is_quoted(item, text)),
        Value::Object(fields) => fields.values().any(|field| is_quoted(field, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
