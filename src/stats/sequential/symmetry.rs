//! An anytime-valid test whether paired differences lean to the worse side: the sign-flip test, after every sample.
//!
//! If nothing changed, a difference is as likely to be as large in the other direction, given its size; betting on its sign
//! is then fair at any stake. Not knowing any bounds, it needs far fewer values than the test of a mean where the
//! differences are small against their bounds. Source: V. Vovk and R. Wang, "Nonparametric E-tests of Symmetry", New
//! England Journal of Statistics in Data Science 2 (2024), with the bets of V. de la Peña (1999) made exact:
//! `exp(s d) / cosh(s d) = 1 + tanh(s d)` averages to 1 over both signs of `d`.

use super::super::error::{StatsError, all_finite};
use super::mixture::Mixture;

/// Evidence against "each difference is symmetric about the margin, or leans above it".
///
/// That is less than "the mean is at least the margin": noise that is skewed around an unchanged mean is no such case.
/// Differences of two samples from one and the same distribution always are.
#[derive(Debug, Clone, PartialEq)]
pub struct SymmetryTest {
    margin: f64,
    mixture: Mixture,
}

impl SymmetryTest {
    /// Returns the test before the first difference; a drop to the margin (0, or below it) is tolerated.
    ///
    /// # Errors
    /// Where the margin is infinite or not a number.
    pub fn new(margin: f64) -> Result<Self, StatsError> {
        all_finite("the margin", &[margin])?;
        Ok(Self {
            margin,
            mixture: Mixture::new(SCALES.len()),
        })
    }

    /// Takes one difference, candidate less base, into account.
    ///
    /// # Errors
    /// Where it is infinite or not a number; the evidence is as before.
    pub fn observe(&mut self, difference: f64) -> Result<(), StatsError> {
        let drop = self.margin - difference;
        all_finite("a difference", &[difference, drop])?;
        self.mixture
            .multiply(SCALES.iter().map(|scale| 1.0 + (scale * drop).tanh()));
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

/// How steeply the gamblers bet on a drop: about the inverse of the differences' spread squared times the drop.
const SCALES: [f64; 6] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::golden;

    fn evidence(margin: f64, differences: &[f64]) -> f64 {
        let mut test = SymmetryTest::new(margin).unwrap();
        for value in differences {
            test.observe(*value).unwrap();
        }
        test.e_value()
    }

    #[test]
    fn the_evidence_agrees_with_the_formula_in_python() {
        for case in golden::cases("symmetry") {
            let found = evidence(
                case["margin"].as_f64().unwrap(),
                &golden::numbers(&case["values"]),
            );
            golden::assert_near(found, &case["e_value"], &case.to_string());
        }
    }

    #[test]
    fn over_all_patterns_of_signs_the_evidence_averages_to_1() {
        let sizes = [0.1, 0.9, 0.3, 0.05, 0.6, 0.2];
        let all: f64 = (0..64)
            .map(|pattern: u32| {
                let sign = |at: usize| if pattern >> at & 1 == 0 { 1.0 } else { -1.0 };
                let values: Vec<f64> = sizes
                    .iter()
                    .enumerate()
                    .map(|(at, size)| sign(at) * size)
                    .collect();
                evidence(0.0, &values)
            })
            .sum();
        assert!((all / 64.0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn extremes_have_an_answer() {
        assert!(SymmetryTest::new(f64::NAN).is_err());
        let mut test = SymmetryTest::new(0.0).unwrap();
        assert!(test.observe(f64::NAN).is_err() && test.observe(f64::INFINITY).is_err());
        for _ in 0..5000 {
            test.observe(-1e300).unwrap();
        }
        assert!(test.e_value().is_finite() && test.p_value() > 0.0);
        assert!((evidence(0.0, &[0.0; 9]) - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn lower_differences_are_more_evidence_and_a_margin_is_less(
            values in prop::collection::vec(-1.0..=1.0_f64, 1..30), by in 0.0..0.5_f64,
        ) {
            let first = evidence(0.0, &values);
            let lower: Vec<f64> = values.iter().map(|value| value - by).collect();
            prop_assert!(evidence(0.0, &lower) >= first * (1.0 - 1e-12));
            prop_assert!(evidence(-by, &values) <= first * (1.0 + 1e-12));
        }
    }
}
