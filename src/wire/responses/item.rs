//! One item of an input or of an output.

use serde_json::{Map, Value};

use crate::model::{Part, Role};
use crate::wire::arguments;
use crate::wire::draft::Draft;
use crate::wire::fields::{drop_blank, object, take_array, take_text, text};

/// Reads an item of an input; a text stands for a message of the user.
pub(in crate::wire) fn parse_input(value: Value) -> Result<Draft, String> {
    let Value::String(text) = value else {
        return parse(value);
    };
    let mut draft = Draft::new(Role::User);
    draft.push_text(text, Map::new());
    Ok(draft)
}

/// Reads `instructions`: a text, or input items in older answers.
pub(in crate::wire) fn parse_instructions(value: Value) -> Draft {
    let mut draft = Draft::new(Role::System);
    if let Value::String(text) = value {
        draft.push_text(text, Map::new());
    } else {
        draft.push(Part::Other { value });
    }
    draft
}

/// Reads an item. An output item that a client puts into its next input reads the same.
pub(in crate::wire) fn parse(value: Value) -> Result<Draft, String> {
    let mut fields = object(value, "an item")?;
    let kind = take_text(&mut fields, "type").unwrap_or_default();
    match kind.as_str() {
        // Only a reference is nothing but its id; it is kept by the hash of the exact message.
        "item_reference" => Ok(other(kind, Map::new())),
        "" | "message" => message(fields),
        "reasoning" => Ok(reasoning(fields)),
        "function_call" => Ok(function_call(fields)),
        "custom_tool_call" => Ok(custom_call(kind, fields)),
        _ => Ok(with_call_id(kind, fields)),
    }
}

fn message(mut fields: Map<String, Value>) -> Result<Draft, String> {
    let role = match take_text(&mut fields, "role").as_deref() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system") => Role::System,
        Some("developer") => Role::Developer,
        Some(other) => return Err(format!("a message has the unknown role `{other}`")),
        None => return Err("an item has neither `type` nor `role`".to_owned()),
    };
    let mut draft = Draft::new(role);
    let mut parts = content(fields.remove("content"))?;
    forget_ids(&mut fields);
    if role == Role::Assistant {
        // A turn may hold several messages, so what is said of one stands at its text.
        for part in &mut parts {
            if let Part::Text { extra, .. } = part {
                extra.extend(fields.clone());
            }
        }
    } else {
        draft.message.extra = fields;
    }
    draft.message.parts = parts;
    Ok(draft)
}

/// Reads a content: a text, or blocks.
fn content(value: Option<Value>) -> Result<Vec<Part>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(blocks)) => Ok(blocks.into_iter().filter_map(block).collect()),
        Some(value @ Value::Object(_)) => Ok(vec![Part::Other { value }]),
        Some(Value::Bool(_) | Value::Number(_)) => {
            Err("a content is neither a text nor an array".to_owned())
        }
    }
}

fn block(value: Value) -> Option<Part> {
    let Value::Object(mut fields) = value else {
        return Some(Part::Other { value });
    };
    let kind = take_text(&mut fields, "type").unwrap_or_default();
    match kind.as_str() {
        "input_text" | "output_text" | "text" => {
            let text = take_text(&mut fields, "text").unwrap_or_default();
            fields.remove("logprobs");
            drop_blank(&mut fields, &["annotations"]);
            (!text.is_empty() || !fields.is_empty()).then_some(Part::Text {
                text,
                extra: fields,
            })
        }
        "refusal" => Some(Part::Refusal {
            text: take_text(&mut fields, "refusal").unwrap_or_default(),
        }),
        "input_image" | "input_audio" | "input_file" => {
            drop_blank(&mut fields, &[]);
            Some(Part::Media {
                kind: kind.trim_start_matches("input_").to_owned(),
                source: Value::Object(fields),
            })
        }
        _ => {
            fields.insert("type".to_owned(), Value::String(kind));
            Some(Part::Other {
                value: Value::Object(fields),
            })
        }
    }
}

fn reasoning(mut fields: Map<String, Value>) -> Draft {
    forget_ids(&mut fields);
    let summary = take_array(&mut fields, "summary").unwrap_or_default();
    let content = take_array(&mut fields, "content").unwrap_or_default();
    let texts: Vec<&str> = summary
        .iter()
        .chain(&content)
        .map(|piece| text(piece, "text"))
        .collect();
    let text = texts.join("\n\n");
    let is_plain = content.is_empty()
        && match summary.as_slice() {
            [] => true,
            [only] => is_summary_text(only),
            [_, _, ..] => false,
        };
    if !is_plain {
        fields.insert("summary".to_owned(), Value::Array(summary));
        if !content.is_empty() {
            fields.insert("content".to_owned(), Value::Array(content));
        }
    }
    let mut draft = Draft::new(Role::Assistant);
    draft.push(Part::Reasoning {
        text,
        extra: fields,
    });
    draft
}

/// Returns whether a summary says nothing but its text.
fn is_summary_text(summary: &Value) -> bool {
    summary.as_object().is_some_and(|fields| fields.len() == 2)
        && text(summary, "type") == "summary_text"
        && !text(summary, "text").is_empty()
}

