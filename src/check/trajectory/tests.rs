//! Trajectories of hand-made runs.

mod oracle;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::registry::tests::check;
use super::*;
use crate::lineage::testing::{Talk, timeline};
use crate::model::Timeline;

fn run_of(tools: &[(&str, Value)]) -> Timeline {
    let mut talk = Talk::new("a researcher", "?");
    for (name, arguments) in tools {
        talk = talk.uses(name, arguments.clone(), "ok");
    }
    timeline("main", vec![talk.says("done")])
}

fn outcome(toml: &str, reference: &Timeline, candidate: &Timeline) -> Outcome {
    let context = CheckContext::new(reference, candidate);
    check(&format!("kind = 'trajectory'\n{toml}")).run(&context)
}

fn passes(toml: &str, reference: &Timeline, candidate: &Timeline) -> bool {
    matches!(outcome(toml, reference, candidate), Outcome::Passed { .. })
}

fn q(text: &str) -> Value {
    json!({ "q": text })
}

#[test]
fn each_mode_allows_what_its_name_says() {
    let recorded = run_of(&[("a", q("1")), ("b", q("2"))]);
    let same = recorded.clone();
    let swapped = run_of(&[("b", q("2")), ("a", q("1"))]);
    let more = run_of(&[("a", q("1")), ("x", q("0")), ("b", q("2"))]);
    let fewer = run_of(&[("b", q("2"))]);
    let twice = run_of(&[("a", q("1")), ("b", q("2")), ("b", q("2"))]);
    for (mode, expected) in [
        ("strict", [true, false, false, false, false]),
        ("in_order", [true, false, true, false, true]),
        ("unordered", [true, true, false, false, false]),
        ("subset", [true, true, false, true, false]),
        ("superset", [true, true, true, false, true]),
    ] {
        let toml = format!("mode = '{mode}'");
        let found = [&same, &swapped, &more, &fewer, &twice]
            .map(|candidate| passes(&toml, &recorded, candidate));
        assert_eq!(found, expected, "{mode}");
    }
}

#[test]
fn a_call_whose_result_never_came_back_was_not_made() {
    let recorded = run_of(&[("a", q("1")), ("b", q("2"))]);
    let talk = Talk::new("a researcher", "?").uses("a", q("1"), "ok");
    let dropped = timeline("main", vec![talk.calls(&[("b", q("2"))])]);
    for mode in ["strict", "in_order", "unordered", "superset", "subset"] {
        let toml = format!("mode = '{mode}'");
        let Outcome::Failed { findings, .. } = outcome(&toml, &recorded, &dropped) else {
            panic!("{mode} passed");
        };
        assert_eq!(
            findings[0].message,
            "tool `b` was asked for, but its result never came back"
        );
        assert!(passes(&toml, &dropped, &dropped), "{mode}");
        assert!(passes(&toml, &dropped, &recorded), "{mode}");
    }
}

#[test]
fn the_argument_mode_means_the_same_in_every_mode() {
    // The candidate gives fewer arguments: `subset` allows that, `superset` does not.
    let recorded = run_of(&[("a", json!({"q": 1, "max": 5}))]);
    let fewer = run_of(&[("a", json!({"q": 1}))]);
    for mode in ["strict", "in_order", "unordered", "subset", "superset"] {
        let toml = |args| format!("mode = '{mode}'\nargs = '{args}'");
        assert!(passes(&toml("subset"), &recorded, &fewer), "{mode}");
        assert!(!passes(&toml("superset"), &recorded, &fewer), "{mode}");
        assert!(passes(&toml("superset"), &fewer, &recorded), "{mode}");
        assert!(!passes(&toml("subset"), &fewer, &recorded), "{mode}");
    }
}

#[test]
fn calls_are_paired_so_that_all_fit_where_the_first_fit_would_leave_one_over() {
    // The general call fits both recorded ones, the special call only the first.
    let recorded = run_of(&[("a", json!({"q": 1, "lang": "en"})), ("a", json!({"q": 1}))]);
    let found = run_of(&[("a", json!({"q": 1})), ("a", json!({"q": 1, "lang": "en"}))]);
    assert!(passes(
        "mode = 'unordered'\nargs = 'subset'",
        &recorded,
        &found
    ));
    assert!(passes(
        "mode = 'unordered'\nargs = 'superset'",
        &recorded,
        &found
    ));
}

