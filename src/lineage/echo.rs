//! Recognises an answer where an agent echoes it in a later request.
//!
//! SDKs and frameworks drop reasoning, annotations and null fields when they put an answer into the
//! history, so lineage compares what always survives: role, text, tool calls. Matching for replay is
//! stricter and lives elsewhere.

use std::collections::HashMap;

use crate::model::{ContentId, Message, Part, Role, Thread, canonical_json};

/// Hashes conversations by their echo, each shared beginning once.
#[derive(Default)]
pub(super) struct Echoes {
    threads: HashMap<ContentId, ContentId>,
    messages: HashMap<ContentId, ContentId>,
}

impl Echoes {
    /// Returns the echo hash of a conversation.
    pub(super) fn thread(&mut self, thread: &Thread) -> ContentId {
        let mut unknown = Vec::new();
        let mut known = ContentId::of(b"");
        for ancestor in thread.ancestors() {
            if let Some(id) = self.threads.get(&ancestor.id()) {
                known = *id;
                break;
            }
            unknown.push(ancestor);
        }
        for ancestor in unknown.into_iter().rev() {
            if let Some(message) = ancestor.last() {
                known = self.extended(known, message.id(), message);
                self.threads.insert(ancestor.id(), known);
            }
        }
        known
    }

    /// Returns the echo hash of a conversation with one message more.
    pub(super) fn extended(
        &mut self,
        thread: ContentId,
        id: ContentId,
        message: &Message,
    ) -> ContentId {
        let echo = *self
            .messages
            .entry(id)
            .or_insert_with(|| message_echo(message));
        ContentId::of_parts([thread.as_bytes().as_slice(), echo.as_bytes()])
    }
}

/// Returns the hash of what survives of a message when it is put into the history.
fn message_echo(message: &Message) -> ContentId {
    let role = match message.role {
        Role::Assistant => "assistant",
        Role::User => "user",
        Role::Tool => "tool",
        Role::System | Role::Developer => "system",
    };
    let mut pieces = vec![role.to_owned(), message.plain_text().trim().to_owned()];
    for part in &message.parts {
        match part {
            Part::ToolCall {
                name, arguments, ..
            } => {
                pieces.push(format!("call {name} {arguments}"));
            }
            Part::ToolResult { .. } | Part::Media { .. } | Part::Other { .. } => {
                pieces.push(canonical_json(part));
            }
            Part::Text { .. } | Part::Reasoning { .. } | Part::Refusal { .. } => {}
        }
    }
    ContentId::of_parts(pieces.iter().map(String::as_bytes))
}
