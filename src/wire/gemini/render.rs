//! Writes an answer: JSON, events, or the JSON array of a stream without events.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::model::{FinishReason, Message, Part, Response, StreamEvent, Usage};
use crate::wire::render::{Ids, data_event, pieces};

use super::response::CANDIDATE;

/// Returns the body of an answer.
pub(in crate::wire) fn render(response: &Response) -> Value {
    let ids = Ids::new(response);
    let candidates = candidates(response).enumerate().map(|(index, message)| {
        let mut candidate = ending(response, message, index);
        let content = json!({"role": "model", "parts": parts(message, &ids, index)});
        candidate.insert("content".to_owned(), content);
        candidate.insert("index".to_owned(), json!(index));
        Value::Object(candidate)
    });
    let candidates: Vec<Value> = candidates.collect();
    let mut body = head(response, &ids);
    body.extend(tail(response));
    if !is_blocked(response) {
        body.insert("candidates".to_owned(), Value::Array(candidates));
    }
    Value::Object(body)
}

/// Returns the events of a streamed answer.
pub(in crate::wire) fn render_events(response: &Response) -> Vec<StreamEvent> {
    chunks(response)
        .iter()
        .map(|chunk| data_event(&chunk.to_string()))
        .collect()
}

/// Returns the JSON array of a streamed answer.
pub(in crate::wire) fn render_array(response: &Response) -> Bytes {
    let chunks: Vec<String> = chunks(response).iter().map(Value::to_string).collect();
    Bytes::from(format!("[{}]", chunks.join(",\r\n")))
}

fn chunks(response: &Response) -> Vec<Value> {
    let ids = Ids::new(response);
    let head = head(response, &ids);
    let mut chunks = Vec::new();
    for (index, message) in candidates(response).enumerate() {
        if is_blocked(response) {
            break;
        }
        let mut parts: Vec<Value> = parts(message, &ids, index)
            .into_iter()
            .flat_map(part_pieces)
            .collect();
        let last = parts.pop();
        let mut push = |part: Option<Value>, mut candidate: Map<String, Value>| {
            let parts: Vec<Value> = part.into_iter().collect();
            let content = json!({"role": "model", "parts": parts});
            candidate.insert("content".to_owned(), content);
            candidate.insert("index".to_owned(), json!(index));
            let mut chunk = head.clone();
            chunk.insert("candidates".to_owned(), json!([candidate]));
            chunks.push(chunk);
        };
        for part in parts {
            push(Some(part), Map::new());
        }
        push(last, ending(response, message, index));
    }
    if chunks.is_empty() {
        chunks.push(head);
    }
    if let Some(last) = chunks.last_mut() {
        last.extend(tail(response));
    }
    chunks.into_iter().map(Value::Object).collect()
}

/// Returns whether nothing was answered since the prompt was blocked.
fn is_blocked(response: &Response) -> bool {
    let says_nothing = response.output.as_ref().is_none_or(|o| o.parts.is_empty());
    says_nothing && response.volatile.contains_key("promptFeedback")
}

fn candidates(response: &Response) -> impl Iterator<Item = &Message> {
    let first = response.output.iter();
    first
        .chain(&response.alternatives)
        .map(|message| message.value())
}

fn head(response: &Response, ids: &Ids<'_>) -> Map<String, Value> {
    let mut head = Map::new();
    head.insert("responseId".to_owned(), Value::from(ids.answer("")));
    if let Some(model) = &response.model {
        head.insert("modelVersion".to_owned(), json!(model));
    }
    head
}

/// Returns what is said of the whole answer at its end.
fn tail(response: &Response) -> Map<String, Value> {
    let mut tail: Map<String, Value> = ["promptFeedback", "createTime", "modelStatus"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), response.volatile.get(*name)?.clone())))
        .collect();
    if let Some(used) = &response.usage {
        tail.insert("usageMetadata".to_owned(), usage(used));
    }
    tail
}

