//! The one internal form of what any source says: a span with attributes, as OpenTelemetry has it.

use std::sync::Arc;

use serde_json::{Map, Value};

/// A span of a trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Span {
    /// The id of its trace, as the source writes it.
    pub trace: String,
    /// Its id, as the source writes it.
    pub id: String,
    /// The id of the span around it; `None` for the outermost.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// The name of the instrumentation that wrote it.
    pub scope: String,
    /// When it began, in microseconds since 1970.
    pub began_us: i64,
    /// When it ended; `None` for a span that never did.
    pub ended_us: Option<i64>,
    /// What went wrong; empty where the source says no more than that something did.
    pub error: Option<String>,
    /// The attributes under their full names.
    pub attributes: Map<String, Value>,
    /// What happened within it.
    pub events: Vec<SpanEvent>,
    /// The attributes of the process that wrote it.
    pub resource: Arc<Map<String, Value>>,
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanEvent {
    /// Its name.
    pub name: String,
    /// When it happened, in microseconds since 1970.
    pub at_us: i64,
    /// Its attributes.
    pub attributes: Map<String, Value>,
}

impl Span {
    /// Returns the first of these attributes that is there and not null.
    pub fn any(&self, names: &[&str]) -> Option<&Value> {
        names
            .iter()
            .find_map(|name| self.attributes.get(*name).filter(|value| !value.is_null()))
    }

    /// Returns the first of these attributes that is a text and not empty.
    pub fn text(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .find_map(|name| self.attributes.get(*name)?.as_str())
            .filter(|text| !text.is_empty())
    }

    /// Returns the first of these attributes, read as JSON where it is a text that holds an object or a list.
    pub fn json(&self, names: &[&str]) -> Option<Value> {
        self.any(names).map(|value| structured(value.clone()))
    }

    /// Returns the first of these attributes that is a number, or a text that is one.
    pub fn number(&self, names: &[&str]) -> Option<f64> {
        names
            .iter()
            .find_map(|name| number(self.attributes.get(*name)?))
    }

    /// Returns what stands below `prefix` and a dot, put together again from its flattened names.
    pub fn below(&self, prefix: &str) -> Option<Value> {
        let mut found = Tree::default();
        let dotted = format!("{prefix}.");
        let names = self.attributes.range(&dotted);
        for (path, value) in names {
            found.insert(path, value);
        }
        found.into_value()
    }
}

/// The attributes below a prefix.
trait Range {
    fn range<'m>(&'m self, prefix: &'m str) -> Box<dyn Iterator<Item = (&'m str, &'m Value)> + 'm>;
}

impl Range for Map<String, Value> {
    fn range<'m>(&'m self, prefix: &'m str) -> Box<dyn Iterator<Item = (&'m str, &'m Value)> + 'm> {
        let rest = self
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)));
        Box::new(rest)
    }
}

/// A value being put together from paths.
#[derive(Debug, Default)]
struct Tree {
    own: Option<Value>,
    fields: std::collections::BTreeMap<String, Tree>,
}

impl Tree {
    fn insert(&mut self, path: &str, value: &Value) {
        let mut place = self;
        for key in path.splitn(MAX_DEPTH, '.') {
            place = place.fields.entry(key.to_owned()).or_default();
        }
        place.own = Some(value.clone());
    }

    /// Returns the value: a list where all names are numbers.
    fn into_value(self) -> Option<Value> {
        if self.fields.is_empty() {
            return self.own;
        }
        let numbers: Option<Vec<usize>> = self.fields.keys().map(|key| key.parse().ok()).collect();
        let is_list = numbers.is_some();
        let mut items: Vec<(usize, Value)> = Vec::new();
        let mut fields = Map::new();
        for (key, tree) in self.fields {
            let Some(value) = tree.into_value() else {
                continue;
            };
            match key.parse() {
                Ok(place) if is_list => items.push((place, value)),
                Ok(_) | Err(_) => {
                    fields.insert(key, value);
                }
            }
        }
        if is_list {
            items.sort_by_key(|(place, _value)| *place);
            return Some(items.into_iter().map(|(_place, value)| value).collect());
        }
        Some(Value::Object(fields))
    }
}

/// The most pieces of a flattened name: what goes deeper stays one name.
const MAX_DEPTH: usize = 16;

/// Returns a text that holds a JSON object or list as that; anything else as it is.
pub(crate) fn structured(value: Value) -> Value {
    let Value::String(text) = &value else {
        return value;
    };
    let begins = text.trim_start().chars().next();
    if !begins.is_some_and(|first| first == '{' || first == '[') {
        return value;
    }
    serde_json::from_str(text).unwrap_or(value)
}

/// Returns a number, also one that is written as a text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// Returns a text as it is, and any other value as JSON.
pub(crate) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn span(attributes: Value) -> Span {
        Span {
            attributes: serde_json::from_value(attributes).unwrap(),
            ..Span::default()
        }
    }

    #[test]
    fn flattened_names_become_one_value_again() {
        let span = span(json!({
            "m.0.role": "user", "m.0.tool_calls.1.name": "b", "m.0.tool_calls.0.name": "a",
            "m.10.role": "last", "m.2.role": "middle", "mm.0": 1,
        }));
        let found = json!([
            {"role": "user", "tool_calls": [{"name": "a"}, {"name": "b"}]},
            {"role": "middle"}, {"role": "last"},
        ]);
        assert_eq!(span.below("m"), Some(found));
        assert_eq!(span.below("n"), None);
    }

    #[test]
    fn only_texts_that_hold_an_object_or_a_list_are_read() {
        assert_eq!(structured(json!("{\"a\": 1}")), json!({"a": 1}));
        assert_eq!(structured(json!(" [1]")), json!([1]));
        for kept in [json!("370.0"), json!("{oops"), json!("true"), json!(3)] {
            assert_eq!(structured(kept.clone()), kept);
        }
    }

    #[test]
    fn a_name_of_countless_dots_is_no_deep_value() {
        let name = format!("m.{}", "a.".repeat(100_000));
        let span = Span {
            attributes: Map::from_iter([(name, json!(1))]),
            ..Span::default()
        };
        assert!(span.below("m").is_some());
    }
}
