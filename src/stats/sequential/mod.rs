//! Tests that may be looked at after every sample, and stopped at any time.
//!
//! Each holds an e-value: the capital of someone who bets, at fair or worse odds, that the null hypothesis is wrong.
//! Rejecting when it first reaches `1 / alpha` is wrong in at most a share `alpha` of all cases, whenever and for whatever
//! reason the sampling stops. [`MeanTest`] asks for the mean of bounded scores, [`SymmetryTest`] whether paired differences
//! lean to one side, [`ProportionsTest`] whether one of two rates is higher; [`ConfidenceSequence`] is an interval that holds at
//! all times at once. Values must be independent of each other given the past: where several compare with one and the
//! same base sample, give their mean as one value.

mod confidence;
mod mean;
mod mixture;
mod proportions;
mod symmetry;

pub use confidence::ConfidenceSequence;
pub use mean::{Bounds, MeanTest, Side};
pub use proportions::ProportionsTest;
pub use symmetry::SymmetryTest;
