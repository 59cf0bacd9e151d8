//! What is judged of a timeline: the session's question, the final answer, what the tools returned.

use crate::judge::{Subject, ToolEvidence};
use crate::model::{Part, Role, Timeline, canonical_json, plain_text};

/// Returns what is judged of a timeline.
pub(in crate::command) fn subject(
    input: Option<&str>,
    timeline: &Timeline,
    expected: Option<&str>,
) -> Subject {
    let tools = timeline.steps.iter().filter_map(|step| step.tool());
    let tools = tools.filter_map(|tool| {
        Some(ToolEvidence {
            name: tool.name.clone(),
            arguments: canonical_json(&tool.arguments),
            result: shown(tool.result.as_deref()?),
        })
    });
    Subject {
        question: input.map_or_else(|| asked(timeline), str::to_owned),
        answer: timeline.outcome.answer.clone().unwrap_or_default(),
        expected: expected.map(str::to_owned),
        tools: tools.collect(),
    }
}

/// Returns a tool's result as text.
fn shown(parts: &[Part]) -> String {
    let text = plain_text(parts);
    if text.is_empty() && !parts.is_empty() {
        canonical_json(&parts)
    } else {
        text
    }
}

/// Returns the first thing that a user said in the timeline; empty where nobody did.
fn asked(timeline: &Timeline) -> String {
    let Some((_step, call)) = timeline.model_steps().next() else {
        return String::new();
    };
    let messages = call.request.thread.messages();
    let first = messages.iter().find(|message| message.role == Role::User);
    first
        .map(|message| message.plain_text())
        .unwrap_or_default()
}
