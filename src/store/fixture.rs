//! Sessions for the tests: a conversation that grows with each step, whole or streamed.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::lineage;
use crate::model::{
    Ancillary, Attempt, Body, Boundary, Call, ContentId, Dialect, Divergence, DivergenceKind,
    Drift, Effect, Exchange, FinishReason, ForkedFrom, Lost, Message, Outcome, Part, Pooled,
    ReplayReport, Request, Response, Role, Rung, Served, Session, SessionId, Source, StepIndex,
    StreamEvent, Thread, Timeline, Tool, ToolCapture, ToolOutcome, Treatment, Usage,
};

/// Makes the calls of a research agent, one after the other.
pub(crate) struct Agent {
    treatment: Arc<Treatment>,
    thread: Thread,
    ordinal: u32,
    /// Distinguishes one run from another: provider ids and times differ, the content does not.
    run: u32,
    bytes_a_step: usize,
    is_streaming: bool,
}

impl Agent {
    /// Returns an agent that makes this many bytes of messages a step.
    pub(crate) fn new(bytes_a_step: usize) -> Self {
        let search = Tool {
            name: "search".to_owned(),
            description: Some("Searches the web.".to_owned()),
            parameters: json!({"type": "object", "properties": {"query": {"type": "string"}}}),
            extra: Map::new(),
        };
        let mut settings = Map::new();
        settings.insert("temperature".to_owned(), json!(0.2));
        let treatment = Treatment {
            model: Some("gpt-4o".to_owned()),
            system: vec![Pooled::new(Message::text(
                Role::System,
                "You research.\nBe brief, and name your sources.",
            ))],
            tools: Pooled::new(vec![search]),
            settings: Pooled::new(settings),
        };
        Self {
            treatment: Arc::new(treatment),
            thread: Thread::empty().push(
                Pooled::new(Message::text(Role::User, "How many live in Tokyo?")),
                Vec::new(),
            ),
            ordinal: 0,
            run: 0,
            bytes_a_step,
            is_streaming: false,
        }
    }

    /// Returns the agent in another run.
    pub(crate) fn run(self, run: u32) -> Self {
        Self { run, ..self }
    }

    /// Returns the agent asking for streams.
    pub(crate) fn streaming(self) -> Self {
        Self {
            is_streaming: true,
            ..self
        }
    }

    /// Returns the next call, which asks for a search; its result is in the next request.
    pub(crate) fn search(&mut self) -> Arc<Call> {
        let number = self.ordinal;
        let half = self.bytes_a_step / 2;
        let mut output = Message::text(Role::Assistant, prose(number, half.saturating_sub(120)));
        let arguments = json!({ "query": format!("population {number}") });
        output.parts.push(Part::tool_call("search", arguments));
        let call = self.call(output, FinishReason::ToolCalls);
        let result = Part::tool_result(prose(number + 1_000_000, half.saturating_sub(120)));
        self.thread = self.thread.push(
            Pooled::new(Message::new(Role::Tool, vec![result])),
            Vec::new(),
        );
        call
    }

    /// Returns the last call, which answers.
    pub(crate) fn answer(&mut self, text: &str) -> Arc<Call> {
        self.call(Message::text(Role::Assistant, text), FinishReason::Stop)
    }

    /// Returns `count` calls, the last of which answers.
    pub(crate) fn calls(mut self, count: u32) -> Vec<Arc<Call>> {
        let mut calls: Vec<_> = (1..count).map(|_step| self.search()).collect();
        calls.push(self.answer("Tokyo has 14 million inhabitants.\n\nSource: the city."));
        calls
    }

    fn call(&mut self, output: Message, finish: FinishReason) -> Arc<Call> {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let began_us = u64::from(ordinal) * 2_000_000 + u64::from(self.run) * 37;
        let output = Pooled::new(output);
        let id = format!("chatcmpl-r{}n{ordinal:05}AbCdEfGhIjKl", self.run);
        let call_id = format!("call_r{}n{ordinal:05}XyZ", self.run);
        let usage = Usage {
            input: u64::from(ordinal) * 500,
            output: 300,
            ..Usage::default()
        };
        let body = if self.is_streaming {
            stream(&output, &id)
        } else {
            whole(&output, &id, &call_id, usage)
        };
        let fingerprint = ContentId::of(self.thread.id().as_bytes());
        let request = Request {
            dialect: Dialect::OpenaiChat,
            treatment: Arc::clone(&self.treatment),
            thread: self.thread.clone(),
            stream: self.is_streaming,
            agent: None,
        };
        self.thread = self.thread.push(Arc::clone(&output), Vec::new());
        let calls_tools = output.tool_calls().next().is_some();
        Arc::new(Call {
            ordinal,
            provider: "openai".to_owned(),
            request,
            no_ops: Map::from_iter([("user".to_owned(), json!("u-1"))]),
            response: Response {
                output: Some(output),
                finish: Some(finish),
                model: Some("gpt-4o-2024-08-06".to_owned()),
                usage: Some(usage),
                id: Some(id),
                call_ids: calls_tools.then_some(call_id).into_iter().collect(),
                volatile: Map::from_iter([("created".to_owned(), json!(1_730_000_000 + self.run))]),
                ..Response::default()
            },
            exchange: Exchange {
                method: "POST".to_owned(),
                path: "/v1/chat/completions".to_owned(),
                fingerprint: Some(fingerprint),
                status: 200,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: Some(body),
                truncated: false,
            },
            attempts: Vec::new(),
            began_us,
            first_byte_us: began_us + 400_000,
            ended_us: began_us + 1_200_000,
            served: None,
            lost: BTreeSet::new(),
        })
    }
}

