//! A judge's pass rate, corrected for how often the judge errs.
//!
//! Sources: W. J. Rogan and B. Gladen, "Estimating Prevalence from the Results of a Screening Test", American Journal of
//! Epidemiology 107 (1978); the interval: Z. Lang and J. Reiczigel, "Confidence Limits for Prevalence of Disease Adjusted for
//! Estimated Sensitivity and Specificity", Preventive Veterinary Medicine 113 (2014), which keeps its level also with few labels.

use super::super::error::StatsError;
use super::super::interval::{Interval, Level};
use super::super::proportion::Passes;
use super::super::special::normal_quantile_above;

/// A pass rate as people would have judged it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgedRate {
    /// The corrected rate, from 0 to 1.
    pub rate: f64,
    /// Its interval, which knows that the judge's errors are known from labels alone.
    pub interval: Interval,
}

/// Returns the corrected pass rate: `judged` are the judge's verdicts, `good` its verdicts on what people passed, and
/// `bad` its verdicts on what people failed.
///
/// # Errors
/// Where one of the three is empty, or the judge passes good items no more often than bad ones.
pub fn rogan_gladen(
    judged: Passes,
    good: Passes,
    bad: Passes,
    level: Level,
) -> Result<JudgedRate, StatsError> {
    for (what, runs) in [
        ("verdicts", judged),
        ("good labels", good),
        ("bad labels", bad),
    ] {
        if runs.total() == 0 {
            return Err(StatsError::TooFew {
                what,
                found: 0,
                least: 1,
            });
        }
    }
    let z = normal_quantile_above(level.alpha() / 2.0);
    let rate = Shares::of([judged, good, bad], [0.0, 0.0]).corrected()?;
    // The interval is that of slightly smoothed shares.
    let shares = Shares::of([judged, good, bad], [z * z, 2.0]);
    let centre = shares.corrected()?.clamp(0.0, 1.0);
    let [judged, good, bad] = shares.variances();
    let gain = shares.good + shares.true_negative() - 1.0;
    let shift = 2.0 * z * z * (centre * good - (1.0 - centre) * bad);
    let error = (judged + centre.powi(2) * good + (1.0 - centre).powi(2) * bad).sqrt() / gain;
    Ok(JudgedRate {
        rate: rate.clamp(0.0, 1.0),
        interval: Interval {
            low: (centre + shift - z * error).clamp(0.0, 1.0),
            high: (centre + shift + z * error).clamp(0.0, 1.0),
            level,
        },
    })
}

/// The shares that the judge passed, and of how many.
struct Shares {
    judged: f64,
    good: f64,
    bad: f64,
    counts: [f64; 3],
}

impl Shares {
    /// Adds so many items, half of them passed, to the verdicts and to each kind of labels.
    fn of([judged, good, bad]: [Passes; 3], [verdicts, labels]: [f64; 2]) -> Self {
        let count = |runs: Passes, more: f64| f64::from(runs.total()) + more;
        let share =
            |runs: Passes, more: f64| (f64::from(runs.passed) + more / 2.0) / count(runs, more);
        Self {
            judged: share(judged, verdicts),
            good: share(good, labels),
            bad: share(bad, labels),
            counts: [
                count(judged, verdicts),
                count(good, labels),
                count(bad, labels),
            ],
        }
    }

    fn true_negative(&self) -> f64 {
        1.0 - self.bad
    }

    /// Returns the rate at which the judge would pass as many.
    fn corrected(&self) -> Result<f64, StatsError> {
        let gain = self.good - self.bad;
        if gain <= 1e-9 {
            let why = "the judge passes good items no more often than bad ones";
            return Err(StatsError::Undefined {
                what: "corrected pass rate",
                why,
            });
        }
        Ok((self.judged - self.bad) / gain)
    }

    fn variances(&self) -> [f64; 3] {
        let [judged, good, bad] = self.counts;
        [(self.judged, judged), (self.good, good), (self.bad, bad)]
            .map(|(share, count)| share * (1.0 - share) / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Random;

    fn runs(passed: u32, failed: u32) -> Passes {
        Passes { passed, failed }
    }

    #[test]
    fn the_correction_undoes_the_errors_of_the_judge() {
        // Of 100 items 70 are good; the judge passes 0.9 of the good and 0.2 of the bad: 63 + 6.
        let found =
            rogan_gladen(runs(69, 31), runs(90, 10), runs(20, 80), Level::PERCENT_95).unwrap();
        assert!(
            (found.rate - 0.7).abs() < 1e-12 && found.interval.contains(0.7),
            "{found:?}"
        );
        let perfect = rogan_gladen(
            runs(69, 31),
            runs(9999, 0),
            runs(0, 9999),
            Level::PERCENT_95,
        );
        assert!((perfect.unwrap().rate - 0.69).abs() < 1e-12);
    }

    #[test]
    fn a_judge_that_knows_nothing_corrects_nothing() {
        let level = Level::PERCENT_95;
        assert!(rogan_gladen(runs(5, 5), runs(5, 5), runs(5, 5), level).is_err());
        assert!(rogan_gladen(runs(5, 5), runs(1, 9), runs(9, 1), level).is_err());
        assert!(rogan_gladen(runs(0, 0), runs(9, 1), runs(1, 9), level).is_err());
        assert!(rogan_gladen(runs(1, 0), runs(0, 0), runs(1, 9), level).is_err());
        let clipped = rogan_gladen(runs(0, 10), runs(9, 1), runs(3, 7), level).unwrap();
        assert!(clipped.rate == 0.0 && clipped.interval.low == 0.0 && clipped.interval.high < 1.0);
    }

    #[test]
    fn the_interval_holds_the_true_rate_in_19_of_20_cases() {
        let mut random = Random::seeded(8);
        let mut draw = |count: u32, rate: f64| {
            let passed = (0..count).filter(|_| random.share() < rate).count();
            let passed = u32::try_from(passed).unwrap();
            runs(passed, count - passed)
        };
        let held = (0..1000)
            .filter(|_| {
                let verdicts = draw(120, 0.8 * 0.9 + 0.2 * 0.15);
                let (good, bad) = (draw(40, 0.9), draw(40, 0.15));
                let found = rogan_gladen(verdicts, good, bad, Level::PERCENT_95).unwrap();
                found.interval.contains(0.8)
            })
            .count();
        assert!((935..=985).contains(&held), "{held}");
    }
}
