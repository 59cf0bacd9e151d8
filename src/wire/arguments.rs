//! Tool-call arguments where a dialect writes them as a string that holds JSON.

use serde_json::{Map, Value};

/// Returns the arguments as JSON; as a JSON string with the raw text where they are no valid JSON.
///
/// Blank text is the empty object: models write it for tools without parameters.
pub(super) fn parse(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(Map::new());
    }
    serde_json::from_str(text).unwrap_or_else(|_error| Value::String(text.to_owned()))
}

/// Returns the text that [`parse`] reads as `arguments`.
pub(super) fn text(arguments: &Value) -> String {
    match arguments {
        Value::String(raw)
            if !raw.trim().is_empty() && serde_json::from_str::<Value>(raw).is_err() =>
        {
            raw.clone()
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => arguments.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_read_back_as_written() {
        for arguments in [
            json!({"q": "x", "n": 0.0}),
            json!("not json {"),
            json!("12"),
            json!("abc"),
            json!(""),
            json!("{\"a\": 1}"),
            json!([]),
            json!(null),
        ] {
            assert_eq!(parse(&text(&arguments)), arguments);
        }
        assert_eq!(parse(" "), json!({}));
        assert_eq!(parse("{\"q\": "), json!("{\"q\": "));
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(parse(&deep), json!(deep));
    }
}
