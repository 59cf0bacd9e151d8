//! A streamed answer, put together into the body that the same answer has as JSON.

use serde_json::{Map, Value, json};

use crate::wire::fields::{count, take_array, take_object, take_text};
use crate::wire::sse::EventData;

use super::repeat::Repeat;

/// Returns the body that the events add up to; one with `error` where the provider broke off with one.
pub(in crate::wire) fn assemble(
    events: impl Iterator<Item = EventData>,
) -> Result<Value, serde_json::Error> {
    let mut whole = Whole::default();
    for event in events {
        let Some(json) = event.json() else {
            continue;
        };
        if whole.take_repeat(json) {
            continue;
        }
        let Some(Value::Object(mut fields)) = event.parsed(json).transpose()? else {
            continue;
        };
        if fields.get("error").is_some_and(|error| !error.is_null()) {
            return Ok(Value::Object(fields));
        }
        whole.repeat = Repeat::of(json, &fields);
        // Random padding against guessing by length.
        fields.remove("obfuscation");
        for choice in take_array(&mut fields, "choices").unwrap_or_default() {
            whole.take_choice(choice);
        }
        for (name, value) in fields {
            if !value.is_null() {
                whole.fields.insert(name, value);
            }
        }
    }
    Ok(whole.into_body())
}

#[derive(Default)]
struct Whole {
    fields: Map<String, Value>,
    choices: Vec<Choice>,
    /// What the last chunk said around its piece of text.
    repeat: Option<Repeat>,
    /// Which choice the last chunk was of.
    latest: usize,
}

#[derive(Default)]
struct Choice {
    index: u64,
    message: Map<String, Value>,
    calls: Vec<Call>,
    finish: Option<String>,
    logprobs: Map<String, Value>,
}

#[derive(Default)]
struct Call {
    index: Option<u64>,
    fields: Map<String, Value>,
}

impl Whole {
    /// Takes a chunk that only adds a piece of text; returns whether it was one.
    fn take_repeat(&mut self, json: &str) -> bool {
        let Some(piece) = self.repeat.as_ref().and_then(|repeat| repeat.piece(json)) else {
            return false;
        };
        let choice = self.choices.get_mut(self.latest);
        match choice.and_then(|choice| choice.message.get_mut("content")) {
            Some(Value::String(text)) => {
                text.push_str(&piece);
                true
            }
            Some(_) | None => false,
        }
    }

    fn take_choice(&mut self, choice: Value) {
        let index = count(&choice, "/index");
        let Value::Object(mut fields) = choice else {
            return;
        };
        let position = self.choices.iter().position(|known| known.index == index);
        if position.is_none() {
            self.choices.push(Choice {
                index,
                ..Choice::default()
            });
        }
        let known = position.unwrap_or(self.choices.len().saturating_sub(1));
        self.latest = known;
        if let Some(choice) = self.choices.get_mut(known) {
            if let Some(delta) = take_object(&mut fields, "delta") {
                choice.take_delta(delta);
            }
            choice.finish = take_text(&mut fields, "finish_reason").or(choice.finish.take());
            for (name, tokens) in take_object(&mut fields, "logprobs").unwrap_or_default() {
                extend(&mut choice.logprobs, &name, tokens);
            }
        }
    }

    fn into_body(self) -> Value {
        let choices: Vec<Value> = self.choices.into_iter().map(Choice::into_value).collect();
        let mut body = self.fields;
        body.insert("choices".to_owned(), Value::Array(choices));
        Value::Object(body)
    }
}

impl Choice {
    fn take_delta(&mut self, mut delta: Map<String, Value>) {
        for call in take_array(&mut delta, "tool_calls").unwrap_or_default() {
            self.take_call(call);
        }
        if let Some(call) = take_object(&mut delta, "function_call") {
            let known = self
                .message
                .entry("function_call")
                .or_insert_with(|| json!({}));
            if let Value::Object(known) = known {
                merge_function(known, call);
            }
        }
        for (name, value) in delta {
            if name == "role" && !value.is_null() {
                self.message.insert(name, value);
            } else {
                extend(&mut self.message, &name, value);
            }
        }
    }

