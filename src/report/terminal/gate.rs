//! The table of a gate run.

use std::io::{self, Write};

use super::Style;
use super::table::{Align, lines};
use crate::check::{CheckResult, Outcome, Severity};
use crate::gate::Shown;
use crate::report::cost::cost;
use crate::report::escape::{log, plain};
use crate::report::run_report::{ForkReport, RunReport};
use crate::report::units::{count, excerpt, tokens};

/// Writes the run: a line for each fork, what is wrong with those that do not pass, and the verdict.
///
/// # Errors
/// The writer failed.
pub fn gate(report: &RunReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<String>> = report.forks.iter().map(row).collect();
    let table = lines(&rows, &[Align::Left; 4]);
    for (fork, line) in report.forks.iter().zip(table) {
        let shown = fork.decision.verdict.row().shown;
        let word = shown.as_str();
        // The word stands first, so colouring it does not move the columns.
        let rest = line.strip_prefix(word).unwrap_or_default();
        writeln!(out, "{}{rest}", style.shown(word, shown))?;
    }
    for fork in report.forks.iter().filter(|fork| is_explained(fork)) {
        let mut text = Vec::new();
        details(fork, style, &mut text)?;
        if !text.is_empty() {
            writeln!(out, "\n{}", style.bold(&plain(&fork.name())))?;
            out.write_all(&text)?;
        }
    }
    if !report.forks.is_empty() {
        writeln!(out)?;
    }
    footer(report, style, out)
}

fn row(fork: &ForkReport) -> Vec<String> {
    let verdict = fork.decision.verdict;
    vec![
        verdict.row().shown.as_str().to_owned(),
        plain(&fork.name()),
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

fn details(fork: &ForkReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for sample in &fork.evidence.samples {
        if let Some(fault) = &sample.fault {
            writeln!(out, "  {}", plain(&fault.message))?;
        }
        for check in CheckResult::worst_first(&sample.checks) {
            let findings = match &check.outcome {
                Outcome::Failed { findings, .. } => findings,
                // Of a run that was cut off, that is so of nearly all.
                Outcome::NotRun { why } if sample.replay.refused == 0 => {
                    writeln!(out, "  {} could not run: {}", check.id, plain(why))?;
                    continue;
                }
                Outcome::NotRun { .. } | Outcome::Passed { .. } => continue,
            };
            let weight = if check.severity == Severity::Warn {
                " (warning)"
            } else {
                ""
            };
            for finding in findings.iter().take(MAX_FINDINGS) {
                let step = finding
                    .step
                    .map(|step| format!(" (step {step})"))
                    .unwrap_or_default();
                writeln!(
                    out,
                    "  {}{weight}: {}{step}",
                    check.id,
                    plain(&finding.message)
                )?;
                value(out, "expected", &finding.expected)?;
                value(out, "found", &finding.found)?;
            }
            let beyond = findings.len().saturating_sub(MAX_FINDINGS);
            if beyond > 0 {
                writeln!(out, "  {}{weight}: and {beyond} more", check.id)?;
            }
        }
        for divergence in &sample.replay.divergences {
            writeln!(out, "  {}", plain(&divergence.message))?;
            value(out, "recorded", &divergence.recorded)?;
            value(out, "found", &divergence.found)?;
            value(out, "to let it pass", &divergence.remedy)?;
        }
        if !sample.replay.drift.is_empty() {
            let drift: Vec<String> = sample
                .replay
                .drift
                .iter()
                .map(ToString::to_string)
                .collect();
            writeln!(out, "  this change alters: {}", plain(&drift.join(", ")))?;
        }
    }
    if let Some(estimate) = &fork.live_estimate {
        let (calls, used) = (
            count(estimate.calls.into(), "call"),
            tokens(estimate.tokens()),
        );
        writeln!(
            out,
            "  a live run: {calls}, about {used} tokens, {}",
            cost(estimate)
        )?;
    }
    if !fork.agent_log.is_empty() {
        writeln!(out, "  the agent wrote to standard error:")?;
        for line in log(&fork.agent_log).lines() {
            writeln!(out, "    {}", style.dim(line))?;
        }
    }
    Ok(())
}

fn value(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(out, "    {name}: {}", excerpt(&plain(text), VALUE_CHARS))
}

fn footer(report: &RunReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for note in &report.notes {
        writeln!(out, "note: {}", plain(note))?;
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
    let word = style.shown(report.verdict.as_str(), report.verdict);
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

/// How many findings of a check are shown.
const MAX_FINDINGS: usize = 5;

/// How much of the reason stands in the table.
const WHY_CHARS: usize = 100;

/// How much of a value is shown.
const VALUE_CHARS: usize = 300;

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
    fn colour_adds_nothing_but_colour() {
        let report = report(Content::Full);
        let coloured = shown(&report, Style::Colour);
        assert!(coloured.contains("\u{1b}["));
        let bare = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(bare, shown(&report, Style::Plain));
    }
}
