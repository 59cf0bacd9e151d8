use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::lineage::assemble;
use crate::lineage::testing::Talk;
use crate::model::{DivergenceKind, Outcome};
use crate::record::NoSink;
use crate::redact::{RedactRules, Redactor};
use crate::replay::{Keys, NormaliseRule, Recording, Rules};
use crate::tools::{ToolRule, ToolRules};
use crate::wire::Parser;

fn call(name: &str, arguments: Value, effect: Option<Effect>) -> ToolCall {
    ToolCall {
        name: name.to_owned(),
        arguments,
        boundary: Boundary::Shim,
        effect,
        call_id: None,
        server: None,
        ancillary: false,
    }
}

fn capture(ordinal: u32, name: &str, arguments: Value, result: Value) -> Arc<ToolCapture> {
    let at = u64::from(ordinal) * 1_100_000 + 1_000_010;
    Arc::new(ToolCapture {
        ordinal,
        name: name.to_owned(),
        arguments,
        boundary: Boundary::Shim,
        effect: None,
        server: None,
        call_id: None,
        outcome: Some(ToolOutcome {
            result,
            is_error: false,
        }),
        served: None,
        began_us: at,
        ended_us: at + 10,
    })
}

fn timeline(talk: &Talk, tools: &[Arc<ToolCapture>]) -> Arc<Timeline> {
    Arc::new(Timeline {
        label: "main".into(),
        forked_from: None,
        started_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        is_complete: true,
        steps: assemble(&talk.calls, tools),
        ancillary: Vec::new(),
        outcome: Outcome::default(),
        replay: None,
    })
}

fn replaying(timeline: &Arc<Timeline>, fork: Fork, rules: Rules) -> ReplayingTools {
    let keys = Arc::new(Keys::new(&rules).unwrap());
    let now = "2026-11-23T00:00:00Z".parse().unwrap();
    let recording = Arc::new(Recording::new(timeline, keys, now));
    let matcher = Arc::new(Matcher::new(recording, Arc::new(rules), fork));
    let redactor = Arc::new(Redactor::new(&RedactRules::default()).unwrap());
    let parser = Arc::new(Parser::new(Arc::clone(&redactor) as _));
    let recorder = Arc::new(Recorder::new(parser, redactor, Arc::new(NoSink)));
    ReplayingTools::new(matcher, recorder)
}

/// A search (step 2) and a booking (step 4) between model calls (1, 3 and 5).
fn travel() -> Arc<Timeline> {
    let talk = Talk::new("an agent", "go")
        .uses("search", json!({"to": "Oslo"}), "RW2")
        .uses("book", json!({"flight": "RW2", "seats": 1}), "booked")
        .says("done");
    let tools = [
        capture(0, "search", json!({"to": "Oslo"}), json!(["RW2"])),
        capture(
            1,
            "book",
            json!({"flight": "RW2", "seats": 1}),
            json!("booked"),
        ),
    ];
    timeline(&talk, &tools)
}

fn search(to: &str) -> ToolCall {
    call("search", json!({ "to": to }), Some(Effect::Read))
}

fn book(seats: u32) -> ToolCall {
    call("book", json!({"seats": seats, "flight": "RW2"}), None)
}

fn told(action: &ToolAction) -> String {
    match action {
        ToolAction::Run(_) => "run".to_owned(),
        ToolAction::Serve(outcome) => outcome.result.to_string(),
        ToolAction::Refuse(message) => message.clone(),
    }
}

fn allowing(name: &str) -> Rules {
    Rules {
        tools: ToolRules {
            rules: Vec::new(),
            allow: vec![name.to_owned()],
        },
        ..Rules::default()
    }
}

#[test]
fn before_the_fork_a_call_is_served_or_refused_and_never_run() {
    for fork in [Fork::At(StepIndex(5)), Fork::Never, Fork::Auto] {
        let tools = replaying(&travel(), fork, allowing("book"));
        assert_eq!(told(&tools.act(book(1))), "\"booked\"");
        let refused = told(&tools.act(book(2)));
        assert!(
            refused.contains("before the fork no tool is run"),
            "{refused}"
        );
        assert!(
            refused.contains("it has been served already: step 4"),
            "{refused}"
        );
        assert!(
            refused.contains("`/seats` of the arguments was 1 and not 2"),
            "{refused}"
        );
        let refused = told(&tools.act(call("pay", json!({}), Some(Effect::Pure))));
        assert!(
            refused.contains("the recorded tools are `book`, `search`"),
            "{refused}"
        );
        let end = tools.end();
        assert_eq!((end.served, end.ran), (1, Vec::new()));
        assert_eq!(end.skipped, [(StepIndex(2), "search".to_owned())]);
        assert_eq!(tools.matcher.lock().refused, 2);
        let kinds = tools.matcher.lock().divergences.clone();
        assert!(kinds.iter().all(|one| one.kind == DivergenceKind::Tool));
    }
}

