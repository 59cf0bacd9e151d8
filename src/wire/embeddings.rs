//! OpenAI-compatible embeddings.
//!
//! The inputs are the history, one message each. Of the answer the normal form keeps how many
//! vectors of which length there are; the vectors themselves stay in the wire bytes. For an answer
//! that was not recorded [`render()`] writes the vectors given as `vectors` in the output, or makes
//! unit-length ones from a hash.
//! Source: <https://platform.openai.com/docs/api-reference/embeddings>.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::model::{ContentId, Message, Part, Pooled, Response, Role, Usage};

use super::draft::Draft;
use super::error;
use super::fields::{count, object, take_array, take_text};

/// Reads one input: a text, or the tokens of one.
pub(super) fn parse_input(value: Value) -> Result<Draft, String> {
    let part = match value {
        Value::String(text) => Part::text(text),
        Value::Array(_) => Part::Other { value },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err("an input is neither a text nor tokens".to_owned());
        }
    };
    let mut draft = Draft::new(Role::User);
    draft.push(part);
    Ok(draft)
}

/// Returns whether a list is the tokens of one input, not a list of inputs.
pub(super) fn is_tokens(items: &[&RawValue]) -> bool {
    let first = items.first().map(|item| item.get());
    first.is_some_and(|first| first.starts_with(|c: char| c.is_ascii_digit()))
}

/// Returns the list as one text again.
pub(super) fn joined(items: &[&RawValue]) -> String {
    let items: Vec<&str> = items.iter().map(|item| item.get()).collect();
    format!("[{}]", items.join(","))
}

/// Reads an answer of status 2xx.
pub(super) fn parse(value: Value) -> Result<Response, String> {
    let mut fields = object(value, "the body")?;
    if let Some(error) = error::take(&mut fields) {
        return Ok(Response {
            error: Some(error),
            ..Response::default()
        });
    }
    let Some(data) = take_array(&mut fields, "data") else {
        return Err("it has no `data` array".to_owned());
    };
    let dimensions = match data.first().and_then(|first| first.get("embedding")) {
        Some(Value::Array(numbers)) => numbers.len(),
        // Four bytes a number, as the Python SDK asks for by default.
        Some(Value::String(base64)) => BASE64_STANDARD.decode(base64).unwrap_or_default().len() / 4,
        None | Some(_) => 0,
    };
    let usage = fields.remove("usage").filter(Value::is_object);
    let usage = usage.map(|usage| Usage {
        input: count(&usage, "/prompt_tokens"),
        ..Usage::default()
    });
    fields.remove("object");
    fields.retain(|_name, value| !value.is_null());
    Ok(Response {
        output: Some(output(data.len(), dimensions)),
        model: take_text(&mut fields, "model"),
        usage,
        id: take_text(&mut fields, "id"),
        volatile: fields,
        ..Response::default()
    })
}

fn output(embeddings: usize, dimensions: usize) -> std::sync::Arc<Pooled<Message>> {
    let value = json!({"embeddings": embeddings, "dimensions": dimensions});
    Pooled::new(Message::new(Role::Assistant, vec![Part::Other { value }]))
}

/// Returns the body of an answer.
pub(super) fn render(response: &Response) -> Value {
    let shape = response
        .output
        .as_ref()
        .and_then(|output| match output.parts.first() {
            Some(Part::Other { value }) => Some(value.clone()),
            None | Some(_) => None,
        })
        .unwrap_or_default();
    let given = shape.get("vectors").and_then(Value::as_array);
    let vectors: Vec<Value> = given.cloned().unwrap_or_else(|| {
        let dimensions = count(&shape, "/dimensions").min(MAX_DIMENSIONS);
        (0..count(&shape, "/embeddings").min(MAX_EMBEDDINGS))
            .map(|number| vector(number, dimensions))
            .collect()
    });
    let data: Vec<Value> = vectors
        .into_iter()
        .enumerate()
        .map(|(index, embedding)| {
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let input = response.usage.unwrap_or_default().input;
    let mut body: Map<String, Value> = response.volatile.clone();
    body.insert("object".to_owned(), json!("list"));
    body.insert("data".to_owned(), Value::Array(data));
    body.insert("model".to_owned(), json!(response.model));
    let usage = json!({"prompt_tokens": input, "total_tokens": input});
    body.insert("usage".to_owned(), usage);
    Value::Object(body)
}

/// Returns a made-up vector of length 1, always the same for the same number.
fn vector(number: u64, dimensions: u64) -> Value {
    let numbers: Vec<f64> = (0..dimensions)
        .map(|dimension| {
            let hash = ContentId::of_parts([
                number.to_le_bytes().as_slice(),
                dimension.to_le_bytes().as_slice(),
            ]);
            let byte = hash.as_bytes().first().copied().unwrap_or_default();
            f64::from(byte) - 127.5
        })
        .collect();
    let length = numbers.iter().map(|n| n * n).sum::<f64>().sqrt();
    Value::from(numbers.iter().map(|n| n / length).collect::<Vec<f64>>())
}

/// Bounds on what is made up, so that a hostile recording can't ask for all memory.
const MAX_DIMENSIONS: u64 = 8192;
const MAX_EMBEDDINGS: u64 = 2048;
