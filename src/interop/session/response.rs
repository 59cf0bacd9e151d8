//! From what a span says to an answer in the normal form.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bytes::Bytes;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::request::are_items;
use crate::interop::literal;
use crate::interop::meaning::Found;
use crate::interop::shape::conversation;
use crate::interop::span::{Span, structured};
use crate::model::{Body, Dialect, FinishReason, Lost, Response};
use crate::wire::parse_response;

/// An answer with its status.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) response: Response,
    pub(super) lost: BTreeSet<Lost>,
    pub(super) is_truncated: bool,
}

/// Returns the answer that a span tells of.
pub(super) fn response(span: &Span, found: &mut Found) -> Answered {
    let is_empty = found.response.is_none() && found.output.as_ref().is_none_or(is_nothing);
    if is_empty && let Some(message) = &span.error {
        return error(span, message);
    }
    let mut lost = BTreeSet::new();
    let parsed = match found.response.take() {
        Some(body) => of_body(body),
        None => of_output(found, &mut lost),
    };
    let mut response = parsed.unwrap_or_default();
    if response.output.is_none() && response.error.is_none() {
        lost.insert(Lost::Output);
    }
    response.model = response.model.take().or_else(|| found.answered.clone());
    response.id = response.id.take().or_else(|| found.id.clone());
    response.usage = response.usage.or(found.usage);
    if response.usage.is_none() {
        lost.insert(Lost::Usage);
    }
    if response.error.is_none() && response.output.is_some() {
        response.finish = Some(finish(&response, found, &mut lost));
    }
    Answered {
        status: 200,
        is_truncated: span.ended_us.is_none() && response.output.is_none(),
        response,
        lost,
    }
}

fn is_nothing(output: &Value) -> bool {
    match output {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Reads a body that was kept, by its own form.
fn of_body(body: Map<String, Value>) -> Option<Response> {
    let is = |name: &str, kind: &str| body.get(name).and_then(Value::as_str) == Some(kind);
    let dialect = if is("object", "response") {
        Dialect::OpenaiResponses
    } else if is("object", "list") {
        Dialect::OpenaiEmbeddings
    } else if is("type", "message") && !body.contains_key("choices") {
        Dialect::AnthropicMessages
    } else {
        Dialect::OpenaiChat
    };
    read(dialect, &Value::Object(body))
}

fn read(dialect: Dialect, body: &Value) -> Option<Response> {
    let body = Body::Whole(Bytes::from(body.to_string()));
    match parse_response(dialect, 200, &body) {
        Ok(response) => Some(response),
        Err(error) => {
            tracing::debug!(%error, "an answer of the trace is left out");
            None
        }
    }
}

/// Reads an answer of which the message is known.
fn of_output(found: &mut Found, lost: &mut BTreeSet<Lost>) -> Option<Response> {
    let output = structured(found.output.take()?);
    let items = match &output {
        Value::Array(items) => items.clone(),
        Value::Object(_) => vec![output.clone()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    if are_items(&items) && items.iter().all(|item| item.get("tool_calls").is_none()) {
        let body = json!({"object": "response", "status": "completed", "output": items});
        return read(Dialect::OpenaiResponses, &body);
    }
    let reason = items
        .iter()
        .find_map(|item| item.get("finish_reason")?.as_str());
    found.finish = found.finish.take().or_else(|| reason.map(str::to_owned));
    let read_output = conversation(output, "assistant");
    if read_output.has_references {
        lost.insert(Lost::Media);
    }
    let choices = read_output
        .messages
        .into_iter()
        .filter_map(|mut message| {
            message
                .as_object_mut()?
                .insert("role".to_owned(), json!("assistant"));
            Some(message)
        })
        .zip(0_u32..)
        .map(|(message, index)| json!({"index": index, "message": message}));
    let choices: Vec<Value> = choices.collect();
    if choices.is_empty() {
        return None;
    }
    read(Dialect::OpenaiChat, &json!({"choices": choices}))
}

/// Returns why the model stopped, in one vocabulary of many.
fn finish(response: &Response, found: &Found, lost: &mut BTreeSet<Lost>) -> FinishReason {
    let calls = response
        .output
        .as_ref()
        .is_some_and(|output| output.tool_calls().next().is_some());
    let concluded = if calls {
        FinishReason::ToolCalls
    } else {
        FinishReason::Stop
    };
    if let Some(known) = &response.finish {
        return known.clone();
    }
    let Some(reason) = found.finish.as_deref() else {
        lost.insert(Lost::Finish);
        return concluded;
    };
    match reason.to_lowercase().replace('-', "_").as_str() {
        "tool_call" | "tool_calls" | "tool_use" | "function_call" => FinishReason::ToolCalls,
        // Some write `stop` whatever the model did.
        "stop" | "end_turn" | "stop_sequence" | "completed" => concluded,
        "length" | "max_tokens" | "max_output_tokens" => FinishReason::Length,
        "content_filter" | "safety" | "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Other(reason.to_owned()),
    }
}

/// Returns the provider's error that a message tells of.
fn error(span: &Span, message: &str) -> Answered {
    let event = span.events.iter().find(|event| event.name == "exception");
    let field = |name: &str| event?.attributes.get(name)?.as_str();
    let message = Some(message)
        .filter(|message| !message.is_empty())
        .or_else(|| field("exception.message"))
        .unwrap_or("the trace says that the call failed, and no more");
    let code = span.number(&["http.response.status_code", "http.status_code"]);
    let status = code
        .map(|code| code.to_string())
        .or_else(|| status_in(message));
    let status = status.and_then(|code| code.parse::<u16>().ok());
    let status = status
        .filter(|code| (400..600).contains(code))
        .unwrap_or(500);
    let kind = span
        .text(&["error.type"])
        .or_else(|| field("exception.type"));
    let body = body_in(message).unwrap_or_else(
        || json!({"error": {"message": message, "type": kind.unwrap_or("server_error")}}),
    );
    let body = Body::Whole(Bytes::from(body.to_string()));
    let response = parse_response(Dialect::OpenaiChat, status, &body).unwrap_or_default();
    Answered {
        status,
        response,
        lost: BTreeSet::from([Lost::Error]),
        is_truncated: false,
    }
}

/// How the SDKs write a status into the text of an error.
static STATUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:error code|status[_ ]?code|status|HTTP)\W{0,3}([45][0-9]{2})\b").ok()
});

fn status_in(message: &str) -> Option<String> {
    let found = STATUS.as_ref()?.captures(message)?;
    found.get(1).map(|code| code.as_str().to_owned())
}

/// Returns the body of an error that its text shows as Python or JSON.
fn body_in(message: &str) -> Option<Value> {
    let text = message.get(message.find('{')?..)?;
    let value = serde_json::from_str(text)
        .ok()
        .or_else(|| literal::read(text))?;
    let error = value.get("error").filter(|error| error.is_object());
    match error {
        Some(_error) => Some(value),
        None => value
            .get("message")
            .is_some()
            .then(|| json!({"error": value})),
    }
}
