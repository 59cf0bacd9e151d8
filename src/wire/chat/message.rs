//! One message of a request or of an answer.

use serde_json::{Map, Value};

use crate::model::{Part, Role};
use crate::wire::arguments;
use crate::wire::draft::Draft;
use crate::wire::fields::{drop_blank, object, take_array, take_object, take_text};

/// Reads a message. An answer that a client puts into its next request reads the same as the answer.
pub(in crate::wire) fn parse(value: Value) -> Result<Draft, String> {
    let mut fields = object(value, "a message")?;
    let Some(role) = take_text(&mut fields, "role") else {
        return Err("a message has no `role`".to_owned());
    };
    let mut draft = match role.as_str() {
        "system" => plain(Role::System, &mut fields),
        "developer" => plain(Role::Developer, &mut fields),
        "user" => plain(Role::User, &mut fields),
        "assistant" => assistant(&mut fields),
        "tool" | "function" => tool(&mut fields),
        _ => return Err(format!("a message has the unknown role `{role}`")),
    };
    draft.message.name = take_text(&mut fields, "name");
    drop_blank(&mut fields, &["tool_calls", "annotations"]);
    draft.message.extra.extend(fields);
    Ok(draft)
}

/// Returns the name of the field that holds readable reasoning, when it is not `reasoning_content`.
pub(super) fn reasoning_field(extra: &Map<String, Value>) -> &str {
    extra
        .get("field")
        .and_then(Value::as_str)
        .unwrap_or(REASONING)
}

/// The field that most providers write readable reasoning to.
const REASONING: &str = "reasoning_content";

fn plain(role: Role, fields: &mut Map<String, Value>) -> Draft {
    let mut draft = Draft::new(role);
    for part in content(fields) {
        draft.push(part);
    }
    draft
}

fn assistant(fields: &mut Map<String, Value>) -> Draft {
    let mut draft = Draft::new(Role::Assistant);
    reasoning(fields, &mut draft);
    for part in content(fields) {
        draft.push(part);
    }
    if let Some(text) = take_text(fields, "refusal").filter(|text| !text.is_empty()) {
        draft.push(Part::Refusal { text });
    }
    for call in take_array(fields, "tool_calls").unwrap_or_default() {
        tool_call(call, &mut draft);
    }
    if let Some(call) = take_object(fields, "function_call") {
        function_call(call, &mut draft);
    }
    draft
}

fn reasoning(fields: &mut Map<String, Value>, draft: &mut Draft) {
    for name in [REASONING, "reasoning"] {
        let Some(text) = take_text(fields, name).filter(|text| !text.is_empty()) else {
            continue;
        };
        let is_repeated = draft
            .message
            .parts
            .iter()
            .any(|part| matches!(part, Part::Reasoning { text: other, .. } if *other == text));
        if is_repeated {
            continue;
        }
        let mut extra = Map::new();
        if name != REASONING {
            extra.insert("field".to_owned(), Value::from(name));
        }
        draft.push(Part::Reasoning { text, extra });
    }
}

fn tool(fields: &mut Map<String, Value>) -> Draft {
    let mut draft = Draft::new(Role::Tool);
    let id = take_text(fields, "tool_call_id").unwrap_or_default();
    let result = Part::ToolResult {
        content: content(fields),
        is_error: false,
        extra: Map::new(),
    };
    draft.push_result(id, result);
    draft
}

fn content(fields: &mut Map<String, Value>) -> Vec<Part> {
    match fields.remove("content") {
        Some(Value::String(text)) if text.is_empty() => Vec::new(),
        Some(Value::String(text)) => vec![Part::text(text)],
        Some(Value::Array(blocks)) => blocks.into_iter().filter_map(block).collect(),
        None | Some(Value::Null) => Vec::new(),
        Some(value @ (Value::Bool(_) | Value::Number(_) | Value::Object(_))) => {
            vec![Part::Other { value }]
        }
    }
}

