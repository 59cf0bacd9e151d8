//! One entry of `tools`: several functions, or a tool of the provider.

use serde_json::{Map, Value};

use crate::model::Tool;
use crate::wire::fields::{object, take_array};
use crate::wire::tools::function;

use super::in_camel_case;

/// Reads an entry; a tool of the provider is named by its field (`googleSearch`).
pub(in crate::wire) fn parse(value: Value) -> Result<Vec<Tool>, String> {
    let mut fields = in_camel_case(object(value, "a tool")?);
    let declared = take_array(&mut fields, "functionDeclarations").unwrap_or_default();
    let mut tools = Vec::new();
    for declaration in declared {
        tools.push(declared_function(object(declaration, "a function")?));
    }
    for (name, settings) in fields {
        if settings.is_null() {
            continue;
        }
        let mut extra = Map::new();
        extra.insert("type".to_owned(), Value::from(name.clone()));
        if settings.as_object().is_none_or(|map| !map.is_empty()) {
            extra.insert("settings".to_owned(), settings);
        }
        tools.push(Tool {
            name,
            description: None,
            parameters: Value::Null,
            extra,
        });
    }
    Ok(tools)
}

fn declared_function(fields: Map<String, Value>) -> Tool {
    let mut fields = in_camel_case(fields);
    if let Some(schema) = fields.remove("parametersJsonSchema") {
        fields.insert("parameters".to_owned(), schema);
    } else if let Some(schema) = fields.get_mut("parameters") {
        lower_types(schema);
    }
    function(fields)
}

/// Rewrites the types of an `OpenAPI` schema as JSON Schema has them: `STRING` becomes `string`.
fn lower_types(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("type", Value::String(kind)) => kind.make_ascii_lowercase(),
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(lower_types);
            }
            ("anyOf", Value::Array(schemas)) => schemas.iter_mut().for_each(lower_types),
            ("items" | "additionalProperties", inner) => lower_types(inner),
            (_, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_entry_holds_several_functions_and_tools_of_the_provider() {
        let tools = parse(json!({
            "function_declarations": [
                {"name": "f", "description": "d", "parameters": {
                    "type": "OBJECT",
                    "properties": {"type": {"type": "STRING"}, "n": {"type": "ARRAY", "items": {"type": "INTEGER"}}},
                }},
                {"name": "g", "parametersJsonSchema": {"type": "object"}},
            ],
            "googleSearch": {},
        }))
        .unwrap();
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["f", "g", "googleSearch"]);
        assert_eq!(
            tools[0].parameters,
            json!({"type": "object", "properties": {
                "type": {"type": "string"}, "n": {"type": "array", "items": {"type": "integer"}}}})
        );
        assert_eq!(tools[1].parameters, json!({"type": "object"}));
        assert_eq!(tools[2].extra["type"], json!("googleSearch"));
    }
}
