//! One content of a request or of an answer, and its parts.

use serde_json::{Map, Value};

use crate::model::{Part, Role};
use crate::wire::draft::Draft;
use crate::wire::fields::{drop_blank, kind, object, take_array, take_object, take_text};

use super::in_camel_case;

/// Reads a content of a request.
pub(in crate::wire) fn parse(value: Value) -> Result<Draft, String> {
    let mut fields = in_camel_case(object(value, "a content")?);
    let role = match take_text(&mut fields, "role").as_deref() {
        None | Some("" | "user" | "function" | "tool") => Role::User,
        Some("model") => Role::Assistant,
        Some("system") => Role::System,
        Some(other) => return Err(format!("a content has the unknown role `{other}`")),
    };
    let mut draft = Draft::new(role);
    parts(fields.remove("parts"), &mut draft)?;
    drop_blank(&mut fields, &[]);
    draft.message.extra = fields;
    Ok(draft)
}

/// Reads `systemInstruction`: a content, or a text.
pub(in crate::wire) fn parse_system(value: Value) -> Result<Draft, String> {
    let mut draft = Draft::new(Role::System);
    if let Value::String(text) = value {
        draft.push_text(text, Map::new());
    } else {
        let mut fields = object(value, "`systemInstruction`")?;
        parts(fields.remove("parts"), &mut draft)?;
    }
    Ok(draft)
}

/// Reads the parts of a content; one part may stand for a list of one.
pub(super) fn parts(value: Option<Value>, draft: &mut Draft) -> Result<(), String> {
    match value {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(parts)) => parts.into_iter().try_for_each(|value| part(value, draft)),
        Some(value @ Value::Object(_)) => part(value, draft),
        Some(other) => Err(format!("`parts` is {}, not an array", kind(&other))),
    }
}

/// Joins texts that follow each other, as the pieces of a stream do: what is said of a piece, such as a
/// signature, ends its text.
pub(in crate::wire) fn coalesce(draft: &mut Draft) {
    let parts = std::mem::take(&mut draft.message.parts);
    let mut joined: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match (joined.last_mut(), part) {
            (
                Some(Part::Text { text, extra }),
                Part::Text {
                    text: more,
                    extra: said,
                },
            )
            | (
                Some(Part::Reasoning { text, extra }),
                Part::Reasoning {
                    text: more,
                    extra: said,
                },
            ) if extra.is_empty() => {
                text.push_str(&more);
                *extra = said;
            }
            (_, part) => joined.push(part),
        }
    }
    draft.message.parts = joined;
}

fn part(value: Value, draft: &mut Draft) -> Result<(), String> {
    let mut fields = in_camel_case(object(value, "a part")?);
    drop_blank(&mut fields, &[]);
    let is_thought = fields.remove("thought") == Some(Value::Bool(true));
    if let Some(call) = take_object(&mut fields, "functionCall") {
        function_call(call, fields, draft);
    } else if let Some(response) = take_object(&mut fields, "functionResponse") {
        function_response(response, fields, draft)?;
    } else if let Some(text) = take_text(&mut fields, "text") {
        if !is_thought {
            draft.push_text(text, fields);
        } else if !(text.is_empty() && fields.is_empty()) {
            let extra = fields;
            draft.push(Part::Reasoning { text, extra });
        }
    } else if fields.contains_key("inlineData") || fields.contains_key("fileData") {
        let kind = media_kind(&fields);
        let source = Value::Object(fields);
        draft.push(Part::Media { kind, source });
    } else if !fields.is_empty() {
        let value = Value::Object(fields);
        draft.push(Part::Other { value });
    }
    Ok(())
}

fn function_call(call: Map<String, Value>, mut extra: Map<String, Value>, draft: &mut Draft) {
    let mut call = call;
    let id = take_text(&mut call, "id").unwrap_or_default();
    let name = take_text(&mut call, "name").unwrap_or_default();
    let arguments = match call.remove("args") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(arguments) => arguments,
    };
    drop_blank(&mut call, &[]);
    extra.extend(call);
    draft.push_call(id, name, arguments, extra);
}