/// Returns a session with a main timeline of `steps` model calls.
pub(crate) fn session(agent: Agent, steps: u32) -> Session {
    let run = agent.run;
    let calls = agent.calls(steps);
    Session {
        id: SessionId::generate(),
        name: "research".to_owned(),
        recorded_at: timestamp(run),
        source: Source::Recorded,
        command: vec!["python3".to_owned(), "agent.py".to_owned()],
        input: Some("How many live in \"Tokyo\"?\nBriefly.".to_owned()),
        root_input: None,
        expected: None,
        trace: None,
        timelines: vec![timeline("main", &calls, run)],
    }
}

/// Returns a finished timeline of these calls.
pub(crate) fn timeline(label: &str, calls: &[Arc<Call>], run: u32) -> Timeline {
    Timeline {
        label: label.to_owned(),
        forked_from: None,
        started_at: timestamp(run),
        is_complete: true,
        steps: lineage::assemble(calls, &[]),
        ancillary: Vec::new(),
        outcome: Outcome {
            exit: Some(0),
            answer: Some("Tokyo has 14 million inhabitants.\n\nSource: the city.".to_owned()),
            faults: Vec::new(),
        },
        replay: None,
    }
}

/// Returns a session that has everything a session can have: a fork, retries, streams, odd results.
pub(crate) fn rich() -> Session {
    let mut session = session(Agent::new(2_000), 6);
    session.root_input = Some(json!({"question": "How many?", "user": {"id": 7}}));
    session.expected = Some("14 million".to_owned());
    session.trace = Some("0d599338".to_owned());
    let mut streamed = Agent::new(1_000).streaming().calls(4);
    if let Some(first) = streamed.first_mut() {
        let first = Arc::make_mut(first);
        first.served = Some(Served {
            step: StepIndex(1),
            rung: Rung::Drift,
            drift: vec![
                Drift::SystemPrompt,
                Drift::Tool {
                    name: "search".to_owned(),
                },
            ],
            lossy: true,
        });
        first.attempts.push(Attempt {
            status: Some(429),
            error: String::new(),
            began_us: 1,
            ended_us: 2,
        });
        first.request.agent = Some("writer".to_owned());
        first.lost = Lost::ALL.into_iter().collect();
    }
    streamed.push(failed(streamed.len()));
    let mut fork = timeline("fixed", &streamed, 3);
    fork.forked_from = Some(ForkedFrom {
        label: "main".to_owned(),
        address: "tool:search#2".to_owned(),
        step: Some(StepIndex(4)),
    });
    fork.outcome.exit = Some(143);
    fork.outcome
        .faults
        .push("the agent was ended after 90 s".to_owned());
    fork.replay = Some(ReplayReport {
        tools_served: 0,
        tools_ran: Vec::new(),
        drift: vec![Drift::SystemPrompt],
        divergences: vec![Divergence {
            kind: DivergenceKind::History,
            step: Some(StepIndex(2)),
            agent: "main".to_owned(),
            pointer: "/messages/3".to_owned(),
            recorded: "a".to_owned(),
            found: "b".to_owned(),
            message: "the agent went another way".to_owned(),
            remedy: String::new(),
        }],
        skipped: vec![StepIndex(3)],
        served: 1,
        live: 4,
        refused: 0,
        is_unaffected: false,
    });
    for _time in 0..2 {
        fork.ancillary.push(Ancillary {
            provider: "openai".to_owned(),
            body: None,
            exchange: Exchange {
                method: "GET".to_owned(),
                path: "/v1/models".to_owned(),
                status: 200,
                body: Some(Body::Whole(Bytes::from_static(b"{\"data\":[]}"))),
                ..Exchange::default()
            },
        });
    }
    session.timelines.push(fork);
    session.timelines.push(captured());
    session
}

