//! What the checks of a baseline say of one timeline.

use serde::Serialize;

use crate::check::{CheckContext, CheckResult, Definition, Outcome, Severity, run};
use crate::exit::Exit;

/// What the checks of a baseline say of one timeline.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AssertReport {
    /// The version of this document.
    pub format: &'static str,
    /// The name of the session.
    pub session: String,
    /// The label of the timeline that was checked.
    pub timeline: String,
    /// The name of the baseline.
    pub baseline: String,
    /// The number of single assertions in all checks.
    pub assertions: usize,
    /// The number of those that hold.
    pub passed: usize,
    /// The number of those that could not be checked.
    pub not_run: usize,
    /// The exit code.
    pub exit: u8,
    /// What each check found, the worst first.
    pub checks: Vec<AssertedCheck>,
}

/// What one check found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AssertedCheck {
    /// The check and how it ended.
    #[serde(flatten)]
    pub result: CheckResult,
    /// The number of single assertions in it.
    pub assertions: usize,
    /// The number of those that hold.
    pub passed: usize,
}

impl AssertReport {
    /// Runs the checks; `session`, `timeline` and `baseline` are names for people.
    pub fn new(
        definitions: &[Definition],
        context: &CheckContext<'_>,
        session: &str,
        baseline: &str,
    ) -> Self {
        let active: Vec<&Definition> = definitions
            .iter()
            .filter(|definition| definition.severity != Severity::Off)
            .collect();
        let results = run(definitions, context);
        let counted = CheckResult::worst_first(&results)
            .into_iter()
            .map(|result| {
                let definition = active.iter().find(|definition| definition.id == result.id);
                let assertions = definition.map_or(1, |found| found.check.assertions(context));
                AssertedCheck {
                    passed: held(&result.outcome, assertions),
                    assertions,
                    result: result.clone(),
                }
            });
        let checks: Vec<AssertedCheck> = counted.collect();
        let is_open =
            |check: &&AssertedCheck| matches!(check.result.outcome, Outcome::NotRun { .. });
        let sum = |of: fn(&AssertedCheck) -> usize| checks.iter().map(of).sum();
        Self {
            format: "1.0",
            session: session.to_owned(),
            timeline: context.candidate.label.clone(),
            baseline: baseline.to_owned(),
            assertions: sum(|check| check.assertions),
            passed: sum(|check| check.passed),
            not_run: checks
                .iter()
                .filter(is_open)
                .map(|check| check.assertions)
                .sum(),
            exit: exit(&results).code(),
            checks,
        }
    }
}

/// Returns how many assertions of a check hold; every finding breaks one.
fn held(outcome: &Outcome, assertions: usize) -> usize {
    match outcome {
        Outcome::Passed { .. } => assertions,
        Outcome::Failed { findings, .. } => assertions.saturating_sub(findings.len().max(1)),
        Outcome::NotRun { .. } => 0,
    }
}

/// Returns 1 where a check that gates failed, 3 where one could not run.
fn exit(results: &[CheckResult]) -> Exit {
    let is_open = |result: &CheckResult| {
        result.severity == Severity::Gate && matches!(result.outcome, Outcome::NotRun { .. })
    };
    if results.iter().any(CheckResult::is_gating_failure) {
        Exit::Fail
    } else if results.iter().any(is_open) {
        Exit::NotMeasured
    } else {
        Exit::Pass
    }
}
