//! A streamed answer, put together into the body that the same answer has as JSON.
//!
//! The last event holds the whole body. Where it is missing (the stream broke off) or has an empty
//! output (some servers), the items are put together from their own events.
//! Source: <https://platform.openai.com/docs/api-reference/responses-streaming>.

use serde_json::{Map, Value, json};

use crate::wire::fields::{count, take_object, take_text, text};
use crate::wire::sse::{self, EventData};

/// Returns the body that the events add up to; one with `error` where the provider broke off with one.
pub(in crate::wire) fn assemble(
    events: impl Iterator<Item = EventData>,
) -> Result<Value, serde_json::Error> {
    let mut body = Map::new();
    let mut items: Vec<Item> = Vec::new();
    let mut is_ended = false;
    for event in sse::json_data(events) {
        let event = event?;
        let index = count(&event, "/output_index");
        let kind = text(&event, "type").to_owned();
        let Value::Object(mut fields) = event else {
            continue;
        };
        match kind.as_str() {
            "error" => return Ok(error_body(fields)),
            "response.output_item.added" => {
                items.retain(|item| item.index != index);
                let fields = take_object(&mut fields, "item").unwrap_or_default();
                items.push(Item { index, fields });
            }
            "response.output_item.done" => {
                items.retain(|item| item.index != index);
                let fields = take_object(&mut fields, "item").unwrap_or_default();
                items.push(Item { index, fields });
            }
            _ => {
                if let Some(response) = take_object(&mut fields, "response") {
                    body = response;
                    is_ended = ENDS.contains(&kind.as_str());
                } else if let Some(item) = items.iter_mut().rfind(|item| item.index == index) {
                    item.take_delta(&kind, &Value::Object(fields));
                }
            }
        }
    }
    let has_output = body
        .get("output")
        .and_then(Value::as_array)
        .is_some_and(|output| !output.is_empty());
    if !has_output && (!body.is_empty() || !items.is_empty()) {
        items.sort_by_key(|item| item.index);
        let output = items.into_iter().map(Item::into_value).collect();
        body.insert("output".to_owned(), Value::Array(output));
    }
    if !is_ended {
        // The status says how things stood at the beginning.
        body.remove("status");
    }
    Ok(Value::Object(body))
}

/// The events that end a stream.
const ENDS: &[&str] = &[
    "response.completed",
    "response.incomplete",
    "response.failed",
    "response.cancelled",
];

fn error_body(mut event: Map<String, Value>) -> Value {
    if event.get("error").is_some_and(Value::is_object) {
        return Value::Object(event);
    }
    event.remove("sequence_number");
    json!({"error": event})
}

struct Item {
    index: u64,
    fields: Map<String, Value>,
}

impl Item {
    fn take_delta(&mut self, kind: &str, event: &Value) {
        let delta = text(event, "delta");
        match kind {
            "response.function_call_arguments.delta" => self.append("arguments", delta),
            "response.custom_tool_call_input.delta" => self.append("input", delta),
            "response.output_text.delta" => {
                self.append_to(
                    "content",
                    count(event, "/content_index"),
                    "output_text",
                    delta,
                );
            }
            "response.refusal.delta" => {
                self.append_to("content", count(event, "/content_index"), "refusal", delta);
            }
            "response.reasoning_text.delta" => {
                let index = count(event, "/content_index");
                self.append_to("content", index, "reasoning_text", delta);
            }
            "response.reasoning_summary_text.delta" => {
                let index = count(event, "/summary_index");
                self.append_to("summary", index, "summary_text", delta);
            }
            _ => {}
        }
    }

    fn append(&mut self, name: &str, piece: &str) {
        let mut whole = take_text(&mut self.fields, name).unwrap_or_default();
        whole.push_str(piece);
        self.fields.insert(name.to_owned(), Value::String(whole));
    }

    /// Adds a piece to the text of a block; blocks come one after another.
    fn append_to(&mut self, list: &str, index: u64, kind: &str, piece: &str) {
        let blocks = self.fields.entry(list).or_insert_with(|| json!([]));
        let Value::Array(blocks) = blocks else {
            return;
        };
        if usize::try_from(index).is_ok_and(|index| index >= blocks.len()) {
            blocks.push(json!({"type": kind}));
        }
        let field = if kind == "refusal" { "refusal" } else { "text" };
        if let Some(Value::Object(block)) = blocks.last_mut() {
            let mut whole = take_text(block, field).unwrap_or_default();
            whole.push_str(piece);
            block.insert(field.to_owned(), Value::String(whole));
        }
    }

    fn into_value(self) -> Value {
        Value::Object(self.fields)
    }
}
