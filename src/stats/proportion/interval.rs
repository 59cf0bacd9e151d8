//! Intervals of a pass rate, from Wilson and from Clopper and Pearson.

use super::super::interval::{Interval, Level};
use super::super::special::{beta_quantile, normal_quantile_above};
use super::Passes;

/// Returns Wilson's score interval of the pass rate; from 0 to 1 where there is no run.
///
/// Covers the true rate at about the level on average; never leaves 0 to 1, and has a width also where all
/// runs agree. Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
/// JASA 22 (1927).
pub fn wilson(runs: Passes, level: Level) -> Interval {
    let n = f64::from(runs.passed) + f64::from(runs.failed);
    if runs.total() == 0 {
        return Interval {
            low: 0.0,
            high: 1.0,
            level,
        };
    }
    let rate = f64::from(runs.passed) / n;
    let z = normal_quantile_above(level.alpha() / 2.0);
    let pull = z * z / n;
    let centre = (rate + pull / 2.0) / (1.0 + pull);
    let half = z / (1.0 + pull) * (rate * (1.0 - rate) / n + pull / (4.0 * n)).sqrt();
    Interval {
        low: if runs.passed == 0 {
            0.0
        } else {
            (centre - half).max(0.0)
        },
        high: if runs.failed == 0 {
            1.0
        } else {
            (centre + half).min(1.0)
        },
        level,
    }
}

/// Returns the exact interval of the pass rate; from 0 to 1 where there is no run.
///
/// Covers the true rate at least at the level, whatever it is, and is wider than Wilson's for that. Source: C. J.
/// Clopper and E. S. Pearson, "The Use of Confidence or Fiducial Limits", Biometrika 26 (1934).
pub fn clopper_pearson(runs: Passes, level: Level) -> Interval {
    let (passed, failed) = (f64::from(runs.passed), f64::from(runs.failed));
    let tail = level.alpha() / 2.0;
    Interval {
        low: if runs.passed == 0 {
            0.0
        } else {
            beta_quantile(passed, failed + 1.0, tail)
        },
        // Seen from the other end, so that a rate close to 1 keeps its digits.
        high: if runs.failed == 0 {
            1.0
        } else {
            1.0 - beta_quantile(failed, passed + 1.0, tail)
        },
        level,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::golden;
    use super::*;

    const METHODS: [fn(Passes, Level) -> Interval; 2] = [wilson, clopper_pearson];

    #[test]
    fn the_intervals_agree_with_statsmodels() {
        for case in golden::cases("proportion_interval") {
            let runs = Passes {
                passed: golden::count(&case["passed"]),
                failed: golden::count(&case["failed"]),
            };
            let level = Level::new(case["level"].as_f64().unwrap()).unwrap();
            for (name, method) in ["wilson", "clopper_pearson"].into_iter().zip(METHODS) {
                let found = method(runs, level);
                golden::assert_near(found.low, &case[name][0], &format!("{name} low {case}"));
                golden::assert_near(found.high, &case[name][1], &format!("{name} high {case}"));
            }
        }
    }

    #[test]
    fn without_runs_every_rate_is_possible() {
        for method in METHODS {
            let found = method(Passes::default(), Level::PERCENT_95);
            assert_eq!((found.low, found.high), (0.0, 1.0));
            let most = method(
                Passes {
                    passed: u32::MAX,
                    failed: u32::MAX,
                },
                Level::PERCENT_95,
            );
            assert!(
                most.contains(0.5) && most.high - most.low < 1e-4,
                "{most:?}"
            );
        }
    }

    #[test]
    fn the_exact_interval_covers_every_rate_at_its_level() {
        let (n, level) = (12, Level::PERCENT_95);
        for rate in (1..100).map(|percent| f64::from(percent) / 100.0) {
            let covered: f64 = (0..=n)
                .filter(|&passed| {
                    let runs = Passes {
                        passed,
                        failed: n - passed,
                    };
                    clopper_pearson(runs, level).contains(rate)
                })
                .map(|passed| super::super::super::special::binomial(passed.into(), n.into(), rate))
                .sum();
            assert!(covered >= 0.95 - 1e-12, "{rate}: {covered}");
        }
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_estimate_and_mirrors_with_the_runs(
            passed in 0_u32..3_000, failed in 0_u32..3_000, level in 0.01..0.999,
        ) {
            let level = Level::new(level).unwrap();
            for method in METHODS {
                let found = method(Passes { passed, failed }, level);
                let rate = f64::from(passed) / f64::from((passed + failed).max(1));
                prop_assert!(0.0 <= found.low && found.high <= 1.0, "{found:?}");
                prop_assert!(found.low - 1e-12 <= rate && (rate <= found.high + 1e-12 || passed + failed == 0));
                let mirror = method(Passes { passed: failed, failed: passed }, level);
                prop_assert!((mirror.low - (1.0 - found.high)).abs() < 1e-9);
                let wider = method(Passes { passed, failed }, Level::new(0.9995).unwrap());
                prop_assert!(wider.low <= found.low + 1e-12 && found.high <= wider.high + 1e-12);
            }
        }
    }
}
