//! Keeps every message of a trace once, and conversations as chains of them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Texts;
use crate::model::{ContentId, Message, Part, Pooled, Thread};

/// The messages and chains of a trace while it is made.
pub(super) struct Pool {
    texts: Texts,
    known: HashMap<ContentId, usize>,
    threads: HashMap<ContentId, usize>,
    pub(super) messages: Vec<Message>,
    pub(super) chains: Vec<(usize, usize)>,
}

impl Pool {
    pub(super) fn new(texts: Texts) -> Self {
        Self {
            texts,
            known: HashMap::new(),
            threads: HashMap::new(),
            messages: Vec::new(),
            chains: Vec::new(),
        }
    }

    /// Returns the number of a message.
    pub(super) fn message(&mut self, message: &Pooled<Message>) -> usize {
        let next = self.messages.len();
        let number = *self.known.entry(message.id()).or_insert(next);
        if number == next {
            self.messages.push(self.shown(message));
        }
        number
    }

    /// Returns the chain that a conversation is.
    pub(super) fn chain(&mut self, thread: &Thread) -> usize {
        let mut unknown = Vec::new();
        let mut chain = 0;
        for ancestor in thread.ancestors() {
            if let Some(known) = self.threads.get(&ancestor.id()) {
                chain = *known;
                break;
            }
            unknown.push(ancestor);
        }
        for ancestor in unknown.into_iter().rev() {
            let Some(message) = ancestor.last() else {
                continue;
            };
            let message = self.message(message);
            self.chains.push((chain, message));
            chain = self.chains.len();
            self.threads.insert(ancestor.id(), chain);
        }
        chain
    }

    fn shown(&self, message: &Message) -> Message {
        Message {
            role: message.role,
            name: message.name.as_deref().map(|name| self.text(name)),
            parts: self.parts(&message.parts),
            extra: Map::new(),
        }
    }

    /// Returns parts with as much of their texts as is shown.
    pub(super) fn parts(&self, parts: &[Part]) -> Vec<Part> {
        parts.iter().map(|part| self.part(part)).collect()
    }

    fn part(&self, part: &Part) -> Part {
        match part {
            Part::Text { text, .. } => Part::text(self.text(text)),
            Part::ToolCall {
                name, arguments, ..
            } => Part::tool_call(name.clone(), self.value(arguments)),
            Part::ToolResult {
                content, is_error, ..
            } => Part::ToolResult {
                content: self.parts(content),
                is_error: *is_error,
                extra: Map::new(),
            },
            Part::Reasoning { text, .. } => Part::Reasoning {
                text: self.text(text),
                extra: Map::new(),
            },
            Part::Refusal { text } => Part::Refusal {
                text: self.text(text),
            },
            // A page loads nothing, and pictures make it large.
            Part::Media { kind, source } => Part::Media {
                kind: kind.clone(),
                source: Value::from(source.to_string().len()),
            },
            Part::Other { value } => Part::Other {
                value: self.value(value),
            },
        }
    }

    /// Returns as much of a text as is shown.
    pub(super) fn text(&self, text: &str) -> String {
        let limit = match self.texts {
            Texts::None => return String::new(),
            Texts::Excerpt => EXCERPT_CHARS,
            Texts::Full => FULL_CHARS,
            Texts::Whole => return text.to_owned(),
        };
        if text.len() <= limit || text.chars().count() <= limit {
            return text.to_owned();
        }
        let kept: String = text.chars().take(limit).collect();
        format!("{kept}…")
    }

    /// Returns a value with as much of its texts as is shown.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| (self.text(key), self.value(value)))
                .collect::<Map<String, Value>>()
                .into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

/// How much of a text an excerpt holds.
const EXCERPT_CHARS: usize = 200;

/// How much of a text a report holds at most.
const FULL_CHARS: usize = 20_000;
