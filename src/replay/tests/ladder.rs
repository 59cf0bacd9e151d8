//! Which recorded answer a request gets, and what is said of one that gets none.

use super::*;

#[test]
fn an_unchanged_agent_is_unaffected() {
    let (timeline, mut agent) = research("be brief");
    let matcher = matcher(&timeline, Fork::Never, Rules::default());
    assert_eq!(
        rungs(&walk(&mut agent, &matcher)),
        ["1 exact", "3 exact", "5 exact"]
    );
    let report = conclude(&matcher, ToolsEnd::default(), &ending("14 million"));
    assert!(report.is_unaffected, "{report:?}");
}

#[test]
fn half_an_answer_another_exit_or_a_skipped_step_is_never_unaffected() {
    for turns in 0..3 {
        let (timeline, mut agent) = research("be brief");
        let matcher = matcher(&timeline, Fork::Never, Rules::default());
        let results = [
            "14 million, see 4F9c1d2e-aaaa-4bbb-8ccc-0123456789ab",
            "confirmed",
        ];
        for found in results.iter().take(turns) {
            agent.asks(&matcher);
            agent = agent.says(result(found));
        }
        let report = conclude(&matcher, ToolsEnd::default(), &ending("14 million"));
        assert!(!report.is_unaffected);
        assert_eq!(report.skipped.len(), 3 - turns);
    }
    let (timeline, mut agent) = research("be brief");
    let matcher = matcher(&timeline, Fork::Never, Rules::default());
    walk(&mut agent, &matcher);
    let kinds = |ending: &Ending| -> Vec<_> {
        conclude(&matcher, ToolsEnd::default(), ending)
            .divergences
            .iter()
            .map(|d| d.kind)
            .collect()
    };
    assert_eq!(kinds(&ending("14 mil")), [DivergenceKind::Answer]);
    let crashed = Ending {
        exit: Some(1),
        answer: Some("14 million".into()),
    };
    assert_eq!(kinds(&crashed), [DivergenceKind::Exit]);
}

#[test]
fn a_changed_tool_result_names_the_tool_the_place_and_the_line_that_lets_it_pass() {
    let (timeline, mut agent) = research("be brief");
    let offline = matcher(&timeline, Fork::Never, Rules::default());
    agent.asks(&offline);
    let mut agent = agent.says(result("15 million"));
    let Decision::Refuse(divergence) = agent.asks(&offline) else {
        panic!("served")
    };
    assert_eq!(divergence.kind, DivergenceKind::History);
    assert_eq!(divergence.step, Some(StepIndex(3)));
    assert_eq!(divergence.pointer, "/messages/2/parts/0/content/0/text");
    assert_eq!(divergence.found, "15 million");
    assert!(
        divergence.remedy.contains("search = \"recorded\""),
        "{}",
        divergence.remedy
    );

    let rules = Rules {
        tool_results: ["search".to_owned()].into(),
        ..Rules::default()
    };
    let lenient = matcher(&timeline, Fork::Never, rules);
    let (_timeline, mut agent) = research("be brief");
    agent.asks(&lenient);
    let mut agent = agent.says(result("15 million"));
    let Decision::Serve(served) = agent.asks(&lenient) else {
        panic!("refused")
    };
    assert_eq!(served.rung, Rung::Drift);
    assert_eq!(
        served.drift,
        [Drift::ToolResult {
            name: "search".into()
        }]
    );
}

#[test]
fn volatile_values_match_at_the_second_rung_and_exact_can_be_required() {
    let (timeline, agent) = research("be brief");
    let walk = |rules: Rules| {
        let matcher = matcher(&timeline, Fork::Never, rules);
        let mut agent = agent.clone();
        agent.asks(&matcher);
        agent = agent.says(result(
            "14 million, see 00000000-aaaa-4bbb-8ccc-0123456789ab",
        ));
        rungs(&[agent.asks(&matcher)])
    };
    assert_eq!(walk(Rules::default()), ["3 normalised"]);
    let strict = Rules {
        require: Rung::Exact,
        ..Rules::default()
    };
    assert_eq!(walk(strict), ["refused History"]);
}

#[test]
fn another_argument_is_a_divergence_in_the_answer_that_is_sent_back() {
    let (timeline, mut agent) = research("be brief");
    let matcher = matcher(&timeline, Fork::At(StepIndex(5)), Rules::default());
    agent.asks(&matcher);
    // The agent rewrote the recorded call before it went on.
    let mut agent = Agent::new("be brief", "population of Tokyo?")
        .says(call("search", "osaka"))
        .says(result(
            "14 million, see 4F9c1d2e-aaaa-4bbb-8ccc-0123456789ab",
        ));
    agent.goes_live(&matcher, "x");
    let report = conclude(&matcher, ToolsEnd::default(), &ending("x"));
    let first = &report.divergences[0];
    assert_eq!(first.pointer, "/messages/1/parts/0/arguments/q");
    assert_eq!(
        (first.recorded.as_str(), first.found.as_str()),
        ("tokyo", "osaka")
    );
    assert_eq!(report.skipped, [StepIndex(3)]);
}

