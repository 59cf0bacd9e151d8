//! The ladder and the rules of the fork, on hand-made recordings.

mod orders;

use std::sync::Arc;

use serde_json::{Map, json};

use super::*;
use crate::lineage::assemble;
use crate::model::{
    Answers, Call, CallRef, ContentId, Dialect, DivergenceKind, Drift, Exchange, Message, Outcome,
    Part, Pooled, Request, Response, Role, Rung, StepIndex, Thread, Timeline, Tool, Treatment,
};

/// An agent that asks and is answered, in a recording and again in a replay.
#[derive(Clone)]
struct Agent {
    system: String,
    model: String,
    tools: Vec<Tool>,
    header: Option<String>,
    thread: Thread,
}

impl Agent {
    fn new(system: &str, question: &str) -> Self {
        let agent = Self {
            system: system.to_owned(),
            model: "m".to_owned(),
            tools: Vec::new(),
            header: None,
            thread: Thread::empty(),
        };
        agent.says(Message::text(Role::User, question))
    }

    fn says(self, message: Message) -> Self {
        self.linked(message, Vec::new())
    }

    fn linked(mut self, message: Message, answers: Answers) -> Self {
        self.thread = self.thread.push(Pooled::new(message), answers);
        self
    }

    fn request(&self) -> Request {
        let treatment = Treatment {
            model: Some(self.model.clone()),
            system: vec![Pooled::new(Message::text(
                Role::System,
                self.system.clone(),
            ))],
            tools: Pooled::new(self.tools.clone()),
            settings: Pooled::new(Map::new()),
        };
        Request {
            dialect: Dialect::OpenaiChat,
            treatment: Arc::new(treatment),
            thread: self.thread.clone(),
            stream: false,
            agent: self.header.clone(),
        }
    }

    /// Returns the call that is answered with `answer`, and takes the answer into the history.
    fn recorded(&mut self, at: u64, answer: Message) -> Arc<Call> {
        let request = self.request();
        let call = Call {
            ordinal: 0,
            provider: "openai".into(),
            no_ops: Map::new(),
            response: Response {
                output: Some(Pooled::new(answer.clone())),
                ..Response::default()
            },
            exchange: Exchange {
                status: 200,
                fingerprint: Some(fingerprint(&request)),
                ..Exchange::default()
            },
            request,
            attempts: Vec::new(),
            began_us: at,
            first_byte_us: at,
            ended_us: at + 5,
            served: None,
        };
        *self = self.clone().says(answer);
        Arc::new(call)
    }

    /// Asks the matcher; a served answer is taken into the history.
    fn asks(&mut self, matcher: &Matcher) -> Decision {
        let request = self.request();
        let fingerprint = fingerprint(&request);
        let question = Question {
            request: &request,
            fingerprint,
            is_retry: false,
        };
        let decision = matcher.decide(question);
        if let Decision::Serve(served) = &decision {
            let call = matcher.recording().call(served.step).unwrap();
            let output = call.response.output.as_ref().unwrap().value().clone();
            *self = self.clone().says(output);
        }
        decision
    }

    /// Asks, is sent on, and gets `answer` from the provider.
    fn goes_live(&mut self, matcher: &Matcher, answer: &str) -> Decision {
        let decision = self.asks(matcher);
        assert!(matches!(decision, Decision::Live { .. }), "{decision:?}");
        let call = self.recorded(0, Message::text(Role::Assistant, answer));
        matcher.answered_live(&call);
        decision
    }
}

fn fingerprint(request: &Request) -> ContentId {
    let (treatment, thread) = (request.treatment.id(), request.thread.id());
    ContentId::of_parts([treatment.as_bytes().as_slice(), thread.as_bytes()])
}

fn text(text: &str) -> Message {
    Message::text(Role::Assistant, text)
}

fn call(tool: &str, query: &str) -> Message {
    Message::new(
        Role::Assistant,
        vec![Part::tool_call(tool, json!({ "q": query }))],
    )
}

fn result(text: &str) -> Message {
    Message::new(Role::Tool, vec![Part::tool_result(text)])
}

fn recording(calls: &[Arc<Call>], answer: &str) -> Arc<Timeline> {
    Arc::new(Timeline {
        label: "main".into(),
        forked_from: None,
        started_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        is_complete: true,
        steps: assemble(calls),
        ancillary: Vec::new(),
        outcome: Outcome {
            exit: Some(0),
            answer: Some(answer.into()),
            faults: Vec::new(),
        },
        replay: None,
    })
}

