//! Statistics: small pure functions of counts and scores, each with its source.
//!
//! [`proportion`] looks at runs that pass or fail, [`mean`] at scores, [`sequential`] at both while samples still come
//! in, [`cusum`] at runs day after day, and [`agreement`] at judges. Whatever has no answer is an error or a
//! documented value, never a NaN. Knows nothing of runs, verdicts, clocks and random devices; where chance is needed the
//! caller gives the seed. docs/statistics.md says which number means what.

mod error;
mod interval;
mod multiple;
mod power;
mod random;
mod special;

pub mod agreement;
pub mod cusum;
pub mod mean;
pub mod proportion;
pub mod sequential;

#[cfg(test)]
mod golden;

pub use error::StatsError;
pub use interval::{Interval, Level};
pub use multiple::{benjamini_hochberg, holm};
pub use power::{Design, Planned};
pub use proportion::{Passes, fisher_worse};
pub use random::Random;
