//! Tool definitions of any shape.

use serde_json::{Map, Value, json};

use crate::interop::span::structured;

/// Returns tool definitions as Chat Completions has them.
pub(crate) fn tools(value: Value) -> Vec<Value> {
    match structured(value) {
        Value::Array(items) => items.into_iter().flat_map(definition).collect(),
        other @ Value::Object(_) => definition(other),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Returns the definition that the LangChain handler of Langfuse puts among the messages.
///
/// A real message of a tool has a text, and the id of the call that it answers.
pub(super) fn among_messages(fields: &Map<String, Value>) -> Option<Value> {
    let is_tool = fields.get("role").and_then(Value::as_str) == Some("tool");
    let content = fields.get("content").filter(|_content| is_tool)?;
    let content = content.as_object()?;
    let has_function = content.get("function").is_some_and(Value::is_object);
    (has_function && content.get("type").is_some() && !fields.contains_key("tool_call_id"))
        .then(|| Value::Object(content.clone()))
}

/// Returns the definitions that one entry holds: Gemini has several in each.
fn definition(value: Value) -> Vec<Value> {
    let Value::Object(mut fields) = structured(value) else {
        return Vec::new();
    };
    // OpenInference has it one level deeper, as a text.
    if let Some(inner) = fields
        .remove("tool")
        .and_then(|tool| tool.get("json_schema").cloned())
        .or_else(|| fields.remove("tool.json_schema"))
    {
        return match structured(inner) {
            Value::Object(inner) => vec![flat(inner)],
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Vec::new(),
        };
    }
    for name in ["functionDeclarations", "function_declarations"] {
        if let Some(Value::Array(items)) = fields.remove(name) {
            let objects = items.into_iter().filter_map(|item| match item {
                Value::Object(inner) => Some(flat(inner)),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_) => None,
            });
            return objects.collect();
        }
    }
    vec![flat(fields)]
}

fn flat(mut fields: Map<String, Value>) -> Value {
    if fields.get("function").is_some_and(Value::is_object) {
        return Value::Object(fields);
    }
    let schema = [
        "parameters",
        "input_schema",
        "inputSchema",
        "parameters_json_schema",
        "parametersJsonSchema",
    ]
    .into_iter()
    .find_map(|name| fields.remove(name))
    .map(structured);
    let kind = fields
        .get("type")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let Some(name) = fields.remove("name").filter(Value::is_string) else {
        return Value::Object(fields);
    };
    if kind.is_some_and(|kind| kind != "function" && kind != "custom") && schema.is_none() {
        fields.insert("name".to_owned(), name);
        return Value::Object(fields);
    }
    let mut function = json!({"name": name});
    if let Some(function) = function.as_object_mut() {
        for field in ["description", "strict"] {
            if let Some(value) = fields.remove(field).filter(|value| !value.is_null()) {
                function.insert(field.to_owned(), value);
            }
        }
        if let Some(schema) = schema {
            function.insert("parameters".to_owned(), schema);
        }
    }
    json!({"type": "function", "function": function})
}
