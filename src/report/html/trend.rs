//! The latest runs of a baseline as a small line.

use serde::Serialize;

use crate::history::{Past, Point};
use crate::report::history_report::{flake, moved, passes, scores};
use crate::report::units::count;

/// The line, and what it says in words.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct TrendView {
    width: usize,
    label: String,
    /// Its pieces: a run that could not be followed to its end leaves a gap.
    lines: Vec<String>,
    now: Option<Dot>,
    text: String,
    remarks: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Dot {
    x: usize,
    y: String,
}

/// Returns the line of a baseline; `None` of its first run.
pub(super) fn trend(past: &Past) -> Option<TrendView> {
    let last = past.points.last().filter(|_last| past.points.len() > 1)?;
    let mut pieces: Vec<Vec<String>> = vec![Vec::new()];
    for (nth, point) in past.points.iter().enumerate() {
        match (point.pass_rate(), pieces.last_mut()) {
            (Some(rate), Some(piece)) => piece.push(format!("{},{}", x(nth), y(rate))),
            (Some(_), None) | (None, _) => pieces.push(Vec::new()),
        }
    }
    let drawn = pieces.iter().filter(|piece| piece.len() > 1);
    let runs = count(past.points.len() as u64, "run");
    let rates: Vec<String> = past.points.iter().map(rate).collect();
    Some(TrendView {
        width: x(past.points.len()),
        label: format!("passed in the last {runs}: {}", rates.join(", ")),
        lines: drawn.map(|piece| piece.join(" ")).collect(),
        now: last.pass_rate().map(|rate| Dot {
            x: x(past.points.len() - 1),
            y: y(rate),
        }),
        text: text(past, last),
        remarks: past.drift.iter().map(moved).collect(),
    })
}

fn text(past: &Past, last: &Point) -> String {
    let mut parts = vec![format!(
        "{}, now {}",
        count(past.runs.into(), "run"),
        passes(last)
    )];
    parts.extend(Some(scores(last)).filter(|scores| !scores.is_empty()));
    let repeats = past.flake.repeats.of > 0 || past.flake.suspect.count > 0;
    parts.extend(repeats.then(|| format!("contradicts itself in {}", flake(past))));
    parts.join(" · ")
}

fn rate(point: &Point) -> String {
    match point.pass_rate() {
        Some(rate) => format!("{:.0} %", rate * 100.0),
        None => "not measured".to_owned(),
    }
}

fn x(nth: usize) -> usize {
    2 + nth * STEP
}

fn y(rate: f64) -> String {
    format!("{:.1}", 14.0 - 12.0 * rate)
}

/// How far two runs lie from each other.
const STEP: usize = 6;