/// Returns a timeline with captured tool calls: one that the model asked for with an HTTP request inside,
/// one that nobody asked for, and one of which nobody said what came of it.
fn captured() -> Timeline {
    let calls = Agent::new(400).run(7).calls(2);
    let capture = |ordinal: u32, boundary, name: &str, began_us: u64, ended_us: u64| ToolCapture {
        ordinal,
        name: name.to_owned(),
        arguments: json!({ "query": "population 0" }),
        boundary,
        effect: Some(Effect::Read),
        server: Some("cities".to_owned()),
        call_id: Some("call_r0".to_owned()),
        outcome: Some(ToolOutcome {
            result: json!({ "found": ["Tokyo", 14.5, null] }),
            is_error: ordinal == 2,
        }),
        served: None,
        began_us,
        ended_us,
    };
    let began = calls.first().map_or(0, |call| call.ended_us);
    let unknown = ToolCapture {
        outcome: None,
        effect: None,
        server: None,
        call_id: None,
        ..capture(3, Boundary::Mcp, "notify", began + 60, began + 60)
    };
    let served = ToolCapture {
        served: Some(Served {
            step: StepIndex(2),
            rung: Rung::Normalised,
            drift: Vec::new(),
            lossy: false,
        }),
        ..capture(2, Boundary::Shim, "clock", began + 50, began + 51)
    };
    let tools = [
        capture(0, Boundary::Shim, "search", began + 10, began + 40),
        capture(
            1,
            Boundary::Http,
            "GET cities.example/",
            began + 20,
            began + 30,
        ),
        served,
        unknown,
    ];
    let tools: Vec<_> = tools.into_iter().map(Arc::new).collect();
    Timeline {
        steps: lineage::assemble(&calls, &tools),
        ..timeline("captured", &calls, 7)
    }
}

/// Returns an opaque call that failed, with bytes that are no text.
fn failed(ordinal: usize) -> Arc<Call> {
    let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
    let message = Message {
        role: Role::User,
        name: Some("raw".to_owned()),
        parts: vec![
            Part::Other {
                value: json!({"$": [1.5, null, "x\r\ny\n"], "text": ["a", "b"]}),
            },
            Part::Media {
                kind: "image".to_owned(),
                source: json!("A".repeat(20_000)),
            },
            Part::Refusal {
                text: "no\nand no".to_owned(),
            },
        ],
        extra: Map::from_iter([("cache".to_owned(), Value::Null)]),
    };
    let mut call = Agent::new(0).calls(1).remove(0);
    let change = Arc::make_mut(&mut call);
    change.ordinal = ordinal;
    change.request.dialect = Dialect::Opaque;
    change.request.thread = Thread::empty().push(Pooled::new(message), vec![None]);
    change.response = Response {
        error: Some(crate::model::ApiError {
            kind: String::new(),
            message: "overloaded".to_owned(),
        }),
        ..Response::default()
    };
    change.exchange.status = 503;
    change.exchange.truncated = true;
    change.exchange.body = Some(Body::Whole(Bytes::from(vec![0xff; 30_000])));
    change.began_us = 90_000_000;
    change.first_byte_us = 90_000_001;
    change.ended_us = 90_000_002;
    call
}

/// Returns the bytes of all distinct messages as canonical JSON.
pub(crate) fn unique_message_bytes(session: &Session) -> usize {
    let mut seen = std::collections::HashSet::new();
    let mut bytes = 0;
    let mut count = |message: &Pooled<Message>| {
        if seen.insert(message.id()) {
            bytes += crate::model::canonical_json(message.value()).len();
        }
    };
    for timeline in &session.timelines {
        for (_step, call) in timeline.model_steps() {
            let treatment = &call.request.treatment;
            treatment.system.iter().for_each(|message| count(message));
            call.request
                .thread
                .messages()
                .iter()
                .for_each(|message| count(message));
            call.response
                .output
                .iter()
                .for_each(|message| count(message));
        }
    }
    bytes
}

/// Returns text of about `length` bytes in lines, different for each `seed`.
fn prose(seed: u32, length: usize) -> String {
    let mut text = String::new();
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while text.len() < length {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let word = ["tokyo", "people", "census", "ward", "growth", "source"];
        text.push_str(
            word.get((state >> 33) as usize % word.len())
                .unwrap_or(&"x"),
        );
        text.push(if state >> 60 == 0 { '\n' } else { ' ' });
        if state >> 61 == 1 {
            text.push_str(&(state >> 40).to_string());
        }
    }
    text
}

fn whole(output: &Message, id: &str, call_id: &str, usage: Usage) -> Body {
    let tool_calls: Vec<Value> = output
        .tool_calls()
        .map(|(name, arguments)| {
            json!({"id": call_id, "type": "function",
                   "function": {"name": name, "arguments": arguments.to_string()}})
        })
        .collect();
    let body = json!({
        "id": id, "object": "chat.completion", "created": 1_730_000_000, "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": output.plain_text(),
            "refusal": null, "annotations": [], "tool_calls": tool_calls},
            "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": usage.input, "completion_tokens": usage.output,
            "total_tokens": usage.total(),
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
                "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}},
        "service_tier": "default", "system_fingerprint": "fp_0123456789"
    });
    Body::Whole(Bytes::from(body.to_string()))
}

fn stream(output: &Message, id: &str) -> Body {
    let text = output.plain_text();
    let characters: Vec<char> = text.chars().collect();
    let events = characters.chunks(12).map(|piece| {
        let piece: String = piece.iter().collect();
        let data = json!({"id": id, "object": "chat.completion.chunk", "created": 1,
            "model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": piece}}]});
        StreamEvent {
            delay_us: 20_000,
            bytes: Bytes::from(format!("data: {data}\n\n")),
        }
    });
    Body::Events(events.collect())
}

fn timestamp(run: u32) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_760_000_000 + i64::from(run) * 60).unwrap_or_default()
}
