//! JUnit: a suite for each baseline, a case for each fork and for each of its checks.
//!
//! What no reader of JUnit has a word for stands in the properties of the suite, and again in the
//! output of the case, since many readers overlook properties.

mod xml;

pub use self::xml::JunitError;
use self::xml::{Case, Result, Suite, document};
use super::cost::cost;
use super::deltas::{of_fork, together};
use super::run_report::{ForkReport, RunReport};
use super::units::{count, tokens};
use crate::check::{CheckResult, Finding, Outcome, Severity};
use crate::gate::{Junit, Mode, Verdict};
use crate::replay::Tally;

/// Returns the run as JUnit XML.
///
/// # Errors
/// The XML writer failed.
pub fn junit(report: &RunReport) -> std::result::Result<String, JunitError> {
    let mut suites: Vec<Suite> = Vec::new();
    for fork in &report.forks {
        let name = &fork.evidence.baseline;
        match suites.last_mut() {
            Some(suite) if suite.name == *name => add(suite, fork, report),
            Some(_) | None => {
                let mut suite = Suite {
                    name: name.clone(),
                    timestamp: report.timing.started_at.as_second(),
                    properties: vec![property("rewind.format", &report.format)],
                    cases: Vec::new(),
                };
                add(&mut suite, fork, report);
                suites.push(suite);
            }
        }
    }
    suites.extend(all_together(report));
    document(&suites)
}

/// Returns what all baselines say together, a case for each measure.
fn all_together(report: &RunReport) -> Option<Suite> {
    let tests = report.suite.iter().zip(together(report));
    let cases: Vec<Case> = tests
        .map(|(test, view)| {
            let text = format!("{}, interval {}; {}", view.line, view.interval, view.size);
            let row = test.verdict.map(Verdict::row);
            let (junit, name) = row.map_or((Junit::Skipped, "not_testable"), |row| {
                (row.junit, row.name)
            });
            Case {
                name: view.measure,
                time_ms: 0,
                result: result(junit, name, &view.why, text.clone()),
                output: text,
            }
        })
        .collect();
    (!cases.is_empty()).then(|| Suite {
        name: "all baselines together".to_owned(),
        timestamp: report.timing.started_at.as_second(),
        properties: vec![property("rewind.format", &report.format)],
        cases,
    })
}

fn property(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_string())
}

fn add(suite: &mut Suite, fork: &ForkReport, report: &RunReport) {
    let facts = facts(fork);
    let address = &fork.evidence.fork;
    suite.properties.extend(
        facts
            .iter()
            .map(|(name, value)| property(&format!("{address}.{name}"), value)),
    );
    suite.cases.extend(cases(fork, &facts, report));
}

/// Returns what is known of a fork beside its verdict's case.
fn facts(fork: &ForkReport) -> Vec<(&'static str, String)> {
    let samples = &fork.evidence.samples;
    let live = samples.iter().filter(|sample| sample.mode == Mode::Live);
    let tally = |tally: &Tally| format!("{} tokens, {}", tokens(tally.tokens()), cost(tally));
    let mut facts = vec![
        ("verdict", fork.decision.verdict.to_string()),
        ("gating", fork.evidence.is_gating.to_string()),
        ("runs", samples.len().to_string()),
        ("live_runs", live.count().to_string()),
        ("paid", tally(&fork.savings.paid)),
        ("not_paid_again", tally(&fork.savings.saved)),
    ];
    let drift: Vec<String> = fork.drift().iter().map(ToString::to_string).collect();
    if !drift.is_empty() {
        facts.push(("alters", drift.join(", ")));
    }
    for delta in of_fork(fork) {
        let value = format!("{}: {}, {}", delta.measure, delta.line, delta.interval);
        facts.push(("accepted_and_now", value));
    }
    if let Some(estimate) = &fork.live_estimate {
        let calls = count(estimate.calls.into(), "call");
        facts.push(("a_live_run", format!("{calls}, {}", tally(estimate))));
    }
    facts
}

