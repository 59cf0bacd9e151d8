//! Gemini `generateContent` and `streamGenerateContent`.
//!
//! [`message::parse`] reads a content of a request, [`response`] an answer (JSON, events or the JSON array
//! of a stream), [`render()`] writes one, [`path`] reads what stands in the path: the model, and whether
//! and how to stream. SDKs put each piece of a streamed answer into the next request as a content of its
//! own, so consecutive contents of the model are one assistant message of the normal form, and texts that
//! follow each other are one text. Names in snake case, which the API takes too, read as the usual ones.
//! Source: <https://ai.google.dev/api/generate-content>.

pub(super) mod message;
pub(super) mod path;
mod render;
pub(super) mod response;
mod stream;
pub(super) mod tool;

use serde_json::{Map, Value};

pub(super) use message::coalesce;
pub(super) use render::{render, render_array, render_events};
pub(super) use stream::{assemble, assemble_array};

/// Returns the fields with names in camel case.
pub(super) fn in_camel_case(fields: Map<String, Value>) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(name, value)| (camel_case(name), value))
        .collect()
}

fn camel_case(name: String) -> String {
    if !name.contains('_') {
        return name;
    }
    let mut words = name.split('_');
    let mut joined = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut characters = word.chars();
        joined.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        joined.push_str(characters.as_str());
    }
    joined
}

/// Moves the fields of `generationConfig` beside the others, so that each is a setting of its own.
pub(super) fn lift_config(fields: Map<String, Value>) -> Map<String, Value> {
    let mut fields = in_camel_case(fields);
    if let Some(Value::Object(config)) = fields.remove("generationConfig") {
        for (name, value) in in_camel_case(config) {
            if !value.is_null() {
                fields.entry(name).or_insert(value);
            }
        }
    }
    fields
}
