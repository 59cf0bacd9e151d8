//! The mean of scores that come in clusters, and its standard error.
//!
//! Forks of one session are alike, so that each says less than a fork of its own session would. Sources: E. Miller,
//! "Adding Error Bars to Evals" (2024), section 2.2 and appendix A (`CR0`); with few clusters the error is
//! too small, and the factor G / (G - 1) mends it (`CR1`), as `inspect_ai` does. The interval uses Student's t with G - 1
//! degrees of freedom.

use super::super::error::{StatsError, all_finite, all_moderate};
use super::super::interval::{Interval, Level};
use super::super::special::{real, student_quantile_above};

/// The mean of clustered scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusteredMean {
    /// The mean of all scores.
    pub mean: f64,
    /// Its standard error with the correction for few clusters; infinite with one cluster.
    pub standard_error: f64,
    /// Its standard error without that correction (`CR0`), as the paper has it.
    pub uncorrected_error: f64,
    /// How many independent scores would tell as much: from 1 to the number of scores.
    pub effective_count: f64,
    /// The number of all scores.
    pub count: usize,
    /// The number of clusters.
    pub clusters: usize,
}

impl ClusteredMean {
    /// Returns the mean of clusters of scores; clusters without scores don't count.
    ///
    /// # Errors
    /// Without a score, or where one isn't a number from -1e100 to 1e100.
    pub fn new(groups: &[Vec<f64>]) -> Result<Self, StatsError> {
        let count: usize = groups.iter().map(Vec::len).sum();
        if count == 0 {
            return Err(StatsError::TooFew {
                what: "scores",
                found: 0,
                least: 1,
            });
        }
        for group in groups {
            all_moderate("a score", group)?;
        }
        let clusters = groups.iter().filter(|group| !group.is_empty()).count();
        let mean = groups
            .iter()
            .flatten()
            .map(|score| score / real(count))
            .sum::<f64>();
        let spread = |group: &Vec<f64>| group.iter().map(|score| score - mean).sum::<f64>().powi(2);
        let between: f64 = groups.iter().map(spread).sum();
        let within: f64 = groups
            .iter()
            .flatten()
            .map(|score| (score - mean).powi(2))
            .sum();
        let uncorrected_error = between.sqrt() / real(count);
        let correction = real(clusters) / (real(clusters) - 1.0);
        // What independent scores of the same spread would have had between their clusters of one.
        let effective_count = if between > 0.0 {
            (real(count) * within / between).clamp(1.0, real(count))
        } else {
            real(clusters)
        };
        Ok(Self {
            mean,
            standard_error: if clusters < 2 {
                f64::INFINITY
            } else {
                uncorrected_error * correction.sqrt()
            },
            uncorrected_error,
            effective_count,
            count,
            clusters,
        })
    }

    /// Returns the interval of the mean; without ends where there is one cluster.
    pub fn interval(self, level: Level) -> Interval {
        if self.clusters < 2 {
            return Interval {
                low: f64::NEG_INFINITY,
                high: f64::INFINITY,
                level,
            };
        }
        let t = student_quantile_above(level.alpha() / 2.0, real(self.clusters) - 1.0);
        let half = t * self.standard_error;
        Interval {
            low: self.mean - half,
            high: self.mean + half,
            level,
        }
    }
}

/// Returns the sum of each cluster that has a value, in order: what [`super::sign_flip()`] flips.
///
/// # Errors
/// Where a value is infinite or not a number.
pub fn cluster_sums(groups: &[Vec<f64>]) -> Result<Vec<f64>, StatsError> {
    let mut sums = Vec::new();
    for group in groups.iter().filter(|group| !group.is_empty()) {
        all_finite("a value", group)?;
        sums.push(group.iter().sum());
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::golden;

    #[test]
    fn the_errors_agree_with_inspect_and_statsmodels() {
        for case in golden::cases("clustered") {
            let found = ClusteredMean::new(&golden::groups(&case["groups"])).unwrap();
            golden::assert_near(found.mean, &case["mean"], "mean");
            golden::assert_near(found.standard_error, &case["inspect_stderr"], "corrected");
            golden::assert_near(found.uncorrected_error, &case["cr0"], "uncorrected");
            let interval = found.interval(Level::PERCENT_95);
            golden::assert_near(interval.low, &case["inspect_ci"][0], "low");
            golden::assert_near(interval.high, &case["inspect_ci"][1], "high");
        }
    }

    #[test]
    fn copies_in_a_cluster_tell_nothing_new() {
        let once = vec![vec![0.1], vec![0.5], vec![0.9], vec![0.6]];
        let copied: Vec<Vec<f64>> = once.iter().map(|group| group.repeat(5)).collect();
        let (once, copied) = (
            ClusteredMean::new(&once).unwrap(),
            ClusteredMean::new(&copied).unwrap(),
        );
        assert!((once.standard_error - copied.standard_error).abs() < 1e-12);
        assert!((copied.effective_count - 4.0).abs() < 1e-9 && copied.count == 20);
        assert!((once.effective_count - 4.0).abs() < 1e-9);
    }

    #[test]
    fn extremes_have_an_answer() {
        assert!(ClusteredMean::new(&[]).is_err() && ClusteredMean::new(&[vec![]]).is_err());
        for wrong in [f64::NAN, f64::INFINITY, f64::MAX] {
            assert!(ClusteredMean::new(&[vec![wrong]]).is_err());
        }
        let large = ClusteredMean::new(&[vec![1e100; 3], vec![-1e100]]).unwrap();
        assert!(large.standard_error.is_finite() && large.effective_count.is_finite());
        let one = ClusteredMean::new(&[vec![0.2, 0.4], vec![]]).unwrap();
        assert_eq!((one.clusters, one.standard_error), (1, f64::INFINITY));
        assert!(one.interval(Level::PERCENT_95).contains(1e300));
        let equal = ClusteredMean::new(&[vec![1.0; 3], vec![1.0]]).unwrap();
        assert_eq!((equal.standard_error, equal.effective_count), (0.0, 2.0));
    }

    proptest! {
        #[test]
        fn numbers_stay_in_range(
            groups in prop::collection::vec(prop::collection::vec(0.0..=1.0_f64, 0..6), 1..8),
        ) {
            if let Ok(found) = ClusteredMean::new(&groups) {
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&found.mean));
                prop_assert!(found.standard_error >= 0.0);
                prop_assert!((1.0..=real(found.count)).contains(&found.effective_count));
            }
        }
    }
}
