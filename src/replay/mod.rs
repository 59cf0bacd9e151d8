//! Replays a recorded timeline: serves what matches, sends the rest on, says where the agent went
//! another way.
//!
//! ```text
//! Timeline ─▶ Recording (index) ─┐
//! Rules ─────▶ Keys (normaliser) ─┼─▶ Matcher::decide(request) ─▶ Serve | Live | Refuse
//! ForkPoint ─▶ Fork ──────────────┘
//! ```
//!
//! [`Matcher`] is the matching ladder and the rules of the fork as a plain state machine;
//! [`ReplayResponder`] puts it behind a socket; [`drive()`] runs an agent against it and finishes
//! the timeline. Matching is by content with multiplicity, never by arrival order.

mod conclude;
mod drive;
mod explain;
mod explain_tool;
mod fork;
mod held;
mod index;
mod inline;
mod keys;
mod live;
mod matcher;
mod normalise;
mod order;
mod portable;
mod printed;
mod recording;
mod responder;
mod rules;
mod savings;
mod search;
mod serve;
mod session;
mod told;
mod tools;
mod treatment;
mod unheard;
mod volatile;

pub use conclude::{Ending, conclude};
pub use drive::{DriveError, Driven, drive};
pub use fork::{Fork, ForkError, resolve};
pub use keys::Keys;
pub use matcher::{Decision, Matcher, Question};
pub use normalise::{NormaliseError, NormaliseRule, Normaliser};
pub use printed::not_printed;
pub use recording::Recording;
pub use responder::ReplayResponder;
pub use rules::{OnDivergence, Rules, TreatmentPart};
pub use savings::{Savings, Tally, savings};
pub use serve::Timing;
pub use session::{AnswerFrom, Finished, Left, Plan, Replay};
pub use tools::{ReplayingTools, ToolsEnd};
pub use unheard::{Unheard, unheard};

#[cfg(test)]
mod tests;
