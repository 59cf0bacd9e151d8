//! Passes a provider's answer on as it arrives, while keeping a decoded copy.
//!
//! [`forward`] hands [`Captured`] to its caller exactly once, whatever happens: the answer ended, the
//! provider broke off, the client left, or nobody answered at all. For an answer that ends well it does so
//! *before* the client can see the end, so that the client's next request finds it recorded.

mod copy;
mod tee;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, StatusCode};

use super::{Answer, AnswerBody, Backend, BackendError, Incoming, Reply, kept_headers, refusal};
use crate::model::Body;
use copy::Copy;
use tee::Tee;

/// What one request was answered with.
#[derive(Debug, Clone)]
pub struct Captured {
    /// The status that the client got; 499 where it left before there was one.
    pub status: StatusCode,
    /// The headers worth keeping, lower-case names, in order.
    pub headers: Vec<(String, String)>,
    /// The body, decoded; a stream of events is cut into them, with their delays.
    pub body: Body,
    /// Whether the body is not whole: it broke off, the client left, or it is larger than what is kept.
    pub truncated: bool,
    /// Whether the client left before the end.
    pub client_gone: bool,
    /// What went wrong between Rewind and the provider, in words.
    pub error: Option<String>,
    /// When the head of the answer came; the end, where none came.
    pub first_byte: Instant,
    /// When the answer ended.
    pub ended: Instant,
}

/// Sends a request on and returns the answer as soon as its head is there; `done` gets what it was.
///
/// The bytes of the body pass unchanged, still encoded. Where the backend fails, the answer is an error
/// that says so (502, 504 for a timeout, 4xx for a request that may not go out).
pub fn forward(
    backend: Arc<dyn Backend>,
    incoming: Incoming,
    done: impl FnOnce(Captured) + Send + 'static,
) -> BoxFuture<'static, Answer> {
    forward_keeping(backend, incoming, MAX_CAPTURE, Box::new(done))
}

fn forward_keeping(
    backend: Arc<dyn Backend>,
    incoming: Incoming,
    limit: usize,
    done: Done,
) -> BoxFuture<'static, Answer> {
    async move {
        let mut waiting = Waiting { done: Some(done) };
        let sent = backend.send(&incoming).await;
        // From here on there is an answer: the guard has nothing more to tell.
        let done = waiting.done.take();
        match (sent, done) {
            (Ok(reply), Some(done)) => pass_on(reply, &incoming.method, limit, done),
            (Err(error), done) => {
                let answer = refused(&error);
                if let Some(done) = done {
                    done(captured_refusal(&answer, &error));
                }
                answer
            }
            (Ok(reply), None) => {
                Answer::new(reply.status, reply.headers, AnswerBody::Stream(reply.body))
            }
        }
    }
    .boxed()
}

/// Returns the answer that passes `reply` on.
fn pass_on(reply: Reply, method: &Method, limit: usize, done: Done) -> Answer {
    let Reply {
        status,
        headers,
        body,
    } = reply;
    let head = Instant::now();
    let length = content_length(&headers);
    let copy = Copy::new(&headers, length, head, limit);
    let mut kept = kept_headers(&headers);
    kept.extend(
        copy.kept_coding()
            .map(|coding| ("content-encoding".to_owned(), coding)),
    );
    let open = Open {
        status,
        headers: kept,
        head,
        copy,
        done,
    };
    let has_no_body = *method == Method::HEAD
        || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status)
        || length == Some(0);
    let body = if has_no_body {
        open.close(End::Complete);
        AnswerBody::Full(Bytes::new())
    } else {
        AnswerBody::Stream(Tee::new(body, open, length).boxed())
    };
    Answer::new(status, headers, body)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What is told at the end.
type Done = Box<dyn FnOnce(Captured) + Send>;

/// Tells that the client left, where it did so before there was an answer.
struct Waiting {
    done: Option<Done>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(done) = self.done.take() else {
            return;
        };
        let now = Instant::now();
        done(Captured {
            status: StatusCode::from_u16(CLIENT_LEFT).unwrap_or(StatusCode::BAD_REQUEST),
            headers: Vec::new(),
            body: Body::default(),
            truncated: true,
            client_gone: true,
            error: None,
            first_byte: now,
            ended: now,
        });
    }
}

/// An answer that is on its way.
struct Open {
    status: StatusCode,
    headers: Vec<(String, String)>,
    head: Instant,
    copy: Copy,
    done: Done,
}

/// How an answer ended.
enum End {
    Complete,
    Broken(String),
    ClientGone,
}

impl Open {
    /// Tells what the answer was.
    fn close(self, end: End) {
        let ended = Instant::now();
        let is_complete = matches!(end, End::Complete);
        let (body, is_whole) = self.copy.finish(ended, is_complete);
        let client_gone = matches!(end, End::ClientGone);
        let error = match end {
            End::Complete | End::ClientGone => None,
            End::Broken(error) => Some(error),
        };
        (self.done)(Captured {
            status: self.status,
            headers: self.headers,
            body,
            truncated: !is_whole,
            client_gone,
            error,
            first_byte: self.head,
            ended,
        });
    }
}

/// Returns the answer to a request that the backend failed on.
pub(in crate::proxy) fn refused(error: &BackendError) -> Answer {
    let (status, kind) = match error {
        BackendError::Unreachable { .. } => {
            (StatusCode::BAD_GATEWAY, "rewind_upstream_unreachable")
        }
        BackendError::Timeout { .. } => (StatusCode::GATEWAY_TIMEOUT, "rewind_upstream_timeout"),
        BackendError::NotAllowed { .. } => (StatusCode::FORBIDDEN, "rewind_key_not_allowed"),
        BackendError::Unknown(_) => (StatusCode::NOT_FOUND, "rewind_unknown_upstream"),
        BackendError::Unsendable { .. } => (StatusCode::BAD_REQUEST, "rewind_unsendable"),
    };
    refusal(status, kind, &error.to_string())
}

fn captured_refusal(answer: &Answer, error: &BackendError) -> Captured {
    let now = Instant::now();
    let body = match &answer.body {
        AnswerBody::Full(bytes) => bytes.clone(),
        AnswerBody::Events(_) | AnswerBody::Stream(_) => Bytes::new(),
    };
    Captured {
        status: answer.status,
        headers: kept_headers(&answer.headers),
        body: Body::Whole(body),
        truncated: false,
        client_gone: false,
        error: Some(error.to_string()),
        first_byte: now,
        ended: now,
    }
}

/// The status of a request whose client left; not registered, but known from web servers' logs.
const CLIENT_LEFT: u16 = 499;
/// At most this much of one decoded body is kept, in bytes; of a stream that is much when packed.
const MAX_CAPTURE: usize = 64 << 20;

#[cfg(test)]
mod tests;
