//! The interval of the difference of two pass rates.
//!
//! Source: R. G. Newcombe, "Interval Estimation for the Difference Between Independent Proportions: Comparison of Eleven
//! Methods", Statistics in Medicine 17 (1998), method 10: Wilson's intervals of both rates, put together. What
//! `statsmodels.stats.proportion.confint_proportions_2indep(…, method="newcomb")` returns.

use super::super::interval::{Interval, Level};
use super::{Passes, wilson};

/// Returns the interval of the candidate's pass rate less the base's; from -1 to 1 where either side has no run.
pub fn newcombe(base: Passes, candidate: Passes, level: Level) -> Interval {
    if base.total() == 0 || candidate.total() == 0 {
        return Interval {
            low: -1.0,
            high: 1.0,
            level,
        };
    }
    let rate = |passes: Passes| f64::from(passes.passed) / f64::from(passes.total());
    let (before, now) = (rate(base), rate(candidate));
    let (of_base, of_candidate) = (wilson(base, level), wilson(candidate, level));
    let delta = now - before;
    Interval {
        low: delta - (now - of_candidate.low).hypot(of_base.high - before),
        high: delta + (of_candidate.high - now).hypot(before - of_base.low),
        level,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::golden;
    use super::*;

    #[test]
    fn the_interval_agrees_with_statsmodels() {
        for case in golden::cases("newcombe") {
            let passes = |side: &serde_json::Value| Passes {
                passed: golden::count(&side[0]),
                failed: golden::count(&side[1]),
            };
            let level = Level::new(case["level"].as_f64().unwrap()).unwrap();
            let found = newcombe(passes(&case["base"]), passes(&case["candidate"]), level);
            golden::assert_near(found.low, &case["interval"][0], &format!("low {case}"));
            golden::assert_near(found.high, &case["interval"][1], &format!("high {case}"));
        }
    }

    proptest! {
        #[test]
        fn the_interval_holds_its_estimate_and_mirrors_with_the_sides(
            a in 0_u32..50, b in 0_u32..50, c in 0_u32..50, d in 0_u32..50,
        ) {
            let (base, candidate) = (Passes { passed: a, failed: b }, Passes { passed: c, failed: d });
            let found = newcombe(base, candidate, Level::PERCENT_95);
            let mirror = newcombe(candidate, base, Level::PERCENT_95);
            prop_assert!(-1.0 - 1e-9 <= found.low && found.high <= 1.0 + 1e-9);
            prop_assert!((found.low + mirror.high).abs() < 1e-9);
        }
    }
}
