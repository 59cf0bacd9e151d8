//! What another threshold would make of the same scores, and what a judge's pass rate says of people's.

use serde::Serialize;

use super::{Confusion, Estimate, Figures, ScoreCount, table_at};
use crate::stats::agreement::rogan_gladen;
use crate::stats::{Level, Passes};

/// What one threshold makes of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Threshold {
    /// The score that passes.
    pub threshold: f64,
    /// Of what people pass, the share that the judge passes; `None` where there is no such item.
    pub true_positive_rate: Option<f64>,
    /// Of what people fail, the share that the judge fails; `None` where there is no such item.
    pub true_negative_rate: Option<f64>,
    /// Cohen's kappa; `None` where the labels can't tell it.
    pub kappa: Option<f64>,
}

impl Threshold {
    /// Returns what a threshold makes of the scores.
    pub fn new(counts: &[ScoreCount], threshold: f64) -> Self {
        let table = table_at(counts, threshold);
        Self {
            threshold,
            true_positive_rate: share(table.true_pass, table.false_fail),
            true_negative_rate: share(table.true_fail, table.false_pass),
            kappa: Figures::kappa_of(table),
        }
    }

    /// Returns Youden's J, from -1 to 1: how much more often the judge passes good items than bad ones. Source: W. J.
    /// Youden, "Index for Rating Diagnostic Tests", Cancer 3 (1950).
    pub fn youden(self) -> Option<f64> {
        Some(self.true_positive_rate? + self.true_negative_rate? - 1.0)
    }
}

/// Returns what each score that the judge gave would do as a threshold, the lowest first. Any other threshold does what the
/// next higher one of these does.
pub fn sweep(counts: &[ScoreCount]) -> Vec<Threshold> {
    let scores = counts.iter().map(|count| count.score);
    scores.map(|score| Threshold::new(counts, score)).collect()
}

/// Returns the threshold at which a number is greatest, the lowest of several.
pub fn best(sweep: &[Threshold], number: impl Fn(Threshold) -> Option<f64>) -> Option<Threshold> {
    let mut best: Option<(f64, Threshold)> = None;
    for &row in sweep {
        let Some(value) = number(row) else { continue };
        if best.is_none_or(|(most, _row)| value > most + 1e-12) {
            best = Some((value, row));
        }
    }
    best.map(|(_value, row)| row)
}

/// Returns the pass rate that people would give answers of which the judge passes `judged`, by Rogan and Gladen; `None`
/// where the labels can't tell, or the judge passes good items no more often than bad ones.
pub fn corrected(table: Confusion, judged: Passes) -> Option<Estimate> {
    let good = Passes {
        passed: table.true_pass,
        failed: table.false_fail,
    };
    let bad = Passes {
        passed: table.false_pass,
        failed: table.true_fail,
    };
    let found = rogan_gladen(judged, good, bad, Level::PERCENT_95).ok()?;
    Some(Estimate {
        value: found.rate,
        low: found.interval.low,
        high: found.interval.high,
    })
}

fn share(part: u32, rest: u32) -> Option<f64> {
    let whole = f64::from(part) + f64::from(rest);
    (whole > 0.0).then(|| f64::from(part) / whole)
}
