//! Streams: each event whole, or as what differs from the latest event of its shape.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::cursor::{Reader, Tracker};
use super::escape::Style;
use super::sources::Table;
use super::{CodecError, base64, bytes_of, splice, tokens};
use crate::model::StreamEvent;

/// A shape, and the tokens of its latest event.
struct Shape {
    pieces: Vec<String>,
    tokens: Vec<String>,
}

impl Shape {
    fn of(text: &str) -> Self {
        let cut = tokens::cut(text);
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        Self {
            pieces: owned(cut.shape),
            tokens: owned(cut.tokens),
        }
    }
}

/// Returns the events as JSON.
pub(super) fn encode(events: &[StreamEvent], table: &mut Table<'_>) -> Value {
    let mut shapes: Vec<Shape> = Vec::new();
    let mut numbers: HashMap<Vec<String>, usize> = HashMap::new();
    let mut tracker = Tracker::default();
    events
        .iter()
        .map(|event| {
            let Ok(text) = std::str::from_utf8(&event.bytes) else {
                return json!([event.delay_us, base64(&event.bytes)]);
            };
            let shape = Shape::of(text);
            if let Some(number) = numbers.get(&shape.pieces).copied()
                && let Some(latest) = shapes.get_mut(number)
            {
                let mut row = vec![json!(event.delay_us), json!(number)];
                for (place, (old, new)) in latest.tokens.iter().zip(&shape.tokens).enumerate() {
                    if old != new {
                        row.push(json!(place));
                        row.push(token_to_json(new, table, &mut tracker));
                    }
                }
                latest.tokens = shape.tokens;
                return Value::Array(row);
            }
            for token in &shape.tokens {
                if let Some((text, _style)) = read_string(token) {
                    tracker.follow(table, &text);
                }
            }
            numbers.insert(shape.pieces.clone(), shapes.len());
            shapes.push(shape);
            json!([event.delay_us, splice::encode(text, table)])
        })
        .collect()
}

/// Returns the events that [`encode`] made this JSON of.
pub(super) fn decode(value: &Value, texts: &[String]) -> Result<Vec<StreamEvent>, CodecError> {
    let rows = value
        .as_array()
        .ok_or_else(|| CodecError::malformed("a list of events", value))?;
    let mut shapes: Vec<Shape> = Vec::new();
    let mut known: HashMap<Vec<String>, ()> = HashMap::new();
    let mut reader = Reader::new(texts);
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let malformed = || CodecError::malformed("an event", row);
        let (delay, body, changes) = match row.as_array().map(Vec::as_slice) {
            Some([delay, body, changes @ ..]) => (delay, body, changes),
            Some(_) | None => return Err(malformed()),
        };
        let bytes = match body {
            Value::Number(number) => {
                let number = number
                    .as_u64()
                    .and_then(|number| usize::try_from(number).ok());
                let shape = number
                    .and_then(|number| shapes.get_mut(number))
                    .ok_or_else(malformed)?;
                change(shape, changes, &mut reader)?;
                Bytes::from(tokens::join(&shape.pieces, &shape.tokens))
            }
            Value::Object(_) => bytes_of(body)?,
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => {
                let text = splice::decode(body, texts)?;
                let shape = Shape::of(&text);
                // The encoder makes an event of a known shape whole only when it does without shapes.
                if known.insert(shape.pieces.clone(), ()).is_none() {
                    shapes.push(shape);
                }
                Bytes::from(text)
            }
        };
        events.push(StreamEvent {
            delay_us: delay.as_u64().ok_or_else(malformed)?,
            bytes,
        });
    }
    Ok(events)
}

/// Puts other tokens into a shape.
fn change(shape: &mut Shape, changes: &[Value], reader: &mut Reader<'_>) -> Result<(), CodecError> {
    for change in changes.chunks(2) {
        let [place, token] = change else {
            return Err(CodecError::malformed("a place and a token", &json!(change)));
        };
        let slot = place
            .as_u64()
            .and_then(|place| shape.tokens.get_mut(usize::try_from(place).ok()?))
            .ok_or_else(|| CodecError::malformed("the place of a token", place))?;
        *slot = token_from_json(token, reader)?;
    }
    Ok(())
}

fn token_to_json(token: &str, table: &mut Table<'_>, tracker: &mut Tracker) -> Value {
    let Some((text, style)) = read_string(token) else {
        return match token.parse::<i64>() {
            Ok(number) if number.to_string() == token => json!(number),
            Ok(_) | Err(_) => json!({ "raw": token }),
        };
    };
    match (tracker.refer(table, &text), style) {
        (Some(reference), Style::Json) => Value::Array(reference),
        (Some(mut reference), Style::Ascii) => {
            reference.push(json!("ascii"));
            Value::Array(reference)
        }
        (None, Style::Json) => json!(text),
        (None, Style::Ascii) => json!({ "ascii": text }),
    }
}

fn token_from_json(value: &Value, reader: &mut Reader<'_>) -> Result<String, CodecError> {
    let malformed = || CodecError::malformed("a token", value);
    match value {
        Value::String(text) => Ok(Style::Json.quote(text)),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(reference) => {
            let (reference, style) = match reference.split_last() {
                Some((last, rest)) if last.as_str() == Some("ascii") => (rest, Style::Ascii),
                Some(_) | None => (reference.as_slice(), Style::Json),
            };
            let text = reader.read(reference).ok_or_else(malformed)?;
            Ok(style.quote(text))
        }
        Value::Object(fields) => {
            let field = |name: &str| fields.get(name).and_then(Value::as_str);
            let ascii = field("ascii").map(|text| Style::Ascii.quote(text));
            ascii
                .or_else(|| field("raw").map(str::to_owned))
                .ok_or_else(malformed)
        }
        Value::Null | Value::Bool(_) => Err(malformed()),
    }
}

/// Returns the text of a token that is a string in one of the known styles.
fn read_string(token: &str) -> Option<(String, Style)> {
    let text: String = serde_json::from_str(token).ok()?;
    let style = Style::ALL
        .into_iter()
        .find(|style| style.quote(&text) == token)?;
    Some((text, style))
}
