//! Prompts, answers and tool content as the conventions write them: JSON in a text.

use serde_json::{Value, json};

use super::attributes::model::finish_reason;
use super::span::Span;
use crate::model::{Call, Dialect, Message, Part, Role, Tool, ToolStep, plain_text};

/// Returns one message with a text; empty where there is none.
pub(super) fn said(role: &str, text: Option<&str>) -> String {
    let message = |text: &str| {
        json!([{"role": role, "parts": [{"type": "text", "content": text}]}]).to_string()
    };
    text.map(message).unwrap_or_default()
}

/// Adds what a model was told and what it answered.
pub(super) fn of_call(span: &mut Span, call: &Call) {
    let treatment = &call.request.treatment;
    let system: Vec<Value> = treatment
        .system
        .iter()
        .map(|message| json!({"type": "text", "content": message.plain_text()}))
        .collect();
    if !system.is_empty() {
        span.text(
            "gen_ai.system_instructions",
            &Value::from(system).to_string(),
        );
    }
    if call.request.dialect != Dialect::Opaque && !treatment.tools.is_empty() {
        let tools: Vec<Value> = treatment.tools.iter().map(definition).collect();
        span.text("gen_ai.tool.definitions", &Value::from(tools).to_string());
    }
    let history: Vec<Value> = call
        .request
        .thread
        .messages()
        .iter()
        .map(|message| message_value(message))
        .collect();
    span.text("gen_ai.input.messages", &Value::from(history).to_string());
    if let Some(output) = &call.response.output {
        let mut answer = message_value(output);
        if let (Some(finish), Value::Object(fields)) = (&call.response.finish, &mut answer) {
            let reason = finish_reason(finish);
            fields.insert("finish_reason".to_owned(), Value::from(reason));
        }
        span.text("gen_ai.output.messages", &json!([answer]).to_string());
    }
}

/// Adds what a tool was given and what it gave back.
pub(super) fn of_tool(span: &mut Span, called: &ToolStep) {
    let arguments = called.arguments.to_string();
    span.text("gen_ai.tool.call.arguments", &arguments);
    if let Some(result) = &called.result {
        span.text("gen_ai.tool.call.result", &plain_text(result));
    }
}

fn definition(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    })
}

fn message_value(message: &Message) -> Value {
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::User if message.tool_result_count() > 0 => "tool",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let parts: Vec<Value> = message.parts.iter().map(part).collect();
    json!({"role": role, "parts": parts})
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text { text, .. } | Part::Refusal { text } => {
            json!({"type": "text", "content": text})
        }
        Part::ToolCall {
            name, arguments, ..
        } => json!({"type": "tool_call", "name": name, "arguments": arguments}),
        Part::ToolResult { content, .. } => {
            json!({"type": "tool_call_response", "response": plain_text(content)})
        }
        Part::Reasoning { text, .. } => json!({"type": "reasoning", "content": text}),
        Part::Media { kind, .. } => json!({"type": "uri", "modality": kind}),
        Part::Other { value } => json!({"type": "generic", "content": value}),
    }
}
