//! Streams: each event whole, or as what differs from the latest event of its shape.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use serde_json::{Value, json};

use super::cursor::{Reader, Tracker};
use super::escape::Style;
use super::sources::Table;
use super::{CodecError, Shape, base64, bytes_of, splice};
use crate::model::{ContentId, Events, StreamEvent};

/// Returns the events as JSON; `shapes` are known to the reader.
pub(super) fn encode(events: &Events, table: &mut Table<'_>, shapes: &[Shape]) -> Value {
    let mut shapes = shapes.to_vec();
    let mut numbers: HashMap<ContentId, usize> = HashMap::new();
    for (number, shape) in shapes.iter().enumerate() {
        numbers.entry(shape.id()).or_insert(number);
    }
    let mut tracker = Tracker::default();
    events
        .iter()
        .map(|event| {
            let Ok(text) = std::str::from_utf8(&event.bytes) else {
                return json!([event.delay_us, base64(&event.bytes)]);
            };
            let shape = Shape::of(text);
            if let Some(number) = numbers.get(&shape.id()).copied()
                && let Some(latest) = shapes.get_mut(number)
            {
                let mut row = vec![json!(event.delay_us), json!(number)];
                row.extend(differences(latest, &shape, table, &mut tracker));
                *latest = shape;
                return Value::Array(row);
            }
            for token in &shape.tokens {
                if let Some((text, _style)) = read_string(token) {
                    tracker.follow(table, &text);
                }
            }
            numbers.insert(shape.id(), shapes.len());
            shapes.push(shape);
            json!([event.delay_us, splice::encode(text, table)])
        })
        .collect()
}

/// Returns the events that [`encode`] made this JSON of.
pub(super) fn decode(
    value: &Value,
    texts: &[String],
    shapes: &[Shape],
) -> Result<Vec<StreamEvent>, CodecError> {
    let rows = value
        .as_array()
        .ok_or_else(|| CodecError::malformed("a list of events", value))?;
    let mut shapes = shapes.to_vec();
    let mut known: HashSet<ContentId> = shapes.iter().map(Shape::id).collect();
    let mut reader = Reader::new(texts);
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let malformed = || CodecError::malformed("an event", row);
        let Some([delay, body, changes @ ..]) = row.as_array().map(Vec::as_slice) else {
            return Err(malformed());
        };
        let bytes = match body {
            Value::Number(_) => {
                let shape = nth(&mut shapes, body)?;
                change(shape, changes, &mut reader)?;
                Bytes::from(shape.to_text())
            }
            Value::Object(_) => bytes_of(body)?,
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => {
                let text = splice::decode(body, texts)?;
                let shape = Shape::of(&text);
                if known.insert(shape.id()) {
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

/// Returns a body that came as one as what differs from one of `shapes`, where it has one of them.
pub(super) fn encode_whole(text: &str, table: &mut Table<'_>, shapes: &[Shape]) -> Option<Value> {
    let shape = Shape::of(text);
    let (number, known) = shapes
        .iter()
        .enumerate()
        .find(|(_number, known)| known.pieces == shape.pieces)?;
    let mut row = vec![json!(number)];
    row.extend(differences(known, &shape, table, &mut Tracker::default()));
    Some(Value::Array(row))
}

/// Returns the text that [`encode_whole`] made this JSON of.
pub(super) fn decode_whole(
    value: &Value,
    texts: &[String],
    shapes: &[Shape],
) -> Result<String, CodecError> {
    let Some([number, changes @ ..]) = value.as_array().map(Vec::as_slice) else {
        return Err(CodecError::malformed("a shape and its tokens", value));
    };
    let mut shapes = shapes.to_vec();
    let shape = nth(&mut shapes, number)?;
    change(shape, changes, &mut Reader::new(texts))?;
    Ok(shape.to_text())
}

fn nth<'a>(shapes: &'a mut [Shape], number: &Value) -> Result<&'a mut Shape, CodecError> {
    number
        .as_u64()
        .and_then(|number| shapes.get_mut(usize::try_from(number).ok()?))
        .ok_or_else(|| CodecError::malformed("the number of a shape", number))
}

/// Returns places and tokens in which `new` differs from `old`, which has the same pieces.
fn differences(
    old: &Shape,
    new: &Shape,
    table: &mut Table<'_>,
    tracker: &mut Tracker,
) -> Vec<Value> {
    let mut changes = Vec::new();
    for (place, (old, new)) in old.tokens.iter().zip(&new.tokens).enumerate() {
        if old != new {
            changes.push(json!(place));
            changes.push(token_to_json(new, table, tracker));
        }
    }
    changes
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
