//! Turns exchanges into calls: parsed, redacted, numbered, retries folded into their step.
//!
//! A [`Recorder`] serves one timeline. [`Recorder::ask`] says what a request is, and
//! [`Recorder::answered`] what came of it; [`RecordResponder`] does both around a live call. Calls go
//! to a [`Sink`] as soon as they are whole. What lineage needs of them stays in memory until
//! [`Recorder::finish`]; the bodies of their exchanges only until the sink says that they are stored.
//!
//! Nothing leaves this module that still holds a secret. A fault in recording never breaks the
//! agent's run: what can't be parsed is kept verbatim, what can't be stored stays in memory, and both
//! are reported as faults. Lanes, tool steps and step numbers are found later, by
//! [`lineage`](crate::lineage).

mod ancillary;
mod asked;
mod continuation;
mod failure;
mod pieces;
mod recorder;
mod requests;
mod responder;
mod scrub;
mod sink;
mod slots;
mod state;
mod store_sink;
mod stream_end;
mod strict;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tools;

pub use ancillary::AncillaryTools;
pub use asked::{Asked, AskedAncillary, AskedModel};
pub use recorder::{Finished, Recorder};
pub use requests::Requests;
pub use responder::{Awaited, RecordResponder};
pub use sink::{MemorySink, NoSink, Sink, SinkError};
pub use store_sink::StoreSink;
pub use strict::StrictKeys;
pub use tools::RecordingTools;