#[test]
fn behind_the_fork_the_effect_decides() {
    let live = |rules: Rules| {
        let tools = replaying(&travel(), Fork::At(StepIndex(2)), rules);
        tools.matcher.lock().live = 1;
        tools
    };
    let tools = live(Rules::default());
    assert_eq!(told(&tools.act(search("Oslo"))), "run");
    assert_eq!(told(&tools.act(search("Rome"))), "run");
    assert_eq!(told(&tools.act(book(1))), "\"booked\"");
    let halted = told(&tools.act(book(1)));
    assert!(halted.contains("is not measured"), "{halted}");
    assert!(halted.contains("allow_tools = [\"book\"]"), "{halted}");
    let ran = tools.end().ran;
    assert_eq!(
        (ran.len(), ran[0].times, ran[0].effect),
        (1, 2, Effect::Read)
    );
    let tools = live(allowing("book"));
    assert_eq!(told(&tools.act(book(7))), "run");
    let rules = Rules {
        tools: ToolRules {
            rules: vec![ToolRule {
                name: "*".parse().unwrap(),
                effect: None,
                serve: Some(true),
            }],
            allow: Vec::new(),
        },
        ..Rules::default()
    };
    assert_eq!(told(&live(rules).act(search("Oslo"))), "[\"RW2\"]");
}

#[test]
fn a_tool_whose_results_were_seen_in_messages_alone_runs_only_where_it_changes_nothing() {
    let talk = Talk::new("an agent", "go")
        .uses("search", json!({"to": "Oslo"}), "RW2")
        .uses("book", json!({}), "booked")
        .says("done");
    let old = timeline(&talk, &[]);
    let tools = replaying(&old, Fork::Never, Rules::default());
    assert_eq!(told(&tools.act(search("Oslo"))), "run");
    let refused = told(&tools.act(call("book", json!({}), None)));
    assert!(refused.contains("record the session again"), "{refused}");
    let tools = replaying(&old, Fork::Never, allowing("book"));
    assert_eq!(told(&tools.act(call("book", json!({}), None))), "run");
}

#[test]
fn volatile_arguments_match_and_what_a_rule_leaves_out_too() {
    let arguments = |id: &str, at: u32| json!({"id": id, "at": at, "to": "Oslo"});
    let one = "4f9c1d2e-aaaa-4bbb-8ccc-0123456789ab";
    let other = "5f9c1d2e-aaaa-4bbb-8ccc-0123456789ab";
    let talk = Talk::new("an agent", "go")
        .uses("pay", arguments(one, 1), "paid")
        .says("done");
    let recorded = timeline(
        &talk,
        &[capture(0, "pay", arguments(one, 1), json!("paid"))],
    );
    let tools = replaying(&recorded, Fork::Never, Rules::default());
    assert_ne!(
        told(&tools.act(call("pay", arguments(other, 2), None))),
        "\"paid\""
    );
    assert_eq!(
        told(&tools.act(call("pay", arguments(other, 1), None))),
        "\"paid\""
    );
    let rules = Rules {
        normalise: vec![NormaliseRule::Pointer("/at".to_owned())],
        ..Rules::default()
    };
    let tools = replaying(&recorded, Fork::Never, rules);
    assert_eq!(
        told(&tools.act(call("pay", arguments(other, 2), None))),
        "\"paid\""
    );
}

#[test]
fn a_pure_call_is_served_as_often_as_it_comes() {
    let talk = Talk::new("an agent", "go")
        .uses("add", json!([1, 2]), "3")
        .says("done");
    let recorded = timeline(&talk, &[capture(0, "add", json!([1, 2]), json!(3))]);
    let tools = replaying(&recorded, Fork::Never, Rules::default());
    let add = || call("add", json!([1, 2]), Some(Effect::Pure));
    assert_eq!(
        (told(&tools.act(add())), told(&tools.act(add()))),
        ("3".into(), "3".into())
    );
}

/// How often each of the tools was called, shuffled.
fn orders() -> impl Strategy<Value = Vec<usize>> {
    let all: Vec<usize> = (0..6).flat_map(|which| [which; 3]).collect();
    Just(all).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_order_each_call_gets_its_own_results_in_turn(before in orders(), now in orders()) {
        let mut times = [0; 6];
        let captures: Vec<_> = (0..).zip(before).map(|(ordinal, which)| {
            times[which] += 1;
            let result = json!(format!("{which} for the {}. time", times[which]));
            capture(ordinal, "look", json!({ "at": format!("place number {which}") }), result)
        }).collect();
        let recorded = timeline(&Talk::new("an agent", "go").says("done"), &captures);
        let tools = replaying(&recorded, Fork::Never, Rules::default());
        let mut times = [0; 6];
        for which in now {
            times[which] += 1;
            let action = tools.act(call("look", json!({ "at": format!("place number {which}") }), None));
            prop_assert_eq!(told(&action), format!("\"{which} for the {}. time\"", times[which]));
        }
        prop_assert!(tools.end().skipped.is_empty());
    }
}
