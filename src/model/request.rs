//! The normal form of a model request: history, treatment, transport.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ContentId, Message, Pooled, Thread};

/// A provider's wire format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// OpenAI Chat Completions.
    OpenaiChat,
    /// OpenAI Responses.
    OpenaiResponses,
    /// Anthropic Messages.
    AnthropicMessages,
    /// Gemini generateContent.
    Gemini,
    /// OpenAI-compatible embeddings.
    OpenaiEmbeddings,
    /// Any other POST: recorded and replayed verbatim.
    Opaque,
}

impl Dialect {
    /// Returns the name used in files and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai-chat",
            Self::OpenaiResponses => "openai-responses",
            Self::AnthropicMessages => "anthropic-messages",
            Self::Gemini => "gemini",
            Self::OpenaiEmbeddings => "openai-embeddings",
            Self::Opaque => "opaque",
        }
    }

    /// Returns whether conversations are spoken in it, which the other such dialects could tell, too.
    pub fn is_conversation(self) -> bool {
        match self {
            Self::OpenaiChat | Self::OpenaiResponses | Self::AnthropicMessages | Self::Gemini => {
                true
            }
            Self::OpenaiEmbeddings | Self::Opaque => false,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no known dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown dialect `{0}`")]
pub struct UnknownDialect(String);

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        [
            Self::OpenaiChat,
            Self::OpenaiResponses,
            Self::AnthropicMessages,
            Self::Gemini,
            Self::OpenaiEmbeddings,
            Self::Opaque,
        ]
        .into_iter()
        .find(|dialect| dialect.as_str() == text)
        .ok_or_else(|| UnknownDialect(text.to_owned()))
    }
}

/// The definition of a tool, as offered to the model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// The tool's name; the type for provider-made tools that have none.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema of its arguments; null where there is none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
    /// Fields without a name in the normal form (`strict`, provider tool types, …).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What the change under test may alter in a request.
///
/// Everything of the request but its history and its transport fields (`stream`, `stream_options`)
/// and the fields known to have no effect.
#[derive(Clone, PartialEq, Debug)]
pub struct Treatment {
    /// The model asked for.
    pub model: Option<String>,
    /// System and developer messages, in order, wherever they stood.
    pub system: Vec<Arc<Pooled<Message>>>,
    /// The tool definitions, in order.
    pub tools: Arc<Pooled<Vec<Tool>>>,
    /// Sampling parameters, limits, formats, tool choice and all other fields, under their wire names.
    pub settings: Arc<Pooled<Map<String, Value>>>,
}

impl Treatment {
    /// Returns the hash over all of it.
    pub fn id(&self) -> ContentId {
        let model = self.model.as_deref().unwrap_or_default().as_bytes();
        let (tools, settings) = (self.tools.id(), self.settings.id());
        let ids: Vec<ContentId> = self.system.iter().map(|message| message.id()).collect();
        let parts = [model, tools.as_bytes(), settings.as_bytes()];
        ContentId::of_parts(
            parts
                .into_iter()
                .chain(ids.iter().map(|id| id.as_bytes().as_slice())),
        )
    }

    /// Returns the system prompt as one text.
    pub fn system_text(&self) -> String {
        let texts: Vec<String> = self
            .system
            .iter()
            .map(|message| message.plain_text())
            .collect();
        texts.join("\n\n")
    }
}

/// A model request in the normal form.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    /// The wire format that it came in.
    pub dialect: Dialect,
    /// What may be altered by the change under test.
    pub treatment: Arc<Treatment>,
    /// The history: all messages but system and developer ones.
    pub thread: Thread,
    /// Whether the answer was asked for as a stream.
    pub stream: bool,
    /// The value of the `rewind-agent` header.
    pub agent: Option<String>,
}
