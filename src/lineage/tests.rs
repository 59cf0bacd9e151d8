//! Lanes, numbers and answers on hand-made calls.

use std::collections::BTreeSet;

use serde_json::{Map, json};

use super::*;
use crate::model::{
    Answers, Dialect, Exchange, Message, Part, Pooled, Request, Response, Role, Served, Thread,
    Treatment,
};

/// A conversation being written down by a test.
struct Talk {
    system: &'static str,
    thread: Thread,
}

impl Talk {
    fn new(system: &'static str, question: &str) -> Self {
        Self {
            system,
            thread: Thread::empty(),
        }
        .user(question)
    }

    fn user(mut self, text: &str) -> Self {
        self.push(Message::text(Role::User, text), Vec::new());
        self
    }

    fn push(&mut self, message: Message, answers: Answers) {
        self.thread = self.thread.push(Pooled::new(message), answers);
    }

    /// Returns the call that asks for `answer` at `began`, and takes the answer into the history.
    fn call(&mut self, began: u64, answer: Message) -> Arc<Call> {
        let output = Pooled::new(answer);
        let treatment = Treatment {
            model: Some("m".into()),
            system: vec![Pooled::new(Message::text(Role::System, self.system))],
            tools: Pooled::new(Vec::new()),
            settings: Pooled::new(Map::new()),
        };
        let call = Call {
            ordinal: 0,
            provider: "openai".into(),
            request: Request {
                dialect: Dialect::OpenaiChat,
                treatment: Arc::new(treatment),
                thread: self.thread.clone(),
                stream: false,
                agent: None,
            },
            no_ops: Map::new(),
            response: Response {
                output: Some(output.clone()),
                ..Response::default()
            },
            exchange: Exchange {
                status: 200,
                ..Exchange::default()
            },
            attempts: Vec::new(),
            began_us: began,
            first_byte_us: began + 1,
            ended_us: began + 10,
            served: None,
            lost: BTreeSet::new(),
        };
        self.thread = self.thread.push(output, Vec::new());
        Arc::new(call)
    }
}

fn says(text: &str) -> Message {
    Message::text(Role::Assistant, text)
}

fn calls(tools: &[(&str, &str)]) -> Message {
    let parts = tools
        .iter()
        .map(|(name, q)| Part::tool_call(*name, json!({ "q": q })))
        .collect();
    Message::new(Role::Assistant, parts)
}

fn result(text: &str) -> Message {
    Message::new(Role::Tool, vec![Part::tool_result(text)])
}

fn outline(steps: &[Step]) -> Vec<String> {
    steps
        .iter()
        .map(|step| match step.tool() {
            Some(tool) => format!(
                "{} tool {} by {}",
                step.number,
                tool.name,
                tool.called_by.unwrap()
            ),
            None => format!("{} {} lane {}", step.number, step.agent, step.lane.0),
        })
        .collect()
}

#[test]
fn tool_steps_come_between_the_call_and_the_request_that_reports_them() {
    let mut talk = Talk::new("You are a researcher.", "population of Tokyo?");
    let first = talk.call(0, calls(&[("search", "tokyo"), ("lookup", "japan")]));
    talk.push(result("14 million"), Vec::new());
    talk.push(result("an island country"), Vec::new());
    let second = talk.call(100, says("14 million"));
    let steps = assemble(&[first, second], &[]);
    assert_eq!(
        outline(&steps),
        [
            "1 researcher lane 1",
            "2 tool search by 1",
            "3 tool lookup by 1",
            "4 researcher lane 1"
        ]
    );
    let lookup = steps[2].tool().unwrap();
    assert_eq!(lookup.result, Some(vec![Part::text("an island country")]));
    assert_eq!(lookup.seen_by, Some(StepIndex(4)));
    assert_eq!(steps[3].parent, Some(StepIndex(1)));
    assert_eq!(final_answer(&steps, None).as_deref(), Some("14 million"));
}

