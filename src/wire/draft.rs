//! A message on its way into the normal form, with the ids that the normal form leaves out.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::{ContentId, Message, Part, Pooled, Role};

use super::{ParsedMessage, Scrub};

/// A message that is not pooled yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    pub(super) message: Message,
    pub(super) call_ids: Vec<String>,
    pub(super) result_ids: Vec<String>,
}

impl Draft {
    /// Returns an empty message.
    pub(super) fn new(role: Role) -> Self {
        Self {
            message: Message::new(role, Vec::new()),
            call_ids: Vec::new(),
            result_ids: Vec::new(),
        }
    }

    /// Adds a part.
    pub(super) fn push(&mut self, part: Part) {
        self.message.parts.push(part);
    }

    /// Adds text, unless there is nothing to add.
    pub(super) fn push_text(&mut self, text: String, extra: Map<String, Value>) {
        if !text.is_empty() || !extra.is_empty() {
            self.push(Part::Text { text, extra });
        }
    }

    /// Adds a tool call with its id.
    pub(super) fn push_call(
        &mut self,
        id: String,
        name: String,
        arguments: Value,
        extra: Map<String, Value>,
    ) {
        self.call_ids.push(id);
        self.push(Part::ToolCall {
            name,
            arguments,
            extra,
        });
    }

    /// Adds a tool result with the id that it answers.
    pub(super) fn push_result(&mut self, id: String, result: Part) {
        self.result_ids.push(id);
        self.push(result);
    }

    /// Adds all of `other`, which continues the same turn.
    pub(super) fn append(&mut self, other: Self) {
        self.message.parts.extend(other.message.parts);
        self.message.extra.extend(other.message.extra);
        self.message.name = self.message.name.take().or(other.message.name);
        self.call_ids.extend(other.call_ids);
        self.result_ids.extend(other.result_ids);
    }

    /// Rewrites secrets inside arguments that stood as escaped JSON in the text.
    pub(super) fn scrub_arguments(&mut self, scrub: &dyn Scrub) {
        for part in &mut self.message.parts {
            if let Part::ToolCall { arguments, .. } = part {
                scrub.scrub(arguments);
            }
        }
    }

    /// Returns the message, pooled; `exact` is the hash of what stood on the wire.
    pub(super) fn pooled(self, exact: ContentId) -> Arc<ParsedMessage> {
        Arc::new(ParsedMessage {
            message: Pooled::new(self.message),
            exact,
            call_ids: self.call_ids,
            result_ids: self.result_ids,
        })
    }
}
