//! One message, and the content blocks that requests and answers share.

use serde_json::{Map, Value};

use crate::model::{Part, Role};
use crate::wire::draft::Draft;
use crate::wire::fields::{drop_blank, kind, object, take_text};

/// Reads a message of a request.
pub(in crate::wire) fn parse(value: Value) -> Result<Draft, String> {
    let mut fields = object(value, "a message")?;
    let role = match take_text(&mut fields, "role").as_deref() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system") => Role::System,
        Some(other) => return Err(format!("a message has the unknown role `{other}`")),
        None => return Err("a message has no `role`".to_owned()),
    };
    let mut draft = Draft::new(role);
    content(fields.remove("content"), &mut draft)?;
    drop_blank(&mut fields, &[]);
    draft.message.extra = fields;
    Ok(draft)
}

/// Reads the `system` field: a text, or text blocks.
pub(in crate::wire) fn parse_system(value: Value) -> Result<Draft, String> {
    let mut draft = Draft::new(Role::System);
    content(Some(value), &mut draft)?;
    Ok(draft)
}

/// Reads a content: a text, or blocks.
pub(super) fn content(value: Option<Value>, draft: &mut Draft) -> Result<(), String> {
    match value {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) => {
            draft.push_text(text, Map::new());
            Ok(())
        }
        Some(Value::Array(blocks)) => blocks.into_iter().try_for_each(|value| block(value, draft)),
        Some(other) => Err(format!(
            "a content is {}, not a text or an array",
            kind(&other)
        )),
    }
}

fn block(value: Value, draft: &mut Draft) -> Result<(), String> {
    let mut fields = object(value, "a content block")?;
    let Some(kind) = take_text(&mut fields, "type") else {
        return Err("a content block has no `type`".to_owned());
    };
    match kind.as_str() {
        "text" => {
            let text = take_text(&mut fields, "text").unwrap_or_default();
            drop_blank(&mut fields, &["citations"]);
            draft.push_text(text, fields);
        }
        "tool_use" => tool_use(fields, draft),
        "tool_result" => tool_result(fields, draft)?,
        "thinking" => {
            let text = take_text(&mut fields, "thinking").unwrap_or_default();
            drop_blank(&mut fields, &[]);
            fields.retain(|name, value| name != "signature" || value != "");
            draft.push(Part::Reasoning {
                text,
                extra: fields,
            });
        }
        "redacted_thinking" => {
            fields.insert("type".to_owned(), Value::String(kind));
            draft.push(Part::Reasoning {
                text: String::new(),
                extra: fields,
            });
        }
        "image" | "document" => {
            drop_blank(&mut fields, &[]);
            draft.push(Part::Media {
                kind,
                source: Value::Object(fields),
            });
        }
        _ => draft.push(other(kind, fields)),
    }
    Ok(())
}

fn tool_use(mut fields: Map<String, Value>, draft: &mut Draft) {
    let id = take_text(&mut fields, "id").unwrap_or_default();
    let name = take_text(&mut fields, "name").unwrap_or_default();
    let input = match fields.remove("input") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(input) => input,
    };
    drop_blank(&mut fields, &[]);
    draft.push_call(id, name, input, fields);
}

fn tool_result(mut fields: Map<String, Value>, draft: &mut Draft) -> Result<(), String> {
    let id = take_text(&mut fields, "tool_use_id").unwrap_or_default();
    let is_error = fields.remove("is_error") == Some(Value::Bool(true));
    let mut inner = Draft::new(Role::User);
    content(fields.remove("content"), &mut inner)?;
    drop_blank(&mut fields, &[]);
    let result = Part::ToolResult {
        content: inner.message.parts,
        is_error,
        extra: fields,
    };
    draft.push_result(id, result);
    Ok(())
}

/// Returns a block that only the provider's side knows (its own tools and their results), without ids.
fn other(kind: String, mut fields: Map<String, Value>) -> Part {
    fields.remove("id");
    fields.remove("tool_use_id");
    drop_blank(&mut fields, &[]);
    fields.insert("type".to_owned(), Value::String(kind));
    Part::Other {
        value: Value::Object(fields),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tool_results_and_text_stay_in_one_user_message() {
        let draft = parse(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "42"},
            {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true,
             "content": [{"type": "text", "text": "boom"}]},
            {"type": "text", "text": "go on"},
        ]}))
        .unwrap();
        assert_eq!(draft.result_ids, ["toolu_1", "toolu_2"]);
        assert_eq!(draft.message.role, Role::User);
        assert_eq!(
            draft.message.parts,
            [
                Part::tool_result("42"),
                Part::ToolResult {
                    content: vec![Part::text("boom")],
                    is_error: true,
                    extra: Map::new()
                },
                Part::text("go on"),
            ]
        );
    }

    #[test]
    fn thinking_keeps_its_signature() {
        let draft = parse(json!({"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        ]}))
        .unwrap();
        let Part::Reasoning { text, extra } = &draft.message.parts[0] else {
            panic!("no reasoning first");
        };
        assert_eq!((text.as_str(), &extra["signature"]), ("hm", &json!("EqQB")));
        assert_eq!(draft.call_ids, ["toolu_1"]);
    }

    #[test]
    fn a_message_of_the_wrong_shape_is_an_error() {
        for value in [
            json!([]),
            json!({"role": "tool", "content": "x"}),
            json!({"role": "user", "content": 3}),
            json!({"role": "user", "content": ["x"]}),
            json!({"role": "user", "content": [{"text": "x"}]}),
        ] {
            assert!(parse(value).is_err());
        }
    }
}
