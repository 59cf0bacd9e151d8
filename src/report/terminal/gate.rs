//! The table of a gate run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::Style;
use super::details::details;
use super::table::{Align, lines};
use crate::gate::{Shown, Verdict};
use crate::report::cost::cost;
use crate::report::deltas::{NOTHING_VARIES, of_fork, together};
use crate::report::escape::{one_line, plain, shell};
use crate::report::history_report::remarks;
use crate::report::noise::noise;
use crate::report::ran::{FEW_TOOLS, ran_for_real};
use crate::report::run_report::{ForkReport, RunReport};
use crate::report::units::{count, excerpt, tokens};

/// Writes the run: a line for each fork, what is wrong with those that do not pass, and the verdict.
///
/// The worst stands first. Of many forks, those that pass are only counted, and the details are those of
/// the first few, so that the whole stays on about one screen.
///
/// # Errors
/// The writer failed.
pub fn gate(report: &RunReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let is_long = report.forks.len() > FEW_FORKS;
    let (passing, bad): (Vec<&ForkReport>, Vec<&ForkReport>) = report
        .worst_first()
        .into_iter()
        .partition(|fork| fork.decision.verdict.row().shown == Shown::Pass);
    let limit = if is_long { MAX_ROWS } else { usize::MAX };
    let mut listed: Vec<&ForkReport> = bad.iter().copied().take(limit).collect();
    if !is_long {
        listed.extend(&passing);
    }
    let rows: Vec<Vec<String>> = listed.iter().map(|fork| row(fork)).collect();
    let table = lines(&rows, &[Align::Left; 4]);
    for (fork, line) in listed.iter().zip(table) {
        let shown = fork.decision.verdict.row().shown;
        let word = shown.as_str();
        // The word stands first, so colouring it does not move the columns.
        let rest = line.strip_prefix(word).unwrap_or_default();
        writeln!(out, "{}{rest}", style.shown(word, shown))?;
    }
    if bad.len() > limit {
        writeln!(
            out,
            "… and {} more, see rewind-report.json",
            bad.len() - limit
        )?;
    }
    if is_long && !passing.is_empty() {
        let word = style.shown(Shown::Pass.as_str(), Shown::Pass);
        let forks = count(passing.len() as u64, "fork");
        writeln!(out, "{word}  {forks}: {}", verdicts(&passing))?;
    }
    let (limit, chars) = if is_long {
        (MAX_DETAILS, FEW_VALUE_CHARS)
    } else {
        (usize::MAX, VALUE_CHARS)
    };
    for fork in listed.iter().filter(|fork| is_explained(fork)).take(limit) {
        let mut text = Vec::new();
        details(fork, style, chars, &mut text)?;
        if !text.is_empty() {
            writeln!(out, "\n{}", style.bold(&one_line(&fork.name())))?;
            if is_long {
                text = cut(&text, MAX_DETAIL_LINES);
            }
            out.write_all(&text)?;
        }
    }
    deltas(report, style, &listed, out)?;
    if !report.forks.is_empty() {
        writeln!(out)?;
    }
    footer(report, style, out)
}

/// Writes shares and scores of the listed forks on both sides, and what all baselines say together.
fn deltas(
    report: &RunReport,
    style: Style,
    listed: &[&ForkReport],
    out: &mut dyn Write,
) -> io::Result<()> {
    let rows: Vec<Vec<String>> = listed
        .iter()
        .flat_map(|fork| of_fork(fork))
        .map(|delta| {
            let name = one_line(&delta.name);
            vec![name, plain(&delta.measure), delta.line, delta.interval]
        })
        .collect();
    if !rows.is_empty() {
        writeln!(out, "\n{}", style.bold("accepted → now"))?;
        for line in lines(&rows, &[Align::Left; 4]) {
            writeln!(out, "{line}")?;
        }
    }
    let together = together(report);
    if !together.is_empty() {
        writeln!(out, "\n{}", style.bold("all baselines together"))?;
    }
    for test in together {
        let spread = match test.interval.as_str() {
            NOTHING_VARIES => NOTHING_VARIES.to_owned(),
            ends => format!("interval {ends}"),
        };
        let (measure, verdict) = (plain(&test.measure), &test.verdict);
        writeln!(out, "{measure}  {}, {spread}: {verdict}", test.line)?;
        writeln!(out, "  {}; {}", test.size, test.why)?;
    }
    if let Some(noise) = noise(report) {
        writeln!(out, "\n{}", style.bold("A/A control"))?;
        writeln!(out, "{}", plain(&noise.found))?;
        writeln!(out, "  {}", noise.so)?;
    }
    Ok(())
}

/// Returns how often each verdict was given, such as `90 unaffected, 6 stable`.
fn verdicts(forks: &[&ForkReport]) -> String {
    let mut counts: BTreeMap<Verdict, u64> = BTreeMap::new();
    for fork in forks {
        *counts.entry(fork.decision.verdict).or_default() += 1;
    }
    let mut counts: Vec<(Verdict, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(verdict, count)| (Reverse(*count), *verdict));
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(verdict, count)| format!("{count} {}", verdict.row().name.replace('_', " ")))
        .collect();
    parts.join(", ")
}

/// Returns the first lines, and how many more there are.
fn cut(text: &[u8], limit: usize) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let more = text.lines().count().saturating_sub(limit);
    let mut kept: Vec<String> = text.lines().take(limit).map(str::to_owned).collect();
    if more > 0 {
        kept.push(format!("  … {more} more lines in report.md"));
    }
    kept.push(String::new());
    kept.join("\n").into_bytes()
}

fn row(fork: &ForkReport) -> Vec<String> {
    let verdict = fork.decision.verdict;
    vec![
        verdict.row().shown.as_str().to_owned(),
        one_line(&fork.name()),
        verdict.row().name.replace('_', " "),
        excerpt(&plain(&fork.decision.why), WHY_CHARS),
    ]
}

