//! Writes an answer: JSON or events.

use serde_json::{Map, Value, json};

use crate::model::{FinishReason, Part, Response, StreamEvent, Usage};
use crate::wire::arguments;
use crate::wire::fields::text;
use crate::wire::render::{Ids, named_event, pieces};

/// Returns the body of an answer.
pub(in crate::wire) fn render(response: &Response) -> Value {
    let ids = Ids::new(response);
    let blocks = blocks(response, &ids);
    let mut body = head(response, &ids);
    body.insert("content".to_owned(), Value::Array(blocks));
    body.insert("stop_reason".to_owned(), stop_reason(response));
    body.insert("stop_sequence".to_owned(), stop_sequence(response));
    let used = usage(&response.usage.unwrap_or_default());
    body.insert("usage".to_owned(), used);
    Value::Object(body)
}

/// Returns the events of a streamed answer.
pub(in crate::wire) fn render_events(response: &Response) -> Vec<StreamEvent> {
    let ids = Ids::new(response);
    let used = response.usage.unwrap_or_default();
    let mut start = head(response, &ids);
    start.insert("content".to_owned(), json!([]));
    start.insert("stop_reason".to_owned(), Value::Null);
    start.insert("stop_sequence".to_owned(), Value::Null);
    let first_usage = usage(&Usage {
        output: 0,
        reasoning: 0,
        ..used
    });
    start.insert("usage".to_owned(), first_usage);
    let mut events = vec![
        event(&json!({"type": "message_start", "message": start})),
        event(&json!({"type": "ping"})),
    ];
    for (index, block) in blocks(response, &ids).into_iter().enumerate() {
        events.extend(block_events(index, block));
    }
    events.push(event(&json!({
        "type": "message_delta",
        "delta": {
            "stop_reason": stop_reason(response),
            "stop_sequence": stop_sequence(response),
        },
        "usage": usage(&used),
    })));
    events.push(event(&json!({"type": "message_stop"})));
    events
}

fn event(data: &Value) -> StreamEvent {
    named_event(text(data, "type"), data)
}

fn head(response: &Response, ids: &Ids<'_>) -> Map<String, Value> {
    let mut head = response.volatile.clone();
    head.remove("stop_sequence");
    head.insert("id".to_owned(), Value::from(ids.answer("msg_")));
    head.insert("type".to_owned(), json!("message"));
    head.insert("role".to_owned(), json!("assistant"));
    head.insert("model".to_owned(), json!(response.model));
    head
}

fn stop_sequence(response: &Response) -> Value {
    let sequence = response.volatile.get("stop_sequence");
    sequence.cloned().unwrap_or_default()
}

fn stop_reason(response: &Response) -> Value {
    match &response.finish {
        Some(FinishReason::Stop) if stop_sequence(response).is_null() => json!("end_turn"),
        Some(FinishReason::Stop) => json!("stop_sequence"),
        Some(FinishReason::Length) => json!("max_tokens"),
        Some(FinishReason::ToolCalls) => json!("tool_use"),
        Some(FinishReason::ContentFilter) => json!("refusal"),
        Some(FinishReason::Other(reason)) => json!(reason),
        None => Value::Null,
    }
}

fn blocks(response: &Response, ids: &Ids<'_>) -> Vec<Value> {
    let parts = response
        .output
        .as_ref()
        .map(|output| &output.parts)
        .into_iter();
    let mut calls = 0;
    parts
        .flatten()
        .enumerate()
        .filter_map(|(position, part)| block(part, position, &mut calls, ids))
        .collect()
}

