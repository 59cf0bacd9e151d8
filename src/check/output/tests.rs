//! Texts of hand-made runs.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::super::registry::tests::{check, try_check};
use super::*;
use crate::check::{FileError, Finding, Judging, Outside, Program, ProgramEnd};
use crate::lineage::testing::{Talk, research, timeline};
use crate::model::{Message, Part, Pooled, Role, Thread, Timeline};

fn of_answer(toml: &str, answer: Option<&str>) -> Outcome {
    let reference = timeline("main", vec![research()]);
    let mut candidate = reference.clone();
    candidate.outcome.answer = answer.map(str::to_owned);
    let context = CheckContext::new(&reference, &candidate);
    check(&format!("kind = 'answer'\n{toml}")).run(&context)
}

fn of_run(toml: &str, candidate: &Timeline) -> Outcome {
    let reference = timeline("main", vec![research()]);
    let context = CheckContext::new(&reference, candidate);
    check(&format!("kind = 'output'\n{toml}")).run(&context)
}

fn first(outcome: &Outcome) -> &Finding {
    match outcome {
        Outcome::Failed { findings, .. } => &findings[0],
        Outcome::Passed { .. } | Outcome::NotRun { .. } => panic!("{outcome:?}"),
    }
}

fn holds(toml: &str, answer: &str) -> bool {
    match of_answer(toml, Some(answer)) {
        Outcome::Passed { .. } => true,
        Outcome::Failed { .. } => false,
        Outcome::NotRun { why } => panic!("{why}"),
    }
}

#[test]
fn an_answer_must_say_everything_that_is_asked_of_it() {
    let rules = "contains = ['14 million', 'Tokyo']\nnot_contains = 'sorry'\nregex = '\\d+'";
    assert!(holds(rules, "Tokyo: 14 million"));
    let Outcome::Failed { findings, .. } = of_answer(rules, Some("sorry, no idea")) else {
        panic!("it passed")
    };
    let brief: Vec<_> = findings
        .iter()
        .map(|f| (&*f.message, &*f.expected))
        .collect();
    assert_eq!(
        brief,
        [
            ("the final answer lacks an expected text", "14 million"),
            ("the final answer lacks an expected text", "Tokyo"),
            ("the final answer has an unwanted text", "not: sorry"),
            (
                "the final answer does not match the regular expression",
                r"\d+"
            ),
        ]
    );
}

#[test]
fn white_space_at_the_ends_and_case_where_told_do_not_count() {
    assert!(holds("equals = 'yes'", "yes\n"));
    assert!(!holds("equals = 'yes'", "Yes"));
    assert!(holds("equals = 'yes'\nignore_case = true", "YES"));
    assert!(holds("regex = '^y'\nignore_case = true", "YES"));
    assert!(holds("regex = '^yes$'", "yes\n"));
}

#[test]
fn no_answer_fails_even_what_it_may_not_say() {
    assert!(of_answer("not_contains = 'x'", None).is_failed());
}

#[test]
fn the_negation_of_a_check_without_anything_to_look_at_does_not_hold_either() {
    let reference = timeline("main", vec![research()]);
    let mut candidate = reference.clone();
    let mut negated = |inner: &str, answer: Option<&str>| {
        candidate.outcome.answer = answer.map(str::to_owned);
        let check = check(&format!("kind = 'not'\ncheck = {{ {inner} }}"));
        check.run(&CheckContext::new(&reference, &candidate))
    };
    let sorry = "kind = 'answer', contains = 'sorry'";
    assert_eq!(
        first(&negated(sorry, None)).message,
        "there is no final answer"
    );
    assert!(negated(sorry, Some("sorry!")).is_failed());
    assert!(!negated(sorry, Some("gladly")).is_failed());
    // However deep it stands.
    for inner in ["any", "all"] {
        let inner = format!("kind = '{inner}', checks = [{{ {sorry} }}]");
        assert!(negated(&inner, None).is_failed(), "{inner}");
        assert!(!negated(&inner, Some("gladly")).is_failed(), "{inner}");
        let twice = format!("kind = 'not', check = {{ {inner} }}");
        assert!(negated(&twice, None).is_failed(), "{inner}");
    }
    let error = "kind = 'answer', jsonpath = '$.error'";
    assert_eq!(
        first(&negated(error, Some("what?"))).message,
        "the final answer is not valid JSON"
    );
    assert!(!negated(error, Some("{}")).is_failed());
    let refund = "kind = 'output', of = 'tool:refund.arguments', value = 1";
    assert!(negated(refund, Some("x")).is_failed());
    let file = "kind = 'output', of = 'file:x', contains = 'y'";
    assert!(matches!(negated(file, None), Outcome::NotRun { .. }));
}

#[test]
fn what_could_never_fail_or_never_hold_is_refused() {
    for (toml, word) in [
        ("contains = ''", "empty text"),
        ("contains = ['a', '']", "empty text"),
        ("not_contains = ''", "empty text"),
        ("number = inf", "37.4"),
        ("number = nan", "37.4"),
    ] {
        let message = try_check(&format!("kind = 'answer'\n{toml}"))
            .unwrap_err()
            .message;
        assert!(message.contains(word), "{toml}: {message}");
    }
}