#[test]
fn a_call_whose_result_never_comes_is_a_step_without_result() {
    let mut talk = Talk::new("", "q");
    let steps = assemble(&[talk.call(0, calls(&[("submit", "done")]))], &[]);
    assert_eq!(outline(&steps), ["1 agent lane 1", "2 tool submit by 1"]);
    assert_eq!(steps[1].status, crate::model::Status::NoResult);
    assert_eq!(
        final_answer(&steps, None).as_deref(),
        Some(r#"{"q":"done"}"#)
    );
}

#[test]
fn parallel_workers_are_lanes_of_the_tool_calls_that_quote_their_question() {
    let mut boss = Talk::new("You are the supervisor.", "compare both");
    let plan = boss.call(
        0,
        calls(&[("delegate", "rome facts"), ("delegate", "oslo facts")]),
    );
    let mut rome = Talk::new("You are a worker.", "Task: rome facts");
    let mut oslo = Talk::new("You are a worker.", "Task: oslo facts");
    let oslo_1 = oslo.call(20, calls(&[("search", "oslo")]));
    let rome_1 = rome.call(21, calls(&[("search", "rome")]));
    rome.push(result("r"), Vec::new());
    oslo.push(result("o"), Vec::new());
    let rome_2 = rome.call(40, says("rome is old"));
    let oslo_2 = oslo.call(41, says("oslo is cold"));
    boss.push(result("rome is old"), Vec::new());
    boss.push(result("oslo is cold"), Vec::new());
    let end = boss.call(60, says("done"));
    let steps = assemble(&[plan, oslo_1, rome_1, rome_2, oslo_2, end], &[]);
    let found = origins(&steps);
    assert_eq!(found[&LaneIdOf::of(&steps, 4)], Origin::Tool(StepIndex(3)));
    assert_eq!(found[&LaneIdOf::of(&steps, 5)], Origin::Tool(StepIndex(2)));
    assert_eq!(final_answer(&steps, None).as_deref(), Some("done"));
    assert_eq!(
        final_answer(&steps, Some("worker")).as_deref(),
        Some("oslo is cold")
    );
}

struct LaneIdOf;

impl LaneIdOf {
    fn of(steps: &[Step], number: usize) -> crate::model::LaneId {
        steps[number - 1].lane
    }
}

#[test]
fn equal_parallel_conversations_stay_apart() {
    let mut one = Talk::new("", "same");
    let mut two = Talk::new("", "same");
    let steps = assemble(
        &[
            one.call(0, says("a")),
            two.call(1, says("a")),
            one.user("more").call(30, says("b")),
            two.user("more").call(31, says("c")),
        ],
        &[],
    );
    let parents: Vec<_> = steps
        .iter()
        .map(|step| step.parent.map(|parent| parent.0))
        .collect();
    assert_eq!(parents, [None, None, Some(1), Some(2)]);
}

#[test]
fn a_fork_keeps_the_numbers_of_its_parent_whatever_the_order_of_the_replay() {
    let make = |offset: [u64; 4], served: bool| {
        let mut a = Talk::new("You are alpha.", "qa");
        let mut b = Talk::new("You are beta.", "qb");
        let mut all = vec![
            a.call(offset[0], says("1")),
            b.call(offset[1], says("2")),
            a.user("x").call(offset[2], says("3")),
            b.user("y").call(offset[3], says("4")),
        ];
        if served {
            for (number, call) in [(1, 0_usize), (2, 1), (3, 2)] {
                let mut changed = (*all[call]).clone();
                changed.served = Some(Served {
                    step: StepIndex(number),
                    rung: crate::model::Rung::Exact,
                    drift: Vec::new(),
                    lossy: false,
                });
                all[call] = Arc::new(changed);
            }
        }
        all
    };
    let parent = Timeline {
        label: "main".into(),
        forked_from: None,
        started_at: jiff::Timestamp::UNIX_EPOCH,
        is_complete: true,
        steps: assemble(&make([0, 1, 20, 21], false), &[]),
        ancillary: Vec::new(),
        outcome: crate::model::Outcome::default(),
        replay: None,
    };
    // In the replay b was quicker than a.
    let calls = make([5, 1, 40, 20], true);
    let steps = assemble_fork(&calls, &[], &parent);
    let agents: Vec<_> = steps.iter().map(|step| step.agent.as_str()).collect();
    assert_eq!(agents, ["alpha", "beta", "alpha", "beta"]);
    assert_eq!(first_unserved(&calls, &parent), Some(StepIndex(4)));
}

#[test]
fn an_answer_that_the_agent_rewrites_still_continues_its_lane() {
    let mut talk = Talk::new("", "q");
    let first = talk.call(0, says("<think>long</think> yes"));
    talk.thread = talk.thread.parent();
    talk.push(says("yes"), Vec::new());
    let mut talk = talk.user("sure?");
    let second = talk.call(20, says("yes!"));
    let steps = assemble(&[first, second], &[]);
    assert_eq!(steps[1].parent, Some(StepIndex(1)));
}