    /// Adds a fragment of a tool call.
    ///
    /// Fragments belong together by index. Some servers leave the index out, or write 0 for every
    /// call: there a new id begins a new call.
    fn take_call(&mut self, fragment: Value) {
        let index = fragment.get("index").and_then(Value::as_u64);
        let Value::Object(mut fragment) = fragment else {
            return;
        };
        fragment.remove("index");
        let id = take_text(&mut fragment, "id").unwrap_or_default();
        let known = match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index),
            None => self.calls.len().checked_sub(1),
        };
        let continued = known.filter(|known| {
            let other = self.calls.get(*known).map(Call::id).unwrap_or_default();
            id.is_empty() || other.is_empty() || other == id
        });
        let position = continued.unwrap_or_else(|| {
            self.calls.push(Call {
                index,
                fields: Map::new(),
            });
            self.calls.len().saturating_sub(1)
        });
        if let Some(call) = self.calls.get_mut(position) {
            call.merge(&id, fragment);
        }
    }

    fn into_value(self) -> Value {
        let mut message = self.message;
        let calls: Vec<Value> = self
            .calls
            .into_iter()
            .map(|call| Value::Object(call.fields))
            .collect();
        if !calls.is_empty() {
            message.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        let mut choice = Map::new();
        choice.insert("index".to_owned(), Value::from(self.index));
        choice.insert("message".to_owned(), Value::Object(message));
        if let Some(finish) = self.finish {
            choice.insert("finish_reason".to_owned(), Value::String(finish));
        }
        if !self.logprobs.is_empty() {
            choice.insert("logprobs".to_owned(), Value::Object(self.logprobs));
        }
        Value::Object(choice)
    }
}

impl Call {
    fn id(&self) -> &str {
        self.fields
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn merge(&mut self, id: &str, mut fragment: Map<String, Value>) {
        if !id.is_empty() {
            self.fields.insert("id".to_owned(), Value::from(id));
        }
        for kind in ["function", "custom"] {
            if let Some(part) = take_object(&mut fragment, kind) {
                let known = self.fields.entry(kind).or_insert_with(|| json!({}));
                if let Value::Object(known) = known {
                    merge_function(known, part);
                }
            }
        }
        for (name, value) in fragment {
            if !value.is_null() {
                self.fields.insert(name, value);
            }
        }
    }
}

/// Adds a fragment of a function: its name comes whole, its arguments in pieces.
fn merge_function(known: &mut Map<String, Value>, fragment: Map<String, Value>) {
    for (name, value) in fragment {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("name", value) => {
                if known.get("name").is_none_or(|name| name == "") {
                    known.insert(name, value);
                }
            }
            (_, value) => extend(known, &name, value),
        }
    }
}

/// Adds a piece: text and arrays grow, anything else is replaced.
fn extend(known: &mut Map<String, Value>, name: &str, piece: Value) {
    match (known.get_mut(name), piece) {
        (Some(Value::String(text)), Value::String(piece)) => text.push_str(&piece),
        (Some(Value::Array(values)), Value::Array(pieces)) => values.extend(pieces),
        (_, Value::Null) => {}
        (_, piece) => {
            known.insert(name.to_owned(), piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::sse::event_data;

    fn body(chunks: &[Value]) -> Value {
        let events = chunks.iter().map(|chunk| {
            let event = format!("data: {chunk}\n\n");
            event_data(event.as_bytes())
        });
        assemble(events).unwrap()
    }

    fn delta() -> impl Strategy<Value = Value> {
        let content = prop_oneof![any::<String>(), Just(String::new())];
        prop_oneof![
            8 => content.clone().prop_map(|text| json!({"content": text})),
            1 => content.clone().prop_map(|text| json!({"role": "assistant", "content": text})),
            1 => content.prop_map(|text| json!({"refusal": text})),
            1 => Just(json!({"content": null})),
            1 => Just(json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]})),
        ]
    }

    proptest! {
        #[test]
        fn a_chunk_that_repeats_adds_what_it_would_add_by_itself(
            deltas in prop::collection::vec((0_u8..2, delta(), any::<bool>()), 0..12),
        ) {
            let chunks: Vec<Value> = deltas
                .into_iter()
                .map(|(index, delta, stops)| {
                    let finish = stops.then_some("stop");
                    json!({"id": "1", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]})
                })
                .collect();
            // With something in each that no other has, none is a repeat.
            let mut apart = chunks.clone();
            for (number, chunk) in apart.iter_mut().enumerate() {
                chunk["obfuscation"] = json!(number);
            }
            prop_assert_eq!(body(&chunks), body(&apart));
        }
    }
}
