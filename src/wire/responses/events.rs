//! Writes an answer as events.
//!
//! Source: <https://platform.openai.com/docs/api-reference/responses-streaming>.

use serde_json::{Value, json};

use crate::model::{Response, StreamEvent};
use crate::wire::fields::text;
use crate::wire::render::{named_event, pieces};

use super::render::body;

/// Returns the events of a streamed answer.
pub(in crate::wire) fn render_events(response: &Response) -> Vec<StreamEvent> {
    let whole = body(response);
    let mut begun = whole.clone();
    for (name, value) in [
        ("status", json!("in_progress")),
        ("output", json!([])),
        ("usage", Value::Null),
        ("incomplete_details", Value::Null),
    ] {
        begun.insert(name.to_owned(), value);
    }
    let mut events = Events::default();
    events.push("response.created", json!({"response": begun}));
    events.push("response.in_progress", json!({"response": begun}));
    let items = whole.get("output").and_then(Value::as_array);
    for (index, item) in items.into_iter().flatten().enumerate() {
        events.item(index, item);
    }
    let last = match whole.get("status").and_then(Value::as_str) {
        Some("incomplete") => "response.incomplete",
        None | Some(_) => "response.completed",
    };
    events.push(last, json!({"response": whole}));
    events.list
}

#[derive(Default)]
struct Events {
    list: Vec<StreamEvent>,
}

impl Events {
    fn push(&mut self, kind: &str, mut data: Value) {
        if let Value::Object(fields) = &mut data {
            fields.insert("type".to_owned(), json!(kind));
            fields.insert("sequence_number".to_owned(), json!(self.list.len()));
        }
        self.list.push(named_event(kind, &data));
    }

    fn item(&mut self, index: usize, item: &Value) {
        let at = Place {
            index,
            id: text(item, "id").to_owned(),
        };
        let mut added = item.clone();
        let streamed = match text(item, "type") {
            "message" => "content",
            "function_call" => "arguments",
            "custom_tool_call" => "input",
            "reasoning" => "summary",
            _ => "",
        };
        if let Value::Object(fields) = &mut added {
            if let Some(value) = fields.get_mut(streamed) {
                *value = if value.is_string() {
                    json!("")
                } else {
                    json!([])
                };
            }
            if fields.contains_key("status") {
                fields.insert("status".to_owned(), json!("in_progress"));
            }
        }
        let data = json!({"output_index": index, "item": added});
        self.push("response.output_item.added", data);
        match streamed {
            "content" => self.content(&at, item),
            "arguments" => {
                let kind = "response.function_call_arguments";
                self.call(&at, kind, "arguments", item);
            }
            "input" => self.call(&at, "response.custom_tool_call_input", "input", item),
            "summary" => self.summary(&at, item),
            _ => {}
        }
        let data = json!({"output_index": index, "item": item});
        self.push("response.output_item.done", data);
    }

    fn content(&mut self, at: &Place, item: &Value) {
        let blocks = item.get("content").and_then(Value::as_array);
        for (number, block) in blocks.into_iter().flatten().enumerate() {
            let (kind, field) = match text(block, "type") {
                "refusal" => ("response.refusal", "refusal"),
                _ => ("response.output_text", "text"),
            };
            let mut empty = block.clone();
            if let Some(value) = empty.get_mut(field) {
                *value = json!("");
            }
            let place = [("content_index", json!(number))];
            let part = at.data(&place, &[("part", empty)]);
            self.push("response.content_part.added", part);
            let whole = text(block, field);
            for piece in pieces(whole) {
                let mut fields = vec![("delta", json!(piece))];
                if field == "text" {
                    fields.push(("logprobs", json!([])));
                }
                self.push(&format!("{kind}.delta"), at.data(&place, &fields));
            }
            let mut fields = vec![(field, json!(whole))];
            if field == "text" {
                fields.push(("logprobs", json!([])));
            }
            self.push(&format!("{kind}.done"), at.data(&place, &fields));
            let part = at.data(&place, &[("part", block.clone())]);
            self.push("response.content_part.done", part);
        }
    }

    fn call(&mut self, at: &Place, kind: &str, field: &str, item: &Value) {
        let whole = text(item, field);
        for piece in pieces(whole) {
            let data = at.data(&[], &[("delta", json!(piece))]);
            self.push(&format!("{kind}.delta"), data);
        }
        let mut fields = vec![(field, json!(whole))];
        if field == "arguments" {
            fields.push(("name", json!(text(item, "name"))));
        }
        self.push(&format!("{kind}.done"), at.data(&[], &fields));
    }

    fn summary(&mut self, at: &Place, item: &Value) {
        let blocks = item.get("summary").and_then(Value::as_array);
        for (number, block) in blocks.into_iter().flatten().enumerate() {
            let place = [("summary_index", json!(number))];
            let empty = json!({"type": "summary_text", "text": ""});
            let part = at.data(&place, &[("part", empty)]);
            self.push("response.reasoning_summary_part.added", part);
            let whole = text(block, "text");
            for piece in pieces(whole) {
                let data = at.data(&place, &[("delta", json!(piece))]);
                self.push("response.reasoning_summary_text.delta", data);
            }
            let data = at.data(&place, &[("text", json!(whole))]);
            self.push("response.reasoning_summary_text.done", data);
            let part = at.data(&place, &[("part", block.clone())]);
            self.push("response.reasoning_summary_part.done", part);
        }
    }
}

/// Where in the output an event belongs.
struct Place {
    index: usize,
    id: String,
}

impl Place {
    fn data(&self, place: &[(&str, Value)], fields: &[(&str, Value)]) -> Value {
        let mut data = json!({"item_id": self.id, "output_index": self.index});
        if let Value::Object(data) = &mut data {
            for (name, value) in place.iter().chain(fields) {
                data.insert((*name).to_owned(), value.clone());
            }
        }
        data
    }
}
