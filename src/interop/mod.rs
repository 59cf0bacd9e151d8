//! Sessions from the traces of other tools: Langfuse, OpenTelemetry, LangSmith, Helicone.
//!
//! ```text
//! langfuse ─┐
//! otlp     ─┤          meaning            shape           session
//! langsmith ├─▶ Span ──────────▶ Found ──────────▶ Call ──────────▶ Session, ImportReport
//! helicone ─┘   (span.rs)        (what a span says of a model call)
//! ```
//!
//! A reader gives [`Span`]s; [`session()`] makes a [`Session`](crate::model::Session) of those of one
//! trace, and says what of each step was lost. Secrets and personal data are taken out by the caller,
//! before anything is stored. [`export`] leads the other way: sessions as spans, for whoever takes them.

mod bounded;
mod error;
pub mod export;
pub mod helicone;
mod http;
pub mod langfuse;
pub mod langsmith;
mod literal;
mod meaning;
#[cfg(test)]
mod mutations;
pub mod otlp;
mod report;
mod session;
mod shape;
mod span;

pub use bounded::{Endless, open_bounded};
pub use error::ImportError;
pub use http::{Site, SiteError};
pub use report::{ImportReport, ScoreReport, Spans, StepReport};
pub use session::{Trace, session};
pub use span::{Span, SpanEvent};
