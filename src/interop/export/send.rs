//! Sends spans by the rules of OTLP: again only where that may help, never after a partial success.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;
use url::Url;

use super::json::to_json;
use super::protobuf::to_protobuf;
use super::span::Span;
use super::target::{Encoding, Target};
use crate::proxy::{LocalError, api_client};
use crate::text::innermost;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// How many spans were sent.
    pub spans: usize,
    /// How many of them the backend did not take.
    pub rejected: u64,
    /// What it said of those; empty where it said nothing.
    pub message: String,
}

/// Why spans did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No client can be made.
    #[error("no HTTP client can be set up")]
    Client(#[source] LocalError),
    /// Nobody answers.
    #[error("{url} does not answer: {detail}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        detail: String,
    },
    /// The backend refuses.
    #[error("{url} answers {status}: {message}")]
    Refused {
        /// Where.
        url: String,
        /// The status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// The body can't be compressed.
    #[error("failed to compress the spans")]
    Compress(#[source] std::io::Error),
}

/// Sends the spans, some megabytes at a time.
///
/// # Errors
/// The backend can't be reached or refuses; what was sent before stays there.
pub async fn send(spans: &[Span], target: &Target) -> Result<Sent, SendError> {
    let mut sent = Sent::default();
    for batch in batches(spans) {
        let (rejected, message) = send_batch(batch, target).await?;
        sent.spans = sent.spans.saturating_add(batch.len());
        sent.rejected = sent.rejected.saturating_add(rejected);
        if !message.is_empty() {
            sent.message = message;
        }
    }
    Ok(sent)
}

async fn send_batch(batch: &[Span], target: &Target) -> Result<(u64, String), SendError> {
    let (kind, body) = match target.encoding {
        Encoding::Protobuf => ("application/x-protobuf", to_protobuf(batch)),
        Encoding::Json => ("application/json", to_json(batch).to_string().into_bytes()),
    };
    let (url, is_compressed) = (&target.url, target.is_compressed);
    let body = if is_compressed {
        gzip(&body).map_err(SendError::Compress)?
    } else {
        body
    };
    let request = Post {
        url,
        kind,
        body,
        is_compressed,
    };
    let answer = post(target, &request).await?;
    Ok(partial(&answer, target.encoding))
}

/// What is posted.
pub(super) struct Post<'p> {
    pub(super) url: &'p Url,
    /// The content type.
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
    /// Whether the body is packed with gzip.
    pub(super) is_compressed: bool,
}

/// Posts to a backend, again where that may help; returns what it answers.
pub(super) async fn post(target: &Target, what: &Post<'_>) -> Result<Bytes, SendError> {
    let client = api_client(target.timeout).map_err(SendError::Client)?;
    let url = what.url.to_string();
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        let mut request = client
            .post(what.url.clone())
            .headers(target.headers.clone())
            .header(CONTENT_TYPE, what.kind)
            .body(what.body.clone());
        if what.is_compressed {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        let (failure, wait) = match request.send().await {
            Err(error) => {
                let detail = innermost(&error).to_string();
                let url = url.clone();
                (SendError::Unreachable { url, detail }, None)
            }
            Ok(answer) => {
                let status = answer.status();
                let wait = answer.headers().get(RETRY_AFTER);
                let wait = wait.and_then(|value| value.to_str().ok()?.trim().parse().ok());
                let wait = wait.map(Duration::from_secs);
                let body = answer.bytes().await.unwrap_or_default();
                if status.is_success() {
                    return Ok(body);
                }
                let refused = SendError::Refused {
                    url: url.clone(),
                    status: status.as_u16(),
                    message: said(&body),
                };
                if !PASSING.contains(&status.as_u16()) {
                    return Err(refused);
                }
                (refused, wait)
            }
        };
        if attempt >= ATTEMPTS {
            return Err(failure);
        }
        attempt += 1;
        tracing::info!(%failure, "sending it again");
        tokio::time::sleep(wait.unwrap_or(pause).min(LONGEST_PAUSE)).await;
        pause *= 2;
    }
}

/// Returns how many spans were rejected, and what is said of them. A body that is something else, such as
/// Langfuse's, rejects nothing.
fn partial(body: &[u8], encoding: Encoding) -> (u64, String) {
    if encoding == Encoding::Protobuf {
        return partial_protobuf(body).unwrap_or_default();
    }
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let rejected = value.pointer("/partialSuccess/rejectedSpans");
    let rejected =
        rejected.and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok()));
    let message = value.pointer("/partialSuccess/errorMessage");
    let message = message.and_then(Value::as_str).unwrap_or_default();
    (rejected.unwrap_or(0), message.to_owned())
}

fn partial_protobuf(body: &[u8]) -> Option<(u64, String)> {
    let mut success = Reader(body);
    let (1, Field::Bytes(inner)) = success.field()? else {
        return None;
    };
    let mut fields = Reader(inner);
    let (mut rejected, mut message) = (0, String::new());
    while let Some(field) = fields.field() {
        match field {
            (1, Field::Number(count)) => rejected = count,
            (2, Field::Bytes(text)) => message = String::from_utf8_lossy(text).into_owned(),
            (_, Field::Number(_) | Field::Bytes(_)) => {}
        }
    }
    Some((rejected, message))
}

/// Reads the few fields of an answer.
struct Reader<'b>(&'b [u8]);

enum Field<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

impl<'b> Reader<'b> {
    fn field(&mut self) -> Option<(u64, Field<'b>)> {
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Number(self.varint()?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Field::Bytes(bytes)
            }
            _ => return None,
        };
        Some((key >> 3, field))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

/// Returns the beginning of what a refusal says.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let printable = |c: &char| !c.is_control();
    let text: String = text.trim().chars().filter(printable).take(300).collect();
    if text.is_empty() {
        "no more is said".to_owned()
    } else {
        text
    }
}

fn gzip(body: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Cuts spans into requests that every backend takes.
fn batches(spans: &[Span]) -> Vec<&[Span]> {
    let mut batches = Vec::new();
    let mut rest = spans;
    while !rest.is_empty() {
        let mut size = 0;
        let taken = rest.iter().take_while(|span| {
            size += to_protobuf(std::slice::from_ref(span)).len();
            size <= BATCH
        });
        let (batch, more) = rest.split_at(taken.count().max(1));
        batches.push(batch);
        rest = more;
    }
    batches
}

/// The most bytes of a request, about: Langfuse takes 4.5 MB.
const BATCH: usize = 3 << 20;

/// The statuses after which sending again may help.
const PASSING: [u16; 4] = [429, 502, 503, 504];

/// How often a request is sent.
const ATTEMPTS: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
