//! Writes an answer as JSON.

use serde_json::{Map, Value, json};

use crate::model::{FinishReason, Message, Part, Response, Usage};
use crate::wire::arguments;
use crate::wire::fields::text;
use crate::wire::render::Ids;

/// Returns the body of an answer.
pub(in crate::wire) fn render(response: &Response) -> Value {
    Value::Object(body(response))
}

/// Returns the fields of an answer.
pub(super) fn body(response: &Response) -> Map<String, Value> {
    let ids = Ids::new(response);
    let items = response
        .output
        .as_ref()
        .map(|output| items(output, &ids))
        .unwrap_or_default();
    let (status, reason) = status(response.finish.as_ref());
    let fields = json!({
        "id": ids.answer("resp_"),
        "object": "response",
        "created_at": 0,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": reason.map(|reason| json!({"reason": reason})),
        "instructions": null,
        "max_output_tokens": null,
        "metadata": {},
        "model": response.model,
        "output": items,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "store": true,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": response.usage.as_ref().map(usage),
        "user": null,
    });
    let mut body = match fields {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    };
    body.extend(response.volatile.clone());
    body
}

/// Returns the status, and why an incomplete answer is incomplete.
fn status(finish: Option<&FinishReason>) -> (Value, Option<&str>) {
    match finish {
        None => (Value::Null, None),
        Some(FinishReason::Stop | FinishReason::ToolCalls) => (json!("completed"), None),
        Some(FinishReason::Length) => (json!("incomplete"), Some("max_output_tokens")),
        Some(FinishReason::ContentFilter) => (json!("incomplete"), Some("content_filter")),
        Some(FinishReason::Other(other)) => match other.as_str() {
            "cancelled" | "in_progress" | "queued" | "incomplete" => (json!(other), None),
            reason => (json!("incomplete"), Some(reason)),
        },
    }
}

/// Returns the items of a turn; neighbouring texts that say the same of themselves share a message.
fn items(message: &Message, ids: &Ids<'_>) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    let mut calls = 0;
    let mut said_of_last = None;
    for part in &message.parts {
        let number = items.len();
        let (block, said) = match part {
            Part::Text { text, extra } => text_block(text, extra),
            Part::Refusal { text } => (json!({"type": "refusal", "refusal": text}), Map::new()),
            Part::Reasoning { text, extra } => {
                items.push(reasoning_item(text, extra, &ids.item("rs_", number)));
                said_of_last = None;
                continue;
            }
            Part::ToolCall {
                name,
                arguments,
                extra,
            } => {
                let id = ids.call("call_", 0, calls);
                let mut item = call_item(name, arguments, extra);
                let prefix = match text(&item, "type") {
                    "function_call" => "fc_",
                    "custom_tool_call" => "ctc_",
                    _ => "item_",
                };
                let item_id = ids.item(prefix, number);
                set(&mut item, &[("call_id", json!(id)), ("id", json!(item_id))]);
                items.push(item);
                calls += 1;
                said_of_last = None;
                continue;
            }
            Part::Other { value } => {
                let mut item = value.clone();
                let id = json!(ids.item("item_", number));
                set(&mut item, &[("id", id), ("status", json!("completed"))]);
                items.push(item);
                said_of_last = None;
                continue;
            }
            Part::ToolResult { .. } | Part::Media { .. } => continue,
        };
        let same = said_of_last.as_ref() == Some(&said);
        match items.last_mut().and_then(|item| item.get_mut("content")) {
            Some(Value::Array(content)) if same => content.push(block),
            None | Some(_) => {
                let mut item = Value::Object(said.clone());
                let id = json!(ids.item("msg_", number));
                let fields = [
                    ("id", id),
                    ("type", json!("message")),
                    ("role", json!("assistant")),
                    ("status", json!("completed")),
                    ("content", json!([block])),
                ];
                set(&mut item, &fields);
                items.push(item);
            }
        }
        said_of_last = Some(said);
    }
    items
}

fn set(item: &mut Value, fields: &[(&str, Value)]) {
    if let Value::Object(item) = item {
        for (name, value) in fields {
            item.insert((*name).to_owned(), value.clone());
        }
    }
}

/// Returns a text's block, and what is said of the message around it.
fn text_block(text: &str, extra: &Map<String, Value>) -> (Value, Map<String, Value>) {
    let mut said = extra.clone();
    let annotations = said.remove("annotations").unwrap_or_else(|| json!([]));
    let block = json!({
        "type": "output_text", "text": text, "annotations": annotations, "logprobs": [],
    });
    (block, said)
}

fn reasoning_item(text: &str, extra: &Map<String, Value>, id: &str) -> Value {
    let mut item = extra.clone();
    if !item.contains_key("summary") {
        let summary = if text.is_empty() || item.contains_key("content") {
            json!([])
        } else {
            json!([{"type": "summary_text", "text": text}])
        };
        item.insert("summary".to_owned(), summary);
    }
    item.insert("id".to_owned(), json!(id));
    item.insert("type".to_owned(), json!("reasoning"));
    Value::Object(item)
}

fn call_item(name: &str, arguments: &Value, extra: &Map<String, Value>) -> Value {
    let mut item = Value::Object(extra.clone());
    set(&mut item, &[("status", json!("completed"))]);
    match extra.get("type").and_then(Value::as_str) {
        None => {
            let arguments = json!(arguments::text(arguments));
            let fields = [
                ("type", json!("function_call")),
                ("name", json!(name)),
                ("arguments", arguments),
            ];
            set(&mut item, &fields);
        }
        Some("custom_tool_call") => {
            let input = arguments.as_str().map(str::to_owned);
            let input = input.unwrap_or_else(|| arguments.to_string());
            set(&mut item, &[("name", json!(name)), ("input", json!(input))]);
        }
        Some(_provider_defined) => {
            if let (Value::Object(item), Value::Object(fields)) = (&mut item, arguments) {
                item.extend(fields.clone());
            }
        }
    }
    item
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total(),
    })
}
