//! Writes a served conversation out as input items of the OpenAI Responses API, for a live request
//! that refers to a served answer by `previous_response_id`: the provider has never seen it.
//!
//! Item shapes: <https://platform.openai.com/docs/api-reference/responses/create>. Reasoning items are
//! left out, since their ids and encrypted content belong to the recorded run.

use serde_json::{Value, json};

use crate::model::{Call, CallRef, Message, Part, Role, Thread, plain_text};

/// Returns `body` with the conversation up to and including the answer of `recorded` in front of
/// its own input, in place of `previous_response_id`; `None` where it holds none.
pub(super) fn inlined(body: &[u8], recorded: &Call) -> Option<Vec<u8>> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let fields = body.as_object_mut()?;
    fields
        .remove("previous_response_id")
        .filter(|id| !id.is_null())?;
    let mut items = conversation(recorded);
    match fields.remove("input") {
        Some(Value::Array(own)) => items.extend(own),
        Some(Value::Null) | None => {}
        Some(text) => items.push(json!({ "role": "user", "content": text })),
    }
    fields.insert("input".to_owned(), Value::Array(items));
    Some(body.to_string().into_bytes())
}

/// The ids of the tool calls of each turn with calls, oldest turn first.
type TurnIds = Vec<Vec<String>>;

fn conversation(recorded: &Call) -> Vec<Value> {
    let mut items = Vec::new();
    let mut turns: TurnIds = Vec::new();
    let mut answered = 0_u32;
    let mut nodes: Vec<&Thread> = recorded.request.thread.ancestors().collect();
    nodes.reverse();
    for node in nodes {
        let Some(message) = node.last() else { continue };
        let calls = message.tool_calls().count();
        if calls > 0 {
            let turn = turns.len();
            turns.push(
                (0..calls)
                    .map(|index| format!("call_{turn}_{index}"))
                    .collect(),
            );
            answered = 0;
        }
        push(
            &mut items,
            message,
            node.last_answers(),
            &turns,
            &mut answered,
        );
    }
    if let Some(output) = &recorded.response.output {
        turns.push(recorded.response.call_ids.clone());
        push(&mut items, output, &[], &turns, &mut answered);
    }
    items
}

fn push(
    items: &mut Vec<Value>,
    message: &Message,
    answers: &[Option<CallRef>],
    turns: &TurnIds,
    answered: &mut u32,
) {
    let mut results = 0;
    let mut calls = 0;
    let mut content = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text { text, .. } => content.push(text_item(message.role, text)),
            Part::Refusal { text } => content.push(json!({ "type": "refusal", "refusal": text })),
            Part::Media { source, .. } => content.push(source.clone()),
            Part::ToolCall {
                name, arguments, ..
            } => {
                let id = turns.last().and_then(|turn| turn.get(calls));
                calls += 1;
                items.push(json!({
                    "type": "function_call",
                    "call_id": id,
                    "name": name,
                    "arguments": argument_text(arguments),
                }));
            }
            Part::ToolResult { content, .. } => {
                let usual = CallRef {
                    turns_back: 0,
                    index: *answered,
                };
                let reference = answers.get(results).copied().unwrap_or(Some(usual));
                results += 1;
                *answered += 1;
                items.push(json!({
                    "type": "function_call_output",
                    "call_id": reference.and_then(|call| id_of(turns, call)),
                    "output": plain_text(content),
                }));
            }
            Part::Other { value } => items.push(value.clone()),
            Part::Reasoning { .. } => {}
        }
    }
    if !content.is_empty() {
        let role = if message.role == Role::Assistant {
            "assistant"
        } else {
            "user"
        };
        items.push(json!({ "type": "message", "role": role, "content": content }));
    }
}

fn text_item(role: Role, text: &str) -> Value {
    let kind = if role == Role::Assistant {
        "output_text"
    } else {
        "input_text"
    };
    json!({ "type": kind, "text": text })
}

fn argument_text(arguments: &Value) -> String {
    arguments
        .as_str()
        .map_or_else(|| arguments.to_string(), str::to_owned)
}

fn id_of(turns: &TurnIds, call: CallRef) -> Option<&String> {
    let turn = turns.len().checked_sub(call.turns_back as usize + 1)?;
    turns.get(turn)?.get(call.index as usize)
}
