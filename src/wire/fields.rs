//! Small readers for JSON objects that are taken apart field by field.

use serde_json::{Map, Value};

/// Takes a field out where it is a string; one of another type stays.
pub(super) fn take_text(map: &mut Map<String, Value>, name: &str) -> Option<String> {
    match map.remove(name)? {
        Value::String(text) => Some(text),
        Value::Null => None,
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            map.insert(name.to_owned(), other);
            None
        }
    }
}

/// Takes a field out where it is an array; one of another type stays.
pub(super) fn take_array(map: &mut Map<String, Value>, name: &str) -> Option<Vec<Value>> {
    match map.remove(name)? {
        Value::Array(values) => Some(values),
        Value::Null => None,
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            map.insert(name.to_owned(), other);
            None
        }
    }
}

/// Takes a field out where it is an object; one of another type stays.
pub(super) fn take_object(map: &mut Map<String, Value>, name: &str) -> Option<Map<String, Value>> {
    match map.remove(name)? {
        Value::Object(fields) => Some(fields),
        Value::Null => None,
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            map.insert(name.to_owned(), other);
            None
        }
    }
}

/// Removes the fields that say nothing: null, and the empty arrays among `empty`.
pub(super) fn drop_blank(map: &mut Map<String, Value>, empty: &[&str]) {
    map.retain(|name, value| match value {
        Value::Null => false,
        Value::Array(values) => !(values.is_empty() && empty.contains(&name.as_str())),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => true,
    });
}

/// Returns the value as an object, or what it is instead.
pub(super) fn object(value: Value, what: &str) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(fields) => Ok(fields),
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)) => Err(format!("{what} is {}, not an object", kind(&other))),
    }
}

/// Returns the text of a field; empty where it is missing or no text.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns what a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Returns the count at a JSON pointer; 0 where there is none.
pub(super) fn count(value: &Value, pointer: &str) -> u64 {
    let number = value.pointer(pointer);
    number.and_then(Value::as_u64).unwrap_or_default()
}