fn is_explained(fork: &ForkReport) -> bool {
    match fork.decision.verdict.row().shown {
        Shown::Fail | Shown::NotMeasured | Shown::Look => true,
        Shown::Pass => fork
            .evidence
            .samples
            .iter()
            .any(|sample| sample.checks.iter().any(|check| check.outcome.is_failed())),
    }
}

fn footer(report: &RunReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for note in &report.notes {
        writeln!(out, "note: {}", plain(note))?;
    }
    let remarks = remarks(report);
    for (name, text) in remarks.iter().take(MAX_REMARKS) {
        writeln!(out, "history: {} {}", one_line(name), one_line(text))?;
    }
    if remarks.len() > MAX_REMARKS {
        let more = remarks.len() - MAX_REMARKS;
        writeln!(out, "history: … and {more} more, see report.html")?;
    }
    let (served, live) = (&report.savings.saved, &report.savings.paid);
    if served.calls + live.calls > 0 {
        writeln!(
            out,
            "not paid again: {}, {} tokens, {}; paid: {}, {} tokens, {}",
            count(served.calls.into(), "call"),
            tokens(served.tokens()),
            cost(served),
            count(live.calls.into(), "call"),
            tokens(live.tokens()),
            cost(live),
        )?;
    }
    if let Some(ran) = ran_for_real(report, FEW_TOOLS) {
        writeln!(out, "tools that ran for real: {ran}")?;
    }
    let word = style.shown(report.verdict.as_str(), report.verdict);
    if let Some(fork) = report.worst().filter(|_fork| report.verdict != Shown::Pass) {
        let name = shell(&one_line(&fork.evidence.baseline));
        writeln!(out, "reproduce: rewind gate --filter {name}")?;
        if report.verdict == Shown::Fail {
            if let Some(command) = fork.accepting(&name) {
                writeln!(out, "accept what is wanted: {command}")?;
            }
            if let Some(place) = fork.forbidding() {
                writeln!(
                    out,
                    "allow what is wanted: change the check at {}",
                    one_line(&place)
                )?;
            }
        }
    }
    write!(out, "{word}: {}", report.summary())?;
    if report.covered < report.gating {
        let wanted = report.policy.min_coverage * 100.0;
        write!(
            out,
            "; measured {} of {}, {wanted:.0} % wanted",
            report.covered, report.gating
        )?;
    }
    if !report.policy.is_enforced && report.verdict != Shown::Pass {
        write!(
            out,
            "; advisory, so the exit code is 0 (`[gate] enforce = false`)"
        )?;
    }
    writeln!(out)
}

/// Up to how many forks each has a line of its own.
const FEW_FORKS: usize = 24;

/// How many lines there are of what the history says.
const MAX_REMARKS: usize = 5;

/// How many lines there are of forks that do not pass where there are many forks.
const MAX_ROWS: usize = 20;

/// How many forks are shown with details where there are many forks.
const MAX_DETAILS: usize = 3;

/// How many lines such details have.
const MAX_DETAIL_LINES: usize = 6;

/// How much of the reason stands in the table.
const WHY_CHARS: usize = 100;

/// How much of a value is shown.
const VALUE_CHARS: usize = 300;

/// How much of a value is shown where there are many forks.
const FEW_VALUE_CHARS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Content;
    use crate::report::testing::report;

    fn shown(report: &RunReport, style: Style) -> String {
        let mut out = Vec::new();
        gate(report, style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_table_is_readable_without_colour() {
        insta::assert_snapshot!(shown(&report(Content::Excerpt), Style::Plain));
    }

    #[test]
    fn a_hundred_baselines_fit_on_a_screen_with_the_failures_first() {
        let one = report(Content::Full);
        let forks: Vec<ForkReport> = (0..200)
            .map(|number| {
                // One in twenty is bad, in each way that there is.
                let which = if number % 20 == 0 { number / 20 % 4 } else { 4 };
                let mut fork = one.forks[which].clone();
                fork.evidence.baseline = format!("baseline-{number:03}");
                fork
            })
            .collect();
        let run = RunReport::new(forks, crate::gate::Policy::default(), Content::Full);
        let text = shown(&run, Style::Plain);
        assert!(text.lines().count() <= 45, "{text}");
        assert!(text.starts_with("FAIL  "), "{text}");
        assert!(text.contains("PASS  190 forks: 190 unaffected"), "{text}");
        let words: Vec<&str> = text
            .lines()
            .take(10)
            .filter_map(|line| line.get(..4))
            .collect();
        assert_eq!(
            words,
            [
                "FAIL", "FAIL", "FAIL", "NOT ", "NOT ", "NOT ", "NOT ", "NOT ", "LOOK", "LOOK"
            ]
        );
    }

    #[test]
    fn three_failures_of_a_hundred_baselines_stand_first() {
        let one = report(Content::Excerpt);
        let forks: Vec<ForkReport> = (0..100)
            .map(|number| {
                let which = match number {
                    17 | 42 | 99 => 0,
                    _ => 4,
                };
                let mut fork = one.forks[which].clone();
                fork.evidence.baseline = format!("support/refund-{number:03}");
                fork
            })
            .collect();
        let run = RunReport::new(forks, crate::gate::Policy::default(), Content::Excerpt);
        let text = shown(&run, Style::Plain);
        assert!(text.lines().count() <= 40, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 160),
            "{text}"
        );
        insta::assert_snapshot!(text);
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let report = report(Content::Full);
        let coloured = shown(&report, Style::Colour);
        assert!(coloured.contains("\u{1b}["));
        let bare = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(bare, shown(&report, Style::Plain));
    }
}
