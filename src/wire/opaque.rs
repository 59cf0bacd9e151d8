//! Any other POST: the whole request is one user message, the whole answer one assistant message.
//!
//! Nothing in it is treatment, so whatever differs is a difference of the history.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::model::{Message, Part, Pooled, Response, Role};

/// Returns the value that stands for a request.
pub(super) fn request(method: &str, path: &str, body: &[u8]) -> Value {
    json!({"method": method, "path": path, "body": body_value(body)})
}

/// Reads an answer of status 2xx.
pub(super) fn parse(body: &[u8]) -> Response {
    let value = body_value(body);
    let message = Message::new(Role::Assistant, vec![Part::Other { value }]);
    Response {
        output: Some(Pooled::new(message)),
        ..Response::default()
    }
}

/// Returns the content type and the body of an answer.
pub(super) fn render(response: &Response) -> (&'static str, Bytes) {
    let value = response
        .output
        .as_ref()
        .and_then(|output| match output.parts.first() {
            Some(Part::Other { value }) => Some(value),
            None | Some(_) => None,
        });
    match value {
        None | Some(Value::Null) => ("text/plain", Bytes::new()),
        // A text that reads as JSON was a JSON string.
        Some(Value::String(text)) if serde_json::from_str::<Value>(text).is_err() => {
            ("text/plain; charset=utf-8", Bytes::from(text.clone()))
        }
        Some(value) => match base64_of(value) {
            Some(bytes) => ("application/octet-stream", Bytes::from(bytes)),
            None => ("application/json", Bytes::from(value.to_string())),
        },
    }
}

/// Returns a body as JSON, else as text, or as base64 under the key `base64`; null where it is empty.
fn body_value(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    if let Ok(value) = serde_json::from_slice(body) {
        return value;
    }
    match std::str::from_utf8(body) {
        Ok(text) => Value::from(text),
        Err(_binary) => json!({"base64": BASE64_STANDARD.encode(body)}),
    }
}

fn base64_of(value: &Value) -> Option<Vec<u8>> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    let text = fields.get("base64")?.as_str()?;
    BASE64_STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_every_kind_come_back() {
        for body in [
            b"".as_slice(),
            b"{\"a\":1}",
            b"plain text",
            b"\xff\x00",
            b"  ",
        ] {
            let (_type, rendered) = render(&parse(body));
            assert_eq!(rendered, body);
        }
    }
}