fn cases(fork: &ForkReport, facts: &[(&'static str, String)], report: &RunReport) -> Vec<Case> {
    let time_ms = report.timing.forks_ms.get(&fork.name()).copied();
    let verdict = fork.decision.verdict;
    let lines: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let row = verdict.row();
    let junit = if fork.evidence.is_gating || row.junit == Junit::Pass {
        row.junit
    } else {
        // What does not gate must not turn a pipeline red.
        Junit::Skipped
    };
    let mut cases = vec![Case {
        name: format!("{}: verdict", fork.evidence.fork),
        time_ms: time_ms.unwrap_or_default(),
        result: result(junit, row.name, &fork.decision.why, details(fork)),
        output: lines.join("\n"),
    }];
    let many = fork.evidence.samples.len() > 1;
    for (index, sample) in fork.evidence.samples.iter().enumerate() {
        let suffix = if many {
            format!(" (run {})", index + 1)
        } else {
            String::new()
        };
        cases.extend(sample.checks.iter().map(|check| Case {
            name: format!("{}: check {}{suffix}", fork.evidence.fork, check.id),
            time_ms: 0,
            result: check_result(check, junit),
            output: String::new(),
        }));
    }
    cases
}

fn result(junit: Junit, kind: &'static str, message: &str, text: String) -> Result {
    let name = match junit {
        Junit::Pass => return Result::Pass,
        Junit::Failure => "failure",
        Junit::Error => "error",
        Junit::Skipped => "skipped",
    };
    Result::Element {
        name,
        kind,
        message: message.to_owned(),
        text,
    }
}

fn check_result(check: &CheckResult, fork: Junit) -> Result {
    let why = check.outcome.why();
    match &check.outcome {
        Outcome::Passed { .. } => Result::Pass,
        Outcome::NotRun { .. } if fork == Junit::Error => {
            result(Junit::Error, "not_run", why, String::new())
        }
        Outcome::NotRun { .. } => result(Junit::Skipped, "not_run", why, String::new()),
        Outcome::Failed { findings, .. } => {
            let text = findings.iter().map(finding).collect::<Vec<_>>().join("\n");
            match check.severity {
                // A fork whose verdict is not red must not turn a pipeline red.
                Severity::Gate if fork == Junit::Failure => {
                    result(Junit::Failure, "failed", why, text)
                }
                Severity::Gate | Severity::Warn | Severity::Off => {
                    result(Junit::Skipped, "warn", why, text)
                }
            }
        }
    }
}

/// Returns where the agent went another way, for the case of the fork as a whole.
fn details(fork: &ForkReport) -> String {
    let mut lines = Vec::new();
    let faults = fork
        .evidence
        .samples
        .iter()
        .filter_map(|sample| sample.fault.as_ref());
    let said = faults.filter(|fault| !fault.said.is_empty());
    lines.extend(said.map(|fault| format!("it said: {}", fault.said)));
    for divergence in fork
        .evidence
        .samples
        .iter()
        .flat_map(|sample| &sample.replay.divergences)
    {
        lines.push(divergence.message.clone());
        let values = [
            ("recorded", &divergence.recorded),
            ("found", &divergence.found),
        ];
        let values = values.iter().filter(|(_name, value)| !value.is_empty());
        lines.extend(values.map(|(name, value)| format!("  {name}: {value}")));
    }
    if !fork.agent_log.is_empty() {
        lines.push(format!("the agent wrote:\n{}", fork.agent_log));
    }
    lines.join("\n")
}

fn finding(finding: &Finding) -> String {
    let step = finding
        .step
        .map(|step| format!("step {step}: "))
        .unwrap_or_default();
    let mut text = format!("{step}{}", finding.message);
    for (name, value) in [("expected", &finding.expected), ("found", &finding.found)] {
        if !value.is_empty() {
            text = format!("{text}\n  {name}: {value}");
        }
    }
    text
}

#[cfg(test)]
mod tests;
