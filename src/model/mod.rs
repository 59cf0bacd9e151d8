//! The words of the design as plain data, one subject a file. Knows no other module.
//!
//! ```text
//! Session ─┬─ Timeline (main)  ── Step ─┬─ Model(Call ── Request, Response, Exchange)
//!          └─ Timeline (fixed)          └─ Tool(ToolStep)
//! ```
//!
//! A [`Request`] splits into *history* (a [`Thread`] of pooled [`Message`]s) and [`Treatment`].

mod call;
mod events;
mod exchange;
mod fork_point;
mod id;
mod lost;
mod message;
mod money;
mod request;
mod response;
mod samples;
mod session;
mod step;
mod thread;
mod timeline;
mod tool_call;

pub use call::{Ancillary, Attempt, Call};
pub use events::{Events, StreamEvent};
pub use exchange::{Body, Exchange};
pub use fork_point::{ForkPoint, InvalidForkPoint};
pub use id::{ContentId, InvalidId, LaneId, SessionId, StepIndex};
pub use lost::{Fidelity, Lost};
pub use message::{
    Message, Part, Pooled, Role, canonical_id, canonical_json, plain_text, value_id,
};
pub use money::MicroUsd;
pub use request::{Dialect, Request, Tool, Treatment, UnknownDialect};
pub use response::{ApiError, FinishReason, Response, Usage};
pub use samples::{InvalidSampleRange, SampleRange};
pub use session::{Session, Source};
pub use step::{Captured, Drift, Rung, Served, Status, Step, StepKind, ToolStep};
pub use thread::{Answers, CallRef, Thread, ThreadInterner};
pub use timeline::{Divergence, DivergenceKind, ForkedFrom, Outcome, ReplayReport, Timeline};
pub use tool_call::{Boundary, Effect, RanTool, ToolCapture, ToolOutcome};
