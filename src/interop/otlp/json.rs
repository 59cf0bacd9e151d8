//! Spans in JSON, however they are written down: OTLP with names in either case, ids in hexadecimal or
//! base64, enums as names or numbers; what Phoenix and MLflow give out; Tempo's `batches`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::protobuf::hex;
use crate::interop::span::number;
use crate::interop::{Span, SpanEvent};

/// What an object says of all spans in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    pub(super) resource: Option<Arc<Map<String, Value>>>,
    pub(super) scope: Option<String>,
}

/// No known form is deeper.
pub(super) const MAX_DEPTH: usize = 12;

/// Fields that hold what holds spans.
pub(super) const CONTAINERS: [&str; 14] = [
    "resourceSpans",
    "resource_spans",
    "batches",
    "scopeSpans",
    "scope_spans",
    "instrumentationLibrarySpans",
    "instrumentation_library_spans",
    "spans",
    "data",
    "trace",
    "traces",
    "trace_data",
    "traceData",
    "result",
];

/// Returns whether an object is a span.
pub(super) fn is_span(fields: &Map<String, Value>) -> bool {
    let has = |fields: &Map<String, Value>, names: [&str; 3]| {
        names.iter().any(|name| fields.contains_key(*name))
    };
    let in_context = fields.get("context").and_then(Value::as_object);
    has(fields, SPAN_IDS) || in_context.is_some_and(|context| has(context, SPAN_IDS))
}

const SPAN_IDS: [&str; 3] = ["spanId", "span_id", "spanID"];

/// Returns the span that an object is, without what is said around it.
pub(super) fn span(mut fields: Map<String, Value>) -> Span {
    if let Some(Value::Object(context)) = fields.remove("context") {
        for (name, value) in context {
            fields.entry(name).or_insert(value);
        }
    }
    let mut take = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| fields.remove(*name).filter(|value| !value.is_null()))
    };
    let id_of = |value: Option<Value>, bytes: usize| {
        value.and_then(|value| value.as_str().map(|text| id(text, bytes)))
    };
    let text_of = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    let status = status(
        take(&["status"]),
        take(&["status_code", "statusCode"]),
        take(&["status_message"]),
    );
    let parent = id_of(
        take(&["parentSpanId", "parent_span_id", "parent_id", "parentId"]),
        8,
    );
    let mut own = Span {
        trace: id_of(take(&["traceId", "trace_id", "traceID"]), 16).unwrap_or_default(),
        id: id_of(take(&SPAN_IDS), 8).unwrap_or_default(),
        parent: parent.filter(|id| id.bytes().any(|digit| digit != b'0')),
        name: text_of(take(&["name", "operationName"])).unwrap_or_default(),
        began_us: take(&[
            "startTimeUnixNano",
            "start_time_unix_nano",
            "start_time",
            "startTime",
        ])
        .and_then(|value| time(&value))
        .unwrap_or(0),
        ended_us: take(&[
            "endTimeUnixNano",
            "end_time_unix_nano",
            "end_time",
            "endTime",
        ])
        .and_then(|value| time(&value))
        .filter(|ended| *ended > 0),
        error: status,
        attributes: take(&["attributes"]).map(attributes).unwrap_or_default(),
        events: events(take(&["events"])),
        ..Span::default()
    };
    // Phoenix writes the kind beside the attributes.
    if let Some(kind) = text_of(take(&["span_kind", "spanKind"]))
        && !["INTERNAL", "CLIENT", "SERVER", "UNKNOWN"].contains(&kind.as_str())
    {
        let name = "openinference.span.kind".to_owned();
        own.attributes.entry(name).or_insert(Value::from(kind));
    }
    own
}

fn status(status: Option<Value>, code: Option<Value>, message: Option<Value>) -> Option<String> {
    let (code, message) = match status {
        Some(Value::Object(mut fields)) => (
            fields.remove("code").or(code),
            fields.remove("message").or(message),
        ),
        other @ Some(Value::String(_) | Value::Number(_)) => (other, message),
        Some(Value::Null | Value::Bool(_) | Value::Array(_)) | None => (code, message),
    };
    let is_error = match code? {
        Value::String(name) => name.to_uppercase().ends_with("ERROR") || name == "2",
        Value::Number(number) => number.as_u64() == Some(2),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    };
    let message = message.and_then(|message| message.as_str().map(str::to_owned));
    is_error.then(|| message.unwrap_or_default())
}

