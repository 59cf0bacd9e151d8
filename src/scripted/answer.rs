//! Makes the normal form of a rule's answer.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::conversation::Conversation;
use super::rule::Reply;
use super::template::{fill, fill_json};
use crate::model::{ApiError, FinishReason, Message, Part, Pooled, Response, Role, Usage};

/// How many characters count as a token where the rule says nothing.
const CHARS_PER_TOKEN: u64 = 4;

/// Returns the answer of `reply` with fresh ids made by `fresh`.
pub(super) fn response(
    reply: &Reply,
    talk: &Conversation,
    captured: &[String],
    fresh: &dyn Fn(&str) -> String,
) -> Response {
    let output = message(reply, talk, captured);
    let calls = output.tool_calls().count();
    let written = output.plain_text().chars().count()
        + output
            .tool_calls()
            .map(|(_name, args)| args.to_string().chars().count())
            .sum::<usize>();
    let finish = match reply.finish {
        Some(finish) => finish.into(),
        None if calls > 0 => FinishReason::ToolCalls,
        None => FinishReason::Stop,
    };
    Response {
        output: Some(output),
        alternatives: Vec::new(),
        finish: Some(finish),
        model: Some(talk.model.clone()).filter(|model| !model.is_empty()),
        usage: Some(usage(reply, talk.chars, written)),
        error: None,
        id: None,
        call_ids: (0..calls).map(|_call| fresh("call")).collect(),
        volatile: Map::new(),
    }
}

fn message(reply: &Reply, talk: &Conversation, captured: &[String]) -> Arc<Pooled<Message>> {
    let mut parts = Vec::new();
    if let Some(text) = &reply.reasoning {
        parts.push(Part::Reasoning {
            text: fill(text, talk, captured),
            extra: Map::new(),
        });
    }
    if let Some(text) = &reply.text {
        parts.push(Part::text(fill(text, talk, captured)));
    }
    if let Some(text) = &reply.refusal {
        parts.push(Part::Refusal {
            text: fill(text, talk, captured),
        });
    }
    for call in &reply.tool_calls {
        let arguments = if call.arguments.is_null() {
            Value::Object(Map::new())
        } else {
            fill_json(&call.arguments, talk, captured)
        };
        parts.push(Part::tool_call(call.name.clone(), arguments));
    }
    Pooled::new(Message::new(Role::Assistant, parts))
}

/// Returns the estimate for so many characters, at least 1.
pub(super) fn tokens(chars: usize) -> u64 {
    (chars as u64).div_ceil(CHARS_PER_TOKEN).max(1)
}

fn usage(reply: &Reply, read: usize, written: usize) -> Usage {
    match reply.usage {
        Some(given) => Usage {
            input: given.input,
            cached_input: given.cached,
            cache_write: 0,
            output: given.output,
            reasoning: given.reasoning,
        },
        None => Usage {
            input: tokens(read),
            output: tokens(written),
            ..Usage::default()
        },
    }
}

/// Returns the error that a rule with a status answers.
pub(super) fn failure(status: u16, reply: &Reply) -> ApiError {
    let kind = match status {
        400 | 422 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "server_error",
    };
    let message = reply
        .error
        .clone()
        .unwrap_or_else(|| format!("the script answers with status {status}"));
    ApiError {
        kind: kind.to_owned(),
        message,
    }
}
