//! Tool definitions of all dialects.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use crate::model::{Dialect, Pooled, Tool};

use super::fields::{drop_blank, object, take_object, take_text};
use super::{gemini, no_ops};

/// Returns the empty set of tools.
pub(super) fn none() -> Arc<Pooled<Vec<Tool>>> {
    static NONE: LazyLock<Arc<Pooled<Vec<Tool>>>> = LazyLock::new(|| Pooled::new(Vec::new()));
    Arc::clone(&NONE)
}

/// Reads `tools`, and `functions` of the API before tools.
pub(super) fn parse(
    dialect: Dialect,
    tools: Option<Value>,
    functions: Option<Value>,
) -> Result<Vec<Tool>, String> {
    let mut definitions = Vec::new();
    for value in list(tools, "tools")? {
        if dialect == Dialect::Gemini {
            definitions.extend(gemini::tool::parse(value)?);
            continue;
        }
        definitions.push(definition(dialect, value)?);
    }
    for value in list(functions, "functions")? {
        let mut tool = function(object(value, "a function")?);
        tool.extra
            .insert("type".to_owned(), Value::from("function_call"));
        definitions.push(tool);
    }
    Ok(definitions)
}

fn list(value: Option<Value>, name: &str) -> Result<Vec<Value>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => Ok(values),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Err(format!("`{name}` is not an array"))
        }
    }
}

fn definition(dialect: Dialect, value: Value) -> Result<Tool, String> {
    let mut fields = object(value, "a tool")?;
    if let Some(schema) = fields.remove("input_schema") {
        fields.insert("parameters".to_owned(), schema);
    }
    let mut value = Value::Object(fields);
    no_ops::strip_markers(&mut value);
    let mut fields = object(value, "a tool")?;
    let kind = take_text(&mut fields, "type").unwrap_or_default();
    let usual = match dialect {
        Dialect::AnthropicMessages => "custom",
        Dialect::OpenaiChat
        | Dialect::OpenaiResponses
        | Dialect::OpenaiEmbeddings
        | Dialect::Gemini
        | Dialect::Opaque => "function",
    };
    // Chat Completions nests the definition under its type.
    if dialect == Dialect::OpenaiChat
        && let Some(inner) = take_object(&mut fields, &kind)
    {
        for (name, value) in inner {
            fields.entry(name).or_insert(value);
        }
    }
    if !kind.is_empty() && kind != usual {
        fields.insert("type".to_owned(), Value::String(kind));
    }
    Ok(function(fields))
}

/// Returns the tool that these fields define.
pub(super) fn function(mut fields: Map<String, Value>) -> Tool {
    drop_blank(&mut fields, &[]);
    let name = take_text(&mut fields, "name");
    let named_by_type = || {
        fields
            .get("type")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    Tool {
        name: name.or_else(named_by_type).unwrap_or_default(),
        description: take_text(&mut fields, "description"),
        parameters: fields.remove("parameters").unwrap_or_default(),
        extra: fields,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_tool_reads_the_same_in_every_dialect() {
        let schema = json!({"type": "object", "properties": {"cache_control": {}}});
        let chat = json!([{"type": "function", "function":
            {"name": "f", "description": "d", "parameters": schema}}]);
        let responses =
            json!([{"type": "function", "name": "f", "description": "d", "parameters": schema}]);
        let anthropic = json!([{"name": "f", "description": "d", "input_schema": schema,
            "cache_control": {"type": "ephemeral"}}]);
        let expected = [Tool {
            name: "f".to_owned(),
            description: Some("d".to_owned()),
            parameters: schema,
            extra: Map::new(),
        }];
        for (dialect, tools) in [
            (Dialect::OpenaiChat, chat),
            (Dialect::OpenaiResponses, responses),
            (Dialect::AnthropicMessages, anthropic),
        ] {
            assert_eq!(parse(dialect, Some(tools), None).unwrap(), expected);
        }
    }

    #[test]
    fn tools_of_the_provider_are_named_by_their_type() {
        let tools = json!([{"type": "web_search", "search_context_size": "low"}]);
        let tools = parse(Dialect::OpenaiResponses, Some(tools), None).unwrap();
        assert_eq!(tools[0].name, "web_search");
        assert_eq!(tools[0].extra["search_context_size"], json!("low"));
    }

    #[test]
    fn functions_of_the_older_api_are_tools_marked_so() {
        let functions = json!([{"name": "f", "parameters": {}}]);
        let tools = parse(Dialect::OpenaiChat, None, Some(functions)).unwrap();
        assert_eq!(tools[0].extra["type"], json!("function_call"));
        assert!(parse(Dialect::OpenaiChat, Some(json!({})), None).is_err());
        assert!(parse(Dialect::OpenaiChat, Some(json!([1])), None).is_err());
    }
}
