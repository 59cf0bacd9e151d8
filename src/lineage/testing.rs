//! Makes timelines for the tests of this crate, one conversation at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{assemble, assemble_fork, final_answer};
use crate::model::{
    ApiError, Call, Dialect, Drift, Exchange, FinishReason, ForkedFrom, Message, Outcome, Part,
    Pooled, Request, Response, Role, Rung, Served, Session, SessionId, Source, StepIndex, Thread,
    Timeline, Treatment, Usage,
};

/// How long a model call takes, in microseconds.
const CALL_US: u64 = 1_000_000;

/// One conversation of an agent with the model, written down turn by turn.
pub(crate) struct Talk {
    system: String,
    model: String,
    thread: Thread,
    clock: u64,
    served: Option<Served>,
    pub(crate) calls: Vec<Arc<Call>>,
}

impl Talk {
    /// Begins a conversation of an agent whose system prompt is `You are AGENT.`
    pub(crate) fn new(agent: &str, question: &str) -> Self {
        let mut talk = Self {
            system: format!("You are {agent}."),
            model: "gpt-4o".to_owned(),
            thread: Thread::empty(),
            clock: 0,
            served: None,
            calls: Vec::new(),
        };
        talk.push(Message::text(Role::User, question));
        talk
    }

    /// Lets the next call begin at this time.
    pub(crate) fn at(mut self, clock: u64) -> Self {
        self.clock = clock;
        self
    }

    /// Lets the following calls be served from the recording, one step after the other.
    pub(crate) fn served_from(mut self, step: u32, rung: Rung) -> Self {
        let drift = match rung {
            Rung::Drift => vec![Drift::SystemPrompt],
            Rung::Exact | Rung::Normalised => Vec::new(),
        };
        self.served = Some(Served {
            step: StepIndex(step),
            rung,
            drift,
            lossy: false,
        });
        self
    }

    /// Lets the following calls go live.
    pub(crate) fn live(mut self) -> Self {
        self.served = None;
        self
    }

    /// The model answers with text.
    pub(crate) fn says(mut self, text: &str) -> Self {
        self.answer(Message::text(Role::Assistant, text), FinishReason::Stop);
        self
    }

    /// The model calls one tool, and its result comes back.
    pub(crate) fn uses(self, tool: &str, arguments: Value, result: &str) -> Self {
        self.calls(&[(tool, arguments)]).gets(&[result])
    }

    /// The model calls tools.
    pub(crate) fn calls(mut self, tools: &[(&str, Value)]) -> Self {
        let parts = tools
            .iter()
            .map(|(name, arguments)| Part::tool_call(*name, arguments.clone()))
            .collect();
        self.answer(
            Message::new(Role::Assistant, parts),
            FinishReason::ToolCalls,
        );
        self
    }

    /// The results of the latest tool calls come back.
    pub(crate) fn gets(mut self, results: &[&str]) -> Self {
        for result in results {
            self.push(Message::new(Role::Tool, vec![Part::tool_result(*result)]));
        }
        self
    }

    /// A tool's failure comes back.
    pub(crate) fn gets_error(mut self, text: &str) -> Self {
        let part = Part::ToolResult {
            content: vec![Part::text(text)],
            is_error: true,
            extra: Map::new(),
        };
        self.push(Message::new(Role::Tool, vec![part]));
        self
    }

    /// The provider answers with an error.
    pub(crate) fn fails(mut self, status: u16, message: &str) -> Self {
        let error = ApiError {
            kind: "server_error".into(),
            message: message.into(),
        };
        let response = Response {
            error: Some(error),
            ..Response::default()
        };
        self.call(response, status);
        self
    }

    fn push(&mut self, message: Message) {
        self.thread = self.thread.push(Pooled::new(message), Vec::new());
    }

    fn answer(&mut self, message: Message, finish: FinishReason) {
        let output = Pooled::new(message);
        let usage = Usage {
            input: 100 * self.thread.len() as u64,
            output: 20,
            ..Usage::default()
        };
        let response = Response {
            output: Some(output.clone()),
            finish: Some(finish),
            model: Some(self.model.clone()),
            usage: Some(usage),
            id: Some(format!("answer-{}-{}", self.clock, self.thread.len())),
            ..Response::default()
        };
        self.call(response, 200);
        self.thread = self.thread.push(output, Vec::new());
    }

