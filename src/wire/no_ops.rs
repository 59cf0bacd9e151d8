//! What of a request is known to have no effect on the content of its answer.
//!
//! A block list: a field that is not named here counts. A gap in it shows as a difference that a
//! person can look at; an allow list would hide one.

use serde_json::{Map, Value};

use crate::model::Dialect;

/// Fields of OpenAI requests that identify, label, store or bill, and change no token of the answer.
///
/// Source: <https://platform.openai.com/docs/api-reference/responses/create>.
const OPENAI: &[&str] = &[
    "client_metadata",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
];

/// Fields of Anthropic requests without an effect on the answer.
///
/// Source: <https://docs.anthropic.com/en/api/messages>.
const ANTHROPIC: &[&str] = &["cache_control", "metadata", "service_tier"];

/// Fields of Gemini requests without an effect on the answer.
///
/// Source: <https://ai.google.dev/api/generate-content>.
const GEMINI: &[&str] = &["labels", "serviceTier", "store"];

/// Fields that say how an answer travels.
pub(super) const TRANSPORT: &[&str] = &["stream", "stream_options"];

/// How the system block begins that Claude Code changes with every request.
const BILLING_HEADER: &str = "x-anthropic-billing-header";

/// Returns whether a top-level field has no effect.
pub(super) fn is_no_op(dialect: Dialect, field: &str) -> bool {
    let fields = match dialect {
        Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::OpenaiEmbeddings => OPENAI,
        Dialect::AnthropicMessages => ANTHROPIC,
        Dialect::Gemini => GEMINI,
        Dialect::Opaque => &[],
    };
    fields.contains(&field)
}

/// Removes `cache_control` from a message, a tool or a list of blocks, at every depth where it is a
/// marker; what a tool is called with or takes is left alone.
pub(super) fn strip_markers(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(strip_markers),
        Value::Object(fields) => {
            fields.remove("cache_control");
            if let Some(content) = fields.get_mut("content") {
                strip_markers(content);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Takes the block that changes with every request out of Anthropic's `system`, into `no_ops`.
pub(super) fn take_billing_header(system: &mut Value, no_ops: &mut Map<String, Value>) {
    let text = |block: &Value| match block.get("text") {
        Some(Value::String(text)) if text.trim_start().starts_with(BILLING_HEADER) => {
            Some(text.clone())
        }
        None | Some(_) => None,
    };
    if let Value::Array(blocks) = system {
        blocks.retain(|block| match text(block) {
            Some(text) => {
                no_ops.insert(BILLING_HEADER.to_owned(), Value::String(text));
                false
            }
            None => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cache_markers_go_and_arguments_stay() {
        let mut message = json!({"role": "user", "content": [
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
            {"type": "tool_result", "content": [{"type": "text", "text": "b", "cache_control": {}}]},
            {"type": "tool_use", "input": {"cache_control": "max-age=0"}},
        ]});
        strip_markers(&mut message);
        assert_eq!(
            message,
            json!({"role": "user", "content": [
                {"type": "text", "text": "a"},
                {"type": "tool_result", "content": [{"type": "text", "text": "b"}]},
                {"type": "tool_use", "input": {"cache_control": "max-age=0"}},
            ]})
        );
    }

    #[test]
    fn what_steers_the_model_is_no_no_op() {
        for field in [
            "temperature",
            "tool_choice",
            "seed",
            "max_tokens",
            "unknown",
        ] {
            assert!(!is_no_op(Dialect::OpenaiChat, field));
            assert!(!is_no_op(Dialect::AnthropicMessages, field));
        }
    }
}
