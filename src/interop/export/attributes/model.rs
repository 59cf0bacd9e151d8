//! A call of a model.

use serde_json::Value;

use super::super::span::{Attribute, Span};
use crate::model::{Call, Dialect, FinishReason};

/// Returns what the call does, as the conventions name it.
pub(in super::super) fn operation(call: &Call) -> &'static str {
    match call.request.dialect {
        Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::AnthropicMessages => "chat",
        Dialect::Gemini => "generate_content",
        Dialect::OpenaiEmbeddings => "embeddings",
        Dialect::Opaque => "http",
    }
}

/// Says what was asked with which settings, and what it took.
pub(in super::super) fn describe(span: &mut Span, call: &Call) {
    if call.request.dialect != Dialect::Opaque {
        span.text("gen_ai.operation.name", operation(call));
        span.text("gen_ai.provider.name", provider(&call.provider));
    }
    let treatment = &call.request.treatment;
    span.text(
        "gen_ai.request.model",
        treatment.model.as_deref().unwrap_or_default(),
    );
    for (names, attribute) in SETTINGS {
        let found = names.iter().find_map(|name| treatment.settings.get(*name));
        if let Some(value) = found.and_then(attribute_of) {
            span.set(attribute, value);
        }
    }
    if call.request.stream {
        span.set("gen_ai.request.stream", Attribute::Truth(true));
    }
    let response = &call.response;
    span.text(
        "gen_ai.response.model",
        response.model.as_deref().unwrap_or_default(),
    );
    span.text(
        "gen_ai.response.id",
        response.id.as_deref().unwrap_or_default(),
    );
    if let Some(finish) = &response.finish {
        let reason = finish_reason(finish).to_owned();
        span.set(
            "gen_ai.response.finish_reasons",
            Attribute::Texts(vec![reason]),
        );
    }
    if let Some(usage) = &response.usage {
        span.count("gen_ai.usage.input_tokens", usage.input);
        span.count("gen_ai.usage.output_tokens", usage.output);
        let parts = [
            ("gen_ai.usage.cache_read.input_tokens", usage.cached_input),
            (
                "gen_ai.usage.cache_creation.input_tokens",
                usage.cache_write,
            ),
            ("gen_ai.usage.reasoning.output_tokens", usage.reasoning),
        ];
        for (name, tokens) in parts.into_iter().filter(|(_name, tokens)| *tokens > 0) {
            span.count(name, tokens);
        }
    }
    if let Some(error) = &response.error {
        let status = call.exchange.status.to_string();
        let kind = if error.kind.is_empty() {
            &status
        } else {
            &error.kind
        };
        span.text("error.type", kind);
    }
}

fn attribute_of(value: &Value) -> Option<Attribute> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .map(Attribute::Integer)
            .or_else(|| number.as_f64().map(Attribute::Number)),
        Value::String(text) => Some(Attribute::Texts(vec![text.clone()])),
        Value::Array(values) => {
            let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Attribute::Texts)
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

/// Returns the name of a finish reason in the conventions.
pub(in super::super) fn finish_reason(finish: &FinishReason) -> &str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_call",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Other(reason) => reason,
    }
}

/// Returns the name of a provider in the conventions.
fn provider(name: &str) -> &str {
    match name {
        "google" => "gcp.gemini",
        "azure" => "azure.ai.openai",
        "mistral" => "mistral_ai",
        "xai" => "x_ai",
        other => other,
    }
}

/// The settings that the conventions have a name for, by their names on the wire.
const SETTINGS: [(&[&str], &str); 8] = [
    (&["temperature"], "gen_ai.request.temperature"),
    (&["top_p", "topP"], "gen_ai.request.top_p"),
    (&["top_k", "topK"], "gen_ai.request.top_k"),
    (
        &[
            "max_tokens",
            "max_completion_tokens",
            "max_output_tokens",
            "maxOutputTokens",
        ],
        "gen_ai.request.max_tokens",
    ),
    (&["seed"], "gen_ai.request.seed"),
    (
        &["stop", "stop_sequences", "stopSequences"],
        "gen_ai.request.stop_sequences",
    ),
    (
        &["frequency_penalty", "frequencyPenalty"],
        "gen_ai.request.frequency_penalty",
    ),
    (
        &["presence_penalty", "presencePenalty"],
        "gen_ai.request.presence_penalty",
    ),
];
