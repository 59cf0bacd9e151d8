//! An answer: JSON, or a stream put together.

use serde_json::{Map, Value};

use crate::model::{FinishReason, Pooled, Response, Role, Usage};
use crate::wire::draft::Draft;
use crate::wire::error;
use crate::wire::fields::{count, object, take_array, take_text, text};

use super::item;

/// Reads an answer of status 2xx.
pub(in crate::wire) fn parse(value: Value) -> Result<Response, String> {
    let mut fields = object(value, "the body")?;
    if let Some(failure) = failure(&mut fields) {
        return Ok(failure);
    }
    let Some(items) = take_array(&mut fields, "output") else {
        return Err("it has no `output` array".to_owned());
    };
    let mut draft = Draft::new(Role::Assistant);
    for value in items {
        draft.append(item::parse(value)?);
    }
    let finish = finish(&Value::Object(fields.clone()), !draft.call_ids.is_empty());
    Ok(Response {
        output: Some(Pooled::new(draft.message)),
        finish,
        model: take_text(&mut fields, "model"),
        usage: fields.remove("usage").as_ref().and_then(usage),
        id: take_text(&mut fields, "id"),
        call_ids: draft.call_ids,
        volatile: volatile(fields),
        ..Response::default()
    })
}

/// Returns the answer that failed, where it did.
fn failure(fields: &mut Map<String, Value>) -> Option<Response> {
    let status = fields.get("status").and_then(Value::as_str);
    if status == Some("failed") && fields.get("error").is_none_or(Value::is_null) {
        fields.insert("error".to_owned(), Value::from("the response failed"));
    }
    let error = error::take(fields)?;
    Some(Response {
        error: Some(error),
        model: take_text(fields, "model"),
        id: take_text(fields, "id"),
        ..Response::default()
    })
}

fn finish(body: &Value, has_calls: bool) -> Option<FinishReason> {
    let reason = match text(body, "status") {
        "completed" if has_calls => FinishReason::ToolCalls,
        "completed" => FinishReason::Stop,
        "incomplete" => {
            let details = body.get("incomplete_details").unwrap_or(&Value::Null);
            match text(details, "reason") {
                "max_output_tokens" => FinishReason::Length,
                "content_filter" => FinishReason::ContentFilter,
                "" => FinishReason::Other("incomplete".to_owned()),
                other => FinishReason::Other(other.to_owned()),
            }
        }
        "" => return None,
        other => FinishReason::Other(other.to_owned()),
    };
    Some(reason)
}

fn usage(value: &Value) -> Option<Usage> {
    let _fields = value.as_object()?;
    Some(Usage {
        input: count(value, "/input_tokens"),
        cached_input: count(value, "/input_tokens_details/cached_tokens"),
        cache_write: count(value, "/input_tokens_details/cache_write_tokens"),
        output: count(value, "/output_tokens"),
        reasoning: count(value, "/output_tokens_details/reasoning_tokens"),
    })
}

/// Returns what is worth rendering again; an answer repeats most settings of its request, which are not.
fn volatile(fields: Map<String, Value>) -> Map<String, Value> {
    let is_volatile = |name: &str| ["created_at", "completed_at", "service_tier"].contains(&name);
    fields
        .into_iter()
        .filter(|(name, value)| is_volatile(name) && !value.is_null())
        .collect()
}
