//! What `rewind history` shows, for programs.

use serde::Serialize;

use super::run_report::RunReport;
use crate::history::{Advice, Direction, Enforcing, Entry, Outcome, Past, Share, Shift, pasts};

/// The version of both documents.
const FORMAT: &str = "1.0";

/// What the runs so far say.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct HistoryReport {
    /// The version of the document.
    pub format: &'static str,
    /// How many runs there are.
    pub runs: usize,
    /// When the first began.
    pub from: jiff::Timestamp,
    /// When the last began.
    pub to: jiff::Timestamp,
    /// What they say of each baseline, by their names.
    pub baselines: Vec<Past>,
}

impl HistoryReport {
    /// How many runs a trend has at most.
    pub const POINTS: usize = 60;

    /// Returns what these runs say.
    pub fn new(entries: &[Entry]) -> Self {
        let times = || entries.iter().map(|entry| entry.started_at);
        Self {
            format: FORMAT,
            runs: entries.len(),
            from: times().min().unwrap_or_default(),
            to: times().max().unwrap_or_default(),
            baselines: pasts(entries, Self::POINTS),
        }
    }
}

/// What an enforced gate would have done.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct EnforcingReport {
    /// The version of the document.
    pub format: &'static str,
    /// How many runs would have been blocked.
    pub blocked: u32,
    /// What became of them.
    #[serde(flatten)]
    pub found: Enforcing,
    /// Whether to enforce, in one sentence.
    pub sentence: String,
}

impl EnforcingReport {
    /// Returns the report of what was found.
    pub fn new(found: Enforcing) -> Self {
        Self {
            format: FORMAT,
            blocked: found.blocked(),
            sentence: sentence(&found),
            found,
        }
    }
}

/// Returns whether to enforce, in one sentence.
fn sentence(found: &Enforcing) -> String {
    let most = format!("{:.0} %", Enforcing::MOST_WRONG * 100.0);
    let wrong = found.wrong;
    let of = format!(
        "{} of {} runs would have been blocked for nothing ({})",
        wrong.count,
        wrong.of,
        range(&wrong)
    );
    let open = match found.count(Outcome::Open) {
        0 => String::new(),
        1 => ", and one red is not settled yet".to_owned(),
        open => format!(", and {open} reds are not settled yet"),
    };
    match found.advice {
        Advice::Enforce => format!("Enforce: {of}, surely no more than {most}{open}."),
        Advice::Wait { runs } => format!(
            "Wait: {of}{open}; after {runs} more without one it is surely no more than {most}."
        ),
        Advice::Advise => format!("Go on advising: {of}, more than {most}{open}."),
    }
}

/// Returns the interval of a share, such as `2 to 38 %`.
pub(super) fn range(share: &Share) -> String {
    format!("{:.0} to {:.0} %", share.low * 100.0, share.high * 100.0)
}

/// Returns how often a baseline contradicts itself, in words; nothing where no run could tell.
pub(super) fn flake(past: &Past) -> String {
    let (repeats, suspect) = (&past.flake.repeats, &past.flake.suspect);
    if repeats.of > 0 {
        let (count, of) = (repeats.count, repeats.of);
        format!("{count} of {of} repeats ({})", range(repeats))
    } else if suspect.of > 0 {
        let (count, of) = (suspect.count, suspect.of);
        format!("{count} suspect of {of} ({})", range(suspect))
    } else {
        String::new()
    }
}

/// Returns what the past of a run's baselines says that people should know: what has drifted, and what surely contradicts
/// itself more often than one time in twenty; each with the name that it is about.
pub(super) fn remarks(report: &RunReport) -> Vec<(String, String)> {
    let of_past = |past: &Past| {
        let drift = past.drift.iter();
        let drift = drift.map(|shift| (format!("{}@{}", past.baseline, shift.fork), moved(shift)));
        let flake = is_flaky(past).then(|| {
            let text = format!("contradicts itself in {}", flake(past));
            (past.baseline.clone(), text)
        });
        drift.chain(flake).collect::<Vec<_>>()
    };
    report.history.iter().flat_map(of_past).collect()
}

fn is_flaky(past: &Past) -> bool {
    past.flake.repeats.low > 0.05
}

/// Returns what has moved, in words.
pub(super) fn moved(shift: &Shift) -> String {
    let Shift {
        measure,
        direction,
        before,
        after,
        runs,
        since,
        commit,
        models_before,
        models_after,
        fork: _,
    } = shift;
    let word = match direction {
        Direction::Lower => "lower",
        Direction::Higher => "higher",
    };
    let commit = commit.as_deref().map(short);
    let commit = commit.map(|commit| format!(" (commit {commit})"));
    let text = format!(
        "{measure} {word} since {}{}: {} before, {} in the {runs} runs since",
        since.strftime("%Y-%m-%d %H:%M UTC"),
        commit.unwrap_or_default(),
        shown(measure, *before),
        shown(measure, *after),
    );
    if models_before.is_empty() || models_after.is_empty() {
        return text;
    }
    let (after, before) = (models_after.join(", "), models_before.join(", "));
    format!("{text}; {after} answers now, {before} did before")
}

fn shown(measure: &str, value: f64) -> String {
    if measure == crate::history::CHECKS {
        format!("{:.0} %", value * 100.0)
    } else {
        format!("{value:.2}")
    }
}

/// Returns the beginning of a commit's name.
pub(super) fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// Returns the passes of a point in words, such as `3 of 5`.
pub(super) fn passes(point: &crate::history::Point) -> String {
    match point.samples {
        0 => "-".to_owned(),
        samples => format!("{} of {samples}", point.passed),
    }
}

/// Returns the scores of a point in words.
pub(super) fn scores(point: &crate::history::Point) -> String {
    let scores = point.scores.iter();
    let parts: Vec<String> = scores
        .map(|(id, score)| format!("{id} {:.2}", score.mean))
        .collect();
    parts.join(", ")
}
