//! An anytime-valid test whether paired differences lean to the worse side: the sign-flip test, after every sample.
//!
//! If nothing changed, a difference is as likely to be as large in the other direction, given its size; betting on its sign
//! is then fair at any stake. Not knowing any bounds, it needs far fewer values than the test of a mean where the
//! differences are small against their bounds. Source: V. Vovk and R. Wang, "Nonparametric E-tests of Symmetry", New
//! England Journal of Statistics in Data Science 2 (2024), with the bets of V. de la Peña (1999) made exact:
//! `exp(s d) / cosh(s d) = 1 + tanh(s d)` averages to 1 over both signs of `d`.

use super::super::error::{StatsError, all_moderate, within};
use super::mixture::Mixture;

/// Evidence against "each difference is symmetric about the margin, or leans above it".
///
/// That is less than "the mean is at least the margin": noise that is skewed around an unchanged mean is no such case.
/// Differences of two samples from one and the same distribution always are. To show that nothing dropped by more than 0.1, give the
/// differences with their signs turned and the margin 0.1.
#[derive(Debug, Clone, PartialEq)]
pub struct SymmetryTest {
    margin: f64,
    effect: f64,
    /// The sum of the squares so far, and how many.
    squares: f64,
    count: f64,
    mixture: Mixture,
}

impl SymmetryTest {
    /// Returns the test before the first difference: a drop to the margin (0 for none) is tolerated, and one that is `effect`
    /// lower is to be found soonest. Larger ones are found sooner still; much smaller ones may never be.
    ///
    /// # Errors
    /// Where the margin isn't from -1e100 to 1e100, or the effect isn't above 0 and below 1e100.
    pub fn new(margin: f64, effect: f64) -> Result<Self, StatsError> {
        all_moderate("the margin", &[margin])?;
        Ok(Self {
            margin,
            effect: within("the effect", effect, 0.0, 1e100)?,
            squares: PRIOR_COUNT * (PRIOR_DEVIATION * effect).powi(2),
            count: PRIOR_COUNT,
            mixture: Mixture::new(1),
        })
    }

    /// Takes one difference, candidate less base, into account.
    ///
    /// # Errors
    /// Where it isn't from -1e100 to 1e100; the evidence is as before.
    pub fn observe(&mut self, difference: f64) -> Result<(), StatsError> {
        all_moderate("a difference", &[difference])?;
        let drop = self.margin - difference;
        // The best stake on a normal variable; only the past may choose it.
        let stake = self.effect / (self.squares / self.count).max(f64::MIN_POSITIVE);
        self.mixture
            .multiply(std::iter::once(1.0 + (stake * drop).tanh()));
        self.squares += drop * drop;
        self.count += 1.0;
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

/// Before the first difference their spread is taken to be so many effects, ...
const PRIOR_DEVIATION: f64 = 2.5;
/// ... with the weight of so many differences.
const PRIOR_COUNT: f64 = 2.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{Random, golden};

    fn evidence(margin: f64, differences: &[f64]) -> f64 {
        let mut test = SymmetryTest::new(margin, 0.1).unwrap();
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
        assert!(SymmetryTest::new(f64::NAN, 0.1).is_err() && SymmetryTest::new(0.0, 0.0).is_err());
        let mut test = SymmetryTest::new(0.0, 1e-150).unwrap();
        assert!(test.observe(f64::NAN).is_err() && test.observe(f64::INFINITY).is_err());
        for _ in 0..5000 {
            test.observe(-1e100).unwrap();
        }
        assert!(test.e_value().is_finite() && test.p_value() > 0.0);
        assert!((evidence(0.0, &[0.0; 9]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_drop_of_the_effect_is_soon_found_and_none_is_not() {
        let mut random = Random::seeded(4);
        let mut found_after = |centre: f64| {
            let mut test = SymmetryTest::new(0.0, 0.1).unwrap();
            (1..=400).find(|_| {
                test.observe(centre + 0.25 * random.normal()).unwrap();
                test.p_value() <= 0.05
            })
        };
        let found: Vec<usize> = (0..50).filter_map(|_| found_after(-0.1)).collect();
        assert!(
            found.len() == 50 && found.iter().sum::<usize>() < 50 * 70,
            "{found:?}"
        );
        let wrong = (0..100).filter(|_| found_after(0.0).is_some()).count();
        assert!(wrong <= 9, "{wrong} of 100");
    }

    proptest! {
        #[test]
        fn a_drop_of_one_value_is_evidence_and_the_unit_makes_no_difference(
            values in prop::collection::vec(-1.0..=1.0_f64, 1..30), unit in 0.001..1000.0_f64,
        ) {
            let first = evidence(0.0, &values);
            let mut scaled = SymmetryTest::new(0.0, 0.1 * unit).unwrap();
            for value in &values {
                scaled.observe(value * unit).unwrap();
            }
            prop_assert!((scaled.e_value() - first).abs() <= 1e-9 * first.max(1.0));
            let after = |value: f64| evidence(0.0, &[&values[..], &[value]].concat());
            prop_assert!(after(-0.2) >= first && after(0.2) <= first);
        }
    }
}
