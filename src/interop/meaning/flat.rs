//! Older conventions, with one attribute for each field of each message: OpenLLMetry before 0.50, and
//! what is left of OpenInference without whole bodies.

use serde_json::{Value, json};

use super::{Found, fill};
use crate::interop::span::Span;

/// Reads `gen_ai.prompt.N.*`, `gen_ai.completion.N.*`, `llm.request.functions.N.*`.
pub(super) fn read(span: &Span, found: &mut Found) {
    fill(&mut found.messages, || {
        span.below("gen_ai.prompt")
            .or_else(|| span.below("llm.prompts"))
    });
    let completions = || {
        span.below("gen_ai.completion")
            .or_else(|| span.below("llm.completions"))
    };
    if let Some(completions) = completions() {
        let first = completions.get(0).unwrap_or(&completions).clone();
        let reason = first.get("finish_reason").and_then(Value::as_str);
        fill(&mut found.finish, || reason.map(str::to_owned));
        fill(&mut found.output, || Some(with_role(first)));
    }
    fill(&mut found.tools, || span.below("llm.request.functions"));
    // The agents of pydantic-ai keep the whole conversation; whoever needs it takes it from there.
    fill(&mut found.messages, || {
        span.json(&["events"]).and_then(events)
    });
}

fn with_role(mut message: Value) -> Value {
    if let Some(fields) = message.as_object_mut() {
        fields.entry("role").or_insert(json!("assistant"));
    }
    message
}

/// Returns the messages of pydantic-ai's older `events`: one entry for each message, by its event's name.
fn events(value: Value) -> Option<Value> {
    let Value::Array(items) = value else {
        return None;
    };
    let messages = items.into_iter().filter(|item| {
        item.get("event.name")
            .is_some_and(|name| name != "gen_ai.choice")
    });
    let messages: Vec<Value> = messages.collect();
    (!messages.is_empty()).then_some(Value::Array(messages))
}
