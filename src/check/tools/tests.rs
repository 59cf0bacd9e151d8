//! Tool calls of hand-made runs.

use serde_json::json;

use super::super::registry::tests::{check, try_check};
use super::*;
use crate::lineage::testing::{Talk, research, timeline};
use crate::model::{Message, Part, Pooled, Role, StepIndex, Thread};

fn findings(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Failed { findings, .. } => findings
            .iter()
            .map(|finding| finding.message.clone())
            .collect(),
        Outcome::Passed { .. } | Outcome::NotRun { .. } => Vec::new(),
    }
}

#[test]
fn a_forbidden_call_is_a_violation_that_names_its_step() {
    let reference = timeline("main", vec![research()]);
    let talk = Talk::new("a clerk", "refund me").uses("issue_refund", json!({"id": 7}), "ok");
    let candidate = timeline("new", vec![talk.says("done")]);
    let tools = check("kind = 'tools'\nforbidden = ['delete_*', 'issue_refund']");
    let context = CheckContext::new(&reference, &candidate);
    let outcome = tools.run(&context);
    let Outcome::Failed {
        findings,
        is_violation: true,
    } = &outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        findings[0].message,
        "forbidden tool `issue_refund` was called"
    );
    assert_eq!(findings[0].step, Some(StepIndex(2)));
    assert_eq!(findings[0].found, r#"{"id":7}"#);
}

#[test]
fn a_forbidden_call_in_a_refused_request_is_found_too() {
    let reference = timeline("main", vec![research()]);
    let call = Part::tool_call("delete_all_files", json!({}));
    let refused = [Thread::empty().push(
        Pooled::new(Message::new(Role::Assistant, vec![call])),
        Vec::new(),
    )];
    let tools = check("kind = 'tools'\nforbidden = ['delete_*']\nrequired = ['web_search']");
    let context = CheckContext {
        refused: &refused,
        is_complete: false,
        ..CheckContext::new(&reference, &reference)
    };
    assert_eq!(
        findings(&tools.run(&context)),
        ["tool `delete_all_files` was called, which `delete_*` forbids"]
    );
}

#[test]
fn a_required_tool_is_missed_only_in_a_run_that_was_seen_whole() {
    let reference = timeline("main", vec![research()]);
    let candidate = timeline("new", vec![Talk::new("a researcher", "?").says("no idea")]);
    let tools = check("kind = 'tools'\nrequired = ['web_search', 'web_*']");
    let whole = CheckContext::new(&reference, &candidate);
    assert_eq!(
        findings(&tools.run(&whole)),
        [
            "required tool `web_search` was never called",
            "required tool `web_*` was never called"
        ]
    );
    let part = CheckContext {
        is_complete: false,
        ..whole
    };
    assert!(matches!(tools.run(&part), Outcome::NotRun { .. }));
    let good = CheckContext {
        candidate: &reference,
        ..whole
    };
    assert_eq!(tools.run(&good), Outcome::passed("looked at 2 tool calls"));
}

fn ran(toml: &str, talk: Talk) -> Outcome {
    let reference = timeline("main", vec![research()]);
    let candidate = timeline("new", vec![talk]);
    check(&format!("kind = 'tools'\n{toml}")).run(&CheckContext::new(&reference, &candidate))
}

fn clerk(tools: &[&str]) -> Talk {
    let talk = Talk::new("a clerk", "refund me");
    let used = tools
        .iter()
        .fold(talk, |talk, tool| talk.uses(tool, json!({"id": 7}), "ok"));
    used.says("done")
}

#[test]
fn tools_are_counted() {
    let toml = "[counts]\nsearch = { min = 2, max = 3 }\nrefund = 1\n'delete_*' = 0";
    let good = ran(toml, clerk(&["search", "refund", "search"]));
    assert_eq!(good, Outcome::passed("looked at 3 tool calls"));
    let bad = ran(
        toml,
        clerk(&["search", "refund", "delete_all", "refund", "refund"]),
    );
    assert_eq!(
        findings(&bad),
        [
            "tool `delete_*` was called 1 time, allowed is 0",
            "tool `refund` was called 3 times, allowed is 1",
            "tool `search` was called 1 time, wanted are at least 2",
        ]
    );
    let Outcome::Failed { findings, .. } = &bad else {
        unreachable!()
    };
    // The first call that is one too many.
    assert_eq!(findings[1].step, Some(StepIndex(8)));
}