fn block(part: &Part, position: usize, calls: &mut usize, ids: &Ids<'_>) -> Option<Value> {
    let with = |extra: &Map<String, Value>, fields: Value| {
        let mut block = extra.clone();
        if let Value::Object(fields) = fields {
            block.extend(fields);
        }
        Some(Value::Object(block))
    };
    match part {
        Part::Text { text, extra } => with(extra, json!({"type": "text", "text": text})),
        Part::Refusal { text } => Some(json!({"type": "text", "text": text})),
        Part::Reasoning { extra, .. } if extra.get("type") == Some(&json!("redacted_thinking")) => {
            with(extra, json!({}))
        }
        Part::Reasoning { text, extra } => {
            let mut extra = extra.clone();
            extra.entry("signature").or_insert(json!(""));
            with(&extra, json!({"type": "thinking", "thinking": text}))
        }
        Part::ToolCall {
            name,
            arguments,
            extra,
        } => {
            let id = ids.call("toolu_", 0, *calls);
            *calls += 1;
            let fields = json!({"type": "tool_use", "id": id, "name": name, "input": arguments});
            with(extra, fields)
        }
        Part::Media { kind, source } => {
            let mut fields = source.clone();
            if let Value::Object(fields) = &mut fields {
                fields.insert("type".to_owned(), Value::from(kind.clone()));
            }
            Some(fields)
        }
        Part::Other { value } => Some(provider_block(value, position, ids)),
        Part::ToolResult { .. } => None,
    }
}

/// Returns a block of the provider's own tools with ids again: a result answers the call before it.
fn provider_block(value: &Value, position: usize, ids: &Ids<'_>) -> Value {
    let mut block = value.clone();
    let kind = text(value, "type").to_owned();
    if let Value::Object(fields) = &mut block {
        if kind.ends_with("_tool_use") {
            let id = Value::from(ids.item("srvtoolu_", position));
            fields.insert("id".to_owned(), id);
        } else if kind.ends_with("_tool_result") {
            let id = Value::from(ids.item("srvtoolu_", position.saturating_sub(1)));
            fields.insert("tool_use_id".to_owned(), id);
        }
    }
    block
}

fn block_events(index: usize, mut block: Value) -> Vec<StreamEvent> {
    let mut take = |name: &str, blank: Value| {
        block
            .get_mut(name)
            .map(|value| std::mem::replace(value, blank))
    };
    let kind = take("type", Value::Null).unwrap_or_default();
    let kind = kind.as_str().unwrap_or_default().to_owned();
    let mut deltas = Vec::new();
    match kind.as_str() {
        "text" => {
            let text = take("text", json!(""));
            for citation in list(take("citations", json!([]))) {
                deltas.push(json!({"type": "citations_delta", "citation": citation}));
            }
            deltas.extend(text_deltas(text, "text_delta", "text"));
        }
        "thinking" => {
            let text = take("thinking", json!(""));
            deltas.extend(text_deltas(text, "thinking_delta", "thinking"));
            let signature = take("signature", json!("")).unwrap_or_default();
            deltas.push(json!({"type": "signature_delta", "signature": signature}));
        }
        "tool_use" | "server_tool_use" => {
            let input = take("input", json!({})).unwrap_or_default();
            deltas.push(json!({"type": "input_json_delta", "partial_json": ""}));
            if input != json!({}) {
                let text = Some(Value::from(arguments::text(&input)));
                deltas.extend(text_deltas(text, "input_json_delta", "partial_json"));
            }
        }
        _ => {}
    }
    if let Value::Object(fields) = &mut block {
        fields.insert("type".to_owned(), Value::from(kind));
    }
    let start = json!({"type": "content_block_start", "index": index, "content_block": block});
    let stop = json!({"type": "content_block_stop", "index": index});
    let deltas = deltas
        .into_iter()
        .map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta}));
    std::iter::once(start)
        .chain(deltas)
        .chain(std::iter::once(stop))
        .map(|data| event(&data))
        .collect()
}

fn text_deltas(text: Option<Value>, kind: &str, field: &str) -> Vec<Value> {
    let text = text.unwrap_or_default();
    pieces(text.as_str().unwrap_or_default())
        .into_iter()
        .map(|piece| json!({"type": kind, field: piece}))
        .collect()
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(values)) => values,
        None | Some(_) => Vec::new(),
    }
}

fn usage(usage: &Usage) -> Value {
    let cached = usage.cached_input.saturating_add(usage.cache_write);
    let mut fields = json!({
        "input_tokens": usage.input.saturating_sub(cached),
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached_input,
        "output_tokens": usage.output,
    });
    if usage.reasoning > 0
        && let Value::Object(fields) = &mut fields
    {
        let details = json!({"thinking_tokens": usage.reasoning});
        fields.insert("output_tokens_details".to_owned(), details);
    }
    fields
}
