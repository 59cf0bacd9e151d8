//! What many runs say of each baseline, and what an enforced gate would have done.

use std::io::{self, Write};

use super::Style;
use super::table::{Align, lines};
use crate::history::{Outcome, Past, Point};
use crate::report::escape::one_line;
use crate::report::history_report::{
    EnforcingReport, HistoryReport, flake, moved, passes, scores, short,
};
use crate::report::units::count;

/// Writes a line for each baseline, what has drifted, and, of one baseline in detail, its runs, the newest first.
///
/// # Errors
/// The writer failed.
pub fn history(
    report: &HistoryReport,
    is_detailed: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (from, to) = (minute(report.from), minute(report.to));
    let runs = count(report.runs as u64, "run");
    writeln!(out, "{runs}, {from} to {to}\n")?;
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    rows.extend(report.baselines.iter().map(row));
    for (nth, line) in lines(&rows, &ALIGN).into_iter().enumerate() {
        let line = if nth == 0 { style.bold(&line) } else { line };
        writeln!(out, "{line}")?;
    }
    let drift = report.baselines.iter().flat_map(|past| {
        let drift = past.drift.iter();
        drift.map(|shift| (format!("{}@{}", past.baseline, shift.fork), moved(shift)))
    });
    let drift: Vec<(String, String)> = drift.collect();
    if !drift.is_empty() {
        writeln!(out, "\n{}", style.bold("drift"))?;
    }
    for (name, text) in drift {
        writeln!(out, "{}  {}", one_line(&name), one_line(&text))?;
    }
    if is_detailed {
        for past in &report.baselines {
            writeln!(out)?;
            details(past, out)?;
        }
    }
    Ok(())
}

fn minute(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

fn row(past: &Past) -> Vec<String> {
    let last = past.points.last();
    let skipped = past.points.len().saturating_sub(TREND);
    vec![
        one_line(&past.baseline),
        past.runs.to_string(),
        past.points.iter().skip(skipped).map(bar).collect(),
        last.map(passes).unwrap_or_default(),
        last.map(|point| one_line(&scores(point)))
            .unwrap_or_default(),
        flake(past),
    ]
}

/// Returns a bar as high as the share of passes; a dot where nothing could be followed to its end.
fn bar(point: &Point) -> char {
    let Some(rate) = point.pass_rate() else {
        return '·';
    };
    let steps = BARS.iter().zip(1_u8..);
    let reached = steps.take_while(|(_bar, step)| rate * 8.0 + 1e-9 >= f64::from(*step));
    reached.last().map_or('_', |(bar, _step)| *bar)
}

fn details(past: &Past, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<String>> = past
        .points
        .iter()
        .rev()
        .map(|point| {
            vec![
                minute(point.started_at),
                point.commit.as_deref().map(short).unwrap_or_default(),
                point.verdict.row().shown.as_str().to_owned(),
                point.verdict.row().name.replace('_', " "),
                passes(point),
                one_line(&scores(point)),
            ]
        })
        .collect();
    for line in lines(&rows, &[Align::Left; 6]) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Writes what became of the runs that would have been blocked, and whether to enforce.
///
/// # Errors
/// The writer failed.
pub fn enforcing(report: &EnforcingReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let found = &report.found;
    let runs = count(found.runs.into(), "run");
    writeln!(
        out,
        "of {runs}, an enforced gate would have blocked {}",
        report.blocked
    )?;
    let rows: Vec<Vec<String>> = OUTCOMES
        .iter()
        .filter(|_one| report.blocked > 0)
        .map(|(outcome, meaning)| {
            let count = found.count(*outcome);
            vec![
                count.to_string(),
                word(*outcome).to_owned(),
                (*meaning).to_owned(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        writeln!(out)?;
    }
    for line in lines(&rows, &[Align::Right, Align::Left, Align::Left]) {
        writeln!(out, "{line}")?;
    }
    let rows: Vec<Vec<String>> = found
        .red
        .iter()
        .take(MOST_RED)
        .map(|run| {
            let forks = if run.forks.is_empty() {
                "all baselines together".to_owned()
            } else {
                one_line(&run.forks.join(", "))
            };
            vec![
                minute(run.started_at),
                run.commit.as_deref().map(short).unwrap_or_default(),
                word(run.outcome).to_owned(),
                crate::report::units::excerpt(&forks, 80),
            ]
        })
        .collect();
    if !rows.is_empty() {
        writeln!(out)?;
    }
    for line in lines(&rows, &[Align::Left; 4]) {
        writeln!(out, "{line}")?;
    }
    if found.red.len() > MOST_RED {
        writeln!(out, "… and {} more, see --json", found.red.len() - MOST_RED)?;
    }
    writeln!(out, "\n{}", style.bold(&report.sentence))
}

/// Returns what became of a run, in a word or two.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Confirmed => "confirmed",
        Outcome::Fixed => "fixed",
        Outcome::Accepted => "accepted",
        Outcome::Open => "open",
        Outcome::Cleared => "cleared",
        Outcome::PreExisting => "pre-existing",
        Outcome::NotMeasured => "not measured",
    }
}

/// What becomes of a run, in the order of the table.
const OUTCOMES: [(Outcome, &str); 7] = [
    (
        Outcome::Confirmed,
        "red again on the same commit, or worse than the base",
    ),
    (Outcome::Fixed, "a later commit mended it"),
    (Outcome::Accepted, "what it did was accepted later"),
    (Outcome::PreExisting, "red before, on an earlier commit"),
    (Outcome::Open, "nothing has told yet"),
    (
        Outcome::Cleared,
        "not red in another run of the same commit, or the base is just so",
    ),
    (Outcome::NotMeasured, "too little could be measured"),
];

const HEAD: [&str; 6] = [
    "baseline",
    "runs",
    "trend",
    "passed",
    "scores",
    "contradicts itself",
];

const ALIGN: [Align; 6] = [
    Align::Left,
    Align::Right,
    Align::Left,
    Align::Left,
    Align::Left,
    Align::Left,
];

/// The heights of a bar, from an eighth to the whole.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How many runs a trend shows.
const TREND: usize = 30;

/// How many of the blocked runs are listed.
const MOST_RED: usize = 12;
