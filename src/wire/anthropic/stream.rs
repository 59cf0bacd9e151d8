//! A streamed answer, put together into the body that the same answer has as JSON.
//!
//! Source: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use serde_json::{Map, Value, json};

use crate::wire::fields::{count, take_object, take_text, text};
use crate::wire::sse::{self, EventData};

/// Returns the body that the events add up to; one with `error` where the provider broke off with one.
pub(in crate::wire) fn assemble(
    events: impl Iterator<Item = EventData>,
) -> Result<Value, serde_json::Error> {
    let mut message = Map::new();
    let mut blocks: Vec<Block> = Vec::new();
    for event in sse::json_data(events) {
        let event = event?;
        match text(&event, "type").to_owned().as_str() {
            "error" => return Ok(event),
            "message_start" => {
                if let Value::Object(mut fields) = event {
                    message = take_object(&mut fields, "message").unwrap_or_default();
                }
            }
            "content_block_start" => blocks.push(Block::new(event)),
            "content_block_delta" => {
                let index = count(&event, "/index");
                let block = blocks.iter_mut().rfind(|block| block.index == index);
                if let (Some(block), Some(delta)) = (block, event.get("delta")) {
                    block.take_delta(delta);
                }
            }
            "message_delta" => take_message_delta(&mut message, event),
            _ => {}
        }
    }
    if !message.is_empty() || !blocks.is_empty() {
        let blocks = blocks.into_iter().map(Block::into_value).collect();
        message.insert("content".to_owned(), Value::Array(blocks));
    }
    Ok(Value::Object(message))
}

struct Block {
    index: u64,
    fields: Map<String, Value>,
    input: String,
}

impl Block {
    fn new(event: Value) -> Self {
        let index = count(&event, "/index");
        let fields = match event {
            Value::Object(mut event) => take_object(&mut event, "content_block"),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => None,
        };
        Self {
            index,
            fields: fields.unwrap_or_default(),
            input: String::new(),
        }
    }

    fn take_delta(&mut self, delta: &Value) {
        match text(delta, "type") {
            "text_delta" => self.append("text", text(delta, "text")),
            "thinking_delta" => self.append("thinking", text(delta, "thinking")),
            "signature_delta" => self.append("signature", text(delta, "signature")),
            "input_json_delta" => self.input.push_str(text(delta, "partial_json")),
            "citations_delta" => {
                let citation = delta.get("citation").cloned().unwrap_or_default();
                match self.fields.get_mut("citations") {
                    Some(Value::Array(citations)) => citations.push(citation),
                    Some(_) | None => {
                        self.fields
                            .insert("citations".to_owned(), json!([citation]));
                    }
                }
            }
            _ => {}
        }
    }

    fn append(&mut self, name: &str, piece: &str) {
        let mut whole = take_text(&mut self.fields, name).unwrap_or_default();
        whole.push_str(piece);
        self.fields.insert(name.to_owned(), Value::String(whole));
    }

    fn into_value(mut self) -> Value {
        if !self.input.is_empty() {
            let input = serde_json::from_str(&self.input);
            let input = input.unwrap_or(Value::String(self.input));
            self.fields.insert("input".to_owned(), input);
        }
        Value::Object(self.fields)
    }
}

/// Takes the stop reason and the usage; counts that are left out or null stay as they were.
fn take_message_delta(message: &mut Map<String, Value>, event: Value) {
    let Value::Object(mut event) = event else {
        return;
    };
    for (name, value) in take_object(&mut event, "delta").unwrap_or_default() {
        if !value.is_null() {
            message.insert(name, value);
        }
    }
    let mut usage = take_object(message, "usage").unwrap_or_default();
    for (name, value) in take_object(&mut event, "usage").unwrap_or_default() {
        if !value.is_null() {
            usage.insert(name, value);
        }
    }
    message.insert("usage".to_owned(), Value::Object(usage));
}
