//! What a draft asks for, and what it leaves to people.

use super::*;
use crate::baseline::Definition;
use crate::lineage::testing::{self, Talk, research};

fn draft(timeline: &Timeline, answer: &str) -> String {
    draft_with(timeline, answer, "")
}

fn draft_with(timeline: &Timeline, answer: &str, config: &str) -> String {
    let mut timeline = timeline.clone();
    timeline.outcome.answer = Some(answer.to_owned());
    drafted(&testing::session("research", vec![timeline]), config)
}

fn drafted(session: &Session, config: &str) -> String {
    let normaliser = Normaliser::default();
    let config = Config::parse("rewind.toml".into(), config).unwrap();
    let draft = Draft {
        config: &config,
        session,
        reference: &session.timelines[0],
        is_named: false,
        forks: &[ForkPoint::Last, ForkPoint::Auto],
        nightly_forks: &[ForkPoint::Start],
        tags: &["smoke".to_owned()],
        recording: None,
        command: None,
        normaliser: &normaliser,
    };
    let text = draft.text();
    Definition::parse("baseline.toml".into(), &text)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    text
}

#[test]
fn a_draft_asks_for_what_the_run_did() {
    let timeline = testing::timeline("main", vec![research()]);
    insta::assert_snapshot!(draft(&timeline, "About 14 million."));
}

#[test]
fn what_is_expected_stands_there_and_a_judge_that_there_is_looks_at_it() {
    let with = |config: &str| {
        let timeline = testing::timeline("main", vec![research()]);
        let session = Session {
            expected: Some("13 \"million\"\nas of 2020".to_owned()),
            ..testing::session("research", vec![timeline])
        };
        drafted(&session, config)
    };
    for (config, judges) in [("", 0), ("[judge]\nmodel = \"gpt-5\"\n", 1)] {
        let text = with(config);
        let read = Definition::parse("baseline.toml".into(), &text).unwrap();
        assert_eq!(read.expected.as_deref(), Some("13 \"million\"\nas of 2020"));
        let found = read.checks.iter().filter(|one| one.check.kind() == "judge");
        assert_eq!(found.count(), judges, "{text}");
        assert!(text.contains("evaluator = \"correctness\""), "{text}");
    }
}

#[test]
fn what_changes_on_every_run_is_not_asked_for() {
    let talk = Talk::new("p", "q")
        .uses(
            "log it",
            serde_json::json!({"at": "2026-05-01T10:00:00Z", "tags": ["0b9f5bd2-5d3e-4a57-9d6e-0a8a4f1f7e11"], "q": "x"}),
            "ok",
        )
        .says("done");
    let timeline = testing::timeline("main", vec![talk]);
    let answer = "Report of 2026-05-01. Tokyo has 37,400,068 people in its area, which is more than any other. Bye.";
    let text = draft(&timeline, answer);
    assert!(text.contains("[check.tools.\"log it\"]"), "{text}");
    assert!(text.contains(r#"ignore = ["/at", "/tags/*"]"#), "{text}");
    assert!(
        text.contains("contains = \"Tokyo has 37,400,068 people in its area, which is more than\""),
        "{text}"
    );
}

#[test]
fn a_long_answer_is_asked_for_from_its_beginning_to_its_end() {
    let timeline = testing::timeline("main", vec![research()]);
    let answer = "Tokyo has 14 million inhabitants, more than any other city of the country has today. \
                  Some say more. In 1950 it had 6.3 million. So it grows.";
    let text = draft(&timeline, answer);
    let contains = r#"contains = ["Tokyo has 14 million inhabitants, more than any other city", "In 1950 it had 6.3 million"]"#;
    assert!(text.contains(contains), "{text}");
}

#[test]
fn as_many_equal_calls_are_allowed_as_the_run_made() {
    let poll = |times: usize| {
        let talk = Talk::new("p", "q");
        let talk = (0..times).fold(talk, |talk, _n| {
            talk.uses("poll", serde_json::json!({"id": 1}), "no")
        });
        draft(&testing::timeline("main", vec![talk.says("done")]), "done")
    };
    let usual = poll(3);
    assert!(usual.contains("kind = \"loop\"\n\n"), "{usual}");
    let many = poll(5);
    assert!(many.contains("kind = \"loop\"\nmax = 5\n"), "{many}");
}

#[test]
fn tools_that_are_marked_as_mutating_are_forbidden_where_the_run_did_without() {
    let timeline = testing::timeline("main", vec![research()]);
    let forbidden = |config: &str| {
        let text = draft_with(&timeline, "14", config);
        let line = text.lines().find(|line| line.starts_with("forbidden"));
        line.unwrap_or_default().to_owned()
    };
    let names = r#""delete_*", "drop_*", "remove_*""#;
    assert_eq!(forbidden(""), format!("forbidden = [{names}]"));
    let marked =
        "[tools.\"book_*\"]\neffect = \"mutating\"\n[tools.cancel]\neffect = \"mutating\"\n";
    assert_eq!(
        forbidden(marked),
        format!(r#"forbidden = [{names}, "book_*", "cancel"]"#)
    );
    // What the run called, and what only reads, stays possible.
    let used = "[tools.\"web_*\"]\neffect = \"mutating\"\n[tools.\"*\"]\neffect = \"mutating\"\n";
    assert_eq!(forbidden(used), format!("forbidden = [{names}]"));
    let read = "[tools.\"delete_*\"]\neffect = \"read\"\n";
    assert_eq!(forbidden(read), r#"forbidden = ["drop_*", "remove_*"]"#);
}

#[test]
fn names_of_tools_say_whether_they_change_something() {
    for name in [
        "delete_all_files",
        "sendMail",
        "run-shell",
        "exec",
        "payInvoice",
    ] {
        assert!(is_mutating(name), "{name}");
    }
    for name in [
        "web_search",
        "runner_stats",
        "get_weather",
        "ordering",
        "sender",
    ] {
        assert!(!is_mutating(name), "{name}");
    }
}
