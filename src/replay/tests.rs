//! Replays of hand-made recordings: the agent that asks, and what is found of it.

mod forks;
mod ladder;
mod orders;

use std::collections::BTreeSet;
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
            lost: BTreeSet::new(),
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
        steps: assemble(calls, &[]),
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
