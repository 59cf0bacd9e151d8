//! Messages in the events of a span: `gen_ai.user.message` and its kin, up to version 1.36 of the
//! conventions, and the one event of the versions after it.

use serde_json::{Map, Value, json};

use super::{Found, fill};
use crate::interop::span::{Span, structured};

/// Reads the events of a span.
pub(super) fn read(span: &Span, found: &mut Found) {
    let mut messages = Vec::new();
    for event in &span.events {
        match event.name.as_str() {
            "gen_ai.client.inference.operation.details" => {
                let field = |name: &str| event.attributes.get(name).cloned().map(structured);
                fill(&mut found.messages, || field("gen_ai.input.messages"));
                fill(&mut found.system, || field("gen_ai.system_instructions"));
                fill(&mut found.output, || field("gen_ai.output.messages"));
                fill(&mut found.tools, || field("gen_ai.tool.definitions"));
            }
            "gen_ai.content.prompt" => {
                let prompt = event.attributes.get("gen_ai.prompt").cloned();
                fill(&mut found.messages, || prompt.map(structured));
            }
            "gen_ai.content.completion" => {
                let completion = event.attributes.get("gen_ai.completion").cloned();
                fill(&mut found.output, || completion.map(structured));
            }
            "gen_ai.choice" => {
                let choice = body(&event.attributes);
                let reason = choice.get("finish_reason").and_then(Value::as_str);
                fill(&mut found.finish, || reason.map(str::to_owned));
                fill(&mut found.output, || {
                    let message = choice.get("message").cloned().map(structured);
                    Some(message.unwrap_or_else(|| Value::Object(choice.clone())))
                });
            }
            name => messages.extend(message(name, &event.attributes)),
        }
    }
    if !messages.is_empty() {
        fill(&mut found.messages, || Some(Value::Array(messages)));
    }
}

fn message(name: &str, attributes: &Map<String, Value>) -> Option<Value> {
    let role = name.strip_prefix("gen_ai.")?.strip_suffix(".message")?;
    let mut fields = body(attributes);
    fields.entry("role").or_insert(json!(role));
    if role == "tool"
        && let Some(id) = fields.remove("id")
    {
        fields.insert("tool_call_id".to_owned(), id);
    }
    Some(Value::Object(fields))
}

/// Returns the fields of an event, which may stand in a body of their own.
fn body(attributes: &Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(body)) = attributes.get("body").cloned().map(structured) {
        return body;
    }
    attributes
        .iter()
        .filter(|(name, _value)| !name.starts_with("gen_ai."))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
