//! Bootstrap intervals of a mean: clusters are drawn again with replacement, and the means of the draws ranked.
//!
//! Sources: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), sections 13.3 (percentile) and
//! 14.3 (`BCa`, bias-corrected and accelerated, whose acceleration comes from leaving out one cluster at a time).

use super::super::error::{StatsError, all_moderate};
use super::super::interval::{Interval, Level};
use super::super::random::Random;
use super::super::special::{normal_above, normal_quantile_above, real};

/// How the ends of an interval are read from the ranked means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootstrapMethod {
    /// The plain quantiles.
    Percentile,
    /// Quantiles corrected for bias and skew; closer to the level where scores pile up at an end.
    Bca,
}

/// The means of many samples drawn from the clusters of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    mean: f64,
    /// Sorted.
    draws: Vec<f64>,
    /// The means with one cluster left out.
    without_one: Vec<f64>,
}

impl Bootstrap {
    /// Draws so many samples of as many clusters as there are, with the seed; clusters without values don't count.
    ///
    /// # Errors
    /// With fewer than two clusters, without draws, or where a value isn't a number from -1e100 to 1e100.
    pub fn new(groups: &[Vec<f64>], draws: usize, seed: u64) -> Result<Self, StatsError> {
        let mut sums = Vec::new();
        for group in groups.iter().filter(|group| !group.is_empty()) {
            all_moderate("a value", group)?;
            sums.push((group.iter().sum::<f64>(), real(group.len())));
        }
        if sums.len() < 2 {
            return Err(StatsError::TooFew {
                what: "clusters",
                found: sums.len(),
                least: 2,
            });
        }
        if draws == 0 {
            return Err(StatsError::TooFew {
                what: "draws",
                found: 0,
                least: 1,
            });
        }
        let add = |one: (f64, f64), other: &(f64, f64)| (one.0 + other.0, one.1 + other.1);
        let all = sums.iter().fold((0.0, 0.0), add);
        let without_one = sums
            .iter()
            .map(|one| (all.0 - one.0) / (all.1 - one.1))
            .collect();
        let mut random = Random::seeded(seed);
        let mut means: Vec<f64> = (0..draws)
            .map(|_| {
                let sample = (0..sums.len()).filter_map(|_| sums.get(random.below(sums.len())));
                let (sum, count) = sample.fold((0.0, 0.0), add);
                sum / count
            })
            .collect();
        means.sort_by(f64::total_cmp);
        Ok(Self {
            mean: all.0 / all.1,
            draws: means,
            without_one,
        })
    }

    /// Returns the interval of the mean.
    pub fn interval(&self, method: BootstrapMethod, level: Level) -> Interval {
        let tail = level.alpha() / 2.0;
        let (low, high) = match method {
            BootstrapMethod::Percentile => (tail, 1.0 - tail),
            BootstrapMethod::Bca => (self.corrected(tail), self.corrected(1.0 - tail)),
        };
        Interval {
            low: self.quantile(low),
            high: self.quantile(high),
            level,
        }
    }

    /// Returns which share of the draws stands for this share, by the formulas 14.9 to 14.15 of the source.
    fn corrected(&self, share: f64) -> f64 {
        let below = self.draws.partition_point(|mean| *mean < self.mean);
        let equal = self.draws.partition_point(|mean| *mean <= self.mean) - below;
        // Ties count half, as in scipy.
        let bias =
            -normal_quantile_above((real(below) + real(equal) / 2.0) / real(self.draws.len()));
        let centre = self.without_one.iter().sum::<f64>() / real(self.without_one.len());
        let gaps = self.without_one.iter().map(|mean| centre - mean);
        // Only the ratio counts: the largest gap is 1, so that nothing vanishes when it is multiplied.
        let unit = gaps
            .clone()
            .fold(f64::MIN_POSITIVE, |most: f64, gap| most.max(gap.abs()));
        let (mut squares, mut cubes) = (0.0_f64, 0.0);
        for gap in gaps.map(|gap| gap / unit) {
            squares += gap * gap;
            cubes += gap * gap * gap;
        }
        let skew = if squares > 0.0 {
            cubes / (6.0 * squares.powf(1.5))
        } else {
            0.0
        };
        let shifted = bias - normal_quantile_above(share);
        let corrected = bias + shifted / (1.0 - skew * shifted);
        1.0 - normal_above(corrected)
    }

    /// Returns the value below which the share of the draws lies, between two of them where it falls there.
    fn quantile(&self, share: f64) -> f64 {
        let last = self.draws.len() - 1;
        let place = share.clamp(0.0, 1.0) * real(last);
        let above = self
            .draws
            .iter()
            .enumerate()
            .find(|(at, _)| real(*at) >= place);
        let (at, high) = above.map_or((last, self.mean), |(at, mean)| (at, *mean));
        let low = at.checked_sub(1).and_then(|at| self.draws.get(at)).copied();
        match low {
            Some(low) => high - (high - low) * (real(at) - place),
            None => high,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::golden;

    #[test]
    fn the_intervals_agree_with_the_same_draws_in_python() {
        for case in golden::cases("bootstrap") {
            let groups = golden::groups(&case["groups"]);
            let seed = case["seed"].as_u64().unwrap();
            let draws = usize::try_from(case["draws"].as_u64().unwrap()).unwrap();
            let found = Bootstrap::new(&groups, draws, seed).unwrap();
            for (name, method) in [
                ("percentile", BootstrapMethod::Percentile),
                ("bca", BootstrapMethod::Bca),
            ] {
                let found = found.interval(method, Level::PERCENT_95);
                golden::assert_near(found.low, &case[name][0], name);
                golden::assert_near(found.high, &case[name][1], name);
            }
        }
    }

    #[test]
    fn bca_of_single_values_comes_close_to_scipy() {
        for case in golden::cases("bootstrap_scipy") {
            let groups: Vec<Vec<f64>> = golden::numbers(&case["values"])
                .into_iter()
                .map(|value| vec![value])
                .collect();
            let found = Bootstrap::new(&groups, 20_000, 11).unwrap();
            let found = found.interval(BootstrapMethod::Bca, Level::PERCENT_95);
            let near = |found: f64, at: usize| (found - case["bca"][at].as_f64().unwrap()).abs();
            assert!(
                near(found.low, 0) < 0.006 && near(found.high, 1) < 0.006,
                "{found:?} {case}"
            );
        }
    }

    #[test]
    fn extremes_have_an_answer() {
        assert!(Bootstrap::new(&[vec![1.0]], 10, 0).is_err());
        assert!(Bootstrap::new(&[vec![1.0], vec![2.0]], 0, 0).is_err());
        assert!(Bootstrap::new(&[vec![1.0], vec![f64::NAN]], 10, 0).is_err());
        for draws in [1, 2, 1000] {
            let equal = Bootstrap::new(&[vec![0.5; 3], vec![0.5]], draws, 0).unwrap();
            for method in [BootstrapMethod::Percentile, BootstrapMethod::Bca] {
                let found = equal.interval(method, Level::PERCENT_95);
                assert_eq!((found.low, found.high), (0.5, 0.5));
            }
            let two = Bootstrap::new(&[vec![0.0], vec![1.0]], draws, 0).unwrap();
            let found = two.interval(BootstrapMethod::Bca, Level::PERCENT_95);
            assert!(
                0.0 <= found.low && found.low <= found.high && found.high <= 1.0,
                "{found:?}"
            );
        }
    }
}
