//! Writes an answer: JSON or chunks.

use serde_json::{Map, Value, json};

use crate::model::{FinishReason, Message, Part, Response, StreamEvent, Usage};
use crate::wire::arguments;
use crate::wire::render::{Ids, data_event, pieces};

use super::message::reasoning_field;

/// Returns the body of an answer.
pub(in crate::wire) fn render(response: &Response) -> Value {
    let ids = Ids::new(response);
    let choices: Vec<Value> = choices(response)
        .enumerate()
        .map(|(index, message)| {
            json!({
                "index": index,
                "message": message_value(message, &ids, index),
                "logprobs": response.volatile.get("logprobs").filter(|_all| index == 0),
                "finish_reason": finish(response, message, index),
            })
        })
        .collect();
    let mut body = head(response, &ids, "chat.completion");
    body.insert("choices".to_owned(), Value::Array(choices));
    if let Some(used) = &response.usage {
        body.insert("usage".to_owned(), usage(used));
    }
    Value::Object(body)
}

/// Returns the events of a streamed answer.
pub(in crate::wire) fn render_events(response: &Response, include_usage: bool) -> Vec<StreamEvent> {
    let ids = Ids::new(response);
    let mut head = head(response, &ids, "chat.completion.chunk");
    let used = response.usage.as_ref().filter(|_usage| include_usage);
    if used.is_some() {
        head.insert("usage".to_owned(), Value::Null);
    }
    let chunk = |choices: Value| {
        let mut chunk = head.clone();
        chunk.insert("choices".to_owned(), choices);
        chunk
    };
    let mut chunks = Vec::new();
    for (index, message) in choices(response).enumerate() {
        let mut logprobs = response.volatile.get("logprobs").filter(|_all| index == 0);
        for delta in deltas(message, &ids, index) {
            let choice = json!([{
                "index": index, "delta": delta, "logprobs": logprobs.take(), "finish_reason": null,
            }]);
            chunks.push(chunk(choice));
        }
        let reason = finish(response, message, index);
        let choice = json!([{
            "index": index, "delta": {}, "logprobs": null, "finish_reason": reason,
        }]);
        chunks.push(chunk(choice));
    }
    if let Some(used) = used {
        let mut last = chunk(json!([]));
        last.insert("usage".to_owned(), usage(used));
        chunks.push(last);
    }
    let mut events: Vec<StreamEvent> = chunks
        .into_iter()
        .map(|chunk| data_event(&Value::Object(chunk).to_string()))
        .collect();
    events.push(data_event("[DONE]"));
    events
}

fn choices(response: &Response) -> impl Iterator<Item = &Message> {
    let first = response.output.iter();
    first
        .chain(&response.alternatives)
        .map(|message| message.value())
}

fn head(response: &Response, ids: &Ids<'_>, object: &str) -> Map<String, Value> {
    let mut head = response.volatile.clone();
    head.remove("logprobs");
    head.insert("id".to_owned(), Value::from(ids.answer("chatcmpl-")));
    head.insert("object".to_owned(), Value::from(object));
    head.insert("model".to_owned(), json!(response.model));
    head.entry("created").or_insert(json!(0));
    head
}

