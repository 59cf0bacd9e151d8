//! Reads messages and tool definitions of any shape, and writes them as OpenAI Chat Completions has them.
//!
//! The shapes: OpenAI's own; LangChain's dictionaries and serialised constructors; the parts of the
//! OpenTelemetry `GenAI` conventions; those of the Vercel AI SDK; Anthropic's and Gemini's content blocks.
//! They are told apart by their fields, message by message, since one list may mix them. From there on the
//! parser of [`wire`](crate::wire) reads them, as it reads what an agent sends.

mod blocks;
mod message;
mod tools;

use serde_json::{Map, Value};

use super::span::structured;

use message::message;
pub(crate) use tools::tools;

/// What a list of messages holds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Conversation {
    /// The messages as Chat Completions has them.
    pub(crate) messages: Vec<Value>,
    /// Tool definitions that stood among them.
    pub(crate) tools: Vec<Value>,
    /// Whether something was left out that can't be said in this form.
    pub(crate) is_partial: bool,
    /// Whether an image, a sound or a file is only named.
    pub(crate) has_references: bool,
}

/// Returns the conversation that a value of any shape holds; `role` is that of a plain text.
pub(crate) fn conversation(value: Value, role: &str) -> Conversation {
    let mut found = Conversation::default();
    found.read(value, role, 0);
    found
}

/// The deepest nesting of lists of messages: LangChain has one list for each prompt.
const MAX_DEPTH: usize = 4;

impl Conversation {
    fn read(&mut self, value: Value, role: &str, depth: usize) {
        match structured(value) {
            Value::Null => {}
            Value::Array(items) if depth < MAX_DEPTH => {
                for item in items {
                    self.read(item, role, depth.saturating_add(1));
                }
            }
            Value::Object(fields) => self.object(fields, role, depth),
            Value::String(text) => {
                self.messages
                    .push(serde_json::json!({"role": role, "content": text}));
            }
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
                self.messages
                    .push(serde_json::json!({"role": role, "content": other.to_string()}));
            }
        }
    }

    fn object(&mut self, mut fields: Map<String, Value>, role: &str, depth: usize) {
        if let Some(definition) = tools::among_messages(&fields) {
            self.tools.push(definition);
            return;
        }
        for name in ["messages", "input_messages"] {
            if !fields.contains_key("role")
                && depth < MAX_DEPTH
                && let Some(list) = fields.remove(name)
            {
                let definitions = fields.remove("tools").map(tools);
                self.tools.extend(definitions.unwrap_or_default());
                self.read(list, role, depth.saturating_add(1));
                return;
            }
        }
        let read = message(fields, role);
        self.is_partial |= read.is_partial;
        self.has_references |= read.has_references;
        self.messages.extend(read.messages);
    }
}

#[cfg(test)]
mod tests;
