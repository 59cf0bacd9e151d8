//! The texts that a wire body can refer to: those of the answer, and its ids.

use serde_json::{Value, json};

use super::escape::spaced;
use super::{CodecError, Known};

/// How a value of the answer becomes a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// It is a text.
    Text,
    /// As JSON without white space.
    Compact,
    /// As JSON with spaces.
    Spaced,
}

/// A text that is at hand.
#[derive(Debug)]
pub(super) struct Source {
    /// How it is named.
    address: Value,
    /// The text.
    pub(super) text: String,
}

/// All texts that are at hand: the ids, then those of the answer in the order of their pointers.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    sources: Vec<Source>,
}

impl Catalogue {
    /// Returns the texts of what is known.
    pub(super) fn of(known: Known<'_>) -> Self {
        let ids = known.ids.iter().enumerate().map(|(number, id)| Source {
            address: json!(number),
            text: (*id).to_owned(),
        });
        let mut catalogue = Self {
            sources: ids.collect(),
        };
        let value = known.output.map(serde_json::to_value);
        if let Some(Ok(value)) = value {
            catalogue.collect(&value, &mut String::new());
        }
        catalogue
    }

    fn collect(&mut self, value: &Value, pointer: &mut String) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => self.add(pointer, Form::Text, text.clone()),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.descend(item, pointer, &index.to_string());
                }
            }
            Value::Object(fields) => {
                if pointer.ends_with("/arguments") {
                    self.add(pointer, Form::Compact, value.to_string());
                    self.add(pointer, Form::Spaced, spaced(value));
                }
                for (name, field) in fields {
                    if name != "type" && name != "role" {
                        self.descend(field, pointer, &escape_segment(name));
                    }
                }
            }
        }
    }

    fn descend(&mut self, value: &Value, pointer: &mut String, segment: &str) {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(segment);
        self.collect(value, pointer);
        pointer.truncate(length);
    }

    fn add(&mut self, pointer: &str, form: Form, text: String) {
        let address = match form {
            Form::Text => json!(pointer),
            Form::Compact => json!([pointer, "compact"]),
            Form::Spaced => json!([pointer, "spaced"]),
        };
        self.sources.push(Source { address, text });
    }
}

/// The sources that are in use, numbered in the order of their first use.
#[derive(Debug)]
pub(super) struct Table<'a> {
    catalogue: &'a Catalogue,
    used: Vec<usize>,
}

impl<'a> Table<'a> {
    /// Returns an empty table.
    pub(super) fn new(catalogue: &'a Catalogue) -> Self {
        Self {
            catalogue,
            used: Vec::new(),
        }
    }

    /// Returns all sources with their keys in the catalogue.
    pub(super) fn sources(&self) -> impl Iterator<Item = (usize, &'a Source)> + use<'a> {
        self.catalogue.sources.iter().enumerate()
    }

    /// Returns the source with this key.
    pub(super) fn source(&self, key: usize) -> Option<&'a Source> {
        self.catalogue.sources.get(key)
    }

    /// Returns the number of the source with this key, which is in use from now on.
    pub(super) fn number(&mut self, key: usize) -> usize {
        let known = self.used.iter().position(|used| *used == key);
        known.unwrap_or_else(|| {
            self.used.push(key);
            self.used.len() - 1
        })
    }

    /// Returns the sources in use as JSON.
    pub(super) fn to_json(&self) -> Vec<Value> {
        self.used
            .iter()
            .filter_map(|key| self.source(*key))
            .map(|source| source.address.clone())
            .collect()
    }
}

/// Returns the texts that the `from` of an encoded body names.
pub(super) fn resolve(from: Option<&Value>, known: Known<'_>) -> Result<Vec<String>, CodecError> {
    let Some(from) = from else {
        return Ok(Vec::new());
    };
    let entries = from
        .as_array()
        .ok_or_else(|| CodecError::malformed("a list of sources", from))?;
    let message = known
        .output
        .and_then(|output| serde_json::to_value(output).ok())
        .unwrap_or_default();
    entries
        .iter()
        .map(|entry| text_at(entry, &message, known.ids))
        .collect()
}

fn text_at(entry: &Value, message: &Value, ids: &[&str]) -> Result<String, CodecError> {
    let malformed = || CodecError::malformed("a source", entry);
    if let Some(number) = entry.as_u64() {
        let id = usize::try_from(number)
            .ok()
            .and_then(|number| ids.get(number));
        return id.map(|id| (*id).to_owned()).ok_or_else(malformed);
    }
    let (pointer, form) = match entry.as_array().map(Vec::as_slice) {
        None => (entry, Form::Text),
        Some([pointer, form]) => match form.as_str() {
            Some("compact") => (pointer, Form::Compact),
            Some("spaced") => (pointer, Form::Spaced),
            Some(_) | None => return Err(malformed()),
        },
        Some(_) => return Err(malformed()),
    };
    let pointer = pointer.as_str().ok_or_else(malformed)?;
    let dangling = || CodecError::Dangling {
        pointer: pointer.to_owned(),
    };
    let value = message.pointer(pointer).ok_or_else(dangling)?;
    match form {
        Form::Text => value.as_str().map(str::to_owned).ok_or_else(dangling),
        Form::Compact => Ok(value.to_string()),
        Form::Spaced => Ok(spaced(value)),
    }
}

fn escape_segment(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
