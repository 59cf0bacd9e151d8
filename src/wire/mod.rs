//! Providers' wire formats: parsed into the normal form and rendered back from it.
//!
//! Entry points: [`classify()`] says what a request is, [`Parser::parse_request`] and
//! [`parse_response`] lead into the normal form, [`render()`] and [`render_error`] lead back out.

mod answer;
mod anthropic;
mod arguments;
mod cache;
mod chat;
mod classify;
mod cut;
mod draft;
mod embeddings;
mod envelope;
mod error;
mod fields;
mod gemini;
mod growth;
mod link;
mod no_ops;
mod opaque;
mod parsed_thread;
mod parser;
mod raw;
mod render;
mod responses;
mod retell;
mod sse;
mod tools;
mod trie;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::{Body, ContentId, Dialect, Message, Pooled, Tool};

pub use answer::parse_response;
pub use classify::classify;
pub use error::render_error;
pub use link::{link, link_after, thread, thread_after};
pub use parsed_thread::ParsedThread;
pub use parser::Parser;
pub use render::render;
pub use retell::{retell, with_ids};

pub use sse::{EventData, SseSplitter, event_data, is_event_stream, split_events};

/// What kind of traffic a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Traffic {
    /// A model call in a known dialect: a step.
    Model(Dialect),
    /// GET, HEAD, token counts: no step, served repeat-last.
    Ancillary,
    /// Any other POST: a step, verbatim.
    Opaque,
    /// Known telemetry: answered 204, not recorded.
    Telemetry,
}

/// Rewrites secrets and personal data before anything is hashed.
pub trait Scrub: Send + Sync {
    /// Rewrites every string inside `value`, and every key that holds such.
    fn scrub(&self, value: &mut Value);
}

/// Changes nothing; for data that is scrubbed already.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoScrub;

impl Scrub for NoScrub {
    fn scrub(&self, _value: &mut Value) {}
}

/// A message as parsed from a request, with the ids that the normal form leaves out.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedMessage {
    /// The message in the normal form.
    pub message: Arc<Pooled<Message>>,
    /// The hash of the scrubbed message's canonical JSON as it stood on the wire, ids included.
    pub exact: ContentId,
    /// The ids of its tool calls, in order.
    pub call_ids: Vec<String>,
    /// The ids that its tool results answer, in order.
    pub result_ids: Vec<String>,
}

/// A request as parsed from the wire; scrubbed.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedRequest {
    /// The dialect.
    pub dialect: Dialect,
    /// The model asked for.
    pub model: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// The form of that stream.
    pub form: StreamForm,
    /// System and developer messages (also Anthropic's `system` and the Responses API's `instructions`).
    pub system: Vec<Arc<ParsedMessage>>,
    /// The tool definitions.
    pub tools: Arc<Pooled<Vec<Tool>>>,
    /// All other fields that have an effect, under their wire names.
    pub settings: Arc<Pooled<Map<String, Value>>>,
    /// Fields without an effect (`user`, `metadata`, `store`, cache keys), under their wire names.
    pub no_ops: Map<String, Value>,
    /// The history, without system and developer messages.
    pub messages: ParsedThread,
    /// `previous_response_id` of the Responses API.
    pub previous_response: Option<String>,
    /// The hash over the canonical request with its ids, transport and no-op fields aside.
    pub fingerprint: ContentId,
}

/// How a streamed answer is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StreamForm {
    /// As events.
    #[default]
    Events,
    /// As events, the last of which tells the usage (`stream_options.include_usage`).
    EventsWithUsage,
    /// As one JSON array, an element for each piece (Gemini without `alt=sse`).
    Array,
}

/// A response rendered for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The `content-type`.
    pub content_type: &'static str,
    /// The body: events when streamed.
    pub body: Body,
}

/// A body that is not of its dialect.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The body is no JSON.
    #[error("the {dialect} {what} is not valid JSON")]
    Json {
        /// The dialect that was expected.
        dialect: Dialect,
        /// `request` or `response`.
        what: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The JSON does not have the shape of the dialect.
    #[error("the {dialect} {what} has an unexpected shape: {detail}")]
    Shape {
        /// The dialect that was expected.
        dialect: Dialect,
        /// `request` or `response`.
        what: &'static str,
        /// What was expected where.
        detail: String,
    },
}

#[cfg(test)]
mod tests;
