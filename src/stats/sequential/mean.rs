//! An anytime-valid test of the mean of bounded values, by betting.
//!
//! Source: I. Waudby-Smith and A. Ramdas, "Estimating Means of Bounded Random Variables by Betting", JRSS B 86 (2024):
//! the capital process of section 4, and bets on an even grid ("grid Kelly") of its appendix. The order of the values
//! makes no difference to the evidence at the end.

use super::super::error::{StatsError, all_within, within};
use super::super::special::real;
use super::mixture::Mixture;

/// The least and the greatest possible value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    low: f64,
    high: f64,
}

impl Bounds {
    /// Scores: 0 to 1.
    pub const SCORE: Self = Self {
        low: 0.0,
        high: 1.0,
    };
    /// Differences of two scores: -1 to 1.
    pub const DIFFERENCE: Self = Self {
        low: -1.0,
        high: 1.0,
    };

    /// Returns bounds.
    ///
    /// # Errors
    /// Where one isn't finite, or the low one isn't below the high one, or they are too far apart for a number.
    pub fn new(low: f64, high: f64) -> Result<Self, StatsError> {
        within("the width of the bounds", high - low, 0.0, f64::INFINITY)?;
        Ok(Self { low, high })
    }

    /// Returns where a value stands between the bounds, from 0 to 1.
    pub(super) fn place(self, value: f64) -> Result<f64, StatsError> {
        all_within("a value", &[value], self.low, self.high)?;
        Ok(((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0))
    }

    /// Returns the value that stands there.
    pub(super) fn value(self, place: f64) -> f64 {
        (self.low + place * (self.high - self.low)).clamp(self.low, self.high)
    }
}

/// Where the true mean is suspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Below the bound.
    Below,
    /// Above the bound.
    Above,
}

/// Evidence against "the mean is not on this side of the bound".
///
/// The hypothesis may also hold of each value's mean given those before: the values need not be alike.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanTest {
    bounds: Bounds,
    null: f64,
    side: Side,
    mixture: Mixture,
}

impl MeanTest {
    /// Returns the test before the first value.
    ///
    /// # Errors
    /// Where the bound isn't strictly between the bounds.
    pub fn new(bounds: Bounds, bound: f64, side: Side) -> Result<Self, StatsError> {
        within("the bound of the mean", bound, bounds.low, bounds.high)?;
        Ok(Self {
            bounds,
            null: within("the place of the bound", bounds.place(bound)?, 0.0, 1.0)?,
            side,
            mixture: Mixture::new(BETS),
        })
    }

    /// Takes one value into account.
    ///
    /// # Errors
    /// Where it isn't in the bounds; the evidence is as before.
    pub fn observe(&mut self, value: f64) -> Result<(), StatsError> {
        let payoff = payoff(self.bounds.place(value)?, self.null, self.side);
        self.mixture
            .multiply(stakes().map(|stake| 1.0 + stake * payoff));
        Ok(())
    }

    /// Returns the evidence so far, from 0; 1 is none.
    pub fn e_value(&self) -> f64 {
        self.mixture.e_value()
    }

    /// Returns the p-value that holds at any time, from 0 to 1: it never grows.
    pub fn p_value(&self) -> f64 {
        self.mixture.p_value()
    }
}

/// Returns what a stake of 1 wins: at least -1, and on average at most 0 where the mean isn't on that side.
pub(super) fn payoff(place: f64, null: f64, side: Side) -> f64 {
    match side {
        Side::Above => place / null - 1.0,
        Side::Below => (1.0 - place) / (1.0 - null) - 1.0,
    }
}

/// Returns the shares of the capital that the gamblers stake each time.
pub(super) fn stakes() -> impl Iterator<Item = f64> {
    (1..=BETS).map(|bet| real(bet) / real(BETS + 1))
}

/// How many gamblers there are.
pub(super) const BETS: usize = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::golden;

    #[test]
    fn the_evidence_agrees_with_the_formula_in_python() {
        for case in golden::cases("betting") {
            let mut test = MeanTest::new(
                Bounds::DIFFERENCE,
                case["bound"].as_f64().unwrap(),
                Side::Below,
            )
            .unwrap();
            for (at, value) in golden::numbers(&case["values"]).into_iter().enumerate() {
                test.observe(value).unwrap();
                golden::assert_near(
                    test.e_value(),
                    &case["e_values"][at],
                    &format!("{at} {case}"),
                );
            }
        }
    }

    #[test]
    fn no_fair_value_is_expected_to_win() {
        // All two-point values with the mean 0.3, exactly: none raises the expected evidence.
        for (low, high) in [(0.0, 1.0), (0.1, 0.4), (0.29, 0.9), (0.0, 0.31)] {
            let up = (0.3 - low) / (high - low);
            for side in [Side::Below, Side::Above] {
                let after = |value: f64| {
                    let mut test = MeanTest::new(Bounds::SCORE, 0.3, side).unwrap();
                    test.observe(value).unwrap();
                    test.e_value()
                };
                let expected = up * after(high) + (1.0 - up) * after(low);
                assert!((expected - 1.0).abs() < 1e-12, "{low} {high}: {expected}");
            }
        }
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        for bound in [0.0, 1.0, f64::NAN, 2.0] {
            assert!(MeanTest::new(Bounds::SCORE, bound, Side::Below).is_err());
        }
        assert!(Bounds::new(1.0, 1.0).is_err() && Bounds::new(f64::NAN, 1.0).is_err());
        assert!(Bounds::new(f64::NEG_INFINITY, 1.0).is_err());
        let mut test = MeanTest::new(Bounds::SCORE, 0.5, Side::Below).unwrap();
        for value in [-0.1, 1.7, f64::NAN] {
            assert!(test.observe(value).is_err());
        }
        assert!((test.e_value() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn ten_thousand_equal_values_stay_finite() {
        for value in [0.0, 1.0] {
            let mut test = MeanTest::new(Bounds::SCORE, 0.5, Side::Below).unwrap();
            for _ in 0..10_000 {
                test.observe(value).unwrap();
            }
            assert!(test.e_value().is_finite() && test.p_value() > 0.0 && test.p_value() <= 1.0);
            assert_eq!(test.p_value() < 1e-9, value == 0.0);
        }
    }

    proptest! {
            #[test]
            fn the_order_makes_no_difference_and_lower_values_are_more_evidence(
                mut values in prop::collection::vec(-1.0..=1.0_f64, 1..30), drop in 0.0..0.5_f64,
            ) {
                let evidence = |values: &[f64]| {
                    let mut test = MeanTest::new(Bounds::DIFFERENCE, 0.0, Side::Below).unwrap();
                    for value in values {
     test.observe(*value).unwrap();
    }
                    test.e_value()
                };
                let first = evidence(&values);
                let lower: Vec<f64> = values.iter().map(|value| (value - drop).max(-1.0)).collect();
                prop_assert!(evidence(&lower) >= first * (1.0 - 1e-12));
                values.reverse();
                prop_assert!((evidence(&values) - first).abs() <= 1e-9 * first);
            }
        }
}
