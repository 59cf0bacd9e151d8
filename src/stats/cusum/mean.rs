//! The chart of scores.

use super::super::error::{StatsError, all_moderate, within};
use super::super::special::{normal_above, normal_quantile_above, student_above};
use super::Climb;

/// How far the latest scores lie beside all before them, in standard deviations: a chart that starts by itself.
///
/// Each score is compared with those before it by Student's t, and what comes out is turned into a normal variable: without a
/// change these are independent, however few scores there are yet. The chart adds up what lies more than `slack` below,
/// and what lies more than `slack` above. One score alone counts for at most [`MOST`](Self::MOST), so that a single bad run is
/// no shift. Until one side reaches the limit `h` it takes about `(exp(2kb) - 2kb - 1) / (2k^2)` scores with `k` the slack and `b = h + 1.166`.
/// Sources: D. M. Hawkins, "Self-Starting Cusum Charts for Location and Scale", The Statistician 36 (1987); D. Siegmund,
/// "Sequential Analysis" (1985), section 2.6; for the limit of one score D. M. Hawkins and D. H. Olwell, "Cumulative Sum Charts"
/// (1998), section 3.6.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanCusum {
    slack: f64,
    /// The standard deviation is taken to be no less.
    least: f64,
    count: f64,
    mean: f64,
    /// The sum of the squared distances from the mean.
    squares: f64,
    down: Climb,
    up: Climb,
}

impl MeanCusum {
    /// How many standard deviations a single score counts for at most.
    pub const MOST: f64 = 4.0;

    /// Returns the chart before the first score. Scores that differ by chance are taken to do so with a standard deviation of
    /// `least` or more: where all were equal so far, a hair's breadth is no news.
    ///
    /// # Errors
    /// Where the slack isn't between 0 and [`MOST`](Self::MOST), or the least deviation or the limit isn't above 0.
    pub fn new(slack: f64, least: f64, limit: f64) -> Result<Self, StatsError> {
        Ok(Self {
            slack: within("the slack", slack, 0.0, Self::MOST)?,
            least: within("the least deviation", least, 0.0, 1e100)?,
            count: 0.0,
            mean: 0.0,
            squares: 0.0,
            down: Climb::new(limit)?,
            up: Climb::new(limit)?,
        })
    }

    /// Takes one score into account; the first two only say what is usual.
    ///
    /// # Errors
    /// Where it isn't from -1e100 to 1e100; the chart is as before.
    pub fn observe(&mut self, score: f64) -> Result<(), StatsError> {
        all_moderate("a score", &[score])?;
        let n = self.count + 1.0;
        let beside = score - self.mean;
        if self.count >= 2.0 {
            let deviation = (self.squares / (self.count - 1.0)).sqrt().max(self.least);
            let t = (self.count / n).sqrt() * beside / deviation;
            let tail = student_above(t.abs(), self.count - 1.0).max(normal_above(Self::MOST));
            let z = normal_quantile_above(tail.min(0.5)).min(Self::MOST) * t.signum();
            self.down.add(-z - self.slack);
            self.up.add(z - self.slack);
        }
        // Welford's update.
        self.mean += beside / n;
        self.squares += beside * (score - self.mean);
        self.count = n;
        Ok(())
    }

    /// Returns the sum of what lies below.
    pub fn down(&self) -> Climb {
        self.down
    }

    /// Returns the sum of what lies above.
    pub fn up(&self) -> Climb {
        self.up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Random, golden};

    #[test]
    fn the_sums_agree_with_scipy() {
        for case in golden::cases("cusum_mean") {
            let number = |name: &str| case[name].as_f64().unwrap();
            let mut chart = MeanCusum::new(number("slack"), number("least"), 1e9).unwrap();
            let sums = golden::numbers(&case["down"])
                .into_iter()
                .zip(golden::numbers(&case["up"]));
            for (score, (down, up)) in golden::numbers(&case["values"]).into_iter().zip(sums) {
                chart.observe(score).unwrap();
                // A quantile of a quantile loses some digits.
                assert!((chart.down().sum - down).abs() < 1e-8, "{down}");
                assert!((chart.up().sum - up).abs() < 1e-8, "{up}");
            }
        }
    }

    #[test]
    fn without_a_shift_an_alarm_takes_about_as_long_as_the_formula_says() {
        let mut chance = Random::seeded(11);
        let (slack, height, sequences) = (0.5_f64, 3.0_f64, 400_u32);
        let mut total = 0.0;
        for _sequence in 0..sequences {
            let mut chart = MeanCusum::new(slack, 1e-6, height).unwrap();
            while !chart.down().is_high {
                chart.observe(chance.normal()).unwrap();
                total += 1.0;
            }
        }
        let b = 2.0 * slack * (height + 1.166);
        let expected = (b.exp() - b - 1.0) / (2.0 * slack * slack);
        let found = total / f64::from(sequences);
        assert!(
            (found / expected - 1.0).abs() < 0.2,
            "{found}, not {expected}"
        );
    }

    #[test]
    fn a_shift_is_found_where_it_began_and_one_bad_run_is_none() {
        let mut chart = MeanCusum::new(0.5, 0.02, 5.0).unwrap();
        for nth in 0..20 {
            chart
                .observe(if nth % 2 == 0 { 0.9 } else { 0.86 })
                .unwrap();
        }
        let calm = chart;
        chart.observe(0.0).unwrap();
        assert!(!chart.down().is_high, "{:?}", chart.down());
        let mut chart = calm;
        for _run in 0..6 {
            chart.observe(0.82).unwrap();
        }
        let found = chart.down();
        assert!(
            found.is_high && (6..=7).contains(&found.length),
            "{found:?}"
        );
        assert!(chart.up().sum.abs() < 1e-12);
    }

    #[test]
    fn equal_scores_are_calm_and_what_is_no_number_is_refused() {
        let mut chart = MeanCusum::new(0.5, 0.05, 5.0).unwrap();
        for _run in 0..50 {
            chart.observe(1.0).unwrap();
        }
        assert!(chart.down().sum.abs() < 1e-12 && chart.up().sum.abs() < 1e-12);
        let before = chart;
        assert!(chart.observe(f64::NAN).is_err());
        assert_eq!(chart, before);
        for (slack, least, limit) in [(0.0, 0.1, 5.0), (0.5, 0.0, 5.0), (0.5, 0.1, 0.0)] {
            assert!(MeanCusum::new(slack, least, limit).is_err());
        }
    }
}
