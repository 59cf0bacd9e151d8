//! An answer: JSON, or a stream put together.

use serde_json::{Map, Value};

use crate::model::{FinishReason, Pooled, Response, Role, Usage};
use crate::wire::draft::Draft;
use crate::wire::error;
use crate::wire::fields::{count, object, take_array, take_object, take_text};

use super::{assemble_array, message};

/// Reads an answer of status 2xx.
pub(in crate::wire) fn parse(value: Value) -> Result<Response, String> {
    let value = if let Value::Array(chunks) = value {
        assemble_array(chunks)
    } else {
        value
    };
    let mut fields = object(value, "the body")?;
    if let Some(error) = error::take(&mut fields) {
        return Ok(Response {
            error: Some(error),
            ..Response::default()
        });
    }
    let candidates = take_array(&mut fields, "candidates");
    let is_an_answer = [
        "promptFeedback",
        "usageMetadata",
        "modelVersion",
        "responseId",
    ]
    .iter()
    .any(|name| fields.contains_key(*name));
    if candidates.is_none() && !is_an_answer {
        return Err("it has no `candidates`".to_owned());
    }
    let usage = fields.remove("usageMetadata").as_ref().and_then(usage);
    let mut response = Response {
        id: take_text(&mut fields, "responseId"),
        model: take_text(&mut fields, "modelVersion"),
        usage,
        ..Response::default()
    };
    fields.retain(|_name, value| !value.is_null());
    response.volatile = fields;
    let mut candidates = candidates.unwrap_or_default();
    candidates.sort_by_key(|candidate| count(candidate, "/index"));
    if candidates.is_empty() {
        // The prompt was blocked.
        response.output = Some(Pooled::new(Draft::new(Role::Assistant).message));
        response.finish = Some(FinishReason::ContentFilter);
    }
    for (position, candidate) in candidates.into_iter().enumerate() {
        take_candidate(candidate, position, &mut response)?;
    }
    Ok(response)
}

fn take_candidate(
    candidate: Value,
    position: usize,
    response: &mut Response,
) -> Result<(), String> {
    let mut fields = object(candidate, "a candidate")?;
    let mut draft = Draft::new(Role::Assistant);
    if let Some(mut content) = take_object(&mut fields, "content") {
        message::parts(content.remove("parts"), &mut draft)?;
    }
    message::coalesce(&mut draft);
    let has_calls = !draft.call_ids.is_empty();
    let output = Pooled::new(draft.message);
    if position > 0 {
        response.alternatives.push(output);
        return Ok(());
    }
    response.output = Some(output);
    response.call_ids = draft.call_ids;
    response.finish =
        take_text(&mut fields, "finishReason").map(|reason| finish(reason, has_calls, &mut fields));
    fields.remove("index");
    fields.retain(|_name, value| !value.is_null());
    if !fields.is_empty() {
        let said = Value::Object(fields);
        response.volatile.insert(CANDIDATE.to_owned(), said);
    }
    Ok(())
}

/// Where the normal form keeps what is said of the first candidate beside its content.
pub(super) const CANDIDATE: &str = "candidate";

/// Reads a finish reason; of the many reasons of a filter the one that it was stays among the fields.
fn finish(reason: String, has_calls: bool, fields: &mut Map<String, Value>) -> FinishReason {
    match reason.as_str() {
        "STOP" if has_calls => FinishReason::ToolCalls,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY" => FinishReason::ContentFilter,
        "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY" => {
            fields.insert("finishReason".to_owned(), Value::String(reason));
            FinishReason::ContentFilter
        }
        _ => FinishReason::Other(reason),
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let _fields = value.as_object()?;
    let reasoning = count(value, "/thoughtsTokenCount");
    Some(Usage {
        input: count(value, "/promptTokenCount")
            .saturating_add(count(value, "/toolUsePromptTokenCount")),
        cached_input: count(value, "/cachedContentTokenCount"),
        cache_write: 0,
        output: count(value, "/candidatesTokenCount").saturating_add(reasoning),
        reasoning,
    })
}