#[test]
fn arguments_must_fit_the_schema_of_their_tool() {
    let toml = "[arguments.refund]\ntype = 'object'\nrequired = ['id', 'amount']\nproperties.amount = { type = 'number', maximum = 100 }";
    let refund = |arguments| {
        Talk::new("a clerk", "?")
            .uses("refund", arguments, "ok")
            .says("done")
    };
    assert!(!ran(toml, refund(json!({"id": 1, "amount": 99.5}))).is_failed());
    assert_eq!(
        findings(&ran(toml, refund(json!({"id": 1, "amount": 900})))),
        ["a call of tool `refund` breaks the JSON Schema at /amount"]
    );
    assert_eq!(
        findings(&ran(toml, refund(json!({"amount": 9})))),
        ["a call of tool `refund` breaks the JSON Schema"]
    );
    assert_eq!(
        findings(&ran(toml, refund(json!("{\"id\": ")))),
        ["a call of tool `refund` has arguments that are not valid JSON"]
    );
    // Other tools may do as they like.
    assert!(!ran(toml, clerk(&["mail"])).is_failed());
}

#[test]
fn order_is_wanted_of_every_later_call() {
    let before = "order = ['confirm before refund']";
    assert!(!ran(before, clerk(&["confirm", "mail", "refund", "refund"])).is_failed());
    assert!(!ran(before, clerk(&["mail"])).is_failed());
    assert_eq!(
        findings(&ran(before, clerk(&["refund", "confirm"]))),
        ["tool `refund` was called without `confirm` before it"]
    );
    let immediately = "order = ['confirm immediately before refund']";
    assert!(!ran(immediately, clerk(&["mail", "confirm", "refund"])).is_failed());
    let outcome = ran(immediately, clerk(&["confirm", "refund", "refund"]));
    let Outcome::Failed { findings, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].message,
        "tool `refund` was called without `confirm` immediately before it"
    );
    assert_eq!(
        (&*findings[0].expected, &*findings[0].found),
        ("confirm", "refund")
    );
    assert_eq!(findings[0].step, Some(StepIndex(6)));
}

#[test]
fn of_a_run_that_was_cut_only_what_cannot_be_mended_is_a_failure() {
    let reference = timeline("main", vec![research()]);
    let candidate = timeline("new", vec![clerk(&["refund", "refund"])]);
    let cut = CheckContext {
        is_complete: false,
        ..CheckContext::new(&reference, &candidate)
    };
    let outcome = |toml: &str| check(&format!("kind = 'tools'\n{toml}")).run(&cut);
    assert!(outcome("counts = { refund = 1 }").is_failed());
    assert!(outcome("order = ['confirm before refund']").is_failed());
    assert!(outcome("arguments = { refund = { required = ['why'] } }").is_failed());
    for open in [
        "counts = { refund = { min = 3 } }",
        "required = ['mail']",
        "order = ['refund before mail']",
    ] {
        assert!(matches!(outcome(open), Outcome::NotRun { .. }), "{open}");
    }
}

#[test]
fn what_is_wrong_with_a_definition_is_said() {
    let message = |text: &str| {
        try_check(&format!("kind = 'tools'\n{text}"))
            .unwrap_err()
            .message
    };
    let shown = [
        message(""),
        message("order = ['a after b']"),
        message("order = ['a before [']"),
        message("counts = { a = -1 }"),
        message("counts = { a = { max = 1, min = 2 } }"),
        message("counts = { a = {} }"),
        message("counts = { '[' = 1 }"),
        message("arguments = { a = { type = 'objekt' } }"),
    ];
    insta::assert_snapshot!(shown.join("\n---\n"));
    // Each would be a rule that no call can ever break, or none can ever keep.
    for never in [
        "order = ['a before b before c']",
        "order = ['  before b']",
        "order = ['a before  ']",
        "forbidden = ['']",
        "required = ['']",
        "counts = { '' = 1 }",
    ] {
        let message = message(never);
        let is_named = message.contains("for each pair") || message.contains("empty name");
        assert!(is_named, "{never}: {message}");
    }
}
