//! The pieces of a message's content, whatever they are called.

use serde_json::{Map, Value, json};

use super::Conversation;
use super::message::{Rest, text, tool_call};
use crate::interop::span::plain;

/// A message being put together from its pieces.
#[derive(Debug)]
pub(super) struct Blocks {
    role: String,
    content: Vec<Value>,
    calls: Vec<Value>,
    reasoning: String,
    results: Vec<Value>,
    is_partial: bool,
    has_references: bool,
}

impl Blocks {
    pub(super) fn new(role: &str) -> Self {
        Self {
            role: role.to_owned(),
            content: Vec::new(),
            calls: Vec::new(),
            reasoning: String::new(),
            results: Vec::new(),
            is_partial: false,
            has_references: false,
        }
    }

    /// Reads a list of pieces, or a single one.
    pub(super) fn read(&mut self, value: Value) {
        match value {
            Value::Array(items) => {
                for item in items {
                    self.one(item);
                }
            }
            Value::Null => {}
            other @ (Value::Object(_) | Value::String(_) | Value::Bool(_) | Value::Number(_)) => {
                self.one(other);
            }
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.has_references |= text.contains("@@@langfuseMedia:");
            self.content.push(json!({"type": "text", "text": text}));
        }
    }

    pub(super) fn call(&mut self, call: Value) {
        self.calls.push(call);
    }

    fn one(&mut self, value: Value) {
        let Value::Object(mut fields) = value else {
            self.text(&plain(&value));
            return;
        };
        // OpenInference has it one level deeper.
        if let Some(Value::Object(inner)) = fields.remove("message_content") {
            fields = inner;
        }
        let kind = fields
            .get("type")
            .and_then(Value::as_str)
            .map(|kind| kind.replace('-', "_"));
        match kind.as_deref() {
            Some("text" | "input_text" | "output_text") => self.plain_text(fields),
            Some("tool_call" | "tool_use" | "function_call") => {
                let call = tool_call(Value::Object(fields));
                self.is_partial |= call.is_none();
                self.calls.extend(call);
            }
            Some("tool_call_response" | "tool_result" | "function_response") => self.result(fields),
            Some("reasoning" | "thinking") => {
                let found = ["text", "content", "thinking", "reasoning"]
                    .into_iter()
                    .find_map(|name| text(&mut fields, name));
                self.reasoning.push_str(&found.unwrap_or_default());
            }
            Some("refusal") => self.text(&text(&mut fields, "refusal").unwrap_or_default()),
            Some("image_url" | "input_audio" | "file") => {
                let value = Value::Object(fields);
                self.has_references |= value.to_string().contains("@@@langfuseMedia:");
                self.content.push(value);
            }
            Some("image" | "blob" | "uri" | "media" | "audio") => self.media(fields),
            Some(_) => {
                self.is_partial = true;
                self.content
                    .push(json!({"type": "text", "text": Value::Object(fields).to_string()}));
            }
            None => self.untyped(fields),
        }
    }

    fn plain_text(&mut self, mut fields: Map<String, Value>) {
        let found = text(&mut fields, "text").or_else(|| text(&mut fields, "content"));
        self.text(&found.unwrap_or_default());
    }

    /// Reads Gemini's pieces, whose one field says what they are.
    fn untyped(&mut self, mut fields: Map<String, Value>) {
        let named = |fields: &mut Map<String, Value>, names: [&str; 2]| {
            names
                .into_iter()
                .find_map(|name| match fields.remove(name) {
                    Some(Value::Object(inner)) => Some(inner),
                    Some(_) | None => None,
                })
        };
        if let Some(call) = named(&mut fields, ["functionCall", "function_call"]) {
            self.calls.extend(tool_call(Value::Object(call)));
        } else if let Some(result) = named(&mut fields, ["functionResponse", "function_response"]) {
            self.result(result);
        } else if fields.contains_key("text") || fields.contains_key("content") {
            self.plain_text(fields);
        } else if !fields.is_empty() {
            self.text(&Value::Object(fields).to_string());
        }
    }

