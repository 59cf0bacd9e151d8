//! Statistics: small exact functions of counts, each with its source.
//!
//! [`fisher_worse`] says how surprising it would be to see so many failures if nothing had changed. Knows
//! nothing of runs and verdicts.

mod fisher;

pub use fisher::{Passes, fisher_worse};
