//! Differences with their intervals, drawn as bars.

use serde::Serialize;

use crate::gate::Shown;
use crate::report::deltas::{DeltaView, SuiteView, of_fork, together};
use crate::report::run_report::{ForkReport, RunReport};

/// A difference and its interval on a line from worse to better; 0 lies at 60 of 120.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Bar {
    /// Where the interval begins; `None` where there is none.
    from: Option<f64>,
    /// How wide it is.
    width: f64,
    /// Where the difference lies.
    at: f64,
    /// Where a drop begins to count.
    margin: Option<f64>,
}

/// What all baselines say together of one measure.
#[derive(Serialize)]
pub(super) struct TogetherView {
    #[serde(flatten)]
    view: SuiteView,
    shown: Option<Shown>,
    bar: Bar,
}

/// One number of a fork on both sides.
#[derive(Serialize)]
pub(super) struct NumberView {
    #[serde(flatten)]
    view: DeltaView,
    bar: Bar,
    /// The difference, to sort by.
    rank: f64,
}

/// Returns what all baselines say together.
pub(super) fn of_run(report: &RunReport) -> Vec<TogetherView> {
    let tests = report.suite.iter().zip(together(report));
    let views = tests.map(|(test, view)| TogetherView {
        view,
        shown: test.verdict.map(|verdict| verdict.row().shown),
        bar: bar(test.head - test.base, test.interval, Some(test.margin)),
    });
    views.collect()
}

/// Returns the numbers of a fork.
pub(super) fn numbers(fork: &ForkReport) -> Vec<NumberView> {
    let deltas = fork.deltas.iter().zip(of_fork(fork));
    let views = deltas.map(|(delta, view)| NumberView {
        view,
        bar: bar(delta.head - delta.base, delta.interval, None),
        rank: delta.head - delta.base,
    });
    views.collect()
}

/// Returns the number of a fork that dropped most.
pub(super) fn worst_number(fork: &ForkReport) -> Option<NumberView> {
    let differences = fork.deltas.iter().map(|delta| delta.head - delta.base);
    let worst = differences
        .enumerate()
        .min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    numbers(fork).into_iter().nth(worst.0)
}

fn bar(difference: f64, interval: Option<[f64; 2]>, margin: Option<f64>) -> Bar {
    let ends = interval.unwrap_or([difference; 2]);
    let widest = ends
        .into_iter()
        .chain(margin)
        .chain([difference, LEAST])
        .map(f64::abs)
        .fold(0.0, f64::max);
    let place = |number: f64| {
        ((HALF + HALF * number / widest).clamp(0.0, 2.0 * HALF) * 10.0).round() / 10.0
    };
    let [low, high] = ends.map(place);
    Bar {
        from: interval.map(|_ends| low),
        width: ((high - low).max(1.0) * 10.0).round() / 10.0,
        at: place(difference),
        margin: margin.map(|margin| place(-margin)),
    }
}

/// Half of a bar's length.
const HALF: f64 = 60.0;

/// No bar shows less than this much on each side.
const LEAST: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_holds_its_interval_whatever_the_numbers() {
        let shown = |bar: Bar| format!("{:?} {} {} {:?}", bar.from, bar.width, bar.at, bar.margin);
        let known = bar(-0.2, Some([-0.4, 0.0]), Some(0.1));
        assert_eq!(shown(known), "Some(0.0) 60 30 Some(45.0)");
        assert_eq!(shown(bar(0.0, None, None)), "None 1 60 None");
    }
}