#[test]
fn parallel_conversations_may_interleave_as_they_like() {
    let worker = |name: &str, at| {
        let question = format!("task {name}");
        Talk::new("a worker", &question)
            .at(at)
            .uses("search", q(name), "found")
            .uses("read", q(name), "text")
            .says("done")
    };
    let recorded = timeline("main", vec![worker("x", 0), worker("y", 10)]);
    let other = timeline("new", vec![worker("y", 0), worker("x", 500_000)]);
    assert!(passes("mode = 'strict'", &recorded, &other));
    let backwards = Talk::new("a worker", "task y")
        .at(10)
        .uses("read", q("y"), "text")
        .uses("search", q("y"), "found")
        .says("done");
    let wrong = timeline("new", vec![worker("x", 0), backwards]);
    assert!(!passes("mode = 'strict'", &recorded, &wrong));
    assert!(!passes("mode = 'in_order'", &recorded, &wrong));
    assert!(passes("mode = 'unordered'", &recorded, &wrong));
}

#[test]
fn rules_of_a_tool_apply_to_that_tool_alone() {
    let recorded = run_of(&[("a", json!({"q": 1, "at": 5.0})), ("b", json!({"q": 1}))]);
    let near = run_of(&[("a", json!({"q": 1, "at": 5.2})), ("b", json!({"q": 1}))]);
    let far = run_of(&[("a", json!({"q": 1, "at": 5.2})), ("b", json!({"q": 2}))]);
    let toml = "mode = 'strict'\n[tools.a]\ntolerance = 0.5";
    assert!(passes(toml, &recorded, &near));
    assert!(!passes(toml, &recorded, &far));
    assert!(passes(
        "mode = 'strict'\n[tools.a]\nignore = ['/at']",
        &recorded,
        &near
    ));
    let loose = "args = 'ignore'\n[tools.b]\nargs = 'exact'";
    assert!(passes(loose, &recorded, &near));
    assert!(!passes(loose, &recorded, &far));
}

#[test]
fn what_is_wrong_is_said_call_by_call() {
    let recorded = run_of(&[
        ("search", q("Tokyo")),
        ("read", q("page")),
        ("sum", json!({})),
    ]);
    let found = run_of(&[
        ("search", q("Osaka")),
        ("delete", json!({})),
        ("sum", json!("{\"broken")),
    ]);
    let Outcome::Failed {
        findings,
        is_violation,
    } = outcome("mode = 'strict'", &recorded, &found)
    else {
        panic!("it passed")
    };
    assert!(!is_violation);
    insta::assert_snapshot!(serde_json::to_string_pretty(&findings).unwrap());
}

#[test]
fn an_order_that_changed_is_called_that() {
    let recorded = run_of(&[("a", q("1")), ("b", q("2"))]);
    let swapped = run_of(&[("b", q("2")), ("a", q("1"))]);
    let outcome = outcome("mode = 'in_order'", &recorded, &swapped);
    assert_eq!(outcome.why(), "tool `a` was called out of order");
}

#[test]
fn a_run_that_was_not_seen_whole_is_not_judged() {
    let recorded = run_of(&[("a", q("1"))]);
    let context = CheckContext {
        is_complete: false,
        ..CheckContext::new(&recorded, &recorded)
    };
    let outcome = check("kind = 'trajectory'").run(&context);
    assert!(matches!(outcome, Outcome::NotRun { .. }));
}

proptest! {
    #[test]
    fn the_modes_imply_each_other(
        recorded in prop::collection::vec((0..3_u8, 0..2_u8), 0..6),
        found in prop::collection::vec((0..3_u8, 0..2_u8), 0..6),
        args in prop::sample::select(vec!["exact", "subset", "superset", "ignore"]),
    ) {
        let make = |calls: &[(u8, u8)]| {
            let calls: Vec<(String, Value)> = calls
                .iter()
                .map(|(tool, extra)| {
                    let arguments = if *extra == 0 { json!({"q": 1}) } else { json!({"q": 1, "x": 2}) };
                    (format!("t{tool}"), arguments)
                })
                .collect();
            let calls: Vec<(&str, Value)> =
                calls.iter().map(|(name, arguments)| (name.as_str(), arguments.clone())).collect();
            run_of(&calls)
        };
        let (recorded, found) = (make(&recorded), make(&found));
        let holds =
            |mode: &str| passes(&format!("mode = '{mode}'\nargs = '{args}'"), &recorded, &found);
        let [strict, in_order, unordered, subset, superset] =
            ["strict", "in_order", "unordered", "subset", "superset"].map(holds);
        prop_assert!(!strict || (in_order && unordered));
        prop_assert!(!in_order || superset);
        prop_assert_eq!(unordered, subset && superset && tool_uses(&recorded).len() == tool_uses(&found).len());
        prop_assert!(passes("mode = 'strict'", &recorded, &recorded));
    }
}
