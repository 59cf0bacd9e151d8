//! The order of an object's fields, which JSON leaves free but an agent that prints a result shows.
//!
//! Values are kept with sorted fields. What differs from that is kept beside them: for each set of names
//! the sequence in which they came.

use std::collections::BTreeMap;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess};
use serde_json::{Map, Value};

use crate::text::{Branches, read_branches};

/// Sequences of names, by their sorted names; only those that differ from [`usual`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Orders(BTreeMap<Vec<String>, Vec<String>>);

impl Orders {
    /// Returns the orders in a JSON text; where the same names come in two orders the first one counts.
    pub(super) fn of(text: &str) -> Self {
        let mut orders = Self::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        if let Err(error) = Walk(&mut orders).deserialize(&mut deserializer) {
            tracing::debug!(%error, "the order of fields is not known");
        }
        orders.0.retain(|sorted, own| usual(sorted) != *own);
        orders
    }

    /// Returns the orders that were kept.
    pub(super) fn from_lists(lists: Vec<Vec<String>>) -> Self {
        let by_names = lists.into_iter().map(|own| (sorted(&own), own));
        Self(by_names.collect())
    }

    /// Returns what is kept.
    pub(super) fn into_lists(self) -> Vec<Vec<String>> {
        self.0.into_values().collect()
    }

    /// Returns the JSON text of a value with its fields in order.
    pub(super) fn write(&self, value: &Value) -> String {
        let mut text = String::new();
        self.write_to(&mut text, value);
        text
    }

    fn write_to(&self, text: &mut String, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                text.push_str(&value.to_string());
            }
            Value::Array(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    self.write_to(text, item);
                }
                text.push(']');
            }
            Value::Object(fields) => {
                text.push('{');
                for (index, name) in self.names(fields).iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    text.push_str(&Value::String(name.clone()).to_string());
                    text.push(':');
                    self.write_to(text, fields.get(name).unwrap_or(&Value::Null));
                }
                text.push('}');
            }
        }
    }

    fn names(&self, fields: &Map<String, Value>) -> Vec<String> {
        let sorted: Vec<String> = fields.keys().cloned().collect();
        self.0
            .get(&sorted)
            .cloned()
            .unwrap_or_else(|| usual(&sorted))
    }
}

/// Returns the order in which most servers write: the type of a block first.
fn usual(sorted: &[String]) -> Vec<String> {
    let (first, rest): (Vec<String>, Vec<String>) =
        sorted.iter().cloned().partition(|name| name == "type");
    [first, rest].concat()
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

/// Walks through a JSON text and notes the names of each object.
struct Walk<'a>(&'a mut Orders);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        read_branches(deserializer, self)
    }
}

impl<'de> Branches<'de> for Walk<'_> {
    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Walk(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn object<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut names: Vec<String> = Vec::new();
        while let Some(name) = fields.next_key::<String>()? {
            fields.next_value_seed(Walk(&mut *self.0))?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        self.0.0.entry(sorted(&names)).or_insert(names);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_their_order() {
        let text = r#"{"content":[{"type":"text","text":"a\n"}],"b":{"z":1,"a":[null,true,1.5,{}]},"a":-2}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let orders = Orders::of(text);
        assert_eq!(orders.write(&value), text);
        let lists = orders.clone().into_lists();
        assert_eq!(lists, [vec!["content", "b", "a"], vec!["z", "a"]]);
        assert_eq!(Orders::from_lists(lists), orders);
    }

    #[test]
    fn the_usual_order_needs_no_words() {
        let text = r#"{"content":[{"type":"text","text":"a"}],"isError":true}"#;
        assert_eq!(Orders::of(text), Orders::default());
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Orders::default().write(&value), text);
        // A field that was taken out since does no harm.
        let orders = Orders::of(r#"{"b":1,"a":2}"#);
        assert_eq!(orders.write(&serde_json::json!({"a": 2})), r#"{"a":2}"#);
    }
}
