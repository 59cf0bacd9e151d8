//! Response bodies as compact JSON, byte for byte reversible. Pure.
//!
//! [`encode`] turns a [`Body`] into JSON, [`decode`] leads back. Long texts of the answer's normal
//! form, which is stored anyway, are referred to instead of being written again; an event of a
//! stream is written as what differs from the latest event of its shape. Whatever does not come back
//! exactly is written as it is, so the result is always lossless.
//!
//! The form, a format of our own:
//!
//! ```text
//! {"base64": "…"}                          bytes that are no text
//! {"text": TEXT, "from": [SOURCE, …]}      a text
//! {"like": [shape, place, TOKEN, …], "from": […]}      a text of a shape that is kept elsewhere
//! {"events": [EVENT, …], "from": […]}      a stream
//! {"packed": ["…", …]}                     a stream of 4 MB or more, see below
//! EVENT  = [delay_us, TEXT] | [delay_us, {"base64": "…"}]      a whole event
//!        | [delay_us, shape, place, TOKEN, place, TOKEN, …]    the n-th shape (from 0: those kept
//!                                  elsewhere, then whole text events) with other tokens at these places
//! TEXT   = "…" | ["…", REF, "…"]
//! REF    = [source] | [source, STYLE]      all of that source, escaped
//! TOKEN  = "…" | 12                        a JSON string, an integer
//!        | {"ascii": "…"}                  a JSON string, everything beyond ASCII escaped
//!        | {"raw": "…"}                    the token itself
//!        | [source] | [source, length] | [source, length, start]      all of a source as a string; its
//!                                  next `length` bytes of UTF-8; so many from the byte `start` on
//!        | […, "ascii"]            the same, everything beyond ASCII escaped
//! SOURCE = 0                               the n-th of the provider's ids
//!        | "/parts/0/text"                 a JSON pointer into the answer's message
//!        | ["/parts/1/arguments", "compact" | "spaced"]   a value there, as JSON text
//! STYLE  = "json" (default) | "json2" | "ascii" | "ascii2"    2: escaped twice, JSON within JSON
//! ```
//!
//! A long stream is compressed instead, so that writing and reading it take little memory: each text of
//! `packed` is the base64 of a zstd frame with events, for each its `delay_us` and its length as 8
//! bytes, little-endian, and its bytes. Does not interpret what a dialect means.

mod cursor;
mod escape;
mod events;
mod shape;
mod sources;
mod splice;
#[cfg(test)]
mod tests;
mod tokens;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::model::{Body, Events, Message};
pub use shape::{Shape, shapes};
use sources::{Catalogue, Table};

/// Why an encoded body can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A value does not have the form that belongs here.
    #[error("the encoded body is malformed: expected {expected}, found {found}")]
    Malformed {
        /// What belongs here.
        expected: &'static str,
        /// What stands here, shortened.
        found: String,
    },
    /// A reference leads to a text that the answer does not have.
    #[error("the encoded body refers to `{pointer}`, which the answer does not have")]
    Dangling {
        /// The pointer into the answer.
        pointer: String,
    },
}

impl CodecError {
    fn malformed(expected: &'static str, found: &Value) -> Self {
        Self::Malformed {
            expected,
            found: found.to_string().chars().take(60).collect(),
        }
    }
}

/// What both sides of the codec have at hand.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Known<'a> {
    /// The answer in its normal form.
    pub output: Option<&'a Message>,
    /// The provider's ids of the answer and its tool calls.
    pub ids: &'a [&'a str],
    /// Shapes that are kept apart (see [`shapes`]).
    pub shapes: &'a [Shape],
}

/// Returns the body as JSON that [`decode`] can read with the same `known`.
pub fn encode(body: &Body, known: Known<'_>) -> Value {
    if let Body::Events(events) = body
        && is_long(events)
        && let Some(packed) = packed(events)
    {
        return packed;
    }
    let catalogue = Catalogue::of(known);
    let compact = match body {
        Body::Whole(bytes) => whole(bytes, &catalogue, known.shapes),
        Body::Events(events) => stream(events, &catalogue, known.shapes),
    };
    if decode(&compact, known).as_ref() == Ok(body) {
        return compact;
    }
    verbatim(body)
}

