//! The Vercel AI SDK up to version 6: `ai.*`.

use serde_json::{Map, Value, json};

use super::{Found, fill, gen_ai, usage, usage_of};
use crate::interop::span::{Span, number};

/// Reads `ai.prompt.*`, `ai.response.*`, `ai.settings.*`.
pub(super) fn read(span: &Span, found: &mut Found) {
    if span.any(&["ai.operationId"]).is_none() {
        return;
    }
    fill(&mut found.messages, || span.json(&["ai.prompt.messages"]));
    fill(&mut found.tools, || span.json(&["ai.prompt.tools"]));
    fill(&mut found.asked, || {
        span.text(&["ai.model.id"]).map(str::to_owned)
    });
    fill(&mut found.provider, || {
        let name = span.text(&["ai.model.provider"])?;
        Some(name.split('.').next().unwrap_or(name).to_owned())
    });
    fill(&mut found.answered, || {
        span.text(&["ai.response.model"]).map(str::to_owned)
    });
    fill(&mut found.id, || {
        span.text(&["ai.response.id"]).map(str::to_owned)
    });
    fill(&mut found.finish, || {
        span.text(&["ai.response.finishReason"]).map(str::to_owned)
    });
    fill(&mut found.output, || output(span));
    let choice = span.json(&["ai.prompt.toolChoice"]);
    let choice = choice.and_then(|choice| tool_choice(&choice));
    found.setting("tool_choice", choice);
    for (name, setting) in [
        ("ai.settings.temperature", "temperature"),
        ("ai.settings.topP", "top_p"),
        ("ai.settings.topK", "top_k"),
        ("ai.settings.maxOutputTokens", "max_tokens"),
        ("ai.settings.maxTokens", "max_tokens"),
        ("ai.settings.seed", "seed"),
        ("ai.settings.frequencyPenalty", "frequency_penalty"),
        ("ai.settings.presencePenalty", "presence_penalty"),
        ("ai.settings.stopSequences", "stop"),
    ] {
        let value = span.any(&[name]);
        let value = value.filter(|value| !value.is_string() || number(value).is_some());
        found.setting(setting, value.cloned());
    }
    fill(&mut found.usage, || usage_of(span, &usage::VERCEL));
    let is_stream = span
        .text(&["ai.operationId"])
        .is_some_and(|id| id.ends_with(".doStream"));
    fill(&mut found.stream, || Some(is_stream));
    if let Some(millis) = span.number(&["ai.response.msToFirstChunk"]) {
        let first = gen_ai::later(span.began_us, millis * 1e3);
        fill(&mut found.first_us, || Some(first));
    }
}

/// Returns the answer as a message: text, reasoning, tool calls, or the object that was asked for.
fn output(span: &Span) -> Option<Value> {
    let text = span.text(&["ai.response.text", "ai.response.object"]);
    let calls = span.json(&["ai.response.toolCalls"]);
    let reasoning = span.text(&["ai.response.reasoning"]);
    if text.is_none() && calls.is_none() && reasoning.is_none() {
        return None;
    }
    let mut message = Map::from_iter([
        ("role".to_owned(), json!("assistant")),
        ("content".to_owned(), json!(text)),
    ]);
    if let Some(calls) = calls {
        message.insert("tool_calls".to_owned(), calls);
    }
    if let Some(reasoning) = reasoning {
        message.insert("reasoning_content".to_owned(), json!(reasoning));
    }
    Some(Value::Object(message))
}

/// Returns the tool choice as Chat Completions has it.
fn tool_choice(choice: &Value) -> Option<Value> {
    match choice.get("type")?.as_str()? {
        "tool" => {
            let name = choice.get("toolName")?;
            Some(json!({"type": "function", "function": {"name": name}}))
        }
        kind => Some(json!(kind)),
    }
}
