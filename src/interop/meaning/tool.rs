//! What a span says of a call of a tool.

use serde_json::{Map, Value, json};

use super::{Found, fill};
use crate::interop::literal;
use crate::interop::span::{Span, structured};

/// What a span says of a call of a tool.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ToolFound {
    /// The tool's name.
    pub(crate) name: String,
    /// The provider's id of the call that it answers.
    pub(crate) call_id: Option<String>,
    /// The arguments.
    pub(crate) arguments: Option<Value>,
    /// The result.
    pub(crate) result: Option<Value>,
}

/// Returns what a span says of a call of a tool.
pub(crate) fn tool(span: &Span) -> ToolFound {
    let name = span.text(&[
        "gen_ai.tool.name",
        "tool.name",
        "tool_call.function.name",
        "ai.toolCall.name",
        "traceloop.entity.name",
    ]);
    let mut result = span.json(&[
        "gen_ai.tool.call.result",
        "ai.toolCall.result",
        "tool_response",
        "langfuse.observation.output",
        "output.value",
        "mlflow.spanOutputs",
        "traceloop.entity.output",
        "gen_ai.completion",
    ]);
    let mut call_id = span
        .text(&[
            "gen_ai.tool.call.id",
            "ai.toolCall.id",
            "tool_call.id",
            "tool.id",
        ])
        .map(str::to_owned);
    let arguments = span.json(&[
        "gen_ai.tool.call.arguments",
        "ai.toolCall.args",
        "tool_arguments",
        "tool_call.function.arguments",
        "langfuse.observation.input",
        "input.value",
        "mlflow.spanInputs",
        "traceloop.entity.input",
        "gen_ai.prompt",
        "tool.parameters",
    ]);
    if let Some(message) = tool_message(result.as_ref()) {
        call_id = call_id.or(message.0);
        result = Some(message.1);
    }
    ToolFound {
        name: name.unwrap_or(&span.name).to_owned(),
        call_id,
        arguments: arguments.map(called_with),
        result,
    }
}

/// Returns the id and the content of LangChain's message of a tool.
fn tool_message(result: Option<&Value>) -> Option<(Option<String>, Value)> {
    let fields = result?.as_object()?;
    let fields = match fields.get("output") {
        Some(Value::Object(inner)) => inner,
        Some(_) | None => fields,
    };
    let fields = match fields.get("kwargs") {
        Some(Value::Object(inner)) => inner,
        Some(_) | None => fields,
    };
    let id = fields.get("tool_call_id")?.as_str().map(str::to_owned);
    let content = fields.get("content")?.clone();
    Some((id, content))
}

/// Returns the arguments by name, where a function's call was written down as such.
fn called_with(value: Value) -> Value {
    let value = match value {
        Value::String(text) => literal::read(&text).unwrap_or(Value::String(text)),
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_)) => other,
    };
    let Value::Object(mut fields) = value else {
        return value;
    };
    let is_call = fields.contains_key("kwargs") && fields.len() <= 2;
    let is_unnamed = fields
        .get("args")
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty);
    if is_call && is_unnamed {
        return fields.remove("kwargs").map(structured).unwrap_or_default();
    }
    // LangChain's own wrappers: `{"input_str": "{'query': …}"}` and `{"input": …}`.
    if fields.len() == 1
        && let Some(inner) = fields.remove("input_str")
    {
        return called_with(inner);
    }
    Value::Object(fields)
}

/// Takes LangChain's parameters of a call, which hold the model, the settings and the tools.
pub(super) fn invocation(parameters: Map<String, Value>, found: &mut Found) {
    for (name, value) in parameters {
        match name.as_str() {
            "model" | "model_name" => {
                fill(&mut found.asked, || value.as_str().map(str::to_owned));
            }
            "tools" | "functions" => fill(&mut found.tools, || Some(value)),
            "stream" | "streaming" => fill(&mut found.stream, || value.as_bool()),
            _ if name.starts_with('_') || value.is_null() => {}
            _ if value == json!([]) || value == json!({}) => {}
            _ => found.setting(&name, Some(value)),
        }
    }
}