fn message_value(message: &Message, ids: &Ids<'_>, choice: usize) -> Value {
    let mut fields = message.extra.clone();
    fields.insert("role".to_owned(), json!("assistant"));
    fields.insert("refusal".to_owned(), Value::Null);
    let text = message.plain_text();
    let mut calls = Vec::new();
    for part in &message.parts {
        match part {
            Part::Reasoning { text, extra } => append(&mut fields, reasoning_field(extra), text),
            Part::Refusal { text } => append(&mut fields, "refusal", text),
            Part::ToolCall {
                name,
                arguments,
                extra,
            } => {
                if is_legacy(extra) {
                    let call = json!({"name": name, "arguments": arguments::text(arguments)});
                    fields.insert("function_call".to_owned(), call);
                } else {
                    let id = ids.call("call_", choice, calls.len());
                    calls.push(call_value(&id, name, arguments, extra));
                }
            }
            Part::Text { .. }
            | Part::ToolResult { .. }
            | Part::Media { .. }
            | Part::Other { .. } => {}
        }
    }
    let says_else = ["function_call", "refusal"]
        .iter()
        .any(|name| fields.get(*name).is_some_and(|value| !value.is_null()));
    let is_silent = text.is_empty() && (says_else || !calls.is_empty());
    let content = if is_silent {
        Value::Null
    } else {
        Value::from(text)
    };
    fields.insert("content".to_owned(), content);
    if !calls.is_empty() {
        fields.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Value::Object(fields)
}

fn append(fields: &mut Map<String, Value>, name: &str, text: &str) {
    let whole = match fields.get(name) {
        Some(Value::String(before)) => format!("{before}{text}"),
        None | Some(_) => text.to_owned(),
    };
    fields.insert(name.to_owned(), Value::String(whole));
}

fn is_legacy(extra: &Map<String, Value>) -> bool {
    extra.get("type") == Some(&json!("function_call"))
}

fn call_value(id: &str, name: &str, arguments: &Value, extra: &Map<String, Value>) -> Value {
    let mut call = extra.clone();
    call.insert("id".to_owned(), Value::from(id));
    if call.get("type") == Some(&json!("custom")) {
        let input = match arguments {
            Value::String(input) => input.clone(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => arguments.to_string(),
        };
        call.insert("custom".to_owned(), json!({"name": name, "input": input}));
        return Value::Object(call);
    }
    let mut function = match call.remove("function") {
        Some(Value::Object(function)) => function,
        None | Some(_) => Map::new(),
    };
    function.insert("name".to_owned(), Value::from(name));
    let arguments = Value::from(arguments::text(arguments));
    function.insert("arguments".to_owned(), arguments);
    call.insert("type".to_owned(), json!("function"));
    call.insert("function".to_owned(), Value::Object(function));
    Value::Object(call)
}

/// Returns what the chunks of a message add, in order.
fn deltas(message: &Message, ids: &Ids<'_>, choice: usize) -> Vec<Value> {
    let mut whole = match message_value(message, ids, choice) {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    };
    let mut streamed = Vec::new();
    let reasoning: Vec<&str> = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Reasoning { extra, .. } => Some(reasoning_field(extra)),
            Part::Text { .. }
            | Part::ToolCall { .. }
            | Part::ToolResult { .. }
            | Part::Refusal { .. }
            | Part::Media { .. }
            | Part::Other { .. } => None,
        })
        .collect();
    for name in reasoning.into_iter().chain(["content", "refusal"]) {
        if let Some(Value::String(text)) = whole.remove(name) {
            streamed.extend(pieces(&text).into_iter().map(|piece| json!({name: piece})));
        }
    }
    if let Some(Value::Array(calls)) = whole.remove("tool_calls") {
        for (index, call) in calls.into_iter().enumerate() {
            streamed.extend(call_deltas(index, call));
        }
    }
    let speaks = streamed.iter().any(|delta| delta.get("content").is_some());
    let content = if speaks { json!("") } else { Value::Null };
    whole.insert("content".to_owned(), content);
    whole.insert("refusal".to_owned(), Value::Null);
    std::iter::once(Value::Object(whole))
        .chain(streamed)
        .collect()
}

fn call_deltas(index: usize, mut call: Value) -> Vec<Value> {
    let kind = if call.get("custom").is_some() {
        ("custom", "input")
    } else {
        ("function", "arguments")
    };
    let text = call
        .get_mut(kind.0)
        .and_then(|function| function.get_mut(kind.1))
        .map(|text| std::mem::replace(text, json!("")));
    if let Value::Object(fields) = &mut call {
        fields.insert("index".to_owned(), Value::from(index));
    }
    let mut deltas = vec![json!({"tool_calls": [call]})];
    if let Some(Value::String(text)) = text {
        deltas.extend(pieces(&text).into_iter().map(|piece| {
            let (kind, field) = kind;
            json!({"tool_calls": [{"index": index, kind: {field: piece}}]})
        }));
    }
    deltas
}

fn finish(response: &Response, message: &Message, choice: usize) -> Value {
    let has_calls = message.tool_calls().next().is_some();
    let is_legacy = message
        .parts
        .iter()
        .any(|part| matches!(part, Part::ToolCall { extra, .. } if is_legacy(extra)));
    let tool_calls = if is_legacy {
        "function_call"
    } else {
        "tool_calls"
    };
    match &response.finish {
        Some(FinishReason::Stop) if choice > 0 && has_calls => json!(tool_calls),
        Some(FinishReason::ToolCalls) if choice > 0 && !has_calls => json!("stop"),
        Some(FinishReason::Stop) => json!("stop"),
        Some(FinishReason::ToolCalls) => json!(tool_calls),
        Some(FinishReason::Length) => json!("length"),
        Some(FinishReason::ContentFilter) => json!("content_filter"),
        Some(FinishReason::Other(reason)) => json!(reason),
        None => Value::Null,
    }
}

fn usage(usage: &Usage) -> Value {
    let mut input = json!({"cached_tokens": usage.cached_input, "audio_tokens": 0});
    if usage.cache_write > 0
        && let Value::Object(input) = &mut input
    {
        input.insert("cache_write_tokens".to_owned(), json!(usage.cache_write));
    }
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total(),
        "prompt_tokens_details": input,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
