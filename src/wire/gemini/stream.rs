//! A streamed answer, put together into the body that the same answer has as JSON.

use serde_json::{Map, Value};

use crate::wire::fields::{count, take_array, take_object};
use crate::wire::sse::{self, EventData};

/// Returns the body that the events add up to; one with `error` where the provider broke off with one.
pub(in crate::wire) fn assemble(
    events: impl Iterator<Item = EventData>,
) -> Result<Value, serde_json::Error> {
    let mut whole = Whole::default();
    for event in sse::json_data(events) {
        if let Err(error) = whole.take(event?) {
            return Ok(error);
        }
    }
    Ok(whole.into_body())
}

/// Returns the same for the elements of the JSON array of a stream without events.
pub(in crate::wire) fn assemble_array(chunks: Vec<Value>) -> Value {
    let mut whole = Whole::default();
    for chunk in chunks {
        if let Err(error) = whole.take(chunk) {
            return error;
        }
    }
    whole.into_body()
}

#[derive(Default)]
struct Whole {
    fields: Map<String, Value>,
    candidates: Vec<Candidate>,
}

struct Candidate {
    index: u64,
    parts: Vec<Value>,
    fields: Map<String, Value>,
}

impl Whole {
    /// Takes a chunk; one that is an error comes back.
    fn take(&mut self, chunk: Value) -> Result<(), Value> {
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            return Err(chunk);
        }
        let Value::Object(mut fields) = chunk else {
            return Ok(());
        };
        for candidate in take_array(&mut fields, "candidates").unwrap_or_default() {
            self.take_candidate(candidate);
        }
        for (name, value) in fields {
            if !value.is_null() {
                self.fields.insert(name, value);
            }
        }
        Ok(())
    }

    fn take_candidate(&mut self, candidate: Value) {
        let index = count(&candidate, "/index");
        let Value::Object(mut fields) = candidate else {
            return;
        };
        fields.remove("index");
        let content = take_object(&mut fields, "content");
        let parts = content.and_then(|mut content| take_array(&mut content, "parts"));
        let position = self
            .candidates
            .iter()
            .position(|known| known.index == index);
        let position = position.unwrap_or_else(|| {
            self.candidates.push(Candidate {
                index,
                parts: Vec::new(),
                fields: Map::new(),
            });
            self.candidates.len().saturating_sub(1)
        });
        if let Some(known) = self.candidates.get_mut(position) {
            known.parts.extend(parts.unwrap_or_default());
            let said = fields.into_iter().filter(|(_name, value)| !value.is_null());
            known.fields.extend(said);
        }
    }

    fn into_body(self) -> Value {
        let mut body = self.fields;
        if !self.candidates.is_empty() {
            let candidates = self.candidates.into_iter().map(Candidate::into_value);
            body.insert("candidates".to_owned(), candidates.collect());
        }
        Value::Object(body)
    }
}

impl Candidate {
    fn into_value(self) -> Value {
        let mut fields = self.fields;
        fields.insert("index".to_owned(), Value::from(self.index));
        let content = serde_json::json!({"role": "model", "parts": self.parts});
        fields.insert("content".to_owned(), content);
        Value::Object(fields)
    }
}
