//! The tool calls of a run, in order.

use serde_json::Value;

use super::CheckContext;
use crate::model::{LaneId, Message, Status, StepIndex, Timeline};

/// One call of a tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToolUse<'a> {
    /// The tool's name.
    pub name: &'a str,
    /// The arguments; a JSON string holding the raw text where it was no valid JSON.
    pub arguments: &'a Value,
    /// Its step; `None` for one seen only in a refused request.
    pub step: Option<StepIndex>,
    /// The conversation that it belongs to; `None` for one seen only in a refused request.
    pub lane: Option<LaneId>,
    /// Whether its result came back: an agent may drop what a model called.
    pub is_answered: bool,
}

/// Returns the tool calls of a timeline in the order of its steps.
pub fn tool_uses(timeline: &Timeline) -> Vec<ToolUse<'_>> {
    timeline
        .steps
        .iter()
        .filter_map(|step| {
            let tool = step.tool()?;
            Some(ToolUse {
                name: &tool.name,
                arguments: &tool.arguments,
                step: Some(step.number),
                lane: Some(step.lane),
                is_answered: step.status != Status::NoResult,
            })
        })
        .collect()
}

/// Returns the assistant's messages in refused requests, which hold the calls that the timeline lacks.
pub(super) fn refused_messages(context: &CheckContext<'_>) -> Vec<Message> {
    context
        .refused
        .iter()
        .flat_map(crate::model::Thread::messages)
        .map(|message| message.value().clone())
        .collect()
}

/// Returns the calls in `messages` that are not among `known`.
pub(super) fn further_uses<'a>(messages: &'a [Message], known: &[ToolUse<'_>]) -> Vec<ToolUse<'a>> {
    let mut further: Vec<ToolUse<'a>> = Vec::new();
    for (name, arguments) in messages.iter().flat_map(Message::tool_calls) {
        let is_same = |other: &ToolUse<'_>| other.name == name && other.arguments == arguments;
        if !known.iter().any(is_same) && !further.iter().any(is_same) {
            further.push(ToolUse {
                name,
                arguments,
                step: None,
                lane: None,
                is_answered: false,
            });
        }
    }
    further
}
