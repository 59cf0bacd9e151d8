//! Sessions as OpenTelemetry spans, for any backend that takes OTLP over HTTP.
//!
//! ```text
//! Session ──spans()──▶ Span ──▶ protobuf | JSON ──send()──▶ backend
//! ```
//!
//! Attributes are those of the current `gen_ai.*` conventions, with the few that Langfuse reads beside
//! them and `rewind.*` for what only Rewind knows. Ids are made from the session, so sending a session
//! twice changes nothing. Scores go along to backends that have a place for them. Prompts, answers and tool content go along only where they are asked for.
//! Sources: <https://github.com/open-telemetry/semantic-conventions-genai>,
//! <https://opentelemetry.io/docs/specs/otlp/>.

mod attributes;
mod json;
mod messages;
mod protobuf;
mod scores;
mod send;
mod span;
mod target;
#[cfg(test)]
mod tests;
mod tree;

pub use json::to_json;
pub use protobuf::to_protobuf;
pub use scores::{Score, ScoreApi, scores, scores_to_json, send_scores};
pub use send::{SendError, Sent, send};
pub use span::{Attribute, Span, SpanKind};
pub use target::{Encoding, Target, TargetError, target};
pub use tree::spans;
