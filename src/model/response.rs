//! The normal form of a model answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Message, Pooled};

/// Tokens of one model call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Usage {
    /// All input tokens, cached ones included.
    pub input: u64,
    /// Input tokens read from the provider's prompt cache.
    pub cached_input: u64,
    /// Input tokens written to the provider's prompt cache.
    pub cache_write: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// Output tokens spent on reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// Returns input and output tokens together.
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached_input: self.cached_input.saturating_add(other.cached_input),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), std::ops::Add::add)
    }
}

/// Why the model stopped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The answer is finished.
    Stop,
    /// The token limit was reached.
    Length,
    /// The model calls tools.
    ToolCalls,
    /// The provider's filter, or the model's refusal, ended it.
    ContentFilter,
    /// Any other reason, as the provider names it.
    Other(String),
}

/// An error that the provider answered with.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiError {
    /// The provider's type or code; empty where it names none.
    pub kind: String,
    /// The provider's message.
    pub message: String,
}

/// A model answer in the normal form.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Response {
    /// The assistant's message; `None` for an error.
    pub output: Option<Arc<Pooled<Message>>>,
    /// Further choices where more than one was asked for.
    pub alternatives: Vec<Arc<Pooled<Message>>>,
    /// Why the model stopped.
    pub finish: Option<FinishReason>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// Tokens used; `None` where the provider did not say.
    pub usage: Option<Usage>,
    /// The provider's error.
    pub error: Option<ApiError>,
    /// The provider's id of this answer (volatile).
    pub id: Option<String>,
    /// The provider's ids of the output's tool calls, in order (volatile).
    pub call_ids: Vec<String>,
    /// Other volatile top-level fields worth rendering again (`created`, `system_fingerprint`, …).
    pub volatile: serde_json::Map<String, Value>,
}
