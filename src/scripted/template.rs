//! Fills `{{…}}` in the texts and arguments of a reply.

use serde_json::Value;

use super::conversation::Conversation;

/// Returns `text` with `{{last_user}}`, `{{tool_result}}`, `{{turn}}`, `{{model}}` and the captured
/// groups `{{0}}`, `{{1}}`, … filled in; unknown names stay as they are.
pub(super) fn fill(text: &str, talk: &Conversation, captured: &[String]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else {
            break;
        };
        filled.push_str(before);
        if let Some(value) = value(name.trim(), talk, captured) {
            filled.push_str(&value);
        } else {
            filled.push_str("{{");
            filled.push_str(name);
            filled.push_str("}}");
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// Returns `value` with all its texts filled in.
pub(super) fn fill_json(value: &Value, talk: &Conversation, captured: &[String]) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text, talk, captured)),
        Value::Array(items) => items
            .iter()
            .map(|item| fill_json(item, talk, captured))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), fill_json(field, talk, captured)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn value(name: &str, talk: &Conversation, captured: &[String]) -> Option<String> {
    match name {
        "last_user" => Some(talk.last_user.clone()),
        "tool_result" => Some(talk.last_result.clone()),
        "turn" => Some(talk.turns.to_string()),
        "model" => Some(talk.model.clone()),
        group => captured.get(group.parse::<usize>().ok()?).cloned(),
    }
}
