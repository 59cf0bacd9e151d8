//! Intervals of a pass rate, from Wilson and from Clopper and Pearson; of runs in clusters too.

use super::super::interval::{Interval, Level};
use super::super::special::{beta_quantile, normal_quantile_above, real, student_quantile_above};
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
    let found = of_share(f64::from(runs.passed) / n, n, level);
    Interval {
        low: if runs.passed == 0 { 0.0 } else { found.low },
        high: if runs.failed == 0 { 1.0 } else { found.high },
        level,
    }
}

/// Returns Wilson's interval of the pass rate of runs that come in clusters; from 0 to 1 of one cluster or none.
///
/// Runs of one cluster are alike, so that they tell as much as fewer runs of their own would: the effective number of
/// runs takes the place of their number, less for the few clusters that it is known from. Where all runs agree,
/// there are as many as clusters. Sources: E. L. Korn and B. I. Graubard, "Confidence Intervals for Proportions with Small
/// Expected Number of Positive Counts Estimated from Survey Data", Survey Methodology 24 (1998); N. Dean and M. Pagano,
/// "Evaluating Confidence Interval Methods for Binomial Proportions in Clustered Surveys", JSSAM 3 (2015).
pub fn wilson_clustered(clusters: &[Passes], level: Level) -> Interval {
    let clusters: Vec<Passes> = clusters
        .iter()
        .copied()
        .filter(|runs| runs.total() > 0)
        .collect();
    if clusters.len() < 2 {
        return wilson(Passes::default(), level);
    }
    let count = |of: fn(&Passes) -> u32| clusters.iter().map(|runs| f64::from(of(runs))).sum();
    let passed: f64 = count(|runs| runs.passed);
    let n: f64 = passed + count(|runs| runs.failed);
    let (rate, freedom) = (passed / n, real(clusters.len()) - 1.0);
    let between = |runs: &Passes| (f64::from(runs.passed) - rate * f64::from(runs.total())).powi(2);
    let between: f64 = clusters.iter().map(between).sum();
    let is_split = passed > 0.0 && passed < n;
    let effective = if is_split && between > 1e-12 {
        // The variance of as many runs of their own over that of the clusters.
        (n * n * rate * (1.0 - rate) / between).min(n)
    } else if is_split {
        n
    } else {
        real(clusters.len())
    };
    let tail = level.alpha() / 2.0;
    let few = student_quantile_above(tail, n - 1.0) / student_quantile_above(tail, freedom);
    let found = of_share(rate, (effective * few * few).max(1.0), level);
    Interval {
        low: if passed > 0.0 { found.low } else { 0.0 },
        high: if passed < n { found.high } else { 1.0 },
        level,
    }
}

/// Returns Wilson's interval of a rate seen in so many runs.
fn of_share(rate: f64, n: f64, level: Level) -> Interval {
    let z = normal_quantile_above(level.alpha() / 2.0);
    let pull = z * z / n;
    let centre = (rate + pull / 2.0) / (1.0 + pull);
    let half = z / (1.0 + pull) * (rate * (1.0 - rate) / n + pull / (4.0 * n)).sqrt();
    Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
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
    fn the_interval_of_clusters_agrees_with_statsmodels_given_the_effective_number() {
        for case in golden::cases("wilson_clustered") {
            let clusters: Vec<Passes> = golden::groups(&case["clusters"])
                .iter()
                .map(|runs| {
                    let passed = runs.iter().filter(|score| **score > 0.5).count();
                    Passes {
                        passed: u32::try_from(passed).unwrap(),
                        failed: u32::try_from(runs.len() - passed).unwrap(),
                    }
                })
                .collect();
            let found = wilson_clustered(&clusters, Level::PERCENT_95);
            golden::assert_near(found.low, &case["interval"][0], "low");
            golden::assert_near(found.high, &case["interval"][1], "high");
        }
    }

    #[test]
    fn runs_of_their_own_are_clusters_of_one_and_copies_tell_nothing_new() {
        let level = Level::PERCENT_95;
        let run = |passed: bool, count: u32| Passes {
            passed: u32::from(passed) * count,
            failed: u32::from(!passed) * count,
        };
        let single: Vec<Passes> = (0..20).map(|at| run(at % 4 != 0, 1)).collect();
        let plain = wilson(
            Passes {
                passed: 15,
                failed: 5,
            },
            level,
        );
        let found = wilson_clustered(&single, level);
        assert!((found.low - plain.low).abs() < 1e-9 && (found.high - plain.high).abs() < 1e-9);
        let copied: Vec<Passes> = (0..20).map(|at| run(at % 4 != 0, 9)).collect();
        let copied = wilson_clustered(&copied, level);
        // Not narrower than of one run each, and wider for the clusters being few.
        assert!(
            copied.low <= found.low && copied.high >= found.high,
            "{copied:?}"
        );
        let agreed = wilson_clustered(&[run(true, 30), run(true, 30), run(true, 30)], level);
        assert!(agreed.high > 0.999 && agreed.low < 0.5, "{agreed:?}");
        for few in [&[][..], &[run(true, 9)], &[run(true, 9), run(true, 0)]] {
            let found = wilson_clustered(few, level);
            assert_eq!((found.low, found.high), (0.0, 1.0));
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