fn function_call(mut fields: Map<String, Value>) -> Draft {
    let id = take_text(&mut fields, "call_id").unwrap_or_default();
    forget_ids(&mut fields);
    let name = take_text(&mut fields, "name").unwrap_or_default();
    let arguments = take_text(&mut fields, "arguments").unwrap_or_default();
    let mut draft = Draft::new(Role::Assistant);
    draft.push_call(id, name, arguments::parse(&arguments), fields);
    draft
}

fn custom_call(kind: String, mut fields: Map<String, Value>) -> Draft {
    let id = take_text(&mut fields, "call_id").unwrap_or_default();
    forget_ids(&mut fields);
    let name = take_text(&mut fields, "name").unwrap_or_default();
    let input = take_text(&mut fields, "input").unwrap_or_default();
    fields.insert("type".to_owned(), Value::String(kind));
    let mut draft = Draft::new(Role::Assistant);
    draft.push_call(id, name, Value::String(input), fields);
    draft
}

/// Reads the calls and results of provider-defined tools that the client runs (a shell, a computer),
/// which share their `call_id`; anything without one is kept as it is.
fn with_call_id(kind: String, mut fields: Map<String, Value>) -> Draft {
    let Some(id) = take_text(&mut fields, "call_id") else {
        return other(kind, fields);
    };
    forget_ids(&mut fields);
    if kind.ends_with("_output") {
        let output = fields.remove("output");
        if kind != "function_call_output" {
            fields.insert("type".to_owned(), Value::String(kind));
        }
        let mut draft = Draft::new(Role::Tool);
        let result = Part::ToolResult {
            content: content(output).unwrap_or_default(),
            is_error: false,
            extra: fields,
        };
        draft.push_result(id, result);
        return draft;
    }
    let mut draft = Draft::new(Role::Assistant);
    let mut extra = Map::new();
    extra.insert("type".to_owned(), Value::String(kind.clone()));
    draft.push_call(id, kind, Value::Object(fields), extra);
    draft
}

fn other(kind: String, mut fields: Map<String, Value>) -> Draft {
    forget_ids(&mut fields);
    // Approvals are the user's; everything else without a call id is the provider's own doing.
    let role = if kind == "mcp_approval_response" {
        Role::User
    } else {
        Role::Assistant
    };
    fields.insert("type".to_owned(), Value::String(kind));
    let mut draft = Draft::new(role);
    draft.push(Part::Other {
        value: Value::Object(fields),
    });
    draft
}

fn forget_ids(fields: &mut Map<String, Value>) {
    for volatile in ["id", "status", "created_by"] {
        fields.remove(volatile);
    }
    drop_blank(fields, &[]);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(value: Value) -> Vec<Part> {
        parse(value).unwrap().message.parts
    }

    #[test]
    fn short_and_long_messages_read_the_same() {
        let short = parse(json!({"role": "user", "content": "hi"})).unwrap();
        let long = parse(
            json!({"type": "message", "role": "user", "status": "completed",
            "content": [{"type": "input_text", "text": "hi"}]}),
        )
        .unwrap();
        assert_eq!(short, long);
    }

    #[test]
    fn calls_and_results_carry_their_call_id() {
        let call = parse(
            json!({"type": "function_call", "id": "fc_1", "call_id": "call_1",
            "name": "f", "arguments": "{\"a\":1}", "status": "completed"}),
        )
        .unwrap();
        assert_eq!(call.call_ids, ["call_1"]);
        assert_eq!(call.message.parts, [Part::tool_call("f", json!({"a": 1}))]);
        let result =
            parse(json!({"type": "function_call_output", "call_id": "call_1", "output": "ok"}))
                .unwrap();
        assert_eq!(result.message.role, Role::Tool);
        assert_eq!(result.result_ids, ["call_1"]);
        assert_eq!(result.message.parts, [Part::tool_result("ok")]);
        let shell = parse(
            json!({"type": "shell_call", "id": "sh_1", "call_id": "call_2",
            "action": {"commands": ["ls"]}}),
        )
        .unwrap();
        assert_eq!(shell.call_ids, ["call_2"]);
        assert_eq!(shell.message.tool_calls().next().unwrap().0, "shell_call");
    }

    #[test]
    fn reasoning_keeps_what_is_needed_to_write_it_again() {
        let plain = parts(json!({"type": "reasoning", "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gAAA"}));
        let Part::Reasoning { text, extra } = &plain[0] else {
            panic!("no reasoning");
        };
        assert_eq!(text, "hm");
        assert_eq!(
            Value::Object(extra.clone()),
            json!({"encrypted_content": "gAAA"})
        );
        let long = parts(json!({"type": "reasoning", "id": "rs_1", "summary": [
            {"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]}));
        assert!(matches!(&long[0], Part::Reasoning { text, extra }
            if text == "a\n\nb" && extra["summary"].as_array().unwrap().len() == 2));
    }

    #[test]
    fn an_item_of_the_wrong_shape_is_an_error() {
        for value in [json!("x"), json!({}), json!({"role": "robot"})] {
            assert!(parse(value).is_err());
        }
    }
}
