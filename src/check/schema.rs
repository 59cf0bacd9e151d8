//! JSON Schema (draft 2020-12), and JSON values as people write them in TOML.
//!
//! Nothing is fetched: a reference to another document is an error.

use std::collections::BTreeSet;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Number, Value};
use toml::Spanned;

use super::Finding;
use super::registry::ReadError;
use crate::diff::join;

/// A JSON Schema, ready to use.
#[derive(Debug)]
pub(super) struct Schema(Validator);

impl Schema {
    /// Reads a schema: a table, or a text that holds JSON.
    pub(super) fn read(raw: Spanned<toml::Value>) -> Result<Self, ReadError> {
        let span = raw.span();
        let fail = |message: String| ReadError::new(message, Some(span.clone()));
        let schema = match raw.get_ref().as_str() {
            Some(text) => serde_json::from_str(text)
                .map_err(|error| fail(format!("the JSON Schema is not valid JSON: {error}")))?,
            None => json(raw.into_inner()).map_err(&fail)?,
        };
        if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
            return Err(fail(
                "a JSON Schema is a table or a text with a JSON object".to_owned(),
            ));
        }
        if let Some(reference) = endless(&schema) {
            return Err(fail(format!(
                "the JSON Schema refers to itself without end at {reference}"
            )));
        }
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .build(&schema)
            .map(Self)
            .map_err(|error| {
                let place = match error.instance_path().as_str() {
                    "" => String::new(),
                    pointer => format!(" at {pointer}"),
                };
                fail(format!("invalid JSON Schema{place}: {error}"))
            })
    }

    /// Returns where `value` breaks the schema; `what` names it.
    pub(super) fn findings(&self, what: &str, value: &Value) -> Vec<Finding> {
        let errors = self.0.iter_errors(value).take(MAX_FINDINGS);
        errors
            .map(|error| {
                let place = match error.instance_path().as_str() {
                    "" => String::new(),
                    pointer => format!(" at {pointer}"),
                };
                let rule = error.schema_path().as_str().to_owned();
                Finding::new(format!("{what} breaks the JSON Schema{place}"))
                    .values(format!("schema {rule}"), error.to_string())
            })
            .collect()
    }
}

/// Returns the pointer of a schema that is applied to a value again and again, without ever going on to
/// a part of the value.
fn endless(schema: &Value) -> Option<String> {
    let mut starts = Vec::new();
    each_place(schema, "", &mut |pointer, value| {
        if value.get("$ref").is_some() || value.get("$dynamicRef").is_some() {
            starts.push(pointer.to_owned());
        }
    });
    let mut ended = BTreeSet::new();
    starts
        .into_iter()
        .find_map(|start| circle(schema, start, &mut Vec::new(), &mut ended))
}

/// Follows the schemas that apply to the same value; returns the one that is met twice on one way.
fn circle(
    root: &Value,
    pointer: String,
    way: &mut Vec<String>,
    ended: &mut BTreeSet<String>,
) -> Option<String> {
    if way.contains(&pointer) {
        return Some(format!("#{pointer}"));
    }
    if ended.contains(&pointer) || way.len() > MAX_WAY {
        return None;
    }
    let schema = root.pointer(&pointer)?;
    way.push(pointer.clone());
    let found = in_place(root, &pointer, schema)
        .into_iter()
        .find_map(|next| circle(root, next, way, ended));
    way.pop();
    ended.insert(pointer);
    found
}

/// Returns the pointers of the schemas that apply to the same value as the one at `pointer`.
fn in_place(root: &Value, pointer: &str, schema: &Value) -> Vec<String> {
    let mut next = Vec::new();
    for key in ["$ref", "$dynamicRef"] {
        let reference = schema.get(key).and_then(Value::as_str);
        next.extend(reference.and_then(|reference| target(root, reference)));
    }
    for key in ["not", "if", "then", "else"] {
        if schema.get(key).is_some() {
            next.push(format!("{pointer}/{key}"));
        }
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        let list = schema.get(key).and_then(Value::as_array);
        let indices = 0..list.map_or(0, Vec::len);
        next.extend(indices.map(|index| format!("{pointer}/{key}/{index}")));
    }
    let dependent = schema.get("dependentSchemas").and_then(Value::as_object);
    next.extend(
        dependent
            .into_iter()
            .flat_map(Map::keys)
            .map(|name| join(&format!("{pointer}/dependentSchemas"), name)),
    );
    next
}

/// Returns the pointer that a reference within the document leads to.
fn target(root: &Value, reference: &str) -> Option<String> {
    let fragment = reference.strip_prefix('#')?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return Some(fragment.to_owned());
    }
    let mut found = None;
    each_place(root, "", &mut |pointer, value| {
        let names = ["$anchor", "$dynamicAnchor"];
        let is_it = names
            .iter()
            .any(|key| value.get(key).and_then(Value::as_str) == Some(fragment));
        if is_it && found.is_none() {
            found = Some(pointer.to_owned());
        }
    });
    found
}

fn each_place(value: &Value, pointer: &str, each: &mut dyn FnMut(&str, &Value)) {
    each(pointer, value);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                each_place(value, &join(pointer, key), each);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                each_place(value, &format!("{pointer}/{index}"), each);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns a value of TOML as JSON; dates become texts.
pub(super) fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| format!("`{number}` is no number in JSON"))?,
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(list) => {
            let list: Result<Vec<Value>, String> = list.into_iter().map(json).collect();
            Value::Array(list?)
        }
        toml::Value::Table(table) => {
            let pairs = table
                .into_iter()
                .map(|(key, value)| Ok((key, json(value)?)));
            let map: Result<Map<String, Value>, String> = pairs.collect();
            Value::Object(map?)
        }
    })
}

/// Beyond this many findings nobody reads on.
const MAX_FINDINGS: usize = 20;

/// The longest way along schemas for the same value that is followed.
const MAX_WAY: usize = 200;

#[cfg(test)]
mod tests;
