//! Charts that notice when something has moved for good: cumulative sums of how far each run lies beside what was usual.
//!
//! A small shift that no single run can show adds up; chance doesn't, for the sum never falls below nothing. [`ShareCusum`]
//! is of runs that pass or fail, [`MeanCusum`] of scores. A sum stays at its limit, so that what is over is seen to be over. Source: E. S. Page,
//! "Continuous Inspection Schemes", Biometrika 41 (1954).

mod mean;
mod share;

pub use mean::MeanCusum;
pub use share::ShareCusum;

use super::error::{StatsError, within};

/// A sum that never falls below nothing, and never rises above its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Climb {
    /// How high it is, from 0 to the limit.
    pub sum: f64,
    /// For how many values it has been above 0: where it is high, what moved did so about as many values ago.
    pub length: u32,
    /// Whether it has reached its limit, and has not fallen to half of it since.
    pub is_high: bool,
    limit: f64,
}

impl Climb {
    fn new(limit: f64) -> Result<Self, StatsError> {
        Ok(Self {
            sum: 0.0,
            length: 0,
            is_high: false,
            limit: within("the limit", limit, 0.0, 1e100)?,
        })
    }

    fn add(&mut self, step: f64) {
        self.sum = (self.sum + step).clamp(0.0, self.limit);
        self.length = if self.sum > 0.0 {
            self.length.saturating_add(1)
        } else {
            0
        };
        self.is_high = self.sum >= self.limit || self.is_high && self.sum > self.limit / 2.0;
    }
}