    fn media(&mut self, mut fields: Map<String, Value>) {
        let mime = ["mime_type", "mimeType", "mediaType", "media_type"]
            .into_iter()
            .find_map(|name| text(&mut fields, name))
            .unwrap_or_else(|| "image/png".to_owned());
        let url = |value: &Value| {
            let text = value.as_str().or_else(|| value.get("url")?.as_str());
            let text = text.or_else(|| value.get("image")?.get("url")?.as_str())?;
            Some(if text.contains("://") || text.starts_with("data:") {
                text.to_owned()
            } else {
                format!("data:{mime};base64,{text}")
            })
        };
        let found = ["image", "uri", "url", "content", "data"]
            .into_iter()
            .find_map(|name| url(fields.get(name)?));
        if let Some(url) = found {
            self.has_references |= url.contains("@@@langfuseMedia:");
            self.content
                .push(json!({"type": "image_url", "image_url": {"url": url}}));
        } else {
            self.has_references = true;
            self.content
                .push(json!({"type": "text", "text": Value::Object(fields).to_string()}));
        }
    }

    fn result(&mut self, mut fields: Map<String, Value>) {
        let id = ["tool_use_id", "toolCallId", "tool_call_id", "call_id", "id"]
            .into_iter()
            .find_map(|name| text(&mut fields, name));
        let found = ["response", "result", "output", "content"]
            .into_iter()
            .find_map(|name| fields.remove(name));
        let content = result_text(found.unwrap_or_default());
        self.results.push(
            json!({"role": "tool", "tool_call_id": id.unwrap_or_default(), "content": content}),
        );
    }

    pub(super) fn into_conversation(self, rest: Rest) -> Conversation {
        let mut found = Conversation {
            is_partial: self.is_partial,
            has_references: self.has_references,
            ..Conversation::default()
        };
        let is_empty =
            self.content.is_empty() && self.calls.is_empty() && self.reasoning.is_empty();
        let (results, role) = (self.results, self.role);
        if !results.is_empty() && is_empty {
            found.messages = results;
            return found;
        }
        let mut message = Map::new();
        message.insert("content".to_owned(), content(self.content, &role));
        message.insert("role".to_owned(), Value::from(role.clone()));
        if let Some(name) = rest.name.filter(|_name| role != "tool") {
            message.insert("name".to_owned(), Value::from(name));
        }
        if role == "tool" {
            let id = Value::from(rest.id.unwrap_or_default());
            message.insert("tool_call_id".to_owned(), id);
        }
        if role == "assistant" {
            let reasoning = rest.reasoning.unwrap_or(self.reasoning);
            if !reasoning.is_empty() {
                message.insert("reasoning_content".to_owned(), Value::from(reasoning));
            }
            if let Some(refusal) = rest.refusal {
                message.insert("refusal".to_owned(), Value::from(refusal));
            }
            if !self.calls.is_empty() {
                message.insert("tool_calls".to_owned(), Value::Array(self.calls));
            }
        }
        found.messages = results;
        found.messages.push(Value::Object(message));
        found
    }
}

/// Returns pieces as the content of a message: a single text as a text.
fn content(mut pieces: Vec<Value>, role: &str) -> Value {
    if let [only] = pieces.as_mut_slice()
        && let Some(text) = only.get_mut("text")
    {
        return text.take();
    }
    let is_text = |piece: &Value| piece.get("text").is_some();
    if pieces.is_empty() || (role == "tool" && pieces.iter().all(is_text)) {
        let texts = pieces
            .iter()
            .filter_map(|piece| piece.get("text")?.as_str());
        return Value::from(texts.collect::<String>());
    }
    Value::Array(pieces)
}

/// Returns what a tool gave back as a text.
fn result_text(value: Value) -> String {
    // The Vercel AI SDK: `{"type": "json", "value": …}`.
    if let Value::Object(fields) = &value
        && let (Some(kind), Some(inner)) = (fields.get("type"), fields.get("value"))
        && ["json", "text", "error-text", "error-json", "content"]
            .iter()
            .any(|known| kind == known)
    {
        return plain(inner);
    }
    if let Value::Array(items) = &value {
        let texts: Option<Vec<&str>> = items
            .iter()
            .map(|item| item.get("text").and_then(Value::as_str))
            .collect();
        if let Some(texts) = texts.filter(|texts| !texts.is_empty()) {
            return texts.concat();
        }
    }
    match value {
        Value::Null => String::new(),
        other @ (Value::Array(_)
        | Value::Object(_)
        | Value::String(_)
        | Value::Bool(_)
        | Value::Number(_)) => plain(&other),
    }
}

/// Returns arguments as the text that Chat Completions has.
pub(super) fn arguments_text(arguments: Option<Value>) -> String {
    match arguments {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "{}".to_owned(),
        Some(value) => plain(&value),
    }
}