#[test]
fn equal_requests_get_the_recorded_answers_in_turn_and_then_no_more() {
    let base = Agent::new("s", "roll");
    let calls: Vec<_> = ["one", "two"]
        .iter()
        .zip([0, 10])
        .map(|(answer, at)| base.clone().recorded(at, text(answer)))
        .collect();
    let timeline = recording(&calls, "two");
    let offline = matcher(&timeline, Fork::Never, Rules::default());
    let ask = |matcher: &Matcher| base.clone().asks(matcher);
    let served = [ask(&offline), ask(&offline), ask(&offline)];
    assert_eq!(rungs(&served), ["1 exact", "2 exact", "refused Repeated"]);
    let lenient = matcher(
        &timeline,
        Fork::Never,
        Rules {
            repeat_last: true,
            ..Rules::default()
        },
    );
    let served = [ask(&lenient), ask(&lenient), ask(&lenient)];
    assert_eq!(rungs(&served), ["1 exact", "2 exact", "2 exact"]);
}

#[test]
fn a_retry_gets_the_same_answer_again() {
    let (timeline, agent) = research("s");
    let matcher = matcher(&timeline, Fork::Never, Rules::default());
    agent.clone().asks(&matcher);
    let request = agent.request();
    let again = Question {
        request: &request,
        fingerprint: fingerprint(&request),
        is_retry: true,
    };
    assert_eq!(rungs(&[matcher.decide(again)]), ["1 exact"]);
}

#[test]
fn agents_of_equal_history_are_told_apart_or_not_served_at_all() {
    let tool = |name: &str| Tool {
        name: name.into(),
        description: None,
        parameters: json!({}),
        extra: Map::new(),
    };
    let worker = |system: &str, tools: &[&str]| {
        let mut agent = Agent::new(system, "go");
        agent.tools = tools.iter().map(|name| tool(name)).collect();
        agent
    };
    let recorded = |a: &Agent, b: &Agent| {
        let calls = [
            a.clone().recorded(0, text("A")),
            b.clone().recorded(1, text("B")),
        ];
        recording(&calls, "B")
    };
    // Both prompts changed: the tool sets still tell who is who.
    let timeline = recorded(&worker("one", &["x"]), &worker("two", &["y"]));
    let by_tools = matcher(&timeline, Fork::Never, Rules::default());
    let asked = [
        worker("new two", &["y"]).asks(&by_tools),
        worker("new one", &["x"]).asks(&by_tools),
    ];
    assert_eq!(rungs(&asked), ["2 drift", "1 drift"]);
    // Nothing tells them apart: never a guess.
    let timeline = recorded(&worker("one", &[]), &worker("two", &[]));
    let blind = matcher(&timeline, Fork::Never, Rules::default());
    let decision = worker("new one", &[]).asks(&blind);
    let Decision::Refuse(divergence) = &decision else {
        panic!("{decision:?}")
    };
    assert_eq!(divergence.kind, DivergenceKind::Ambiguous);
    assert!(
        divergence.message.contains("rewind-agent"),
        "{}",
        divergence.message
    );
    // One prompt is unchanged, so the other binding follows from it.
    let half = matcher(&timeline, Fork::Never, Rules::default());
    let asked = [
        worker("two", &[]).asks(&half),
        worker("new one", &[]).asks(&half),
    ];
    assert_eq!(rungs(&asked), ["2 exact", "1 drift"]);
}

#[test]
fn tool_results_in_another_order_are_the_same_history() {
    let both = Message::new(
        Role::Assistant,
        vec![
            Part::tool_call("t", json!(1)),
            Part::tool_call("t", json!(2)),
        ],
    );
    let mut agent = Agent::new("s", "q");
    let start = agent.clone();
    let first = agent.recorded(0, both);
    agent = agent.says(result("r1")).says(result("r2"));
    let second = agent.recorded(20, text("done"));
    let timeline = recording(&[first, second], "done");
    let matcher = matcher(&timeline, Fork::Never, Rules::default());
    let mut agent = start;
    agent.asks(&matcher);
    let answers = |index| {
        vec![Some(CallRef {
            turns_back: 0,
            index,
        })]
    };
    let mut agent = agent
        .linked(result("r2"), answers(1))
        .linked(result("r1"), answers(0));
    assert_eq!(rungs(&[agent.asks(&matcher)]), ["4 normalised"]);
    // Swapped content is another history.
    let mut swapped = Agent {
        thread: agent.thread.parent().parent().parent(),
        ..agent
    };
    swapped = swapped.says(result("r2")).says(result("r1"));
    assert_eq!(rungs(&[swapped.asks(&matcher)]), ["refused History"]);
}

#[test]
fn a_treatment_that_may_not_drift_is_refused_by_name() {
    let (timeline, mut agent) = research("s");
    agent.model = "another".into();
    let rules = Rules {
        treatment: [TreatmentPart::System].into(),
        ..Rules::default()
    };
    let matcher = matcher(&timeline, Fork::Never, rules);
    let Decision::Refuse(divergence) = agent.asks(&matcher) else {
        panic!("served")
    };
    assert_eq!(divergence.kind, DivergenceKind::Treatment);
    assert!(
        divergence.message.contains("model"),
        "{}",
        divergence.message
    );
}
