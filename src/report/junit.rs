//! JUnit: a suite for each baseline, a case for each fork and for each of its checks.
//!
//! Written by `junit-report`, which leaves control characters and `]]>` in its input as they are, so
//! everything passes [`escape::xml`] first.

use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestCaseBuilder, TestSuiteBuilder};

use super::escape;
use super::run_report::{ForkReport, RunReport};
use crate::check::{CheckResult, Finding, Outcome, Severity};
use crate::gate::{Junit, Shown, Verdict};

/// A JUnit file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the JUnit report could not be written")]
pub struct JunitError(#[from] junit_report::Error);

/// Returns the run as JUnit XML.
///
/// # Errors
/// The XML writer failed.
pub fn junit(report: &RunReport) -> Result<String, JunitError> {
    let started = report.timing.started_at.as_second();
    let timestamp =
        OffsetDateTime::from_unix_timestamp(started).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut document = Report::new();
    let mut forks = report.forks.iter().peekable();
    while let Some(first) = forks.next() {
        let name = &first.evidence.baseline;
        let mut suite = TestSuiteBuilder::new(&escape::xml(name));
        suite.set_timestamp(timestamp);
        suite.add_testcases(cases(first, report));
        while let Some(fork) = forks.next_if(|fork| &fork.evidence.baseline == name) {
            suite.add_testcases(cases(fork, report));
        }
        document.add_testsuite(suite.build());
    }
    let mut bytes = Vec::new();
    document.write_xml(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn cases(fork: &ForkReport, report: &RunReport) -> Vec<TestCase> {
    let milliseconds = report
        .timing
        .forks_ms
        .get(&fork.name())
        .copied()
        .unwrap_or_default();
    let verdict = fork.decision.verdict;
    let case = Case {
        name: format!("{}: verdict", fork.evidence.fork),
        time: Duration::milliseconds(i64::try_from(milliseconds).unwrap_or(i64::MAX)),
        result: verdict.row().junit,
        kind: verdict.row().name,
        message: fork.decision.why.clone(),
        trace: details(fork),
    };
    let mut cases = vec![case.build(fork)];
    let many = fork.evidence.samples.len() > 1;
    for (index, sample) in fork.evidence.samples.iter().enumerate() {
        let suffix = if many {
            format!(" (run {})", index + 1)
        } else {
            String::new()
        };
        cases.extend(sample.checks.iter().map(|check| {
            let name = format!("{}: {}{suffix}", fork.evidence.fork, check.id);
            check_case(check, verdict, name).build(fork)
        }));
    }
    cases
}

struct Case {
    name: String,
    time: Duration,
    result: Junit,
    kind: &'static str,
    message: String,
    trace: String,
}

fn check_case(check: &CheckResult, verdict: Verdict, name: String) -> Case {
    let is_red = verdict.row().shown == Shown::Fail;
    let (result, kind, trace) = match &check.outcome {
        Outcome::Passed { .. } => (Junit::Pass, "passed", String::new()),
        Outcome::NotRun { .. } if verdict == Verdict::NotMeasured => {
            (Junit::Error, "not_run", String::new())
        }
        Outcome::NotRun { .. } => (Junit::Skipped, "not_run", String::new()),
        Outcome::Failed { findings, .. } => {
            let trace = findings.iter().map(finding).collect::<Vec<_>>().join("\n");
            match check.severity {
                // A file whose verdict is not red must not turn a pipeline red.
                Severity::Gate if is_red => (Junit::Failure, "failed", trace),
                Severity::Gate | Severity::Warn | Severity::Off => (Junit::Skipped, "warn", trace),
            }
        }
    };
    let message = check.outcome.why().to_owned();
    Case {
        name,
        time: Duration::ZERO,
        result,
        kind,
        message,
        trace,
    }
}

impl Case {
    fn build(&self, fork: &ForkReport) -> TestCase {
        let name = escape::xml(&self.name);
        let message = escape::xml(&self.message);
        let mut builder = match self.result {
            Junit::Pass => TestCaseBuilder::success(&name, self.time),
            Junit::Failure => TestCaseBuilder::failure(&name, self.time, self.kind, &message),
            Junit::Error => TestCaseBuilder::error(&name, self.time, self.kind, &message),
            Junit::Skipped => TestCaseBuilder::skipped_with_cause(&name, self.kind, &message),
        };
        builder.set_classname(&escape::xml(&fork.evidence.baseline));
        if !self.trace.is_empty() {
            builder.set_trace(&escape::xml(&self.trace));
        }
        builder.build()
    }
}

/// Returns where the agent went another way, for the case of the fork as a whole.
fn details(fork: &ForkReport) -> String {
    let mut lines = Vec::new();
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
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::super::run_report::Content;
    use super::super::testing::report;
    use super::*;

    /// Lists the cases as an XML parser sees them.
    const OUTLINE: &str = "
import sys, xml.etree.ElementTree as E
for suite in E.parse(sys.stdin.buffer).getroot():
    for case in suite:
        found = [c.tag + ' ' + c.get('type') + ': ' + c.get('message') for c in case if c.tag != 'system-out']
        print(suite.get('name'), '|', case.get('name'), '|', ''.join(found) or 'pass')
";

    fn outline(xml: &str) -> String {
        let mut child = Command::new("python3")
            .args(["-c", OUTLINE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(xml.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn an_xml_parser_reads_the_cases_back() {
        insta::assert_snapshot!(outline(&junit(&report(Content::None)).unwrap()));
    }

    #[test]
    fn hostile_content_leaves_the_file_well_formed() {
        let with_content = outline(&junit(&report(Content::Full)).unwrap());
        assert_eq!(
            with_content,
            outline(&junit(&report(Content::None)).unwrap())
        );
    }
}
