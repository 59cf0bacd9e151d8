//! LangSmith's OpenTelemetry spans and MLflow's: whole requests and answers in one attribute each.

use serde_json::Value;

use super::{Found, fill};
use crate::interop::span::Span;

/// Reads `gen_ai.prompt`, `gen_ai.completion` as one value each, and `mlflow.spanInputs`.
pub(super) fn read(span: &Span, found: &mut Found) {
    if let Some(input) = span.json(&["gen_ai.prompt", "mlflow.spanInputs"]) {
        take_input(input, found);
    }
    if let Some(output) = span.json(&["gen_ai.completion", "mlflow.spanOutputs"]) {
        take_output(output, found);
    }
    fill(&mut found.asked, || {
        span.text(&["langsmith.metadata.ls_model_name"])
            .map(str::to_owned)
    });
    fill(&mut found.provider, || {
        span.text(&["langsmith.metadata.ls_provider"])
            .map(str::to_owned)
    });
    for (name, setting) in [
        ("langsmith.metadata.ls_temperature", "temperature"),
        ("langsmith.metadata.ls_max_tokens", "max_tokens"),
    ] {
        found.setting(setting, span.any(&[name]).cloned());
    }
    if let Some(Value::Object(parameters)) = span.json(&[
        "langsmith.metadata.invocation_params",
        "llm.invocation_params",
    ]) {
        super::tool::invocation(parameters, found);
    }
}

/// Takes the inputs of a run.
pub(super) fn take_input(input: Value, found: &mut Found) {
    match input {
        Value::Object(mut fields) if !fields.contains_key("model") => {
            if let Some(tools) = fields.remove("tools") {
                fill(&mut found.tools, || Some(tools));
            }
            let list = ["messages", "input", "prompts"]
                .into_iter()
                .find_map(|name| fields.remove(name));
            fill(&mut found.messages, || list);
        }
        other @ (Value::Object(_)
        | Value::Array(_)
        | Value::String(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)) => found.body(other),
    }
}

/// Takes the outputs of a run: LangChain has them in lists of generations.
pub(super) fn take_output(output: Value, found: &mut Found) {
    let Some(first) = output
        .pointer("/generations/0/0")
        .or_else(|| output.pointer("/generations/0"))
    else {
        found.answer(output);
        return;
    };
    let reason = |place: &str| first.pointer(place)?.as_str().map(str::to_owned);
    fill(&mut found.finish, || {
        reason("/generation_info/finish_reason")
            .or_else(|| reason("/message/kwargs/response_metadata/finish_reason"))
    });
    fill(&mut found.answered, || {
        reason("/generation_info/model_name")
            .or_else(|| reason("/message/kwargs/response_metadata/model_name"))
    });
    fill(&mut found.id, || {
        let id = output.pointer("/llm_output/id").and_then(Value::as_str);
        id.map(str::to_owned)
            .or_else(|| reason("/message/kwargs/response_metadata/id"))
    });
    let usage = first
        .pointer("/message/kwargs/usage_metadata")
        .or_else(|| output.pointer("/llm_output/token_usage"));
    fill(&mut found.usage, || super::langfuse::usage(usage?));
    fill(&mut found.output, || {
        first.get("message").or_else(|| first.get("text")).cloned()
    });
}