    fn call(&mut self, response: Response, status: u16) {
        let treatment = Treatment {
            model: Some(self.model.clone()),
            system: vec![Pooled::new(Message::text(
                Role::System,
                self.system.as_str(),
            ))],
            tools: Pooled::new(Vec::new()),
            settings: Pooled::new(Map::new()),
        };
        let took = if self.served.is_some() { 100 } else { CALL_US };
        self.calls.push(Arc::new(Call {
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
            response,
            exchange: Exchange {
                method: "POST".into(),
                path: "/v1/chat/completions".into(),
                status,
                headers: vec![("x-request-id".into(), format!("req-{}", self.clock))],
                ..Exchange::default()
            },
            attempts: Vec::new(),
            began_us: self.clock,
            first_byte_us: self.clock + took / 2,
            ended_us: self.clock + took,
            served: self.served.clone(),
            lost: BTreeSet::new(),
        }));
        self.clock += took + took / 10;
        if let Some(served) = &mut self.served {
            served.step = StepIndex(served.step.0 + 2);
        }
    }
}

/// Returns the timeline that these conversations make, ended with exit status 0.
pub(crate) fn timeline(label: &str, talks: Vec<Talk>) -> Timeline {
    finished(label, &calls(talks), None)
}

/// Returns the timeline of a fork of `parent`.
pub(crate) fn fork(label: &str, parent: &Timeline, address: &str, talks: Vec<Talk>) -> Timeline {
    finished(label, &calls(talks), Some((parent, address)))
}

/// Returns a session with these timelines.
pub(crate) fn session(name: &str, timelines: Vec<Timeline>) -> Session {
    Session {
        id: SessionId::generate(),
        name: name.to_owned(),
        recorded_at: jiff::Timestamp::UNIX_EPOCH,
        source: Source::Recorded,
        command: vec!["python3".into(), "agent.py".into()],
        input: Some("population of Tokyo?".into()),
        root_input: None,
        expected: None,
        trace: None,
        timelines,
    }
}

/// Returns a question, two searches and an answer: six steps.
pub(crate) fn research() -> Talk {
    Talk::new("a researcher", "population of Tokyo?")
        .uses(
            "web_search",
            json!({"q": "Tokyo population", "max": 5}),
            "14 million",
        )
        .uses(
            "web_search",
            json!({"q": "Tokyo area", "max": 5}),
            "2194 km2",
        )
        .says("Tokyo has 14 million people.")
}

fn calls(talks: Vec<Talk>) -> Vec<Arc<Call>> {
    let mut calls: Vec<Arc<Call>> = talks.into_iter().flat_map(|talk| talk.calls).collect();
    calls.sort_by_key(|call| call.began_us);
    (0_u32..)
        .zip(calls)
        .map(|(ordinal, call)| {
            Arc::new(Call {
                ordinal,
                ..Arc::unwrap_or_clone(call)
            })
        })
        .collect()
}

fn finished(label: &str, calls: &[Arc<Call>], parent: Option<(&Timeline, &str)>) -> Timeline {
    let steps = match parent {
        Some((parent, _address)) => assemble_fork(calls, &[], parent),
        None => assemble(calls, &[]),
    };
    let first_live = steps
        .iter()
        .find(|step| step.call().is_some_and(|call| call.served.is_none()))
        .map(|step| step.number);
    let answer = final_answer(&steps, None);
    Timeline {
        label: label.to_owned(),
        forked_from: parent.map(|(parent, address)| ForkedFrom {
            label: parent.label.clone(),
            address: address.to_owned(),
            step: first_live,
        }),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        is_complete: true,
        steps,
        ancillary: Vec::new(),
        outcome: Outcome {
            exit: Some(0),
            answer,
            faults: Vec::new(),
        },
        replay: None,
    }
}