/// Returns the body that [`encode`] made this JSON of.
///
/// # Errors
///
/// The JSON is not of the form above, or refers to what is not known.
pub fn decode(value: &Value, known: Known<'_>) -> Result<Body, CodecError> {
    let object = value
        .as_object()
        .ok_or_else(|| CodecError::malformed("an object", value))?;
    let texts = sources::resolve(object.get("from"), known)?;
    if let Some(text) = object.get("text") {
        return Ok(Body::Whole(Bytes::from(splice::decode(text, &texts)?)));
    }
    if let Some(like) = object.get("like") {
        let text = events::decode_whole(like, &texts, known.shapes)?;
        return Ok(Body::Whole(Bytes::from(text)));
    }
    if let Some(events) = object.get("events") {
        let events = events::decode(events, &texts, known.shapes)?;
        return Ok(Body::Events(events.into()));
    }
    if let Some(blocks) = object.get("packed") {
        return unpacked(blocks).map(Body::Events);
    }
    Ok(Body::Whole(bytes_of(value)?))
}

fn whole(bytes: &Bytes, catalogue: &Catalogue, shapes: &[Shape]) -> Value {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return base64(bytes);
    };
    let mut table = Table::new(catalogue);
    if let Some(like) = events::encode_whole(text, &mut table, shapes) {
        return with_sources("like", like, &table);
    }
    let text = splice::encode(text, &mut table);
    with_sources("text", text, &table)
}

fn stream(events: &Events, catalogue: &Catalogue, shapes: &[Shape]) -> Value {
    let mut table = Table::new(catalogue);
    let events = events::encode(events, &mut table, shapes);
    with_sources("events", events, &table)
}

fn with_sources(name: &str, value: Value, table: &Table<'_>) -> Value {
    let mut object = Map::new();
    object.insert(name.to_owned(), value);
    let sources = table.to_json();
    if !sources.is_empty() {
        object.insert("from".to_owned(), Value::Array(sources));
    }
    Value::Object(object)
}

/// Returns whether a stream is written compressed.
fn is_long(events: &Events) -> bool {
    events.byte_len() >= LONG
}

/// Returns the events compressed; `None` where they can't be.
fn packed(events: &Events) -> Option<Value> {
    let blocks = events.to_packed()?;
    let blocks: Vec<Value> = blocks
        .iter()
        .map(|block| Value::from(BASE64.encode(block)))
        .collect();
    Some(json!({ "packed": blocks }))
}

fn unpacked(value: &Value) -> Result<Events, CodecError> {
    let expected = || CodecError::malformed("a list of packed blocks of events", value);
    let blocks = value.as_array().ok_or_else(expected)?;
    let blocks = blocks.iter().map(|block| {
        let bytes = BASE64.decode(block.as_str()?).ok()?;
        Some(Bytes::from(bytes))
    });
    let blocks: Vec<Bytes> = blocks.collect::<Option<_>>().ok_or_else(expected)?;
    Events::from_packed(blocks).ok_or_else(expected)
}

/// Returns the body without any reference or difference.
fn verbatim(body: &Body) -> Value {
    let text = |bytes: &Bytes| std::str::from_utf8(bytes).map(Value::from);
    match body {
        Body::Whole(bytes) => {
            text(bytes).map_or_else(|_binary| base64(bytes), |text| json!({ "text": text }))
        }
        Body::Events(events) => {
            let events: Vec<Value> = events
                .iter()
                .map(|event| {
                    let body = text(&event.bytes).unwrap_or_else(|_binary| base64(&event.bytes));
                    json!([event.delay_us, body])
                })
                .collect();
            json!({ "events": events })
        }
    }
}

/// From how many bytes on a stream is written compressed.
const LONG: usize = 4 << 20;

fn base64(bytes: &[u8]) -> Value {
    json!({ "base64": BASE64.encode(bytes) })
}

fn bytes_of(value: &Value) -> Result<Bytes, CodecError> {
    let expected = || CodecError::malformed("`text`, `events` or valid `base64`", value);
    let text = value
        .get("base64")
        .and_then(Value::as_str)
        .ok_or_else(expected)?;
    let bytes = BASE64.decode(text).map_err(|_invalid| expected())?;
    Ok(Bytes::from(bytes))
}
