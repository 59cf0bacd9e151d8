//! JSON-RPC 2.0 messages: read as far as it takes to know what they are, and written.
//!
//! Source: <https://www.jsonrpc.org/specification>.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// An id, as its canonical JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Id(Value);

impl Id {
    /// Returns an id of Rewind's own; no client uses its like.
    pub(super) fn own(number: u64) -> Self {
        Self(Value::String(format!("rewind-{number}")))
    }

    /// Returns the id that a JSON value is; `None` where it may not be one.
    pub(super) fn of(value: Value) -> Option<Self> {
        match value {
            Value::String(_) | Value::Number(_) => Some(Self(value)),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// What a message is.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// Wants an answer.
    Request {
        /// Its id.
        id: Id,
        /// What is to be done.
        method: Cow<'a, str>,
        /// With what.
        params: Option<&'a RawValue>,
    },
    /// Wants none.
    Notification {
        /// What happened.
        method: Cow<'a, str>,
        /// With what.
        params: Option<&'a RawValue>,
    },
    /// The answer to a request.
    Response {
        /// The id of the request.
        id: Id,
        /// What came of it.
        reply: Reply<'a>,
    },
}

/// What came of a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reply<'a> {
    /// Its result; `None` is null.
    Result(Option<&'a RawValue>),
    /// Why there is none.
    Error(&'a RawValue),
}

/// Bytes that are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// Not JSON.
    #[error("this line is no JSON: {0}")]
    Syntax(String),
    /// JSON, but no request, notification or response.
    #[error("this line is no JSON-RPC 2.0 message: {0}")]
    Shape(String),
}

impl Malformed {
    /// Returns the code of JSON-RPC.
    pub(super) fn code(&self) -> i64 {
        match self {
            Self::Syntax(_) => -32700,
            Self::Shape(_) => -32600,
        }
    }
}

/// Returns the error object of a request that Rewind itself could not answer otherwise.
pub(super) fn refusal(message: &str) -> Value {
    json!({"code": -32000, "message": message, "data": {"type": "rewind"}})
}

/// Returns the messages in a line: one, or those of a batch.
pub(super) fn messages(line: &[u8]) -> Result<Vec<(&str, Message<'_>)>, Malformed> {
    let text = std::str::from_utf8(line)
        .map_err(|error| Malformed::Syntax(error.to_string()))?
        .trim();
    let texts: Vec<&str> = if text.starts_with('[') {
        let items: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|error| Malformed::Syntax(error.to_string()))?;
        if items.is_empty() {
            return Err(Malformed::Shape("an empty batch".to_owned()));
        }
        items.into_iter().map(RawValue::get).collect()
    } else {
        vec![text]
    };
    let parsed = texts.into_iter().map(|text| Ok((text, message(text)?)));
    parsed.collect()
}

fn message(text: &str) -> Result<Message<'_>, Malformed> {
    let head: Head<'_> = serde_json::from_str(text).map_err(|error| {
        let is_shape = error.is_data();
        let why = error.to_string();
        if is_shape {
            Malformed::Shape(why)
        } else {
            Malformed::Syntax(why)
        }
    })?;
    if head.jsonrpc != "2.0" {
        return Err(Malformed::Shape("`jsonrpc` is not \"2.0\"".to_owned()));
    }
    let id = match head.id {
        None => None,
        Some(value) => {
            let id = Id::of(value);
            Some(id.ok_or_else(|| Malformed::Shape("`id` is no string or number".to_owned()))?)
        }
    };
    match (head.method, id) {
        (Some(method), Some(id)) => Ok(Message::Request {
            id,
            method,
            params: head.params,
        }),
        (Some(method), None) => Ok(Message::Notification {
            method,
            params: head.params,
        }),
        (None, Some(id)) => Ok(Message::Response {
            id,
            reply: head.error.map_or(Reply::Result(head.result), Reply::Error),
        }),
        (None, None) => Err(Malformed::Shape("it has no method and no id".to_owned())),
    }
}

