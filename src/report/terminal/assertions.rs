//! What the checks of a baseline say of one timeline, for people.

use std::io::{self, Write};

use super::Style;
use crate::check::{Outcome, Severity};
use crate::gate::Shown;
use crate::report::assert_report::{AssertReport, AssertedCheck};
use crate::report::escape::plain;
use crate::report::units::{count, excerpt};

/// Writes how many assertions hold, and what is wrong with the others.
///
/// # Errors
/// The writer failed.
pub fn assertions(report: &AssertReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let sum = format!(
        "{} of {} passed",
        report.passed,
        count(report.assertions as u64, "assertion")
    );
    let open = match report.not_run {
        0 => String::new(),
        number => format!(", {number} could not be checked"),
    };
    writeln!(
        out,
        "{}{open}: session {}, timeline {}, against baseline {}",
        style.bold(&sum),
        plain(&report.session),
        plain(&report.timeline),
        plain(&report.baseline),
    )?;
    for check in &report.checks {
        write_check(check, style, out)?;
    }
    Ok(())
}

fn write_check(check: &AssertedCheck, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let id = plain(&check.result.id);
    let is_gating = check.result.severity == Severity::Gate;
    match &check.result.outcome {
        Outcome::Passed { .. } => Ok(()),
        Outcome::NotRun { why } => {
            let word = style.shown("not checked", Shown::NotMeasured);
            writeln!(out, "  {word} {id}: {}", plain(why))
        }
        Outcome::Failed { findings, .. } => {
            let word = if is_gating {
                style.shown("failed", Shown::Fail)
            } else {
                style.shown("warning", Shown::Look)
            };
            for finding in findings {
                let steps = match (finding.step, finding.reference_step) {
                    (Some(step), Some(recorded)) => {
                        format!(" (step {step}, recorded step {recorded})")
                    }
                    (Some(step), None) => format!(" (step {step})"),
                    (None, Some(recorded)) => format!(" (recorded step {recorded})"),
                    (None, None) => String::new(),
                };
                writeln!(out, "  {word} {id}: {}{steps}", plain(&finding.message))?;
                for (name, text) in [("expected", &finding.expected), ("found", &finding.found)] {
                    if !text.is_empty() {
                        writeln!(out, "    {name}: {}", excerpt(&plain(text), VALUE_CHARS))?;
                    }
                }
            }
            Ok(())
        }
    }
}

/// How much of a value is shown.
const VALUE_CHARS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{CheckResult, Finding};
    use crate::model::StepIndex;

    fn check(id: &str, severity: Severity, outcome: Outcome) -> AssertedCheck {
        AssertedCheck {
            result: CheckResult {
                id: id.into(),
                kind: id.into(),
                severity,
                score: None,
                k_of_n: None,
                outcome,
            },
            assertions: 3,
            passed: 2,
        }
    }

    #[test]
    fn the_failed_assertion_is_named_with_its_values_and_step() {
        let finding = Finding::new("tool `web_search` was called with other arguments: /q")
            .values("/q = \"Tokyo\"", "/q = \"Osaka\u{1b}[31m\"")
            .step(Some(StepIndex(2)))
            .reference_step(Some(StepIndex(4)));
        let failed = Outcome::from_findings(vec![finding], "");
        let dear = Outcome::from_findings(vec![Finding::new("the run made 9 steps")], "");
        let report = AssertReport {
            format: "1.0",
            session: "research".into(),
            timeline: "fixed".into(),
            baseline: "tokyo".into(),
            assertions: 12,
            passed: 7,
            not_run: 3,
            exit: 1,
            checks: vec![
                check("trajectory", Severity::Gate, failed),
                check("budget", Severity::Warn, dear),
                check(
                    "exec",
                    Severity::Gate,
                    Outcome::not_run("program `judge`: it crashed"),
                ),
                check("no_error", Severity::Gate, Outcome::passed("fine")),
            ],
        };
        let mut out = Vec::new();
        assertions(&report, Style::Plain, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
