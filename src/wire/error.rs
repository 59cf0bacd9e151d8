//! Providers' error bodies: read, and written for what Rewind itself refuses.
//!
//! Sources: <https://platform.openai.com/docs/guides/error-codes>,
//! <https://docs.anthropic.com/en/api/errors>, <https://ai.google.dev/gemini-api/docs/troubleshooting>.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::model::{ApiError, Dialect, Response};

use super::fields::text;

/// Returns the answer that an error status stands for.
pub(super) fn parse(status: u16, body: &[u8]) -> Response {
    // Gemini wraps the error of a stream into an array.
    let value = serde_json::from_slice::<Value>(body).map(|value| match value {
        Value::Array(mut values) if values.len() == 1 => values.pop().unwrap_or_default(),
        value @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_)) => value,
    });
    let error = match value {
        Ok(Value::Object(mut fields)) => take(&mut fields).unwrap_or_else(|| ApiError {
            kind: String::new(),
            message: Value::Object(fields).to_string(),
        }),
        Ok(_) | Err(_) => ApiError {
            kind: String::new(),
            message: String::from_utf8_lossy(body).trim().to_owned(),
        },
    };
    let message = if error.message.is_empty() {
        format!("status {status} without a message")
    } else {
        error.message
    };
    Response {
        error: Some(ApiError {
            kind: error.kind,
            message,
        }),
        ..Response::default()
    }
}

/// Takes the error out of a body that holds one: `error`, or a bare `message` or `detail`.
pub(super) fn take(fields: &mut Map<String, Value>) -> Option<ApiError> {
    match fields.remove("error") {
        Some(Value::String(message)) => {
            return Some(ApiError {
                kind: String::new(),
                message,
            });
        }
        Some(error @ Value::Object(_)) => return Some(from_value(&error)),
        None | Some(_) => {}
    }
    if fields.contains_key("choices") || fields.contains_key("id") {
        return None;
    }
    let body = Value::Object(std::mem::take(fields));
    let message = ["message", "detail"]
        .into_iter()
        .map(|name| text(&body, name))
        .find(|message| !message.is_empty());
    let error = message.map(|message| ApiError {
        kind: kind(&body),
        message: message.to_owned(),
    });
    if let Value::Object(body) = body {
        *fields = body;
    }
    error
}

/// Reads the object that describes an error.
pub(super) fn from_value(error: &Value) -> ApiError {
    let message = text(error, "message");
    ApiError {
        kind: kind(error),
        message: if message.is_empty() {
            error.to_string()
        } else {
            message.to_owned()
        },
    }
}

fn kind(error: &Value) -> String {
    let of_type = text(error, "type");
    if !of_type.is_empty() && of_type != "error" {
        return of_type.to_owned();
    }
    if let Some(Value::String(status)) = error.get("status") {
        return status.clone();
    }
    match error.get("code") {
        Some(Value::String(code)) => code.clone(),
        Some(Value::Number(code)) => code.to_string(),
        None | Some(_) => String::new(),
    }
}

/// Returns an error body in the shape of the dialect, so that its SDKs show `message`.
///
/// An empty `kind` becomes the provider's usual type for the status.
pub fn render_error(dialect: Dialect, status: u16, kind: &str, message: &str) -> Bytes {
    let kind = match dialect {
        _ if !kind.is_empty() => kind,
        Dialect::Gemini => usual_status(status),
        Dialect::OpenaiChat
        | Dialect::OpenaiResponses
        | Dialect::AnthropicMessages
        | Dialect::OpenaiEmbeddings
        | Dialect::Opaque => usual_kind(status),
    };
    let body = match dialect {
        Dialect::AnthropicMessages => json!({
            "type": "error",
            "error": {"type": kind, "message": message},
            "request_id": null,
        }),
        Dialect::Gemini => json!({
            "error": {"code": status, "message": message, "status": kind},
        }),
        Dialect::OpenaiChat
        | Dialect::OpenaiResponses
        | Dialect::OpenaiEmbeddings
        | Dialect::Opaque => json!({
            "error": {"message": message, "type": kind, "param": null, "code": kind},
        }),
    };
    Bytes::from(body.to_string())
}

fn usual_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

/// Returns the name that Google's APIs have for a status.
fn usual_status(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> (String, String) {
        let error = parse(status, body.as_bytes()).error.unwrap();
        (error.kind, error.message)
    }

    fn pair(kind: &str, message: &str) -> (String, String) {
        (kind.to_owned(), message.to_owned())
    }

    #[test]
    fn errors_of_all_shapes_keep_their_message() {
        let openai = r#"{"error":{"message":"Bad","type":"invalid_request_error","code":"x"}}"#;
        assert_eq!(error(400, openai), pair("invalid_request_error", "Bad"));
        let anthropic =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        assert_eq!(
            error(529, anthropic),
            pair("overloaded_error", "Overloaded")
        );
        assert_eq!(
            error(404, r#"{"detail":"Not Found"}"#),
            pair("", "Not Found")
        );
        assert_eq!(error(400, r#"{"error":"no model"}"#), pair("", "no model"));
        assert_eq!(
            error(400, r#"{"error":{"message":"m","code":7}}"#),
            pair("7", "m")
        );
        let google = r#"[{"error":{"code":429,"message":"Slow","status":"RESOURCE_EXHAUSTED"}}]"#;
        assert_eq!(error(429, google), pair("RESOURCE_EXHAUSTED", "Slow"));
        assert_eq!(error(502, "<html>bad</html>"), pair("", "<html>bad</html>"));
        assert_eq!(error(503, ""), pair("", "status 503 without a message"));
        assert_eq!(error(500, r#"{"x":1}"#), pair("", r#"{"x":1}"#));
    }

    #[test]
    fn rendered_errors_read_back() {
        for dialect in [
            Dialect::OpenaiChat,
            Dialect::OpenaiResponses,
            Dialect::AnthropicMessages,
            Dialect::Gemini,
            Dialect::OpenaiEmbeddings,
            Dialect::Opaque,
        ] {
            let body = render_error(dialect, 422, "rewind_divergence", "no\n\"recording\"");
            let read = parse(422, &body).error.unwrap();
            assert_eq!(read.kind, "rewind_divergence", "{dialect}");
            assert_eq!(read.message, "no\n\"recording\"", "{dialect}");
        }
    }
}
