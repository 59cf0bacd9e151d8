//! Answers that Rewind itself gives in place of a provider, in a shape that the SDKs can read.
//!
//! One body carries both the OpenAI shape (`error.message`, `error.code`) and the Anthropic shape
//! (`type: "error"`, `error.type`), because the dialect may be unknown when a request is refused.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::{Answer, AnswerBody, ByteStream};

/// Returns the first 64 KiB of a body, all of what a refusal is worth; nothing where it broke off.
pub async fn beginning(body: ByteStream) -> Bytes {
    let pieces = body.try_fold(Vec::new(), |mut all: Vec<u8>, piece| async move {
        let room = MAX_REFUSAL.saturating_sub(all.len());
        all.extend(piece.iter().take(room));
        Ok(all)
    });
    Bytes::from(pieces.await.unwrap_or_default())
}

/// The most bytes that are passed on of a refusal.
const MAX_REFUSAL: usize = 64 << 10;

/// Returns an error answer: `kind` is for programs, such as `rewind_token`, `message` for people.
///
/// A client error also says `x-should-retry: false`, since asking again changes nothing.
pub fn refusal(status: StatusCode, kind: &str, message: &str) -> Answer {
    let body = json!({
        "type": "error",
        "error": { "type": kind, "code": kind, "message": message, "param": null },
    });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status.is_client_error() {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    Answer::new(
        status,
        headers,
        AnswerBody::Full(Bytes::from(body.to_string())),
    )
}

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
