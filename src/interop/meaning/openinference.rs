//! OpenInference (Arize): the request and the answer as they went over the wire, if the client is known.

use serde_json::{Map, Value};

use super::{Found, fill, usage_of};
use crate::interop::span::{Span, structured};

/// Reads `input.value`, `output.value`, `llm.*` and `embedding.*`.
pub(super) fn read(span: &Span, found: &mut Found) {
    let speaks = [
        "openinference.span.kind",
        "llm.input_messages.0.message.role",
        "llm.model_name",
    ];
    if span.any(&speaks).is_none() {
        return;
    }
    if let Some(input) = span.json(&["input.value"]) {
        whole(input, found);
    }
    if let Some(output) = span.json(&["output.value"])
        && output.is_object()
    {
        found.answer(output);
        // What is no body of a provider is told better by the messages.
        found.output = None;
    }
    fill(&mut found.messages, || span.below("llm.input_messages"));
    fill(&mut found.output, || {
        let messages = span.below("llm.output_messages");
        messages.or_else(|| span.json(&["output.value"]))
    });
    fill(&mut found.tools, || span.below("llm.tools"));
    fill(&mut found.provider, || {
        let name = span.text(&["llm.provider", "llm.system"]);
        name.map(str::to_owned)
    });
    let parameters = span.json(&[
        "llm.invocation_parameters",
        "embedding.invocation_parameters",
    ]);
    if let Some(Value::Object(mut parameters)) = parameters {
        fill(&mut found.asked, || take_text(&mut parameters, "model"));
        if let Some(instructions) = parameters.remove("instructions") {
            fill(&mut found.system, || Some(instructions));
        }
        for (name, value) in parameters {
            if !["tools", "messages", "functions"].contains(&name.as_str()) {
                found.setting(&name, Some(value));
            }
        }
    }
    fill(&mut found.answered, || {
        let name = span.text(&["llm.model_name", "embedding.model_name"]);
        name.map(str::to_owned)
    });
    fill(&mut found.finish, || {
        span.text(&["llm.finish_reason"]).map(str::to_owned)
    });
    fill(&mut found.usage, || {
        usage_of(span, &super::usage::OPENINFERENCE)
    });
    fill(&mut found.usd, || span.number(&["llm.cost.total"]));
    let mut events = span.events.iter();
    let first = events.find(|event| event.name == "First Token Stream Event");
    fill(&mut found.first_us, || first.map(|event| event.at_us));
    if found.first_us.is_some() {
        fill(&mut found.stream, || Some(true));
    }
}

/// Takes `input.value`: a body, or the list of items that the agents SDK keeps of it.
fn whole(input: Value, found: &mut Found) {
    match input {
        Value::Object(fields) => {
            let fields = structured_fields(fields);
            if super::is_request(&fields) {
                found.request = Some(fields);
            }
        }
        Value::Array(items) if is_items(&items) => found.messages = Some(Value::Array(items)),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns whether these are items of the Responses API, which have more to say than flattened messages.
fn is_items(items: &[Value]) -> bool {
    let kind = |item: &Value| item.get("type").and_then(Value::as_str).map(str::to_owned);
    items.iter().any(|item| {
        kind(item).is_some_and(|kind| kind == "function_call" || kind == "function_call_output")
    })
}

fn structured_fields(fields: Map<String, Value>) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| match name.as_str() {
            "messages" | "tools" | "input" if !matches!(value, Value::String(_)) => {
                (name, structured(value))
            }
            _ => (name, value),
        })
        .collect()
}

fn take_text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    fields.remove(name)?.as_str().map(str::to_owned)
}
