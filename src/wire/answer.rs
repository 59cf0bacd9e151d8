//! Parses answers: by status, by form (JSON or events), by dialect.

use bytes::Bytes;
use serde_json::Value;

use crate::model::{Body, Dialect, Response};

use super::sse;
use super::{WireError, anthropic, chat, embeddings, error, gemini, opaque, responses};

/// Returns an answer in the normal form; one with `error` for an error status or a failed stream.
///
/// A stream that broke off gives what had come, without a finish reason.
///
/// # Errors
///
/// Where a body of status 2xx is no JSON and no event stream, or not of the dialect's shape.
pub fn parse_response(dialect: Dialect, status: u16, body: &Body) -> Result<Response, WireError> {
    if !(200..300).contains(&status) {
        return Ok(error::parse(status, &body.to_bytes()));
    }
    if dialect == Dialect::Opaque {
        return Ok(opaque::parse(&body.to_bytes()));
    }
    match body {
        Body::Events(events) => parse_events(dialect, events.iter().map(|event| event.bytes)),
        Body::Whole(bytes) if sse::is_event_stream(bytes) => {
            parse_events(dialect, sse::split_events(bytes).into_iter())
        }
        Body::Whole(bytes) => {
            let value = serde_json::from_slice(bytes).map_err(json(dialect))?;
            parse_value(dialect, value).map_err(shape(dialect))
        }
    }
}

fn parse_value(dialect: Dialect, value: Value) -> Result<Response, String> {
    match dialect {
        Dialect::OpenaiChat => chat::response::parse(value),
        Dialect::OpenaiResponses => responses::response::parse(value),
        Dialect::AnthropicMessages => anthropic::response::parse(value),
        Dialect::Gemini => gemini::response::parse(value),
        Dialect::OpenaiEmbeddings | Dialect::Opaque => embeddings::parse(value),
    }
}

/// Reads the events one by one: a long stream is never in memory as a whole.
fn parse_events(
    dialect: Dialect,
    events: impl Iterator<Item = Bytes>,
) -> Result<Response, WireError> {
    let events = events.map(|event| sse::event_data(&event));
    let body = match dialect {
        Dialect::OpenaiChat => chat::assemble(events),
        Dialect::OpenaiResponses => responses::assemble(events),
        Dialect::AnthropicMessages => anthropic::assemble(events),
        Dialect::Gemini => gemini::assemble(events),
        Dialect::OpenaiEmbeddings | Dialect::Opaque => {
            sse::json_data(events).next().unwrap_or(Ok(Value::Null))
        }
    };
    let body = body.map_err(json(dialect))?;
    parse_value(dialect, body).map_err(shape(dialect))
}

fn json(dialect: Dialect) -> impl FnOnce(serde_json::Error) -> WireError {
    move |source| WireError::Json {
        dialect,
        what: "response",
        source,
    }
}

fn shape(dialect: Dialect) -> impl FnOnce(String) -> WireError {
    move |detail| WireError::Shape {
        dialect,
        what: "response",
        detail,
    }
}
