//! The chart of runs that pass or fail.

use super::super::error::{StatsError, within};
use super::super::proportion::Passes;
use super::Climb;

/// How much better a shifted pass rate explains the latest runs than the usual one: the sum of log-likelihood ratios.
///
/// The more samples a run has, the more it counts. While the rate is the usual one or on its far side, it takes at least `exp(h)`
/// runs on average until the sum reaches the limit `h`. Sources: G. Lorden, "Procedures for Reacting to a Change in Distribution", Annals of
/// Mathematical Statistics 42 (1971); M. R. Reynolds and Z. G. Stoumbos, "A CUSUM Chart for Monitoring a Proportion When
/// Inspecting Continuously", Journal of Quality Technology 31 (1999).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareCusum {
    /// What each passed sample adds.
    passed: f64,
    /// What each failed sample adds.
    failed: f64,
    climb: Climb,
}

impl ShareCusum {
    /// Returns the chart before the first run, which looks for a pass rate that has moved from `usual` to `shifted`.
    ///
    /// # Errors
    /// Where one of the rates isn't between 0 and 1, or the limit isn't above 0.
    pub fn new(usual: f64, shifted: f64, limit: f64) -> Result<Self, StatsError> {
        let usual = within("the usual pass rate", usual, 0.0, 1.0)?;
        let shifted = within("the shifted pass rate", shifted, 0.0, 1.0)?;
        Ok(Self {
            passed: (shifted / usual).ln(),
            failed: ((1.0 - shifted) / (1.0 - usual)).ln(),
            climb: Climb::new(limit)?,
        })
    }

    /// Takes one run into account.
    pub fn observe(&mut self, run: Passes) {
        let passed = f64::from(run.passed) * self.passed;
        self.climb.add(passed + f64::from(run.failed) * self.failed);
    }

    /// Returns the sum so far.
    pub fn climb(&self) -> Climb {
        self.climb
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Random, golden};

    fn run(passed: u32, failed: u32) -> Passes {
        Passes { passed, failed }
    }

    #[test]
    fn the_sums_agree_with_likelihoods_of_scipy() {
        for case in golden::cases("cusum_share") {
            let rate = |name: &str| case[name].as_f64().unwrap();
            let mut chart = ShareCusum::new(rate("usual"), rate("shifted"), 1e9).unwrap();
            let sums = golden::numbers(&case["sums"]);
            let lengths = golden::numbers(&case["lengths"]);
            let runs = case["runs"].as_array().unwrap();
            for ((of_run, sum), length) in runs.iter().zip(sums).zip(lengths) {
                chart.observe(run(golden::count(&of_run[0]), golden::count(&of_run[1])));
                golden::assert_near(chart.climb().sum, &sum.into(), "sum");
                assert!((f64::from(chart.climb().length) - length).abs() < 0.5);
            }
        }
    }

    #[test]
    fn without_a_shift_an_alarm_takes_at_least_as_long_as_promised() {
        let mut chance = Random::seeded(7);
        let (height, sequences) = (50.0_f64.ln(), 300_u32);
        let mut total = 0_u32;
        for _sequence in 0..sequences {
            let mut chart = ShareCusum::new(0.9, 0.75, height).unwrap();
            while !chart.climb().is_high {
                let failed = (0..4).filter(|_sample| chance.below(10) == 0).count();
                let failed = u32::try_from(failed).unwrap();
                chart.observe(run(4 - failed, failed));
                total += 1;
            }
        }
        assert!(total > 50 * sequences, "{total}");
    }

    #[test]
    fn an_alarm_stays_until_the_sum_has_fallen_to_half() {
        let mut chart = ShareCusum::new(0.9, 0.6, 5.0).unwrap();
        for _run in 0..20 {
            chart.observe(run(0, 5));
        }
        let found = chart.climb();
        assert!(
            found.is_high && (found.sum - 5.0).abs() < 1e-12,
            "{found:?}"
        );
        chart.observe(run(5, 0));
        assert!(chart.climb().is_high, "{:?}", chart.climb());
        chart.observe(run(5, 0));
        assert!(!chart.climb().is_high, "{:?}", chart.climb());
    }

    #[test]
    fn a_run_without_samples_adds_nothing_and_rates_must_be_between() {
        let mut chart = ShareCusum::new(0.9, 0.7, 9.0).unwrap();
        chart.observe(run(0, 2));
        let before = chart.climb().sum;
        chart.observe(run(0, 0));
        assert!((chart.climb().sum - before).abs() < 1e-12 && before > 1.0);
        for (usual, shifted, limit) in [
            (1.0, 0.5, 9.0),
            (0.5, 0.0, 9.0),
            (f64::NAN, 0.5, 9.0),
            (0.9, 0.5, 0.0),
        ] {
            assert!(ShareCusum::new(usual, shifted, limit).is_err());
        }
    }
}