fn matcher(timeline: &Arc<Timeline>, fork: Fork, rules: Rules) -> Matcher {
    let keys = Arc::new(Keys::new(&rules).unwrap());
    let now = "2026-11-23T00:00:00Z".parse().unwrap();
    Matcher::new(
        Arc::new(Recording::new(timeline, keys, now)),
        Arc::new(rules),
        fork,
    )
}

fn ending(answer: &str) -> Ending {
    Ending {
        exit: Some(0),
        answer: Some(answer.to_owned()),
    }
}

/// A researcher that searches twice and then answers: steps 1, 3, 5 are model steps.
fn research(system: &str) -> (Arc<Timeline>, Agent) {
    let mut agent = Agent::new(system, "population of Tokyo?");
    let start = agent.clone();
    let one = agent.recorded(0, call("search", "tokyo"));
    agent = agent.says(result(
        "14 million, see 4F9c1d2e-aaaa-4bbb-8ccc-0123456789ab",
    ));
    let two = agent.recorded(20, call("search", "check"));
    agent = agent.says(result("confirmed"));
    let three = agent.recorded(40, text("14 million"));
    (recording(&[one, two, three], "14 million"), start)
}

/// Runs the researcher's loop with the recorded tool results until it is not served any more.
fn walk(agent: &mut Agent, matcher: &Matcher) -> Vec<Decision> {
    let results = [
        "14 million, see 4F9c1d2e-aaaa-4bbb-8ccc-0123456789ab",
        "confirmed",
    ];
    let mut decisions = Vec::new();
    for turn in 0..3 {
        let decision = agent.asks(matcher);
        let is_served = matches!(decision, Decision::Serve(_));
        decisions.push(decision);
        if !is_served {
            break;
        }
        if let Some(found) = results.get(turn) {
            *agent = agent.clone().says(result(found));
        }
    }
    decisions
}

fn rungs(decisions: &[Decision]) -> Vec<String> {
    decisions
        .iter()
        .map(|decision| match decision {
            Decision::Serve(served) => format!("{} {}", served.step, served.rung),
            Decision::Live { .. } => "live".to_owned(),
            Decision::Refuse(divergence) => format!("refused {:?}", divergence.kind),
        })
        .collect()
}

