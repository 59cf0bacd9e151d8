//! One message of any shape; it may be several of Chat Completions, which has one for each tool result.

use serde_json::{Map, Value, json};

use super::Conversation;
use super::blocks::{Blocks, arguments_text};
use crate::interop::span::structured;

/// Returns what a message says; `usual` is its role where it names none.
pub(crate) fn message(fields: Map<String, Value>, usual: &str) -> Conversation {
    let mut fields = constructed(fields);
    let role = role(&mut fields, usual);
    for name in [
        "lc",
        "additional_kwargs",
        "response_metadata",
        "usage_metadata",
        "finish_reason",
    ] {
        if name == "additional_kwargs" {
            older_calls(&mut fields);
        }
        fields.remove(name);
    }
    let parts = fields.remove("parts");
    let content = fields.remove("content");
    let mut blocks = Blocks::new(&role);
    if let Some(parts) = parts {
        blocks.read(structured(parts));
    }
    if let Some(content) = content {
        // Only what is no plain text is looked into: a tool may well have answered with a list.
        match content {
            Value::Array(_) => blocks.read(content),
            Value::Object(_) if role != "tool" => blocks.read(content),
            Value::Null => {}
            Value::String(text) => blocks.text(&text),
            other @ (Value::Object(_) | Value::Bool(_) | Value::Number(_)) => {
                blocks.text(&other.to_string());
            }
        }
    }
    for call in calls(&mut fields) {
        blocks.call(call);
    }
    let id = ["tool_call_id", "toolCallId", "call_id"]
        .into_iter()
        .find_map(|name| fields.remove(name));
    blocks.into_conversation(Rest {
        name: text(&mut fields, "name"),
        refusal: text(&mut fields, "refusal"),
        reasoning: text(&mut fields, "reasoning_content")
            .or_else(|| text(&mut fields, "reasoning")),
        id: id.and_then(|id| id.as_str().map(str::to_owned)),
    })
}

/// What a message has beside its content.
#[derive(Debug, Default)]
pub(super) struct Rest {
    pub(super) name: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) reasoning: Option<String>,
    /// The id of the call that a message of the role `tool` answers.
    pub(super) id: Option<String>,
}

/// Opens what LangChain serialises as a call of a constructor, or as a type and its data.
fn constructed(mut fields: Map<String, Value>) -> Map<String, Value> {
    let class = fields
        .get("id")
        .and_then(Value::as_array)
        .and_then(|path| path.last())
        .and_then(Value::as_str)
        .map(str::to_owned);
    if fields.contains_key("lc")
        && let Some(Value::Object(mut inner)) = fields.remove("kwargs")
    {
        if let Some(class) = class {
            inner.entry("type").or_insert(Value::from(class));
        }
        return inner;
    }
    // `{"type": "human", "data": {"content": …}}`.
    if !fields.contains_key("content")
        && let Some(Value::Object(mut inner)) = fields.remove("data")
    {
        if let Some(kind) = fields.remove("type") {
            inner.entry("type").or_insert(kind);
        }
        return inner;
    }
    // Flattened names have the message one level deeper, and LangSmith's dumps one `message`.
    if !fields.contains_key("role")
        && let Some(Value::Object(inner)) = fields.remove("message")
    {
        return constructed_once(inner);
    }
    fields
}

fn constructed_once(fields: Map<String, Value>) -> Map<String, Value> {
    if fields.contains_key("lc") || fields.contains_key("data") {
        return constructed(fields);
    }
    fields
}

/// Returns the role as Chat Completions names it.
fn role(fields: &mut Map<String, Value>, usual: &str) -> String {
    let kind = fields
        .get("type")
        .and_then(Value::as_str)
        .map(str::to_lowercase);
    let named = text(fields, "role").map(|role| role.to_lowercase());
    let kind = kind.filter(|kind| {
        kind.ends_with("message") || kind.ends_with("messagechunk") || is_lang_chain(kind)
    });
    if kind.is_some() {
        fields.remove("type");
    }
    let name = named.or(kind).unwrap_or_else(|| usual.to_owned());
    let name = name.trim_end_matches("chunk").trim_end_matches("message");
    let known = match name {
        "ai" | "model" | "bot" => "assistant",
        "function" | "tool_result" => "tool",
        "system" | "developer" | "assistant" | "tool" => name,
        _ => "user",
    };
    known.to_owned()
}

fn is_lang_chain(kind: &str) -> bool {
    ["human", "ai", "system", "tool", "function"].contains(&kind)
}

/// Takes LangChain's older place of tool calls to their new one, where that is empty.
fn older_calls(fields: &mut Map<String, Value>) {
    let has_calls = fields
        .get("tool_calls")
        .and_then(Value::as_array)
        .is_some_and(|calls| !calls.is_empty());
    if has_calls {
        return;
    }
    let Some(Value::Object(more)) = fields.get_mut("additional_kwargs") else {
        return;
    };
    if let Some(calls) = more.remove("tool_calls") {
        fields.insert("tool_calls".to_owned(), calls);
    }
}

/// Returns the tool calls as Chat Completions has them.
fn calls(fields: &mut Map<String, Value>) -> Vec<Value> {
    let list = ["tool_calls", "toolCalls"]
        .into_iter()
        .find_map(|name| fields.remove(name));
    let Some(Value::Array(list)) = list.map(structured) else {
        let older = fields.remove("function_call");
        return older.and_then(tool_call).into_iter().collect();
    };
    list.into_iter().filter_map(tool_call).collect()
}

/// Returns a tool call of any shape as Chat Completions has it; `None` for what is none.
pub(super) fn tool_call(value: Value) -> Option<Value> {
    let Value::Object(mut fields) = structured(value) else {
        return None;
    };
    // OpenInference has it one level deeper.
    if let Some(Value::Object(inner)) = fields.remove("tool_call") {
        fields = inner;
    }
    if fields.get("type").and_then(Value::as_str) == Some("custom") && fields.contains_key("custom")
    {
        return Some(Value::Object(fields));
    }
    let id = ["id", "toolCallId", "tool_call_id", "call_id"]
        .into_iter()
        .find_map(|name| text(&mut fields, name))
        .unwrap_or_default();
    let mut function = match fields.remove("function") {
        Some(Value::Object(function)) => function,
        Some(_) | None => fields,
    };
    let name = ["name", "toolName", "tool_name"]
        .into_iter()
        .find_map(|name| text(&mut function, name))?;
    let arguments = ["arguments", "args", "input"]
        .into_iter()
        .find_map(|name| function.remove(name));
    Some(json!({
        "id": id, "type": "function",
        "function": {"name": name, "arguments": arguments_text(arguments)},
    }))
}

/// Takes a field that is a text and not empty.
pub(super) fn text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
        Some(_) | None => None,
    }
}
