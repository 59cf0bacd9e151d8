//! Fisher's exact test of two sets of runs that pass or fail.
//!
//! Source: R. A. Fisher, "The Design of Experiments" (1935), chapter 2. With all margins fixed, the number of
//! failures on one side is hypergeometric; the one-sided p-value is the sum of the probabilities of
//! as many failures or more. It is what `scipy.stats.fisher_exact(…, alternative="greater")` returns.

use std::ops::RangeInclusive;

/// Runs that passed and runs that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passes {
    /// Number of runs that passed.
    pub passed: u32,
    /// Number of runs that failed.
    pub failed: u32,
}

impl Passes {
    /// Returns the number of all runs.
    pub fn total(self) -> u32 {
        self.passed.saturating_add(self.failed)
    }

    /// Returns the share that failed, from 0 to 1; 0 where there is no run.
    pub fn failure_rate(self) -> f64 {
        if self.total() == 0 {
            return 0.0;
        }
        f64::from(self.failed) / f64::from(self.total())
    }
}

/// Returns the probability, from 0 to 1, of at least so many failures in `candidate` if it failed as
/// often as `base`; 1 where either side has no run.
///
/// Made of products and quotients alone, so it is the same on every machine.
pub fn fisher_worse(base: Passes, candidate: Passes) -> f64 {
    let failed = f64::from(base.failed) + f64::from(candidate.failed);
    let passed = f64::from(base.passed) + f64::from(candidate.passed);
    let drawn = f64::from(candidate.total());
    // Each weight follows from the one before; only their ratios count.
    let (mut weight, mut all, mut as_bad) = (1.0_f64, 0.0_f64, 0.0_f64);
    for count in possible(base, candidate) {
        all += weight;
        if count >= candidate.failed {
            as_bad += weight;
        }
        let count = f64::from(count);
        weight *= (failed - count) * (drawn - count);
        weight /= (count + 1.0) * (passed - drawn + count + 1.0);
        if all > LARGE {
            (weight, all, as_bad) = (weight / LARGE, all / LARGE, as_bad / LARGE);
        }
    }
    (as_bad / all).min(1.0)
}

/// Returns how many failures the candidate can have while all margins stay.
fn possible(base: Passes, candidate: Passes) -> RangeInclusive<u32> {
    let failed = base.failed.saturating_add(candidate.failed);
    let least = failed.saturating_sub(base.total());
    least..=failed.min(candidate.total())
}

/// Where the weights are made smaller, long before they are infinite.
const LARGE: f64 = 1e200;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passes(passed: u32, failed: u32) -> Passes {
        Passes { passed, failed }
    }

    #[test]
    fn the_test_agrees_with_scipy() {
        // fisher_exact([[candidate.failed, candidate.passed], [base.failed, base.passed]], "greater").
        for (base, candidate, expected) in SCIPY {
            let base = passes(base.0, base.1);
            let found = fisher_worse(base, passes(candidate.0, candidate.1));
            assert!(
                (found - expected).abs() <= 1e-12 * expected,
                "{base:?}: {found} is not {expected}"
            );
        }
    }

    #[test]
    fn without_runs_nothing_is_surprising() {
        assert!((fisher_worse(passes(0, 0), passes(0, 9)) - 1.0).abs() < 1e-12);
        assert!((fisher_worse(passes(9, 0), passes(0, 0)) - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn one_failure_more_is_never_less_surprising(
            good in 0_u32..400, bad in 0_u32..400, total in 1_u32..400, failed in 0_u32..400,
        ) {
            let failed = failed.min(total - 1);
            let p = |failed: u32| fisher_worse(passes(good, bad), passes(total - failed, failed));
            prop_assert!((0.0..=1.0).contains(&p(failed)));
            prop_assert!(p(failed + 1) <= p(failed) + 1e-9);
        }
    }

    type Pair = (u32, u32);

    /// Of scipy 1.17.1: base (passed, failed), candidate (passed, failed), p-value.
    const SCIPY: [(Pair, Pair, f64); 13] = [
        ((1, 0), (0, 12), 0.076_923_076_923_076_91),
        ((3, 0), (0, 3), 0.050_000_000_000_000_01),
        ((4, 0), (0, 4), 0.014_285_714_285_714_284),
        ((3, 0), (1, 2), 0.200_000_000_000_000_04),
        ((12, 0), (9, 3), 0.108_695_652_173_913_04),
        ((12, 0), (7, 5), 0.018_633_540_372_670_808),
        ((11, 1), (6, 6), 0.034_324_942_791_762_014),
        ((5, 2), (1, 8), 0.024_475_524_475_524_476),
        ((6, 1), (3, 9), 0.017_385_091_688_497_264),
        ((0, 3), (0, 5), 1.0),
        ((50, 10), (40, 20), 0.028_362_967_373_358_73),
        ((900, 100), (850, 150), 0.000_447_543_769_345_344_7),
        ((7, 0), (12, 0), 1.0),
    ];
}
