//! Why a number could not be computed: what was given is outside of what the formula knows.

use thiserror::Error;

/// Values that a formula has no answer for.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum StatsError {
    /// There are fewer values than the formula needs.
    #[error("{found} {what} are too few: give at least {least}")]
    TooFew {
        /// What there are too few of, in the plural.
        what: &'static str,
        /// How many were given.
        found: usize,
        /// How many are needed.
        least: usize,
    },
    /// A value is not a number, or outside of its range.
    #[error("{what} is {value}: give a number from {low} to {high}")]
    OutOfRange {
        /// The name of the value.
        what: &'static str,
        /// The value itself.
        value: f64,
        /// The least that is allowed.
        low: f64,
        /// The greatest that is allowed.
        high: f64,
    },
    /// A table has rows of several lengths, or not as many rows as it should.
    #[error("the {what} has a row of {found} where {expected} are expected: make all rows equal")]
    Uneven {
        /// The name of the table.
        what: &'static str,
        /// How many values the row has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// All values are such that the formula divides by nothing.
    #[error("the {what} is undefined: {why}")]
    Undefined {
        /// The number that was asked for.
        what: &'static str,
        /// What the values lack.
        why: &'static str,
    },
}

/// Returns the value, or an error where it isn't strictly between the two.
pub(super) fn within(
    what: &'static str,
    value: f64,
    low: f64,
    high: f64,
) -> Result<f64, StatsError> {
    if value > low && value < high {
        return Ok(value);
    }
    Err(StatsError::OutOfRange {
        what,
        value,
        low,
        high,
    })
}

/// Returns an error where one of the values is not in the range, its ends included.
pub(super) fn all_within(
    what: &'static str,
    values: &[f64],
    low: f64,
    high: f64,
) -> Result<(), StatsError> {
    match values.iter().find(|value| !(low..=high).contains(*value)) {
        Some(&value) => Err(StatsError::OutOfRange {
            what,
            value,
            low,
            high,
        }),
        None => Ok(()),
    }
}

/// Returns an error where the square of a value, or that of a sum of many, could be infinite.
pub(super) fn all_moderate(what: &'static str, values: &[f64]) -> Result<(), StatsError> {
    all_within(what, values, -1e100, 1e100)
}

/// Returns an error where one of the values is infinite or not a number.
pub(super) fn all_finite(what: &'static str, values: &[f64]) -> Result<(), StatsError> {
    all_within(what, values, f64::MIN, f64::MAX)
}
