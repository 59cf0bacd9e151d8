//! An anytime-valid test whether the candidate fails more often than the base, where both rates are known from samples alone.
//!
//! Source: R. J. Turner, A. Ly and P. D. Grünwald, "Generic E-variables for Exact Sequential k-Sample Tests that Allow for
//! Optional Stopping", Journal of Statistical Planning and Inference 230 (2024): samples come in blocks with some of
//! both groups; the likelihood under two rates is divided by the one under their mean, weighted by the block's sizes.
//! By the inequality of the means this can't be expected to exceed 1 under any common rate, nor where the candidate fails
//! less often. Here a fixed grid of pairs of rates takes the place of learned ones.

use super::super::proportion::Passes;
use super::mixture::Mixture;

/// Evidence against "the candidate fails no more often than the base".
#[derive(Debug, Clone, PartialEq)]
pub struct ProportionsTest {
    mixture: Mixture,
}

impl ProportionsTest {
    /// Returns the test before the first block.
    pub fn new() -> Self {
        Self {
            mixture: Mixture::new(pairs().count()),
        }
    }

    /// Takes one block into account: samples of the base and of the candidate that weren't given before.
    ///
    /// How many there are of each must not depend on how these samples came out. A block with samples of one side alone says
    /// nothing, so spread the base's samples over as many blocks as the candidate is going to have.
    pub fn observe(&mut self, base: Passes, candidate: Passes) {
        let (bases, candidates) = (f64::from(base.total()), f64::from(candidate.total()));
        if base.total() == 0 || candidate.total() == 0 {
            return;
        }
        let factor = |(base_rate, rate): (f64, f64)| {
            let null = (bases * base_rate + candidates * rate) / (bases + candidates);
            let log = |runs: Passes, rate: f64| {
                f64::from(runs.failed) * (rate / null).ln()
                    + f64::from(runs.passed) * ((1.0 - rate) / (1.0 - null)).ln()
            };
            (log(base, base_rate) + log(candidate, rate)).exp()
        };
        self.mixture.multiply(pairs().map(factor));
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

impl Default for ProportionsTest {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the pairs of a base's rate of failures and a higher one.
fn pairs() -> impl Iterator<Item = (f64, f64)> {
    let higher = |base: f64| {
        RATES
            .into_iter()
            .filter(move |rate| *rate > base)
            .map(move |rate| (base, rate))
    };
    RATES.into_iter().flat_map(higher)
}

/// Rates of failures.
const RATES: [f64; 5] = [0.03, 0.2, 0.5, 0.8, 0.97];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::golden;
    use crate::stats::special::binomial;

    #[test]
    fn the_evidence_agrees_with_the_formula_in_python() {
        for case in golden::cases("proportions") {
            let mut test = ProportionsTest::new();
            for block in case["blocks"].as_array().unwrap() {
                let runs = |side: usize| Passes {
                    passed: golden::count(&block[side][0]),
                    failed: golden::count(&block[side][1]),
                };
                test.observe(runs(0), runs(1));
            }
            golden::assert_near(test.e_value(), &case["e_value"], &case.to_string());
        }
    }

    #[test]
    fn no_block_is_expected_to_win_where_the_candidate_is_no_worse() {
        for (bases, candidates) in [(1, 1), (4, 1), (3, 5)] {
            for (base, candidate) in [
                (0.5, 0.5),
                (0.02, 0.02),
                (0.9, 0.9),
                (0.3, 0.1),
                (0.9, 0.85),
            ] {
                let mut expected = 0.0;
                for base_failed in 0..=bases {
                    for failed in 0..=candidates {
                        let mut test = ProportionsTest::new();
                        test.observe(
                            Passes {
                                passed: bases - base_failed,
                                failed: base_failed,
                            },
                            Passes {
                                passed: candidates - failed,
                                failed,
                            },
                        );
                        expected += test.e_value()
                            * binomial(base_failed.into(), bases.into(), base)
                            * binomial(failed.into(), candidates.into(), candidate);
                    }
                }
                assert!(expected <= 1.0 + 1e-12, "{base} {candidate}: {expected}");
            }
        }
    }

    #[test]
    fn extremes_have_an_answer() {
        let runs = |passed, failed| Passes { passed, failed };
        let mut test = ProportionsTest::default();
        test.observe(runs(0, 0), runs(0, 9));
        test.observe(runs(9, 0), runs(0, 0));
        assert!((test.e_value() - 1.0).abs() < 1e-12);
        test.observe(runs(u32::MAX, 0), runs(0, u32::MAX));
        assert!(test.e_value().is_finite() && test.p_value() < 1e-9);
        test.observe(runs(0, u32::MAX), runs(u32::MAX, 0));
        assert!(test.e_value().is_finite() && test.p_value() < 1e-9);
    }

    #[test]
    fn a_candidate_that_always_fails_is_found_after_six_pairs() {
        let mut test = ProportionsTest::new();
        let found = (1..20).find(|_| {
            test.observe(
                Passes {
                    passed: 1,
                    failed: 0,
                },
                Passes {
                    passed: 0,
                    failed: 1,
                },
            );
            test.p_value() <= 0.05
        });
        assert!(found <= Some(6), "{found:?}");
    }
}
