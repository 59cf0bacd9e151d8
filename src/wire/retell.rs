//! An answer as another provider would have given it.
//!
//! What every dialect knows is kept: texts, refusals, tool calls, why it ended, tokens. Reasoning goes,
//! since its signatures hold for one provider alone and another refuses a history with them; so does what
//! only the provider's own tools mean.

use std::sync::Arc;

use serde_json::Map;

use crate::model::{ContentId, Dialect, FinishReason, Message, Part, Pooled, Response, Role};

/// Returns the answer without what belongs to one dialect only.
pub fn retell(response: &Response) -> Response {
    let output = response.output.as_ref().map(message);
    let calls = output
        .as_ref()
        .map_or(0, |output| output.tool_calls().count());
    let finish = response.finish.clone().map(|finish| match finish {
        FinishReason::Other(_) if calls > 0 => FinishReason::ToolCalls,
        FinishReason::Other(_) => FinishReason::Stop,
        FinishReason::Stop
        | FinishReason::Length
        | FinishReason::ToolCalls
        | FinishReason::ContentFilter => finish,
    });
    Response {
        output,
        alternatives: response.alternatives.iter().map(message).collect(),
        finish,
        volatile: Map::new(),
        ..response.clone()
    }
}

/// Gives the answer, and each of its tool calls, an id where it has none; of equal answers those of
/// another `place` are others.
pub fn with_ids(mut response: Response, dialect: Dialect, place: u32) -> Response {
    let (answer, call) = match dialect {
        Dialect::OpenaiChat => ("chatcmpl-", "call_"),
        Dialect::OpenaiResponses => ("resp_", "call_"),
        Dialect::AnthropicMessages => ("msg_", "toolu_"),
        // Google's calls may go without.
        Dialect::Gemini | Dialect::OpenaiEmbeddings | Dialect::Opaque => return response,
    };
    let content = response.output.as_ref().map(|output| output.id());
    let content = content.unwrap_or_else(|| ContentId::of(b""));
    let make = |prefix: &str, number: usize| {
        let parts = [
            content.as_bytes().as_slice(),
            &place.to_le_bytes(),
            &number.to_le_bytes(),
        ];
        let hash = ContentId::of_parts(parts).to_string();
        let digits: String = hash.chars().skip(3).take(24).collect();
        format!("{prefix}{digits}")
    };
    let calls = response
        .output
        .as_ref()
        .map_or(0, |output| output.tool_calls().count());
    response.call_ids.resize(calls, String::new());
    for (number, id) in response.call_ids.iter_mut().enumerate() {
        if id.is_empty() {
            *id = make(call, number.saturating_add(1));
        }
    }
    if response.id.as_deref().unwrap_or_default().is_empty() {
        response.id = Some(make(answer, 0));
    }
    response
}

fn message(message: &Arc<Pooled<Message>>) -> Arc<Pooled<Message>> {
    let parts = message.parts.iter().filter_map(|part| match part {
        Part::Text { text, .. } => Some(Part::text(text.clone())),
        Part::Refusal { text } => Some(Part::Refusal { text: text.clone() }),
        Part::ToolCall {
            name, arguments, ..
        } => Some(Part::tool_call(name.clone(), arguments.clone())),
        Part::Reasoning { .. }
        | Part::ToolResult { .. }
        | Part::Media { .. }
        | Part::Other { .. } => None,
    });
    Pooled::new(Message::new(Role::Assistant, parts.collect()))
}