#[test]
fn an_unchanged_agent_is_unaffected() {
    let (timeline, mut agent) = research("be brief");
    let matcher = matcher(&timeline, Fork::Never, Rules::default());
    assert_eq!(
        rungs(&walk(&mut agent, &matcher)),
        ["1 exact", "3 exact", "5 exact"]
    );
    let report = conclude(&matcher, &ending("14 million"));
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
        let report = conclude(&matcher, &ending("14 million"));
        assert!(!report.is_unaffected);
        assert_eq!(report.skipped.len(), 3 - turns);
    }
    let (timeline, mut agent) = research("be brief");
    let matcher = matcher(&timeline, Fork::Never, Rules::default());
    walk(&mut agent, &matcher);
    let kinds = |ending: &Ending| -> Vec<_> {
        conclude(&matcher, ending)
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
fn a_changed_prompt_is_drift_before_the_fork_and_live_behind_it() {
    let (timeline, mut agent) = research("be brief");
    agent.system = "be precise".into();
    let matcher = matcher(&timeline, Fork::At(StepIndex(4)), Rules::default());
    assert_eq!(
        rungs(&walk(&mut agent, &matcher)),
        ["1 drift", "3 drift", "live"]
    );
    let report = conclude(&matcher, &ending("13.9 million"));
    assert_eq!(report.drift, [Drift::SystemPrompt]);
    assert_eq!(
        (report.served, report.live, report.divergences.len()),
        (2, 1, 0)
    );
}

#[test]
fn a_step_that_extends_a_live_answer_is_live_though_it_matches_nothing() {
    let (timeline, mut agent) = research("be brief");
    let matcher = matcher(&timeline, Fork::At(StepIndex(1)), Rules::default());
    agent.goes_live(&matcher, "let me see");
    agent = agent.says(Message::text(Role::User, "go on"));
    agent.goes_live(&matcher, "14 million");
    assert_eq!(conclude(&matcher, &ending("14 million")).divergences, []);
}

#[test]
fn under_auto_a_changed_prompt_goes_live_at_once_and_stays_live() {
    let (timeline, mut agent) = research("be brief");
    agent.system = "be precise".into();
    let matcher = matcher(&timeline, Fork::Auto, Rules::default());
    agent.goes_live(&matcher, "hm");
    // Even an exact match of the recording is not served to a live lane.
    agent.system = "be brief".into();
    agent = agent.says(Message::text(Role::User, "again"));
    agent.goes_live(&matcher, "14 million");
    let report = conclude(&matcher, &ending("14 million"));
    assert_eq!((report.drift, report.live), (vec![Drift::SystemPrompt], 2));
    assert_eq!(report.divergences, []);
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
    let report = conclude(&matcher, &ending("x"));
    let first = &report.divergences[0];
    assert_eq!(first.pointer, "/messages/1/parts/0/arguments/q");
    assert_eq!(
        (first.recorded.as_str(), first.found.as_str()),
        ("tokyo", "osaka")
    );
    assert_eq!(report.skipped, [StepIndex(3)]);
}

#[test]
fn halting_refuses_where_moving_goes_live() {
    let (timeline, mut agent) = research("be brief");
    let rules = Rules {
        on_divergence: OnDivergence::Halt,
        ..Rules::default()
    };
    let matcher = matcher(&timeline, Fork::At(StepIndex(5)), rules);
    agent.asks(&matcher);
    let mut agent = agent.says(result("something else"));
    assert_eq!(rungs(&[agent.asks(&matcher)]), ["refused History"]);
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
fn parallel_lanes_are_each_cut_at_the_fork_and_others_stay_served_under_auto() {
    let mut boss = [
        Agent::new("You are alpha.", "a"),
        Agent::new("You are beta.", "b"),
    ];
    let start = boss.clone();
    let mut calls = Vec::new();
    for (at, turn) in [(0_u64, 0), (10, 1)] {
        for (index, agent) in boss.iter_mut().enumerate() {
            if turn == 1 {
                *agent = agent.clone().says(Message::text(Role::User, "more"));
            }
            calls.push(agent.recorded(at + index as u64, text(&format!("{index}{turn}"))));
        }
    }
    let timeline = recording(&calls, "11");
    // Step 3 is alpha's second: alpha is live from there, beta's second is step 4, behind the fork.
    let forked = matcher(&timeline, Fork::At(StepIndex(3)), Rules::default());
    let mut agents = start.clone();
    let first: Vec<_> = agents.iter_mut().map(|agent| agent.asks(&forked)).collect();
    assert_eq!(rungs(&first), ["1 exact", "2 exact"]);
    for agent in &mut agents {
        *agent = agent.clone().says(Message::text(Role::User, "more"));
        agent.goes_live(&forked, "x");
    }
    assert_eq!(conclude(&forked, &ending("x")).divergences, []);
    // Under auto a change in alpha leaves beta on the recording.
    let auto = matcher(&timeline, Fork::Auto, Rules::default());
    let [mut alpha, mut beta] = start;
    alpha.system = "You are alpha two.".into();
    alpha.goes_live(&auto, "x");
    beta.asks(&auto);
    beta = beta.says(Message::text(Role::User, "more"));
    assert_eq!(rungs(&[beta.asks(&auto)]), ["4 exact"]);
}

#[test]
fn a_request_equal_to_a_step_behind_the_fork_is_live_whatever_resembles_it_before() {
    // Three experts get the same question; only their prompts tell them apart.
    let experts = ["history", "food", "transport"].map(|view| Agent::new(view, "Lima?"));
    let mut at = 0;
    let calls = experts.clone().map(|mut expert| {
        at += 1;
        let answer = text(&format!("a note on {}", expert.system));
        expert.recorded(at, answer)
    });
    let timeline = recording(&calls, "a note on transport");
    // In whatever order they ask, the third is live and the others get their own answers.
    for order in [[0, 1, 2], [2, 0, 1], [0, 2, 1]] {
        let forked = matcher(&timeline, Fork::At(StepIndex(3)), Rules::default());
        for index in order {
            let mut expert = experts[index].clone();
            if index == 2 {
                expert.goes_live(&forked, "live");
            } else {
                let wanted = format!("{} exact", index + 1);
                assert_eq!(rungs(&[expert.asks(&forked)]), [wanted], "{order:?}");
            }
        }
        assert_eq!(
            conclude(&forked, &ending("live")).divergences,
            [],
            "{order:?}"
        );
    }
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

#[test]
fn a_new_conversation_before_the_fork_is_judged_when_the_run_ends() {
    let (timeline, mut agent) = research("s");
    let matcher = matcher(&timeline, Fork::At(StepIndex(5)), Rules::default());
    let mut stranger = Agent::new("s", "title for this chat?");
    stranger.goes_live(&matcher, "Tokyo");
    let served = walk(&mut agent, &matcher);
    assert_eq!(rungs(&served), ["1 exact", "3 exact", "live"]);
    // The recorded path was followed as well, so the new conversation is no divergence.
    assert_eq!(conclude(&matcher, &ending("x")).divergences, []);
}
