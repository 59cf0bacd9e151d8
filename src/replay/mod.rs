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
//! [`ReplayResponder`] puts it behind a socket; [`run`] runs an agent against it and finishes the
//! timeline. Matching is by content with multiplicity, never by arrival order.

mod conclude;
mod explain;
mod fork;
mod keys;
mod matcher;
mod normalise;
mod order;
mod recording;
mod rules;
mod treatment;
mod volatile;

pub use conclude::{Ending, conclude};
pub use fork::{Fork, ForkError, resolve};
pub use keys::Keys;
pub use matcher::{Decision, Matcher, Question};
pub use normalise::{NormaliseError, NormaliseRule, Normaliser};
pub use recording::Recording;
pub use rules::{OnDivergence, Rules, TreatmentPart};

#[cfg(test)]
mod tests;