fn block(value: Value) -> Option<Part> {
    let Value::Object(mut fields) = value else {
        return Some(Part::Other { value });
    };
    let kind = take_text(&mut fields, "type").unwrap_or_default();
    let media = |kind: &str, fields| {
        Some(Part::Media {
            kind: kind.to_owned(),
            source: Value::Object(fields),
        })
    };
    match kind.as_str() {
        "text" => {
            let text = take_text(&mut fields, "text").unwrap_or_default();
            drop_blank(&mut fields, &["annotations"]);
            (!text.is_empty() || !fields.is_empty()).then_some(Part::Text {
                text,
                extra: fields,
            })
        }
        "refusal" => Some(Part::Refusal {
            text: take_text(&mut fields, "refusal").unwrap_or_default(),
        }),
        "image_url" => media("image", fields),
        "input_audio" => media("audio", fields),
        "file" => media("file", fields),
        _ => {
            if !kind.is_empty() {
                fields.insert("type".to_owned(), Value::String(kind));
            }
            Some(Part::Other {
                value: Value::Object(fields),
            })
        }
    }
}

fn tool_call(value: Value, draft: &mut Draft) {
    let Value::Object(mut fields) = value else {
        draft.push(Part::Other { value });
        return;
    };
    let id = take_text(&mut fields, "id").unwrap_or_default();
    let kind = take_text(&mut fields, "type").unwrap_or_default();
    fields.remove("index");
    if kind == "custom" {
        let mut custom = take_object(&mut fields, "custom").unwrap_or_default();
        let name = take_text(&mut custom, "name").unwrap_or_default();
        let input = take_text(&mut custom, "input").unwrap_or_default();
        drop_blank(&mut fields, &[]);
        fields.insert("type".to_owned(), Value::String(kind));
        draft.push_call(id, name, Value::String(input), fields);
        return;
    }
    let mut function = take_object(&mut fields, "function").unwrap_or_default();
    let (name, arguments) = name_and_arguments(&mut function);
    drop_blank(&mut fields, &[]);
    if !function.is_empty() {
        fields.insert("function".to_owned(), Value::Object(function));
    }
    draft.push_call(id, name, arguments, fields);
}

/// Reads the call of the API before tools: one a turn, without an id.
fn function_call(mut fields: Map<String, Value>, draft: &mut Draft) {
    let (name, arguments) = name_and_arguments(&mut fields);
    fields.insert("type".to_owned(), Value::from("function_call"));
    draft.push_call(String::new(), name, arguments, fields);
}

fn name_and_arguments(function: &mut Map<String, Value>) -> (String, Value) {
    let name = take_text(function, "name").unwrap_or_default();
    let arguments = match function.remove("arguments") {
        Some(Value::String(text)) => arguments::parse(&text),
        Some(Value::Null) | None => Value::Object(Map::new()),
        // Some servers write an object where the API has a string.
        Some(other) => other,
    };
    drop_blank(function, &[]);
    (name, arguments)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_as_string_and_as_part_is_the_same() {
        let string = parse(json!({"role": "user", "content": "hi"})).unwrap();
        let part =
            parse(json!({"role": "user", "content": [{"type": "text", "text": "hi"}]})).unwrap();
        assert_eq!(string, part);
    }

    #[test]
    fn a_tool_turn_is_read_with_its_ids() {
        let call = parse(json!({
            "role": "assistant", "content": null, "refusal": null,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}},
                {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{oops"}},
            ],
        }))
        .unwrap();
        assert_eq!(call.call_ids, ["call_1", "call_2"]);
        assert_eq!(
            call.message.parts,
            [
                Part::tool_call("f", json!({"a": 1})),
                Part::tool_call("g", json!("{oops"))
            ]
        );
        let result =
            parse(json!({"role": "tool", "tool_call_id": "call_1", "content": "ok"})).unwrap();
        assert_eq!(result.result_ids, ["call_1"]);
        assert_eq!(result.message.parts, [Part::tool_result("ok")]);
    }

    #[test]
    fn unknown_fields_stay_in_the_message() {
        let draft = parse(json!({"role": "user", "content": "x", "weight": 1})).unwrap();
        assert_eq!(
            Value::Object(draft.message.extra.clone()),
            json!({"weight": 1})
        );
    }

    #[test]
    fn a_message_of_the_wrong_shape_is_an_error() {
        for value in [
            json!(1),
            json!({}),
            json!({"role": 3}),
            json!({"role": "robot"}),
        ] {
            assert!(parse(value).is_err());
        }
    }
}
