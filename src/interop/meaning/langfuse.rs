//! What the SDKs of Langfuse write, which is also what its API gives back of an observation.

use serde_json::{Map, Value};

use super::{Found, fill};
use crate::interop::span::{Span, number, structured};
use crate::model::Usage;

/// Reads `langfuse.observation.*`.
pub(super) fn read(span: &Span, found: &mut Found) {
    let name = |field: &str| format!("langfuse.observation.{field}");
    if span
        .any(&[&name("type"), &name("model.name"), &name("usage_details")])
        .is_none()
    {
        return;
    }
    if let Some(input) = span.json(&[&name("input")]) {
        take_input(input, found);
    }
    if let Some(output) = span.json(&[&name("output")]) {
        found.answer(output);
    }
    fill(&mut found.answered, || {
        span.text(&[&name("model.name")]).map(str::to_owned)
    });
    if let Some(Value::Object(parameters)) = span.json(&[&name("model.parameters")]) {
        take_parameters(parameters, found);
    }
    let metadata = |field: &str| {
        let nested = || span.json(&[&name("metadata")])?.get(field).cloned();
        let value = span
            .json(&[&name(&format!("metadata.{field}"))])
            .or_else(nested)?;
        // The newer SDK writes each value as JSON.
        let text = value
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        Some(structured(text.unwrap_or(value)))
    };
    found.setting("response_format", metadata("response_format"));
    fill(&mut found.asked, || {
        metadata("ls_model_name")?.as_str().map(str::to_owned)
    });
    fill(&mut found.provider, || {
        metadata("ls_provider")?.as_str().map(str::to_owned)
    });
    fill(&mut found.finish, || {
        metadata("finish_reason")?.as_str().map(str::to_owned)
    });
    fill(&mut found.usage, || {
        usage(&span.json(&[&name("usage_details")])?)
    });
    fill(&mut found.usd, || {
        number(span.json(&[&name("cost_details")])?.get("total")?)
    });
    if let Some(first) = span.text(&[&name("completion_start_time")]) {
        let first = first.trim_matches('"').parse::<jiff::Timestamp>();
        found.first_us = first.ok().map(jiff::Timestamp::as_microsecond);
        found.stream = Some(true);
    }
}

fn take_input(input: Value, found: &mut Found) {
    let Value::Object(mut fields) = input else {
        found.body(input);
        return;
    };
    for (field, place) in [("tools", &mut found.tools), ("system", &mut found.system)] {
        if !fields.contains_key("model")
            && let Some(value) = fields.remove(field)
        {
            fill(place, || Some(value));
        }
    }
    for field in ["tool_choice", "response_format"] {
        if !fields.contains_key("model") {
            let value = fields.remove(field);
            found.setting(field, value);
        }
    }
    let list = ["messages", "input", "prompt"]
        .into_iter()
        .find(|name| fields.contains_key(*name) && !fields.contains_key("role"));
    match list.filter(|_name| !fields.contains_key("model")) {
        Some(name) => {
            let value = fields.remove(name);
            fill(&mut found.messages, || value);
        }
        None => found.body(Value::Object(fields)),
    }
}

/// Takes the settings, those aside that the wrapper of the OpenAI SDK makes up where the caller set none.
fn take_parameters(parameters: Map<String, Value>, found: &mut Found) {
    for (name, value) in parameters {
        let is_made_up = match name.as_str() {
            "temperature" | "top_p" => number(&value) == Some(1.0),
            "frequency_penalty" | "presence_penalty" => number(&value) == Some(0.0),
            "max_tokens" => value.as_str() == Some("Infinity"),
            "service_tier" | "maxRetries" => true,
            "response_format" => value.as_str() == Some(""),
            _ => value.is_null(),
        };
        if is_made_up {
            found.notes.push(
                "settings that equal the defaults are left out: the source may have made them up",
            );
            continue;
        }
        let value = match number(&value) {
            Some(_number) if value.is_string() => {
                serde_json::from_str(value.as_str().unwrap_or_default()).unwrap_or(value)
            }
            Some(_) | None => value,
        };
        found.setting(&name, Some(value));
    }
    found.notes.dedup();
}

/// Returns tokens from open-ended keys, where parts may have been taken out of the whole.
pub(super) fn usage(details: &Value) -> Option<Usage> {
    let details = details.as_object().filter(|details| !details.is_empty())?;
    // As the OpenAI SDK has it.
    if details.contains_key("prompt_tokens") || details.contains_key("input_tokens") {
        return Some(provider_usage(details));
    }
    let mut usage = Usage::default();
    for (name, value) in details {
        let count = tokens(value);
        if name.contains("input") {
            usage.input = usage.input.saturating_add(count);
            if name.contains("cache_creation") || name.contains("cache_write") {
                usage.cache_write = usage.cache_write.saturating_add(count);
            } else if name.contains("cache") {
                usage.cached_input = usage.cached_input.saturating_add(count);
            }
        } else if name.contains("output") {
            usage.output = usage.output.saturating_add(count);
            if name.contains("reasoning") {
                usage.reasoning = usage.reasoning.saturating_add(count);
            }
        }
    }
    Some(usage)
}

fn provider_usage(details: &Map<String, Value>) -> Usage {
    let top = |names: [&str; 2]| {
        let mut names = names.into_iter();
        names.find_map(|name| details.get(name)).map_or(0, tokens)
    };
    let inner = |outer: [&str; 2], name: &str| {
        let mut outer = outer.into_iter();
        outer
            .find_map(|outer| details.get(outer)?.get(name))
            .map_or(0, tokens)
    };
    let input_details = ["prompt_tokens_details", "input_tokens_details"];
    let output_details = ["completion_tokens_details", "output_tokens_details"];
    Usage {
        input: top(["prompt_tokens", "input_tokens"]),
        cached_input: inner(input_details, "cached_tokens"),
        cache_write: inner(input_details, "cache_write_tokens"),
        output: top(["completion_tokens", "output_tokens"]),
        reasoning: inner(output_details, "reasoning_tokens"),
    }
}

/// Returns a number of tokens.
pub(super) fn tokens(value: &Value) -> u64 {
    let whole = value.as_u64();
    let written = || number(value).filter(|number| *number >= 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no call has so many tokens that a float can't count them"
    )]
    whole
        .or_else(|| written().map(|number| number as u64))
        .unwrap_or(0)
}