/// Returns what is said of a candidate at its end.
fn ending(response: &Response, message: &Message, index: usize) -> Map<String, Value> {
    let said = response.volatile.get(CANDIDATE).filter(|_said| index == 0);
    let mut ending = said.and_then(Value::as_object).cloned().unwrap_or_default();
    let reason = match &response.finish {
        _ if index > 0 => Some("STOP"),
        Some(FinishReason::Stop | FinishReason::ToolCalls) => Some("STOP"),
        Some(FinishReason::Length) => Some("MAX_TOKENS"),
        Some(FinishReason::ContentFilter) => Some("SAFETY"),
        Some(FinishReason::Other(reason)) => Some(reason.as_str()),
        None => None,
    };
    let is_refusal = message
        .parts
        .iter()
        .any(|part| matches!(part, Part::Refusal { .. }));
    let reason = reason.map(|reason| if is_refusal { "SAFETY" } else { reason });
    if let Some(reason) = reason {
        ending.entry("finishReason").or_insert(json!(reason));
    }
    ending
}

fn parts(message: &Message, ids: &Ids<'_>, choice: usize) -> Vec<Value> {
    let mut calls = 0;
    let parts = message.parts.iter();
    parts
        .filter_map(|part| part_value(part, ids, choice, &mut calls))
        .collect()
}

fn part_value(part: &Part, ids: &Ids<'_>, choice: usize, calls: &mut usize) -> Option<Value> {
    let with = |extra: &Map<String, Value>, fields: Value| {
        let mut part: Map<String, Value> = extra
            .iter()
            .filter(|(name, _value)| PART_FIELDS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Value::Object(fields) = fields {
            part.extend(fields);
        }
        Some(Value::Object(part))
    };
    match part {
        Part::Text { text, extra } => with(extra, json!({"text": text})),
        Part::Refusal { text } => Some(json!({"text": text})),
        Part::Reasoning { text, extra } => {
            let is_empty = text.is_empty() && !extra.contains_key("thoughtSignature");
            (!is_empty).then_some(())?;
            with(extra, json!({"text": text, "thought": true}))
        }
        Part::ToolCall {
            name,
            arguments,
            extra,
        } => {
            let mut call = json!({"name": name, "args": as_object(arguments)});
            let id = ids.known_call(choice, *calls);
            if let (Some(id), Value::Object(call)) = (id, &mut call) {
                call.insert("id".to_owned(), json!(id));
            }
            *calls += 1;
            with(extra, json!({"functionCall": call}))
        }
        // Of other dialects, whose media and tools a client of this one does not know, there is nothing to show.
        Part::Media { source: value, .. } | Part::Other { value } => {
            let is_own = OWN_PARTS.iter().any(|name| value.get(*name).is_some());
            is_own.then(|| value.clone())
        }
        Part::ToolResult { .. } => None,
    }
}

/// Fields beside the content of a part.
const PART_FIELDS: [&str; 4] = [
    "thoughtSignature",
    "videoMetadata",
    "partMetadata",
    "mediaResolution",
];

/// Contents of a part that are neither texts nor functions.
const OWN_PARTS: [&str; 6] = [
    "inlineData",
    "fileData",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// Returns arguments as the object that they have to be here.
fn as_object(arguments: &Value) -> Value {
    match arguments {
        Value::Object(_) => arguments.clone(),
        Value::Null => json!({}),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            json!({"input": arguments})
        }
    }
}

/// Returns a part in the pieces that a stream sends; what is said of it comes with the last one.
fn part_pieces(part: Value) -> Vec<Value> {
    let Some(text) = part.get("text").and_then(Value::as_str) else {
        return vec![part];
    };
    let is_thought = part.get("thought").is_some();
    let mut pieces: Vec<Value> = pieces(text)
        .into_iter()
        .map(|piece| {
            if is_thought {
                json!({"text": piece, "thought": true})
            } else {
                json!({"text": piece})
            }
        })
        .collect();
    let last = pieces.pop().and_then(|mut last| {
        let text = last.get_mut("text").map(Value::take)?;
        let mut part = part.clone();
        if let Value::Object(fields) = &mut part {
            fields.insert("text".to_owned(), text);
        }
        Some(part)
    });
    pieces.push(last.unwrap_or(part));
    pieces
}

fn usage(usage: &Usage) -> Value {
    let mut fields = Map::new();
    let mut add = |name: &str, count: u64| {
        fields.insert(name.to_owned(), json!(count));
    };
    add("promptTokenCount", usage.input);
    add(
        "candidatesTokenCount",
        usage.output.saturating_sub(usage.reasoning),
    );
    add("totalTokenCount", usage.total());
    if usage.cached_input > 0 {
        add("cachedContentTokenCount", usage.cached_input);
    }
    if usage.reasoning > 0 {
        add("thoughtsTokenCount", usage.reasoning);
    }
    Value::Object(fields)
}
