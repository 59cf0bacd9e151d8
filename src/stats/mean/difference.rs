//! The interval of the difference of two means.
//!
//! Source: B. L. Welch, "The Generalization of Student's Problem When Several Different Population Variances Are
//! Involved", Biometrika 34 (1947), with the degrees of freedom of Satterthwaite (1946). What
//! `scipy.stats.ttest_ind(…, equal_var=False).confidence_interval()` returns.

use super::super::error::{StatsError, all_moderate};
use super::super::interval::{Interval, Level};
use super::super::special::{real, student_quantile_above};

/// Returns the interval of the candidate's mean less the base's; `None` where a side has fewer than two values, or where
/// no value of either differs from the others, since then nothing says how much they vary.
///
/// # Errors
/// Where a value isn't from -1e100 to 1e100.
pub fn welch(
    base: &[f64],
    candidate: &[f64],
    level: Level,
) -> Result<Option<Interval>, StatsError> {
    all_moderate("a value", base)?;
    all_moderate("a value", candidate)?;
    let (Some(before), Some(now)) = (Side::of(base), Side::of(candidate)) else {
        return Ok(None);
    };
    let variance = before.variance + now.variance;
    if variance <= 0.0 {
        return Ok(None);
    }
    let part = |side: &Side| (side.variance / variance).powi(2) / side.freedom;
    let freedom = 1.0 / (part(&before) + part(&now));
    let half = student_quantile_above(level.alpha() / 2.0, freedom) * variance.sqrt();
    let delta = now.mean - before.mean;
    Ok(Some(Interval {
        low: delta - half,
        high: delta + half,
        level,
    }))
}

/// One side of the difference.
struct Side {
    mean: f64,
    /// The variance of the mean.
    variance: f64,
    freedom: f64,
}

impl Side {
    fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let count = real(values.len());
        let mean = values.iter().map(|value| value / count).sum::<f64>();
        let squares = values
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>();
        Some(Self {
            mean,
            variance: squares / (count - 1.0) / count,
            freedom: count - 1.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::golden;

    #[test]
    fn the_interval_agrees_with_scipy() {
        for case in golden::cases("welch") {
            let level = Level::new(case["level"].as_f64().unwrap()).unwrap();
            let (base, candidate) = (&case["base"], &case["candidate"]);
            let found = welch(&golden::numbers(base), &golden::numbers(candidate), level);
            let found = found.unwrap().unwrap();
            golden::assert_near(found.low, &case["interval"][0], &format!("low {case}"));
            golden::assert_near(found.high, &case["interval"][1], &format!("high {case}"));
        }
    }

    #[test]
    fn what_does_not_vary_has_no_interval() {
        let level = Level::PERCENT_95;
        for (base, candidate) in [
            (&[][..], &[0.1, 0.2][..]),
            (&[0.5], &[0.1, 0.2]),
            (&[0.5, 0.5], &[0.1, 0.1]),
        ] {
            assert_eq!(welch(base, candidate, level), Ok(None));
        }
        assert!(welch(&[0.5, 0.5], &[0.1, 0.2], level).unwrap().is_some());
        assert!(welch(&[0.5, f64::NAN], &[0.1, 0.2], level).is_err());
    }
}
