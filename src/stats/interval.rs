//! What all intervals share: two ends and the level at which they hold.

use super::error::{StatsError, within};

/// How often an interval holds the true value, strictly between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Level(f64);

impl Level {
    /// The usual 95 percent.
    pub const PERCENT_95: Self = Self(0.95);

    /// Returns a level.
    ///
    /// # Errors
    /// Where it isn't strictly between 0 and 1.
    pub fn new(level: f64) -> Result<Self, StatsError> {
        Ok(Self(within("the level", level, 0.0, 1.0)?))
    }

    /// Returns the level as a share.
    pub fn share(self) -> f64 {
        self.0
    }

    /// Returns how often an interval of this level misses.
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }
}

/// A range that holds the true value as often as its level says; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How often such intervals hold the true value.
    pub level: Level,
}

impl Interval {
    /// Returns whether the value is in the interval.
    pub fn contains(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}
