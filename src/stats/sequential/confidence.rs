//! An interval of a mean that holds after every value at once.
//!
//! Source: I. Waudby-Smith and A. Ramdas, "Estimating Means of Bounded Random Variables by Betting", JRSS B 86 (2024),
//! section 4.2: all means against which the capital never reached `2 / alpha` on either side.

use super::super::error::StatsError;
use super::super::interval::{Interval, Level};
use super::super::special::real;
use super::mean::{BETS, Bounds, Side, payoff, stakes};

/// The interval of a mean of bounded values, which only ever becomes narrower.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfidenceSequence {
    bounds: Bounds,
    level: Level,
    places: Vec<f64>,
    low: f64,
    high: f64,
}

impl ConfidenceSequence {
    /// Returns the sequence before the first value: anything in the bounds.
    pub fn new(bounds: Bounds, level: Level) -> Self {
        Self {
            bounds,
            level,
            places: Vec::new(),
            low: 0.0,
            high: 1.0,
        }
    }

    /// Takes one value into account and returns the interval.
    ///
    /// # Errors
    /// Where the value isn't in the bounds; the interval is as before.
    pub fn observe(&mut self, value: f64) -> Result<Interval, StatsError> {
        self.places.push(self.bounds.place(value)?);
        let mean = self.places.iter().sum::<f64>() / real(self.places.len());
        let low = self.end(self.low, mean, Side::Above);
        let high = self.end(self.high, mean, Side::Below);
        // An empty interval disproves the assumptions; what was known before is kept.
        if low <= high {
            (self.low, self.high) = (low, high);
        }
        Ok(self.interval())
    }

    /// Returns the interval so far.
    pub fn interval(&self) -> Interval {
        let (low, high) = (self.bounds.value(self.low), self.bounds.value(self.high));
        Interval {
            low,
            high,
            level: self.level,
        }
    }

    /// Returns the outermost mean that isn't rejected, from the end so far inwards; the mean of the values never is.
    fn end(&self, so_far: f64, mean: f64, side: Side) -> f64 {
        let mut outer = so_far.clamp(OPEN, 1.0 - OPEN);
        if !self.is_rejected(outer, side) {
            return so_far;
        }
        let mut inner = mean;
        for _ in 0..50 {
            let middle = f64::midpoint(outer, inner);
            if self.is_rejected(middle, side) {
                outer = middle;
            } else {
                inner = middle;
            }
        }
        outer
    }

    /// Returns whether so much was won by betting that the mean is on this side that it must be.
    fn is_rejected(&self, null: f64, side: Side) -> bool {
        let capital = |stake: f64| {
            let factors = self
                .places
                .iter()
                .map(|place| 1.0 + stake * payoff(*place, null, side));
            factors.fold(1.0, |capital: f64, factor| (capital * factor).min(1e300))
        };
        stakes().map(capital).sum::<f64>() / real(BETS) >= 2.0 / self.level.alpha()
    }
}

/// How far from the bounds a mean is still asked for.
const OPEN: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Random, golden};

    #[test]
    fn the_interval_agrees_with_root_finding_in_python() {
        for case in golden::cases("confidence_sequence") {
            let mut sequence = ConfidenceSequence::new(Bounds::SCORE, Level::PERCENT_95);
            let ends = case["intervals"].as_array().unwrap();
            for (value, ends) in golden::numbers(&case["values"]).into_iter().zip(ends) {
                let found = sequence.observe(value).unwrap();
                golden::assert_near(found.low, &ends[0], &format!("low {case}"));
                golden::assert_near(found.high, &ends[1], &format!("high {case}"));
            }
        }
    }

    #[test]
    fn the_true_mean_is_inside_at_all_times_in_19_of_20_runs() {
        let (mut random, mut missed) = (Random::seeded(5), 0);
        for _ in 0..50 {
            let mut sequence = ConfidenceSequence::new(Bounds::SCORE, Level::PERCENT_95);
            let mut is_missed = false;
            for _ in 0..30 {
                let value = f64::from(u8::from(random.share() < 0.8));
                is_missed |= !sequence.observe(value).unwrap().contains(0.8);
            }
            missed += u32::from(is_missed);
        }
        assert!(missed <= 5, "{missed} of 50");
    }

    #[test]
    fn the_interval_shrinks_around_the_mean() {
        let mut sequence = ConfidenceSequence::new(Bounds::DIFFERENCE, Level::PERCENT_95);
        assert!(sequence.observe(f64::NAN).is_err() && sequence.observe(1.5).is_err());
        assert_eq!(
            (sequence.interval().low, sequence.interval().high),
            (-1.0, 1.0)
        );
        let mut width = 2.0;
        for at in 0..120 {
            let found = sequence
                .observe(if at % 2 == 0 { 0.1 } else { -0.3 })
                .unwrap();
            assert!(
                found.high - found.low <= width && found.contains(-0.1),
                "{found:?}"
            );
            width = found.high - found.low;
        }
        assert!(width < 0.35, "{width}");
    }
}
