//! The `GenAI` conventions of OpenTelemetry since 1.37: messages with parts, in attributes.

use serde_json::Value;

use super::{Found, fill, usage, usage_of};
use crate::interop::span::Span;

/// Reads `gen_ai.*`, and what pydantic-ai writes beside it.
pub(super) fn read(span: &Span, found: &mut Found) {
    fill(&mut found.messages, || {
        span.json(&["gen_ai.input.messages"])
    });
    if found.messages.is_some() {
        fill(&mut found.system, || {
            span.json(&["gen_ai.system_instructions"])
        });
    }
    fill(&mut found.output, || span.json(&["gen_ai.output.messages"]));
    fill(&mut found.tools, || {
        let offered = || {
            span.json(&["model_request_parameters"])?
                .get("function_tools")
                .cloned()
        };
        span.json(&["gen_ai.tool.definitions"]).or_else(offered)
    });
    fill(&mut found.provider, || {
        span.text(&["gen_ai.provider.name", "gen_ai.system"])
            .map(str::to_owned)
    });
    fill(&mut found.asked, || {
        span.text(&["gen_ai.request.model"]).map(str::to_owned)
    });
    fill(&mut found.answered, || {
        span.text(&["gen_ai.response.model"]).map(str::to_owned)
    });
    fill(&mut found.id, || {
        span.text(&["gen_ai.response.id"]).map(str::to_owned)
    });
    fill(&mut found.finish, || {
        match span.json(&["gen_ai.response.finish_reasons"])? {
            Value::Array(all) => all.first()?.as_str().map(str::to_owned),
            Value::String(one) => Some(one),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
    });
    for (name, setting) in SETTINGS {
        found.setting(setting, span.any(&[name]).cloned());
    }
    fill(&mut found.usage, || usage_of(span, &usage::GEN_AI));
    fill(&mut found.usd, || {
        span.number(&["gen_ai.usage.cost", "operation.cost"])
    });
    let is_stream = span.any(&[
        "gen_ai.request.stream",
        "gen_ai.is_streaming",
        "llm.is_streaming",
    ]);
    fill(&mut found.stream, || is_stream.and_then(Value::as_bool));
    if let Some(seconds) = span.number(&["gen_ai.response.time_to_first_chunk"]) {
        fill(&mut found.first_us, || {
            Some(later(span.began_us, seconds * 1e6))
        });
        fill(&mut found.stream, || Some(true));
    }
}

/// Returns the time so many microseconds after another.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float that is too large becomes the largest number"
)]
pub(super) fn later(began_us: i64, micros: f64) -> i64 {
    began_us.saturating_add(micros as i64)
}

/// Attributes of the request, and their names in Chat Completions.
const SETTINGS: [(&str, &str); 11] = [
    ("gen_ai.request.temperature", "temperature"),
    ("gen_ai.request.top_p", "top_p"),
    ("gen_ai.request.top_k", "top_k"),
    ("gen_ai.request.max_tokens", "max_tokens"),
    ("gen_ai.request.seed", "seed"),
    ("gen_ai.request.stop_sequences", "stop"),
    ("gen_ai.request.frequency_penalty", "frequency_penalty"),
    ("gen_ai.request.presence_penalty", "presence_penalty"),
    ("gen_ai.request.choice.count", "n"),
    ("gen_ai.openai.request.seed", "seed"),
    ("gen_ai.request.reasoning.level", "reasoning_effort"),
];
