//! The normal form of a message, free of provider ids, and its place in the pool.
//!
//! Provider-made ids (of tool calls, messages, responses) are not part of a message: which call a
//! tool result answers is kept by the [`Thread`](super::Thread) as a position.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ContentId;

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The system prompt.
    System,
    /// The developer prompt (OpenAI).
    Developer,
    /// The user's turn.
    User,
    /// The model's turn.
    Assistant,
    /// Results of tools.
    Tool,
}

/// One message of a conversation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The participant's name, where the dialect carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The content, in order.
    pub parts: Vec<Part>,
    /// Fields of the message that the normal form has no name for; part of equality.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A piece of a message.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    Text {
        /// The text.
        text: String,
        /// Fields without a name in the normal form.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        extra: Map<String, Value>,
    },
    /// A call of a tool, made by the model.
    ToolCall {
        /// The tool's name.
        name: String,
        /// The arguments; a JSON string holding the raw text where it was no valid JSON.
        arguments: Value,
        /// Fields without a name in the normal form.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        extra: Map<String, Value>,
    },
    /// What a tool answered.
    ToolResult {
        /// The content of the answer.
        content: Vec<Part>,
        /// Whether the agent marked it as an error.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        /// Fields without a name in the normal form.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        extra: Map<String, Value>,
    },
    /// The model's reasoning, as far as it is shown.
    Reasoning {
        /// The readable text; empty where the provider shows none.
        text: String,
        /// Signatures, encrypted content and the like.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        extra: Map<String, Value>,
    },
    /// A refusal to answer.
    Refusal {
        /// The text of the refusal.
        text: String,
    },
    /// An image, a sound or a file.
    Media {
        /// What it is: `image`, `audio`, `file`, …
        kind: String,
        /// The source as the dialect writes it (a URL, inline base64, a file id).
        source: Value,
    },
    /// Anything else, as it came.
    Other {
        /// The value on the wire.
        value: Value,
    },
}

impl Part {
    /// Returns a text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            extra: Map::new(),
        }
    }

    /// Returns a tool call.
    pub fn tool_call(name: impl Into<String>, arguments: Value) -> Self {
        Self::ToolCall {
            name: name.into(),
            arguments,
            extra: Map::new(),
        }
    }

    /// Returns a successful tool result with text content.
    pub fn tool_result(text: impl Into<String>) -> Self {
        Self::ToolResult {
            content: vec![Self::text(text)],
            is_error: false,
            extra: Map::new(),
        }
    }
}

impl Message {
    /// Returns a message of `role` with these parts.
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self {
            role,
            name: None,
            parts,
            extra: Map::new(),
        }
    }

    /// Returns a message with one text part.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self::new(role, vec![Part::text(text)])
    }

    /// Returns the text parts joined, without reasoning, refusals and tool content.
    pub fn plain_text(&self) -> String {
        plain_text(&self.parts)
    }

    /// Returns the tool calls in order, as name and arguments.
    pub fn tool_calls(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall {
                name, arguments, ..
            } => Some((name.as_str(), arguments)),
            Part::Text { .. }
            | Part::ToolResult { .. }
            | Part::Reasoning { .. }
            | Part::Refusal { .. }
            | Part::Media { .. }
            | Part::Other { .. } => None,
        })
    }

    /// Returns the number of tool results in this message.
    pub fn tool_result_count(&self) -> usize {
        self.parts
            .iter()
            .filter(|part| matches!(part, Part::ToolResult { .. }))
            .count()
    }
}

/// Returns the text parts joined.
pub fn plain_text(parts: &[Part]) -> String {
    let texts: Vec<&str> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Text { text, .. } => Some(text.as_str()),
            Part::ToolCall { .. }
            | Part::ToolResult { .. }
            | Part::Reasoning { .. }
            | Part::Refusal { .. }
            | Part::Media { .. }
            | Part::Other { .. } => None,
        })
        .collect();
    texts.join("")
}

/// A value that is kept once and referred to by the hash of its canonical JSON.
#[derive(Clone, PartialEq, Debug)]
pub struct Pooled<T> {
    id: ContentId,
    value: T,
}

impl<T: Serialize> Pooled<T> {
    /// Returns `value` with its id, ready to be shared.
    pub fn new(value: T) -> Arc<Self> {
        Arc::new(Self {
            id: canonical_id(&value),
            value,
        })
    }
}

impl<T> Pooled<T> {
    /// Returns the hash of the value's canonical JSON.
    pub fn id(&self) -> ContentId {
        self.id
    }

    /// Returns the value.
    pub fn value(&self) -> &T {
        &self.value
    }
}

impl<T> std::ops::Deref for Pooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Returns the canonical JSON of `value`: keys sorted, no white space, numbers as serde writes them.
pub fn canonical_json<T: Serialize>(value: &T) -> String {
    // Through `Value`, whose maps are sorted; our own types have string keys, so this can't fail.
    serde_json::to_value(value)
        .and_then(|value| serde_json::to_string(&value))
        .unwrap_or_else(|error| error.to_string())
}

/// Returns the hash of the canonical JSON of `value`, as [`canonical_id`] does.
pub fn value_id(value: &Value) -> ContentId {
    // Its maps are sorted already, and it can't fail to be written.
    ContentId::of(&serde_json::to_vec(value).unwrap_or_default())
}

/// Returns the hash of the canonical JSON of `value`.
pub fn canonical_id<T: Serialize>(value: &T) -> ContentId {
    ContentId::of(canonical_json(value).as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let value = json!({"b": {"d": 1, "c": 2.0}, "a": [3, 0.0, 0]});
        assert_eq!(
            canonical_json(&value),
            r#"{"a":[3,0.0,0],"b":{"c":2.0,"d":1}}"#
        );
    }

    #[test]
    fn messages_read_back_as_written() {
        let message = Message::new(
            Role::Assistant,
            vec![
                Part::text("hi"),
                Part::tool_call("search", json!({"q": "x", "n": 3})),
            ],
        );
        let text = canonical_json(&message);
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
    }
}
