//! An answer: JSON, or a stream put together.

use serde_json::{Map, Value, json};

use crate::model::{FinishReason, Pooled, Response, Usage};
use crate::wire::error;
use crate::wire::fields::{count, object, take_array, take_text};

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
    let Some(choices) = take_array(&mut fields, "choices") else {
        return Err("it has no `choices`".to_owned());
    };
    let usage = fields.remove("usage").as_ref().and_then(usage);
    let mut response = Response {
        id: take_text(&mut fields, "id"),
        model: take_text(&mut fields, "model"),
        usage,
        ..Response::default()
    };
    fields.remove("object");
    fields.retain(|_name, value| !value.is_null());
    response.volatile = fields;
    for (position, choice) in in_order(choices).into_iter().enumerate() {
        take_choice(choice, position, &mut response)?;
    }
    Ok(response)
}

fn in_order(choices: Vec<Value>) -> Vec<Value> {
    let mut choices = choices;
    choices.sort_by_key(|choice| count(choice, "/index"));
    choices
}

fn take_choice(choice: Value, position: usize, response: &mut Response) -> Result<(), String> {
    let mut choice = object(choice, "a choice")?;
    let Some(Value::Object(mut fields)) = choice.remove("message") else {
        return Err(format!("choice {position} has no `message`"));
    };
    fields.entry("role").or_insert(json!("assistant"));
    let draft = message::parse(Value::Object(fields))?;
    let output = Pooled::new(draft.message);
    if position > 0 {
        response.alternatives.push(output);
        return Ok(());
    }
    response.output = Some(output);
    response.call_ids = draft.call_ids;
    response.finish = take_text(&mut choice, "finish_reason").map(|reason| finish(&reason));
    if let Some(logprobs) = choice.remove("logprobs").filter(|value| !value.is_null()) {
        response.volatile.insert("logprobs".to_owned(), logprobs);
    }
    Ok(())
}

fn finish(reason: &str) -> FinishReason {
    match reason {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let _fields: &Map<String, Value> = value.as_object()?;
    let cached = count(value, "/prompt_tokens_details/cached_tokens");
    Some(Usage {
        input: count(value, "/prompt_tokens"),
        // DeepSeek's own name comes second.
        cached_input: cached.max(count(value, "/prompt_cache_hit_tokens")),
        cache_write: count(value, "/prompt_tokens_details/cache_write_tokens"),
        output: count(value, "/completion_tokens"),
        reasoning: count(value, "/completion_tokens_details/reasoning_tokens"),
    })
}