#[test]
fn a_number_is_found_as_people_write_it() {
    let near = "number = 37.4\ntolerance = 0.1";
    assert!(holds(near, "Tokyo has 37.35 million people."));
    assert!(!holds(near, "Tokyo has 37.6 million people."));
    assert!(holds("number = 37400000", "It is 37,400,000."));
    assert!(holds("number = 21", "season 2020-21"));
    assert!(holds("number = -3.5", "it was −3.5 °C"));
    assert!(!holds("number = 3.5", "it was -3.5 °C"));
    assert!(holds("number = 1200", "1.2e3 units"));
    assert!(!holds("number = 4", "no number, but v14 and 40"));
    let outcome = of_answer(near, Some("no idea"));
    let finding = first(&outcome);
    assert_eq!(
        finding.message,
        "the final answer lacks the expected number"
    );
    assert_eq!(
        (&*finding.expected, &*finding.found),
        ("37.4 ± 0.1", "no idea")
    );
}

#[test]
fn a_json_answer_is_judged_by_path_and_value_even_in_a_fence() {
    let answer = "```json\n{\"items\": [{\"price\": 1.0}, {\"price\": 1.04}], \"n\": 2}\n```";
    assert!(holds("jsonpath = '$.n'\nvalue = 2", answer));
    assert!(holds("jsonpath = '$.items[?@.price > 1].price'", answer));
    assert!(holds(
        "jsonpath = '$..price'\nvalue = 1\ntolerance = 0.05",
        answer
    ));
    let outcome = of_answer("jsonpath = '$..price'\nvalue = 1", Some(answer));
    let finding = first(&outcome);
    assert_eq!(
        finding.message,
        "the final answer has another value at $..price"
    );
    assert_eq!((&*finding.expected, &*finding.found), ("1", "1.04"));
    let outcome = of_answer("jsonpath = '$.total'", Some(answer));
    assert_eq!(
        first(&outcome).message,
        "the final answer has nothing at $.total"
    );
    assert!(holds(
        "value = { n = 2, items = [] }",
        "{\"items\": [], \"n\": 2}"
    ));
    assert!(!holds("value = { n = 2 }", "{\"items\": [], \"n\": 2}"));
    let outcome = of_answer("value = 2", Some("two"));
    assert_eq!(
        first(&outcome).message,
        "the final answer is not valid JSON"
    );
}

#[test]
fn likeness_is_judged_against_a_text_or_the_recording() {
    let close = "similarity = { to = 'Tokyo has 14 million people', min = 0.8 }";
    assert!(holds(close, "Tokyo has about 14 million people."));
    assert!(!holds(close, "I could not find that out."));
    assert!(holds(
        "similarity = { min = 1.0, method = 'jaccard' }",
        "Tokyo has 14 million people"
    ));
    let outcome = of_answer("similarity = { method = 'edit', min = 0.9 }", Some("Osaka"));
    let finding = first(&outcome);
    assert_eq!(
        finding.message,
        "the final answer is 0.04 like the recorded one (edit), wanted is at least 0.90"
    );
    assert_eq!(finding.expected, "Tokyo has 14 million people.");
    let reference = timeline("main", vec![Talk::new("a clerk", "?").fails(500, "no")]);
    let candidate = timeline("new", vec![research()]);
    let outcome = check("kind = 'answer'\nsimilarity = { min = 0.5 }")
        .run(&CheckContext::new(&reference, &candidate));
    assert_eq!(
        outcome,
        Outcome::not_run("in the recording, there is no final answer")
    );
}

#[test]
fn every_place_of_a_run_can_be_read() {
    let talk = Talk::new("a clerk", "refund me")
        .uses("refund", json!({"id": 7, "amount": 12.5}), "{\"ok\": true}")
        .uses("mail", json!({"to": "me@example.com"}), "sent")
        .says("done");
    let run = timeline("new", vec![talk]);
    for toml in [
        "of = 'tool:refund#1.arguments'\njsonpath = '$.amount'\nvalue = 12.5",
        "of = 'tool:refund.result'\njsonpath = '$.ok'\nvalue = true",
        "of = 'step:4'\nequals = 'sent'",
        "of = 'step:tool:mail#1'\nequals = 'sent'",
        "of = 'step:last'\nequals = 'done'",
        "of = 'step:start'\njsonpath = '$[0].name'\nvalue = 'refund'",
        "of = 'step:agent:clerk'\ncontains = 'refund'",
    ] {
        let outcome = of_run(toml, &run);
        assert!(
            matches!(outcome, Outcome::Passed { .. }),
            "{toml}: {outcome:?}"
        );
    }
    let outcome = of_run(
        "of = 'tool:refund#1.arguments'\njsonpath = '$.amount'\nvalue = 13",
        &run,
    );
    assert_eq!(
        serde_json::to_value(first(&outcome)).unwrap(),
        json!({
            "message": "the arguments of call 1 of tool `refund` has another value at $.amount",
            "expected": "13",
            "found": "12.5",
            "step": 2,
        })
    );
    for (toml, message) in [
        ("of = 'step:9'\nequals = 'x'", "the run has no step 9"),
        (
            "of = 'tool:refund#2.result'\nequals = 'x'",
            "there is no call 2 of tool `refund`",
        ),
    ] {
        assert_eq!(first(&of_run(toml, &run)).message, message);
    }
}