/// The fields of any message.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    id: Option<Value>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Returns the line of a request; null is no parameters.
pub(super) fn request_line(id: &Id, method: &str, params: &Value) -> Vec<u8> {
    let mut request = json!({"jsonrpc": "2.0", "id": id.0, "method": method});
    if let (Some(fields), false) = (request.as_object_mut(), params.is_null()) {
        fields.insert("params".to_owned(), params.clone());
    }
    line(&request)
}

/// Returns the line that answers with a result, a JSON text.
pub(super) fn result_line(id: &Id, result: &str) -> Vec<u8> {
    let id = &id.0;
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n").into_bytes()
}

/// Returns the line that answers with an error object.
pub(super) fn error_line(id: &Id, error: &Value) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "id": id.0, "error": error}))
}

/// Returns the line that says that a `subscriptions/listen` with these parameters was heard.
pub(super) fn acknowledged_line(id: &Id, params: &Value) -> Vec<u8> {
    line(&json!({
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {
            "_meta": {"io.modelcontextprotocol/subscriptionId": id.0},
            "notifications": params.get("notifications").cloned().unwrap_or_else(|| json!({})),
        },
    }))
}

/// Returns the line that refuses bytes that are no message.
pub(super) fn malformed_line(malformed: &Malformed) -> Vec<u8> {
    let error = json!({"code": malformed.code(), "message": malformed.to_string()});
    line(&json!({"jsonrpc": "2.0", "id": null, "error": error}))
}

fn line(message: &Value) -> Vec<u8> {
    let mut bytes = message.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> Result<String, Malformed> {
        let found = messages(text.as_bytes())?;
        let kinds = found.iter().map(|(_text, message)| match message {
            Message::Request { method, .. } => format!("request {method}"),
            Message::Notification { method, .. } => format!("notification {method}"),
            Message::Response { reply, .. } => format!("response {reply:?}"),
        });
        Ok(kinds.collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn a_message_is_a_request_a_notification_or_a_response() {
        let cases = [
            (r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#, "request a"),
            (r#"{"jsonrpc":"2.0","method":"b"}"#, "notification b"),
            (
                r#"{"jsonrpc":"2.0","id":"x","result":null}"#,
                "response Result(None)",
            ),
            (
                "[{\"jsonrpc\":\"2.0\",\"method\":\"a\"}, {\"jsonrpc\":\"2.0\",\"method\":\"b\"}]\r\n",
                "notification a, notification b",
            ),
        ];
        for (text, kind) in cases {
            assert_eq!(one(text).as_deref(), Ok(kind), "{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_told_by_its_code() {
        let deep = "[".repeat(100_000);
        let cases = [
            ("", -32700),
            ("{", -32700),
            ("hello", -32700),
            ("\u{0}", -32700),
            (deep.as_str(), -32700),
            ("[]", -32600),
            ("{}", -32600),
            ("1", -32600),
            (r#"{"jsonrpc":"1.0","method":"a"}"#, -32600),
            (r#"{"jsonrpc":"2.0"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#, -32600),
        ];
        for (text, code) in cases {
            assert_eq!(
                messages(text.as_bytes()).unwrap_err().code(),
                code,
                "{text:.40}"
            );
        }
        assert_eq!(messages(b"\xff\xfe").unwrap_err().code(), -32700);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let id = Id::own(3);
        let line = request_line(&id, "a\n\"b", &json!({"x": "\n"}));
        assert_eq!(
            line.iter().position(|byte| *byte == b'\n'),
            Some(line.len() - 1)
        );
        let found = messages(&line).unwrap();
        assert!(
            matches!(&found[..], [(_, Message::Request { id: read, method, .. })]
            if *read == id && method == "a\n\"b")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(messages(&bytes));
        }

        #[test]
        fn no_json_does_harm(text in r#"[\[\]{},:"a0-9eE.\\u -]{0,80}"#) {
            drop(messages(text.as_bytes()));
            let text = format!(r#"{{"jsonrpc":"2.0","id":{text},"method":"a","params":{text}}}"#);
            drop(messages(text.as_bytes()));
        }
    }
}
