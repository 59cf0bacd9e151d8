//! Requests of the agent between being asked and being answered.

use std::sync::Arc;

use serde_json::Map;
use tokio::sync::watch;

use super::slots::Ticket;
use crate::model::{Body, ContentId, Dialect, Exchange, Message, Part, Pooled, Request, Role};
use crate::proxy::Incoming;
use crate::wire::{ParsedMessage, ParsedRequest, ParsedThread, StreamForm};

/// What a request of the agent is.
#[derive(Debug)]
pub enum Asked {
    /// A model call, or any other POST: it becomes a step.
    Model(Box<AskedModel>),
    /// Traffic without a number.
    Ancillary(AskedAncillary),
    /// Known telemetry: to be answered 204, not recorded.
    Telemetry,
}

/// A request that becomes a step, in the normal form and without secrets.
#[derive(Debug)]
pub struct AskedModel {
    /// The request, to be matched and kept.
    pub request: Request,
    /// The request as parsed, with its ids.
    pub parsed: Arc<ParsedRequest>,
    /// The step's ordinal; a retry has that of the try before it.
    pub ordinal: u32,
    /// The provider's name.
    pub provider: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Whether it tries a failed step again.
    pub is_retry: bool,
    pub(super) ticket: Ticket,
    /// Whether the conversation that it goes on from, if any, was known when it was asked.
    pub(super) is_continued: bool,
    pub(super) _under_way: UnderWay,
}

/// A request that becomes no step.
#[derive(Debug)]
pub struct AskedAncillary {
    /// The provider's name.
    pub provider: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The hash of the body; `None` for an empty one.
    pub body: Option<ContentId>,
    pub(super) _under_way: UnderWay,
}

impl AskedModel {
    /// Returns what the request is, for messages to people: method and path.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Returns the exchange of this request with an empty answer.
    pub(super) fn exchange(&self, status: u16) -> Exchange {
        Exchange {
            method: self.method.clone(),
            path: self.path.clone(),
            fingerprint: Some(self.parsed.fingerprint),
            status,
            headers: Vec::new(),
            body: Some(Body::default()),
            truncated: false,
        }
    }
}

/// Counts a request as under way while it lives.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<watch::Sender<usize>>);

impl UnderWay {
    /// Counts one request more.
    pub(super) fn new(count: &Arc<watch::Sender<usize>>) -> Self {
        // Nobody waits for more.
        count.send_if_modified(|count| {
            *count += 1;
            false
        });
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_if_modified(|count| {
            *count = count.saturating_sub(1);
            *count == 0 && self.0.receiver_count() > 0
        });
    }
}

/// Returns whether the client says that it tries a request again.
pub(super) fn is_marked_retry(incoming: &Incoming) -> bool {
    header(incoming, "x-stainless-retry-count")
        .and_then(|count| count.trim().parse::<u32>().ok())
        .is_some_and(|count| count > 0)
}

/// Returns the value of a header that is plain text.
pub(super) fn header<'a>(incoming: &'a Incoming, name: &str) -> Option<&'a str> {
    incoming.headers.get(name)?.to_str().ok()
}

/// Returns the request that stands for one that no dialect can read.
pub(super) fn unreadable(method: &str, path: &str) -> ParsedRequest {
    let value = serde_json::json!({ "method": method, "path": path });
    let message = Pooled::new(Message::new(Role::User, vec![Part::Other { value }]));
    let id = message.id();
    ParsedRequest {
        dialect: Dialect::Opaque,
        model: None,
        stream: false,
        form: StreamForm::default(),
        system: Vec::new(),
        tools: Pooled::new(Vec::new()),
        settings: Pooled::new(Map::new()),
        no_ops: Map::new(),
        messages: ParsedThread::new(&[Arc::new(ParsedMessage {
            message,
            exact: id,
            call_ids: Vec::new(),
            result_ids: Vec::new(),
        })]),
        previous_response: None,
        fingerprint: id,
    }
}
