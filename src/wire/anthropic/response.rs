//! An answer: JSON, or a stream put together.

use serde_json::Value;

use crate::model::{FinishReason, Pooled, Response, Role, Usage};
use crate::wire::draft::Draft;
use crate::wire::error;
use crate::wire::fields::{count, object, take_text};

use super::message;

/// Reads an answer of status 2xx.
pub(in crate::wire) fn parse(value: Value) -> Result<Response, String> {
    let mut fields = object(value, "the body")?;
    if let Some(error) = error::take(&mut fields) {
        return Ok(Response {
            error: Some(error),
            ..Response::default()
        });
    }
    if !fields.get("content").is_some_and(Value::is_array) {
        return Err("it has no `content` array".to_owned());
    }
    let mut draft = Draft::new(Role::Assistant);
    message::content(fields.remove("content"), &mut draft)?;
    let usage = fields.remove("usage").as_ref().and_then(usage);
    let finish = take_text(&mut fields, "stop_reason").map(finish);
    for known in ["role", "type"] {
        fields.remove(known);
    }
    let id = take_text(&mut fields, "id");
    let model = take_text(&mut fields, "model");
    fields.retain(|_name, value| !value.is_null());
    Ok(Response {
        output: Some(Pooled::new(draft.message)),
        finish,
        model,
        usage,
        id,
        call_ids: draft.call_ids,
        volatile: fields,
        ..Response::default()
    })
}

fn finish(reason: String) -> FinishReason {
    match reason.as_str() {
        // Which of the two it was stands in the volatile `stop_sequence`.
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Other(reason),
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let _fields = value.as_object()?;
    let cached_input = count(value, "/cache_read_input_tokens");
    let cache_write = count(value, "/cache_creation_input_tokens");
    Some(Usage {
        input: count(value, "/input_tokens")
            .saturating_add(cached_input)
            .saturating_add(cache_write),
        cached_input,
        cache_write,
        output: count(value, "/output_tokens"),
        reasoning: count(value, "/output_tokens_details/thinking_tokens"),
    })
}