/// Reads what a function gave back: the text of the one field that SDKs wrap a text in, else all of it as
/// JSON.
fn function_response(
    response: Map<String, Value>,
    mut extra: Map<String, Value>,
    draft: &mut Draft,
) -> Result<(), String> {
    let mut response = in_camel_case(response);
    let id = take_text(&mut response, "id").unwrap_or_default();
    let given = response.remove("response").unwrap_or_default();
    let mut inner = Draft::new(Role::User);
    let mut is_error = false;
    let wrapped = given.as_object().filter(|fields| fields.len() == 1);
    let wrapped = wrapped.and_then(|fields| fields.iter().next());
    match wrapped {
        Some((field, Value::String(text))) if WRAPPERS.contains(&field.as_str()) => {
            is_error = field == "error";
            extra.insert("field".to_owned(), Value::from(field.clone()));
            inner.push_text(text.clone(), Map::new());
        }
        Some(_) | None if given.is_null() => {}
        Some(_) | None => inner.push_text(given.to_string(), Map::new()),
    }
    for media in take_array(&mut response, "parts").unwrap_or_default() {
        part(media, &mut inner)?;
    }
    drop_blank(&mut response, &[]);
    extra.extend(response);
    let result = Part::ToolResult {
        content: inner.message.parts,
        is_error,
        extra,
    };
    draft.push_result(id, result);
    Ok(())
}

/// The fields in which SDKs put what a function returned where that is no object.
const WRAPPERS: [&str; 3] = ["result", "output", "error"];

fn media_kind(fields: &Map<String, Value>) -> String {
    let data = fields.get("inlineData").or_else(|| fields.get("fileData"));
    let mime = data.and_then(|data| data.get("mimeType").or_else(|| data.get("mime_type")));
    let mime = mime.and_then(Value::as_str).unwrap_or_default();
    match mime.split('/').next() {
        Some(kind @ ("image" | "audio" | "video")) => kind.to_owned(),
        Some(_) | None => "file".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_turn_with_thoughts_calls_and_media_keeps_them_apart() {
        let draft = parse(json!({"role": "model", "parts": [
            {"text": "hm", "thought": true},
            {"text": "Looking."},
            {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "EqQB"},
            {"functionCall": {"name": "g"}},
            {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
            {"executableCode": {"language": "PYTHON", "code": "1"}},
        ]}))
        .unwrap();
        assert_eq!(draft.message.role, Role::Assistant);
        assert_eq!(draft.call_ids, ["c1", ""]);
        assert!(matches!(&draft.message.parts[0], Part::Reasoning { text, .. } if text == "hm"));
        assert_eq!(draft.message.parts[1], Part::text("Looking."));
        assert!(
            matches!(&draft.message.parts[2], Part::ToolCall { extra, .. }
            if extra["thoughtSignature"] == "EqQB")
        );
        assert_eq!(draft.message.parts[3], Part::tool_call("g", json!({})));
        assert!(matches!(&draft.message.parts[4], Part::Media { kind, .. } if kind == "image"));
        assert!(matches!(&draft.message.parts[5], Part::Other { .. }));
    }

    #[test]
    fn what_a_function_returned_is_a_text_or_json() {
        let draft = parse(json!({"role": "user", "parts": [
            {"function_response": {"name": "f", "response": {"result": "12 C"}}},
            {"functionResponse": {"id": "c2", "name": "g", "response": {"error": "boom"}}},
            {"functionResponse": {"name": "h", "response": {"result": 3, "unit": "C"}}},
        ]}))
        .unwrap();
        assert_eq!(draft.result_ids, ["", "c2", ""]);
        let text = |part: &Part| {
            let Part::ToolResult {
                content, is_error, ..
            } = part
            else {
                panic!("{part:?}");
            };
            (crate::model::plain_text(content), *is_error)
        };
        let texts: Vec<_> = draft.message.parts.iter().map(text).collect();
        assert_eq!(
            texts,
            [
                ("12 C".to_owned(), false),
                ("boom".to_owned(), true),
                (r#"{"result":3,"unit":"C"}"#.to_owned(), false),
            ]
        );
    }

    #[test]
    fn pieces_of_a_text_become_one() {
        let mut draft = parse(json!({"role": "model", "parts": [
            {"text": "a"}, {"text": "b", "thoughtSignature": "s"}, {"text": "c"}, {"text": ""},
        ]}))
        .unwrap();
        coalesce(&mut draft);
        assert_eq!(draft.message.plain_text(), "abc");
        assert_eq!(draft.message.parts.len(), 2);
    }

    #[test]
    fn a_content_of_the_wrong_shape_is_an_error() {
        for value in [
            json!([]),
            json!({"role": "wizard", "parts": []}),
            json!({"role": "user", "parts": 3}),
            json!({"role": "user", "parts": ["x"]}),
        ] {
            assert!(parse(value).is_err());
        }
    }
}
