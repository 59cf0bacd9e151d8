//! How a judge is asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Dialect, MicroUsd};

/// What the judge's endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JudgeDialect {
    /// OpenAI Chat Completions, and whatever is compatible with it.
    Openai,
    /// Anthropic Messages.
    Anthropic,
}

impl JudgeDialect {
    /// Returns the dialect that a model of this name is usually asked in.
    pub fn of_model(model: &str) -> Self {
        if model.starts_with("claude") {
            Self::Anthropic
        } else {
            Self::Openai
        }
    }

    /// Returns the name of the provider whose dialect it is.
    pub const fn provider(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// Returns the dialect in which the provider answers.
    pub(super) const fn wire(self) -> Dialect {
        match self {
            Self::Openai => Dialect::OpenaiChat,
            Self::Anthropic => Dialect::AnthropicMessages,
        }
    }
}

/// How a judge is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeSettings {
    /// The model.
    pub model: String,
    /// What its endpoint speaks.
    pub dialect: JudgeDialect,
    /// The temperature; the provider's own where it is `None`. Only for OpenAI's dialect.
    pub temperature: Option<f64>,
    /// The seed of the first vote; each further vote has the next number. Only for OpenAI's dialect.
    pub seed: Option<u64>,
    /// How many calls run at once.
    pub max_concurrent: usize,
    /// The most calls in a minute; no limit where it is `None`.
    pub requests_per_minute: Option<u32>,
    /// How long one vote may take, with waiting, repetition and repair.
    pub timeout: Duration,
    /// The most that the calls of a run may cost.
    pub max_cost: Option<MicroUsd>,
}

impl JudgeSettings {
    /// Returns the defaults for a model.
    pub fn new(model: impl Into<String>) -> Self {
        let model = model.into();
        Self {
            dialect: JudgeDialect::of_model(&model),
            model,
            temperature: None,
            seed: None,
            max_concurrent: 4,
            requests_per_minute: None,
            timeout: Duration::from_mins(2),
            max_cost: None,
        }
    }
}
