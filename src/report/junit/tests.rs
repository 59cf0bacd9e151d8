//! What an XML parser that is not ours reads in the file, and what Jenkins' schema asks of it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;
use crate::check::Finding;
use crate::report::run_report::Content;
use crate::report::testing::report;

/// Lists the cases as an XML parser sees them, and checks the rules of `junit-10.xsd`: elements and
/// attributes that are known, in their order, with counts that add up.
const OUTLINE: &str = r"
import sys, re, xml.etree.ElementTree as E
ATTRIBUTES = {
    'testsuites': {'name', 'time', 'tests', 'failures', 'disabled', 'errors'},
    'testsuite': {'name', 'tests', 'failures', 'errors', 'group', 'time', 'skipped', 'timestamp', 'hostname',
                  'id', 'package', 'file', 'log', 'url', 'version'},
    'properties': set(), 'property': {'name', 'value'},
    'testcase': {'name', 'time', 'classname', 'group'},
    'failure': {'type', 'message'}, 'error': {'type', 'message'}, 'skipped': {'type', 'message'},
    'system-out': set(),
}
root = E.parse(sys.stdin.buffer).getroot()
assert root.tag == 'testsuites'
for element in root.iter():
    assert set(element.attrib) <= ATTRIBUTES[element.tag], element.attrib
    if 'time' in element.attrib:
        assert re.fullmatch(r'[0-9]+\.[0-9]{3}', element.get('time'))
names = set()
for suite in root:
    cases = suite.findall('testcase')
    assert [c.tag for c in suite] == ['properties'] + ['testcase'] * len(cases)
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d', suite.get('timestamp'))
    assert int(suite.get('tests')) == len(cases)
    for kind, count in (('failure', 'failures'), ('error', 'errors'), ('skipped', 'skipped')):
        assert int(suite.get(count)) == sum(len(c.findall(kind)) for c in cases)
    for case in cases:
        key = (case.get('classname'), case.get('name'))
        assert key not in names, key
        names.add(key)
        results = [c for c in case if c.tag != 'system-out']
        assert len(results) <= 1
        for found in results:
            assert found.tag == 'skipped' or (found.text or '').startswith(found.get('message')), (found.text, found.get('message'))
        found = ''.join(c.tag + ' ' + c.get('type') + ': ' + c.get('message') for c in results) or 'pass'
        row = (suite.get('name'), case.get('name'), found)
        print(' | '.join(text.encode('unicode_escape').decode() for text in row))
";

fn outline(xml: &str) -> String {
    let mut child = Command::new("python3")
        .args(["-c", OUTLINE])
        .env("PYTHONIOENCODING", "utf-8:backslashreplace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(xml.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{xml}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_xml_parser_reads_the_cases_back() {
    insta::assert_snapshot!(outline(&junit(&report(Content::None)).unwrap()));
}

#[test]
fn hostile_content_leaves_the_cases_as_they_are() {
    assert_eq!(
        outline(&junit(&report(Content::Full)).unwrap()),
        outline(&junit(&report(Content::None)).unwrap())
    );
}

#[test]
fn the_suite_says_in_properties_what_a_case_has_no_word_for() {
    let xml = junit(&report(Content::None)).unwrap();
    for property in [
        r#"<property name="auto.verdict" value="violated"/>"#,
        r#"<property name="last.alters" value="system prompt"/>"#,
        r#"<property name="last.a_live_run" value="8 calls, 12.4k tokens, $0.0410"/>"#,
    ] {
        assert!(xml.contains(property), "no {property} in\n{xml}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_text_breaks_the_file(
        texts in prop::collection::vec("(?s)(]]>|</failure>|<!--|&#x0;|&amp;|[\"'\r\n\t\u{0}\u{1b}\u{fffe}]|.){0,24}", 6)
    ) {
        let [name, fork, why, found, log, said] = texts.try_into().unwrap();
        let mut report = report(Content::Full);
        report.forks.truncate(4);
        let first = &mut report.forks[0];
        first.evidence.fork = fork;
        first.decision.why = why;
        first.agent_log = log;
        for check in &mut first.evidence.samples[0].checks {
            if let Outcome::Failed { findings, .. } = &mut check.outcome {
                *findings = vec![Finding::new(found.clone()).values(found.clone(), found.clone())];
            }
        }
        report.forks[1].evidence.samples[0].fault =
            Some(crate::gate::Fault { said, ..crate::gate::Fault::new(crate::gate::FaultKind::Provider, name.clone()) });
        report.forks[3].evidence.baseline = name;
        let cases: usize = report
            .forks
            .iter()
            .map(|fork| 1 + fork.evidence.samples.iter().map(|sample| sample.checks.len()).sum::<usize>())
            .sum();
        prop_assert_eq!(outline(&junit(&report).unwrap()).lines().filter(|line| line.contains(" | ")).count(), cases);
    }
}
