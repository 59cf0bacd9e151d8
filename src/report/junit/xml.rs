//! The few elements of JUnit, written by `junit-report` and completed with what it has no way to say.
//!
//! The crate leaves control characters and `]]>` as they are, so every text passes [`escape::xml`]
//! first. It knows neither properties nor the number of skipped cases; they are set into its output.
//! Names and order are those of Jenkins' `junit-10.xsd`
//! (<https://github.com/jenkinsci/xunit-plugin>).

use junit_report::{
    Duration, OffsetDateTime, Report, TestCase, TestCaseBuilder, TestSuite, TestSuiteBuilder,
};

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
    /// When it was run, in seconds since 1970.
    pub(super) timestamp: i64,
    /// Names and values.
    pub(super) properties: Vec<(String, String)>,
    /// The cases.
    pub(super) cases: Vec<Case>,
}

/// A JUnit file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the JUnit report could not be written")]
pub struct JunitError(#[from] junit_report::Error);

/// Returns the suites as a document.
///
/// # Errors
/// The XML writer failed.
pub(super) fn document(suites: &[Suite]) -> std::result::Result<String, JunitError> {
    let mut report = Report::new();
    report.add_testsuites(suites.iter().map(suite));
    let mut bytes = Vec::new();
    report.write_xml(&mut bytes)?;
    Ok(completed(&String::from_utf8_lossy(&bytes), suites))
}

fn suite(suite: &Suite) -> TestSuite {
    let timestamp = OffsetDateTime::from_unix_timestamp(suite.timestamp);
    let mut builder = TestSuiteBuilder::new(&escape::xml(&suite.name));
    builder.set_timestamp(timestamp.unwrap_or(OffsetDateTime::UNIX_EPOCH));
    builder.add_testcases(suite.cases.iter().map(|one| case(one, &suite.name)));
    builder.build()
}

fn case(case: &Case, class: &str) -> TestCase {
    let name = escape::xml(&case.name);
    let time = Duration::milliseconds(i64::try_from(case.time_ms).unwrap_or(i64::MAX));
    let mut output = vec![case.output.clone()];
    let mut builder = match &case.result {
        Result::Pass => TestCaseBuilder::success(&name, time),
        Result::Element {
            name: element,
            kind,
            message,
            text,
        } => {
            // A parser turns the line breaks of attributes into blanks.
            let message = escape::xml(message).replace(['\n', '\r', '\t'], " ");
            // Some readers show the message alone, some the text alone.
            let all = match text.as_str() {
                "" => message.clone(),
                text => format!("{message}\n{text}"),
            };
            let mut builder = match *element {
                "failure" => TestCaseBuilder::failure(&name, time, kind, &message),
                "error" => TestCaseBuilder::error(&name, time, kind, &message),
                _skipped => TestCaseBuilder::skipped_with_cause(&name, kind, &message),
            };
            builder.set_trace(&escape::xml(&all));
            if *element == "skipped" && !text.is_empty() {
                // The crate gives skipped cases no text of their own.
                output.push(all);
            }
            builder
        }
    };
    builder.set_classname(&escape::xml(class));
    output.retain(|text| !text.is_empty());
    if !output.is_empty() {
        builder.set_system_out(&escape::xml(&output.join("\n")));
    }
    builder.build()
}

/// Returns the document with an element a line, and with the sums and properties that the crate
/// leaves out.
///
/// Outside of CDATA sections every `<` begins a tag, and every `>` ends one: texts are escaped there.
fn completed(xml: &str, suites: &[Suite]) -> String {
    let mut out = String::with_capacity(xml.len() * 2);
    let mut left = suites.iter();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let end = if from.starts_with(CDATA) { "]]>" } else { ">" };
        let length = from.find(end).map_or(from.len(), |at| at + end.len());
        let (tag, after) = from.split_at(length);
        rest = after;
        let timed = with_times(tag);
        let tag = timed.as_deref().unwrap_or(tag);
        if LINES.iter().any(|line| tag.starts_with(line)) {
            out.push('\n');
        }
        if tag == "<testsuites>" {
            out.push_str(&sums(suites));
        } else if tag.starts_with("<testsuite ")
            && let Some(suite) = left.next()
        {
            out.push_str(tag.trim_end_matches(['/', '>']));
            let skipped = count(suite.cases.iter(), "skipped");
            out.extend([" skipped=\"", &skipped.to_string(), "\">"]);
            out.push_str(&properties(suite));
            if tag.ends_with("/>") {
                out.push_str("\n</testsuite>");
            }
        } else {
            out.push_str(tag);
        }
    }
    out.push_str(rest);
    out.push('\n');
    out
}

/// Returns the tag of a suite or a case with its time in the schema's form, to the millisecond, and a
/// time stamp without a zone; `None` for any other.
fn with_times(tag: &str) -> Option<String> {
    if !tag.starts_with("<testsuite ") && !tag.starts_with("<testcase ") {
        return None;
    }
    let (before, from) = tag.split_once(" time=\"")?;
    let (seconds, after) = from.split_once('"')?;
    let seconds: f64 = seconds.parse().ok()?;
    let before = match before.rsplit_once(" timestamp=\"") {
        Some((head, stamp)) => format!(
            "{head} timestamp=\"{}\"",
            stamp.trim_end_matches(['Z', '"'])
        ),
        None => before.to_owned(),
    };
    Some(format!("{before} time=\"{seconds:.3}\"{after}"))
}

fn sums(suites: &[Suite]) -> String {
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let time: u64 = cases().map(|case| case.time_ms).sum();
    format!(
        "<testsuites name=\"rewind\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}.{:03}\">",
        cases().count(),
        count(cases(), "failure"),
        count(cases(), "error"),
        time / 1000,
        time % 1000,
    )
}

fn properties(suite: &Suite) -> String {
    if suite.properties.is_empty() {
        return String::new();
    }
    let property = |(name, value): &(String, String)| {
        let (name, value) = (attribute(name), attribute(value));
        format!("\n<property name=\"{name}\" value=\"{value}\"/>")
    };
    let properties: String = suite.properties.iter().map(property).collect();
    format!("\n<properties>{properties}\n</properties>")
}

fn count<'c>(cases: impl Iterator<Item = &'c Case>, element: &str) -> usize {
    cases
        .filter(|case| matches!(&case.result, Result::Element { name, .. } if *name == element))
        .count()
}

/// Returns a text for an attribute in double quotes; parsers would turn bare line breaks into blanks.
fn attribute(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in escape::xml(value).chars() {
        if matches!(c, '<' | '>' | '&' | '\r' | '"' | '\n' | '\t') {
            out.extend(["&#", &u32::from(c).to_string(), ";"]);
        } else {
            out.push(c);
        }
    }
    out
}

const CDATA: &str = "<![CDATA[";

/// The tags that begin a line.
const LINES: [&str; 4] = ["<testsuite", "</testsuite", "<testcase", "</testcase"];