fn events(value: Option<Value>) -> Vec<SpanEvent> {
    let Some(Value::Array(items)) = value else {
        return Vec::new();
    };
    let event = |item: Value| {
        let Value::Object(mut fields) = item else {
            return None;
        };
        let at = ["timeUnixNano", "time_unix_nano", "timestamp"]
            .into_iter()
            .find_map(|name| time(fields.get(name)?));
        Some(SpanEvent {
            name: fields.get("name")?.as_str()?.to_owned(),
            at_us: at.unwrap_or(0),
            attributes: fields
                .remove("attributes")
                .map(attributes)
                .unwrap_or_default(),
        })
    };
    items.into_iter().filter_map(event).collect()
}

/// Returns attributes: a list of keys and values, or an object, maybe nested.
pub(super) fn attributes(value: Value) -> Map<String, Value> {
    match value {
        Value::Array(items) => pairs(items, 0),
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Map::new(),
    }
}

fn pairs(items: Vec<Value>, depth: usize) -> Map<String, Value> {
    let pair = |item: Value| {
        let Value::Object(mut fields) = item else {
            return None;
        };
        let key = fields.get("key")?.as_str()?.to_owned();
        let value = fields.remove("value").unwrap_or_default();
        Some((key, any(value, depth)))
    };
    items.into_iter().filter_map(pair).collect()
}

/// The deepest value of an attribute; what is deeper is left out.
const MAX_VALUE_DEPTH: usize = 64;

fn any(value: Value, depth: usize) -> Value {
    let Value::Object(mut fields) = value else {
        return value;
    };
    if depth > MAX_VALUE_DEPTH {
        return Value::Null;
    }
    // Some write down each kind of value, `null` for all but one.
    let mut take = |names: [&str; 2]| {
        let mut found = names.into_iter().filter_map(|name| fields.remove(name));
        found.find(|value| !value.is_null())
    };
    if let Some(text) = take(["stringValue", "string_value"]) {
        return text;
    }
    if let Some(flag) = take(["boolValue", "bool_value"]) {
        return flag;
    }
    if let Some(count) = take(["intValue", "int_value"]) {
        let written = count.as_str().and_then(|text| text.parse::<i64>().ok());
        return written.map_or(count, Value::from);
    }
    if let Some(float) = take(["doubleValue", "double_value"]) {
        return number(&float)
            .and_then(serde_json::Number::from_f64)
            .map_or(Value::Null, Value::Number);
    }
    if let Some(list) = take(["arrayValue", "array_value"]) {
        let items = list.get("values").and_then(Value::as_array).cloned();
        let items = items.unwrap_or_default().into_iter();
        return items
            .map(|item| any(item, depth.saturating_add(1)))
            .collect();
    }
    if let Some(list) = take(["kvlistValue", "kvlist_value"]) {
        let items = list.get("values").and_then(Value::as_array).cloned();
        return Value::Object(pairs(items.unwrap_or_default(), depth.saturating_add(1)));
    }
    if let Some(bytes) = take(["bytesValue", "bytes_value"]) {
        return bytes;
    }
    Value::Null
}

/// Returns an id as hexadecimal digits; base64 is told from it by its length. Any other id stays as it is.
fn id(text: &str, bytes: usize) -> String {
    let digits = bytes.saturating_mul(2);
    if text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return text.to_lowercase();
    }
    match STANDARD.decode(text) {
        Ok(decoded) if decoded.len() == bytes => hex(&decoded),
        Ok(_) | Err(_) => text.to_owned(),
    }
}

/// Returns a time: nanoseconds since 1970 as a number or a text, or a date.
fn time(value: &Value) -> Option<i64> {
    if let Some(text) = value.as_str()
        && let Ok(time) = text.parse::<jiff::Timestamp>()
    {
        return Some(time.as_microsecond());
    }
    let whole = value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    if let Some(nanos) = whole {
        return Some(nanos / 1000);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float that is too large becomes the largest number"
    )]
    number(value).map(|nanos| (nanos / 1000.0) as i64)
}
