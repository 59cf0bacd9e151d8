//! Shares and scores of both sides, and what lies between them, as people read it.

use serde::Serialize;

use super::run_report::{ForkReport, RunReport};
use crate::gate::{Delta, PASSES, SuiteTest};

/// Stands in the place of an interval of width 0.
pub(super) const NOTHING_VARIES: &str = "nothing varies";

/// One number of a fork on both sides.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct DeltaView {
    /// The fork's name.
    pub(super) name: String,
    /// What is measured.
    pub(super) measure: String,
    /// Base, head and their difference on one line.
    pub(super) line: String,
    /// The interval, or why there is none.
    pub(super) interval: String,
}

/// What all baselines say together of one measure.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct SuiteView {
    /// The word that people see; `-` where nothing can be said.
    pub(super) word: &'static str,
    /// The verdict.
    pub(super) verdict: String,
    /// What is measured.
    pub(super) measure: String,
    /// Base, head and their difference on one line.
    pub(super) line: String,
    /// The interval, or why there is none.
    pub(super) interval: String,
    /// How many baselines and forks, and how many independent ones would tell as much.
    pub(super) size: String,
    /// Why.
    pub(super) why: String,
}

/// Returns the numbers of a fork.
pub(super) fn of_fork(fork: &ForkReport) -> Vec<DeltaView> {
    let view = |delta: &Delta| DeltaView {
        name: fork.name(),
        measure: measure(&delta.measure),
        line: line(delta.base, delta.head),
        interval: match delta.interval {
            Some(ends) => interval(ends),
            None if delta.base_samples.min(delta.head_samples) < 2 => format!(
                "not testable (n={})",
                delta.base_samples.min(delta.head_samples)
            ),
            None => NOTHING_VARIES.to_owned(),
        },
    };
    fork.deltas.iter().map(view).collect()
}

/// Returns what all baselines say together.
pub(super) fn together(report: &RunReport) -> Vec<SuiteView> {
    let view = |test: &SuiteTest| SuiteView {
        word: test
            .verdict
            .map_or("-", |verdict| verdict.row().shown.as_str()),
        verdict: test.verdict.map_or_else(
            || "not testable".to_owned(),
            |verdict| verdict.row().name.replace('_', " "),
        ),
        measure: measure(&test.measure),
        line: line(test.base, test.head),
        interval: match test.interval {
            Some([low, high]) if high - low < 1e-9 => NOTHING_VARIES.to_owned(),
            Some(ends) => interval(ends),
            None => "-".to_owned(),
        },
        size: format!(
            "{} baselines, {} forks that tell as much as {:.1} independent ones",
            test.sessions, test.forks, test.effective_forks
        ),
        why: test.why.clone(),
    };
    report.suite.iter().map(view).collect()
}

/// Returns the number on both sides and the difference with its sign.
fn line(base: f64, head: f64) -> String {
    format!("{base:.2} → {head:.2} ({})", signed(head - base))
}

/// Returns both ends with their signs.
fn interval([low, high]: [f64; 2]) -> String {
    format!("{} to {}", signed(low), signed(high))
}

/// Returns a difference with two digits and its sign.
pub(super) fn signed(number: f64) -> String {
    let text = format!("{:.2}", number.abs());
    match number {
        _ if text == "0.00" => text,
        number if number < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

/// Returns what a measure is called.
pub(super) fn measure(name: &str) -> String {
    if name == PASSES {
        "share of samples that hold".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_their_sign_and_no_false_precision() {
        assert_eq!(line(0.9, 0.784), "0.90 → 0.78 (−0.12)");
        assert_eq!(line(0.5, 0.502), "0.50 → 0.50 (0.00)");
        assert_eq!(interval([-0.2, 0.061]), "−0.20 to +0.06");
    }
}
