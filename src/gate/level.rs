//! How the chance of a false alarm in a run is shared out among its tests.
//!
//! Each test gets its share before the first sample, so that all of them together give a false alarm in at most that share
//! of the runs (Bonferroni's correction; O. J. Dunn, "Multiple Comparisons Among Means", JASA 56, 1961). Where there are
//! enough baselines for a test over all of them, it gets one half and the forks the other.

use std::collections::BTreeSet;

use super::input::ForkInput;
use super::numbers::count;
use crate::check::Severity;

/// From how many baselines on a test over all of them can be significant: seven differences in one direction.
pub(super) const LEAST_SESSIONS: u32 = 7;

/// From how many accepted samples on they are a base: one is the recording, which was chosen because it was good.
pub(super) const LEAST_BASE: usize = 2;

impl ForkInput {
    /// Returns the share of the tests over all baselines; 0 where there are too few.
    pub(super) fn suite_level(&self) -> f64 {
        if self.sessions < LEAST_SESSIONS {
            return 0.0;
        }
        self.alpha / 2.0
    }

    /// Returns the share of each single test of this fork: of its passes, and of each score.
    pub(super) fn level(&self) -> f64 {
        let scored: BTreeSet<&str> = self
            .samples
            .iter()
            .flat_map(|sample| &sample.checks)
            .filter(|check| check.severity == Severity::Gate && check.kind == "judge")
            .map(|check| check.id.as_str())
            .collect();
        let scored = count(scored.len());
        let tests = f64::from(self.tests.max(1)) * (1.0 + f64::from(scored));
        (self.alpha - self.suite_level()) / tests
    }
}

/// What products of floating-point numbers may be off by.
pub(super) const ROUNDING: f64 = 1e-12;