/// A run directory in memory.
#[derive(Debug)]
struct Files(BTreeMap<Utf8PathBuf, Vec<u8>>);

impl Outside for Files {
    fn file(&self, path: &Utf8Path) -> Result<Vec<u8>, FileError> {
        self.0.get(path).cloned().ok_or(FileError::Missing)
    }

    fn run(&self, _program: &Program<'_>) -> Result<ProgramEnd, String> {
        Err("none".to_owned())
    }

    fn judge(&self, _judging: &Judging<'_>) -> Result<Option<crate::check::Judged>, String> {
        Err("no judge can be asked here".to_owned())
    }
}

#[test]
fn a_file_must_have_been_written_and_is_never_taken_for_read_where_it_cannot_be() {
    let run = timeline("new", vec![research()]);
    let files = Files(BTreeMap::from([
        ("out/report.md".into(), b"# Tokyo".to_vec()),
        ("raw.bin".into(), vec![0xff, 0xfe]),
    ]));
    let context = CheckContext {
        outside: &files,
        ..CheckContext::new(&run, &run)
    };
    let outcome = |path: &str, context: &CheckContext<'_>| {
        check(&format!(
            "kind = 'output'\nof = 'file:{path}'\ncontains = 'Tokyo'"
        ))
        .run(context)
    };
    assert_eq!(
        outcome("out/report.md", &context),
        Outcome::passed("looked at file `out/report.md`")
    );
    let missing = outcome("report.md", &context);
    assert_eq!(
        first(&missing).message,
        "the agent wrote no file `report.md`"
    );
    assert_eq!(
        first(&outcome("raw.bin", &context)).message,
        "file `raw.bin` is no UTF-8 text"
    );
    let nowhere = outcome("out/report.md", &CheckContext::new(&run, &run));
    assert!(matches!(nowhere, Outcome::NotRun { .. }));
}

#[test]
fn of_a_run_that_was_cut_only_wrong_arguments_are_a_failure() {
    let run = timeline("new", vec![research()]);
    let call = Part::tool_call("refund", json!({"amount": 900}));
    let refused = [Thread::empty().push(
        Pooled::new(Message::new(Role::Assistant, vec![call])),
        Vec::new(),
    )];
    let context = CheckContext {
        refused: &refused,
        is_complete: false,
        ..CheckContext::new(&run, &run)
    };
    let outcome = |toml: &str| check(&format!("kind = 'output'\n{toml}")).run(&context);
    let amount =
        |value| format!("of = 'tool:refund#1.arguments'\njsonpath = '$.amount'\nvalue = {value}");
    assert!(outcome(&amount(12)).is_failed());
    for open in [
        amount(900).as_str(),
        "of = 'tool:mail#1.arguments'\ncontains = 'x'",
        "equals = 'something else'",
        "of = 'step:2'\nequals = 'something else'",
    ] {
        assert!(matches!(outcome(open), Outcome::NotRun { .. }), "{open}");
    }
}

#[test]
fn what_is_wrong_with_a_definition_is_said() {
    let message = |text: &str| try_check(text).unwrap_err().message;
    let shown = [
        message("kind = 'output'\nof = 'answer'"),
        message("kind = 'answer'\nof = 'answer'\nequals = 'x'"),
        message("kind = 'output'\nof = 'file:../secret'\nequals = 'x'"),
        message("kind = 'output'\nof = 'file:/etc/passwd'\nequals = 'x'"),
        message("kind = 'output'\nof = 'step:auto'\nequals = 'x'"),
        message("kind = 'output'\nof = 'tool:x'\nequals = 'x'"),
        message("kind = 'answer'\njsonpath = '$.['"),
        message("kind = 'answer'\nvalue = nan"),
        message("kind = 'answer'\nequals = 'x'\ntolerance = 0.1"),
        message("kind = 'answer'\nnumber = 1\ntolerance = -1.0"),
        message("kind = 'answer'\nsimilarity = { min = 80 }"),
        message("kind = 'answer'\nsimilarity = { min = 0.8, method = 'cosine' }"),
        message("kind = 'answer'\njson_schema = { type = 'objekt' }"),
        message("kind = 'answer'\njson_schema = '{'"),
        message("kind = 'answer'\njson_schema = { '$ref' = 'https://example.com/x.json' }"),
        message("kind = 'answer'\njson_schema = { '$ref' = '#' }"),
        message("kind = 'answer'\njson_schema = { allOf = [{ '$ref' = '#' }] }"),
    ];
    insta::assert_snapshot!(shown.join("\n---\n"));
}
