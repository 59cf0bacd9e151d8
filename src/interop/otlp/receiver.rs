//! A small receiver of OTLP over HTTP, for an agent's own exporter to point at.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::{MAX_BYTES, read_otlp};
use crate::interop::Span;
use crate::proxy::{Answer, AnswerBody, Incoming, Responder};

/// Takes spans that are sent to it.
pub struct OtlpReceiver {
    spans: Mutex<Vec<Span>>,
    /// Told of each request that brought some.
    heard: Box<dyn Fn(usize) + Send + Sync>,
}

impl OtlpReceiver {
    /// Returns a receiver; `heard` is told of how many spans each request brought.
    pub fn new(heard: impl Fn(usize) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            spans: Mutex::default(),
            heard: Box::new(heard),
        })
    }

    /// Returns the spans so far, and forgets them.
    pub fn take(&self) -> Vec<Span> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *spans)
    }

    fn answer(&self, incoming: &Incoming) -> Answer {
        let path = incoming.path.split('?').next().unwrap_or_default();
        if !path.ends_with("/v1/traces") {
            // Metrics and logs are taken and thrown away: an exporter of all three goes on.
            let is_other = path.ends_with("/v1/metrics") || path.ends_with("/v1/logs");
            let status = if is_other {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            return said(status, incoming);
        }
        if incoming.method != Method::POST {
            return said(StatusCode::METHOD_NOT_ALLOWED, incoming);
        }
        let mut found = Vec::new();
        let read = read_otlp(incoming.body.as_ref(), MAX_BYTES, &mut |span| {
            found.push(span);
        });
        match read {
            Ok(count) => {
                let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
                spans.append(&mut found);
                drop(spans);
                (self.heard)(count);
                said(StatusCode::OK, incoming)
            }
            // An exporter may send nothing, too.
            Err(super::OtlpError::Empty(_)) => said(StatusCode::OK, incoming),
            Err(error) => {
                tracing::warn!(%error, "a request is refused");
                said(StatusCode::BAD_REQUEST, incoming)
            }
        }
    }
}

impl Responder for OtlpReceiver {
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer> {
        async move { self.answer(&incoming) }.boxed()
    }
}

/// Returns an empty answer in the form of the request: an empty message is no bytes in protobuf.
fn said(status: StatusCode, incoming: &Incoming) -> Answer {
    let kind = incoming.headers.get(CONTENT_TYPE);
    let is_json = kind
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.contains("json"));
    let (kind, body) = if is_json {
        ("application/json", Bytes::from_static(b"{}"))
    } else {
        ("application/x-protobuf", Bytes::new())
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
    Answer::new(status, headers, AnswerBody::Full(body))
}
