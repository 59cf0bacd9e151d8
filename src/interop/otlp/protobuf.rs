//! `ExportTraceServiceRequest` and `TracesData` in protobuf, read by the field numbers that are fixed for ever.
//!
//! Source: <https://github.com/open-telemetry/opentelemetry-proto>, `trace/v1/trace.proto`.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::wire::{Field, Fields, NoMessage};
use crate::interop::{Span, SpanEvent};

/// What every span of a scope has in common.
#[derive(Debug, Clone, Default)]
struct Around {
    resource: Arc<Map<String, Value>>,
    scope: String,
}

/// The deepest value of an attribute.
const MAX_DEPTH: usize = 64;

/// Hands the spans of a request to `sink`.
pub(super) fn read(bytes: &[u8], sink: &mut dyn FnMut(Span)) -> Result<(), NoMessage> {
    for field in Fields::new(bytes) {
        if let (1, Field::Bytes(resource_spans)) = field? {
            read_resource(resource_spans, sink)?;
        }
    }
    Ok(())
}

fn read_resource(bytes: &[u8], sink: &mut dyn FnMut(Span)) -> Result<(), NoMessage> {
    let mut around = Around::default();
    // The resource may stand behind its spans.
    for field in Fields::new(bytes) {
        if let (1, Field::Bytes(resource)) = field? {
            around.resource = Arc::new(attributes(resource, 1, 0)?);
        }
    }
    for field in Fields::new(bytes) {
        // 1000 is what scopes were called before 1.0.
        if let (2 | 1000, Field::Bytes(scope_spans)) = field? {
            read_scope(scope_spans, &around, sink)?;
        }
    }
    Ok(())
}

fn read_scope(bytes: &[u8], around: &Around, sink: &mut dyn FnMut(Span)) -> Result<(), NoMessage> {
    let mut around = around.clone();
    for field in Fields::new(bytes) {
        if let (1, Field::Bytes(scope)) = field? {
            for field in Fields::new(scope) {
                if let (1, Field::Bytes(name)) = field? {
                    around.scope = text(name);
                }
            }
        }
    }
    for field in Fields::new(bytes) {
        if let (2, Field::Bytes(bytes)) = field? {
            sink(span(bytes, &around)?);
        }
    }
    Ok(())
}

fn span(bytes: &[u8], around: &Around) -> Result<Span, NoMessage> {
    let mut span = Span {
        scope: around.scope.clone(),
        resource: Arc::clone(&around.resource),
        ..Span::default()
    };
    for field in Fields::new(bytes) {
        match field? {
            (1, Field::Bytes(id)) => span.trace = hex(id),
            (2, Field::Bytes(id)) => span.id = hex(id),
            (4, Field::Bytes(id)) => {
                span.parent = Some(hex(id)).filter(|id| id.bytes().any(|digit| digit != b'0'));
            }
            (5, Field::Bytes(name)) => span.name = text(name),
            (7, Field::Fixed64(nanos)) => span.began_us = micros(nanos),
            (8, Field::Fixed64(nanos)) => {
                span.ended_us = Some(micros(nanos)).filter(|_ended| nanos > 0);
            }
            (9, Field::Bytes(pair)) => key_value(pair, 0, &mut span.attributes)?,
            (11, Field::Bytes(bytes)) => span.events.push(event(bytes)?),
            (15, Field::Bytes(bytes)) => span.error = status(bytes)?,
            (_, _) => {}
        }
    }
    Ok(span)
}

fn event(bytes: &[u8]) -> Result<SpanEvent, NoMessage> {
    let mut event = SpanEvent::default();
    for field in Fields::new(bytes) {
        match field? {
            (1, Field::Fixed64(nanos)) => event.at_us = micros(nanos),
            (2, Field::Bytes(name)) => event.name = text(name),
            (3, Field::Bytes(pair)) => key_value(pair, 0, &mut event.attributes)?,
            (_, _) => {}
        }
    }
    Ok(event)
}

fn status(bytes: &[u8]) -> Result<Option<String>, NoMessage> {
    let mut message = String::new();
    let mut is_error = false;
    for field in Fields::new(bytes) {
        match field? {
            (2, Field::Bytes(bytes)) => message = text(bytes),
            (3, Field::Varint(code)) => is_error = code == 2,
            (_, _) => {}
        }
    }
    Ok(is_error.then_some(message))
}

fn attributes(bytes: &[u8], number: u64, depth: usize) -> Result<Map<String, Value>, NoMessage> {
    let mut found = Map::new();
    for field in Fields::new(bytes) {
        if let (field, Field::Bytes(pair)) = field?
            && field == number
        {
            key_value(pair, depth, &mut found)?;
        }
    }
    Ok(found)
}

fn key_value(bytes: &[u8], depth: usize, into: &mut Map<String, Value>) -> Result<(), NoMessage> {
    let (mut key, mut value) = (String::new(), Value::Null);
    for field in Fields::new(bytes) {
        match field? {
            (1, Field::Bytes(bytes)) => key = text(bytes),
            (2, Field::Bytes(bytes)) => value = any(bytes, depth)?,
            (_, _) => {}
        }
    }
    into.insert(key, value);
    Ok(())
}

fn any(bytes: &[u8], depth: usize) -> Result<Value, NoMessage> {
    if depth > MAX_DEPTH {
        return Err(NoMessage);
    }
    let mut value = Value::Null;
    for field in Fields::new(bytes) {
        value = match field? {
            (1, Field::Bytes(bytes)) => Value::String(text(bytes)),
            (2, Field::Varint(flag)) => Value::Bool(flag != 0),
            (3, Field::Varint(number)) => Value::from(number.cast_signed()),
            (4, Field::Fixed64(bits)) => {
                Number::from_f64(f64::from_bits(bits)).map_or(Value::Null, Value::Number)
            }
            (5, Field::Bytes(list)) => {
                let mut items = Vec::new();
                for field in Fields::new(list) {
                    if let (1, Field::Bytes(item)) = field? {
                        items.push(any(item, depth.saturating_add(1))?);
                    }
                }
                Value::Array(items)
            }
            (6, Field::Bytes(list)) => Value::Object(attributes(list, 1, depth.saturating_add(1))?),
            (7, Field::Bytes(bytes)) => Value::String(STANDARD.encode(bytes)),
            (_, _) => value,
        };
    }
    Ok(value)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns an id as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ok = write!(text, "{byte:02x}");
        text
    })
}

fn micros(nanos: u64) -> i64 {
    i64::try_from(nanos / 1000).unwrap_or(i64::MAX)
}
