//! The few elements of JUnit, written as XML 1.0 that nothing in them can break.
//!
//! The order and the names of elements and attributes are those of Jenkins' `junit-10.xsd`
//! (<https://github.com/jenkinsci/xunit-plugin>): properties stand in the suite, text and a message in
//! failures, times have three decimals.

use crate::report::escape;

/// What became of a case; text beside a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Result {
    /// Nothing is wrong.
    Pass,
    /// One of `failure`, `error` and `skipped`, with type, message and text.
    Element {
        /// The element's name.
        name: &'static str,
        /// The kind of it.
        kind: &'static str,
        /// One sentence.
        message: String,
        /// The rest.
        text: String,
    },
}

/// A test case.
#[derive(Debug)]
pub(super) struct Case {
    /// Its name, unique in its suite.
    pub(super) name: String,
    /// How long it took.
    pub(super) time_ms: u64,
    /// What became of it.
    pub(super) result: Result,
    /// What it says beside.
    pub(super) output: String,
}

/// A suite of cases.
#[derive(Debug)]
pub(super) struct Suite {
    /// Its name, also the class of its cases.
    pub(super) name: String,
    /// When it was run, as `2026-11-23T07:30:00`.
    pub(super) timestamp: String,
    /// Names and values.
    pub(super) properties: Vec<(String, String)>,
    /// The cases.
    pub(super) cases: Vec<Case>,
}

/// Returns the suites as a document.
pub(super) fn document(suites: &[Suite]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let time = cases().map(|case| case.time_ms).sum();
    line(
        &mut out,
        &format!(
            "<testsuites name=\"rewind\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">",
            cases().count(),
            count(cases(), "failure"),
            count(cases(), "error"),
            seconds(time),
        ),
    );
    for suite in suites {
        write_suite(&mut out, suite);
    }
    line(&mut out, "</testsuites>");
    out
}

fn write_suite(out: &mut String, suite: &Suite) {
    let time = suite.cases.iter().map(|case| case.time_ms).sum();
    let name = attribute(&suite.name);
    line(
        out,
        &format!(
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" \
             time=\"{}\" timestamp=\"{}\">",
            suite.cases.len(),
            count(suite.cases.iter(), "failure"),
            count(suite.cases.iter(), "error"),
            count(suite.cases.iter(), "skipped"),
            seconds(time),
            attribute(&suite.timestamp),
        ),
    );
    if !suite.properties.is_empty() {
        line(out, "    <properties>");
        for (name, value) in &suite.properties {
            let (name, value) = (attribute(name), attribute(value));
            line(
                out,
                &format!("      <property name=\"{name}\" value=\"{value}\"/>"),
            );
        }
        line(out, "    </properties>");
    }
    for case in &suite.cases {
        write_case(out, case, &name);
    }
    line(out, "  </testsuite>");
}

fn write_case(out: &mut String, case: &Case, class: &str) {
    let (name, time) = (attribute(&case.name), seconds(case.time_ms));
    let head = format!("    <testcase name=\"{name}\" classname=\"{class}\" time=\"{time}\"");
    if case.result == Result::Pass && case.output.is_empty() {
        line(out, &format!("{head}/>"));
        return;
    }
    line(out, &format!("{head}>"));
    if let Result::Element {
        name,
        kind,
        message,
        text: details,
    } = &case.result
    {
        // Some readers show the message alone, some the text alone.
        let all = if details.is_empty() {
            message.clone()
        } else {
            format!("{message}\n{details}")
        };
        let (message, all) = (attribute(message), text(&all));
        line(
            out,
            &format!("      <{name} type=\"{kind}\" message=\"{message}\">{all}</{name}>"),
        );
    }
    if !case.output.is_empty() {
        let output = text(&case.output);
        line(out, &format!("      <system-out>{output}</system-out>"));
    }
    line(out, "    </testcase>");
}

fn count<'c>(cases: impl Iterator<Item = &'c Case>, element: &str) -> usize {
    cases
        .filter(|case| matches!(&case.result, Result::Element { name, .. } if *name == element))
        .count()
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// Returns a text for an attribute in double quotes; parsers would turn bare line breaks into blanks.
fn attribute(value: &str) -> String {
    escaped(value, |c| matches!(c, '"' | '\n' | '\t'))
}

/// Returns a text between tags.
fn text(value: &str) -> String {
    escaped(value, |_c| false)
}

fn escaped(value: &str, is_special: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(value.len());
    for c in escape::xml(value).chars() {
        if matches!(c, '<' | '>' | '&' | '\r') || is_special(c) {
            out.push_str("&#");
            out.push_str(&u32::from(c).to_string());
            out.push(';');
        } else {
            out.push(c);
        }
    }
    out
}
