//! The recorder of one timeline.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::asked::{
    Asked, AskedAncillary, AskedModel, UnderWay, header, is_marked_retry, unreadable,
};
use super::failure::{BROKE_OFF, CLIENT_CLOSED, End, GAVE_UP, failed_response};
use super::scrub;
use super::sink::Sink;
use super::slots::Failure;
use super::state::{State, identity};
use super::stream_end::is_ended;
use crate::model::{
    Ancillary, Body, Call, ContentId, Dialect, Exchange, Response, Served, Thread, Timeline,
    ToolCapture,
};
use crate::proxy::{Captured, Credential, Incoming};
use crate::redact::Redactor;
use crate::wire::{self, ParsedRequest, Parser, Scrub as _, Traffic};

/// All that was recorded.
#[derive(Debug, Default)]
pub struct Finished {
    /// The calls, by ordinal; those that the sink stored may be without the body of their exchange.
    pub calls: Vec<Arc<Call>>,
    /// Traffic without a number, in the order in which it was answered.
    pub ancillary: Vec<Ancillary>,
    /// Captured tool calls, by ordinal.
    pub tools: Vec<Arc<ToolCapture>>,
    /// What went wrong in recording, in words; empty when all is whole.
    pub faults: Vec<String>,
    /// What the user should know though nothing went wrong, in words.
    pub notices: Vec<String>,
}

/// Turns the exchanges of one timeline into calls; shared by everything that answers the agent.
pub struct Recorder {
    parser: Arc<Parser>,
    redactor: Arc<Redactor>,
    pub(super) sink: Arc<dyn Sink>,
    start: Instant,
    state: Mutex<State>,
    /// Paths with what is kept of them: an agent asks few.
    paths: Mutex<HashMap<String, String>>,
    under_way: Arc<watch::Sender<usize>>,
}

impl Recorder {
    /// Returns a recorder whose clock starts now.
    pub fn new(parser: Arc<Parser>, redactor: Arc<Redactor>, sink: Arc<dyn Sink>) -> Self {
        Self {
            parser,
            redactor,
            sink,
            start: Instant::now(),
            state: Mutex::default(),
            paths: Mutex::default(),
            under_way: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Says what a request is, and opens its step.
    ///
    /// A model request must then go to one of [`answered`](Self::answered), [`served`](Self::served),
    /// [`abandoned`](Self::abandoned) and [`withdraw`](Self::withdraw); an
    /// [`Awaited`](super::Awaited) sees to that for live ones.
    pub fn ask(&self, incoming: &Incoming) -> Asked {
        let dialect = match wire::classify(incoming.method.as_str(), &incoming.path) {
            Traffic::Model(dialect) => dialect,
            Traffic::Opaque => Dialect::Opaque,
            Traffic::Ancillary => return Asked::Ancillary(self.ask_ancillary(incoming)),
            Traffic::Telemetry => return Asked::Telemetry,
        };
        let path = self.clean_path(&incoming.path);
        let parsed = self.parse(dialect, incoming, &path);
        let agent = header(incoming, "rewind-agent").map(|agent| self.clean(agent));
        let mut state = self.lock();
        if incoming.credential == Credential::Own {
            state.own_keys.insert(incoming.provider.clone());
        }
        let (request, is_continued) = state.requests.request(&parsed, agent);
        let identity = identity(&incoming.provider, &request, &parsed);
        let began_us = self.micros(incoming.arrived);
        let ticket = state
            .slots
            .open(identity, began_us, is_marked_retry(incoming));
        drop(state);
        Asked::Model(Box::new(AskedModel {
            request,
            parsed,
            ordinal: ticket.ordinal,
            provider: incoming.provider.clone(),
            method: incoming.method.to_string(),
            path,
            is_retry: ticket.is_retry(),
            ticket,
            is_continued,
            _under_way: UnderWay::new(&self.under_way),
        }))
    }

    /// Takes what a live request was answered with on the wire; returns the call that it became.
    ///
    /// A call that failed in a way that clients retry stays open for the retry; until that comes it
    /// counts as it is.
    pub fn answered(&self, asked: AskedModel, captured: Captured) -> Arc<Call> {
        let answer = self.read(&asked, captured);
        let call = self.close(asked, answer);
        // The agent sees the end of the answer after this: what it has got is kept, come what may.
        self.sink.settle();
        call
    }

    /// Takes a request that was served from the recorded call `source` at the instant `at`.
    pub fn served(
        &self,
        asked: AskedModel,
        source: &Call,
        served: Served,
        at: Instant,
    ) -> Arc<Call> {
        let now = self.micros(at);
        let answer = Answer {
            response: source.response.clone(),
            exchange: Exchange {
                body: source.exchange.body.clone(),
                headers: source.exchange.headers.clone(),
                truncated: source.exchange.truncated,
                ..asked.exchange(source.exchange.status)
            },
            first_byte_us: now,
            ended_us: now,
            failure: End::of(source).failure(&source.response),
            served: Some(served),
        };
        self.close(asked, answer)
    }

    /// Takes a request that got no answer because the agent went away.
    pub fn abandoned(&self, asked: AskedModel) -> Arc<Call> {
        let now = self.micros(Instant::now());
        let answer = Answer {
            response: failed_response(GAVE_UP),
            exchange: Exchange {
                truncated: true,
                ..asked.exchange(CLIENT_CLOSED)
            },
            first_byte_us: now,
            ended_us: now,
            failure: Some(Failure {
                status: None,
                error: GAVE_UP.to_owned(),
            }),
            served: None,
        };
        self.close(asked, answer)
    }

    /// Forgets a request that was refused: it becomes no step.
    pub fn withdraw(&self, asked: &AskedModel) {
        self.lock().slots.withdraw(&asked.ticket);
    }

    /// Takes what traffic without a number was answered with; an answer that broke off is not kept.
    pub fn answered_ancillary(&self, asked: AskedAncillary, captured: Captured) {
        if captured.truncated {
            return;
        }
        let status = captured.status.as_u16();
        let nothing = Response::default();
        let dialect = (Dialect::Opaque, status);
        let body = scrub::body(&self.redactor, dialect, captured.body, &nothing, &nothing);
        let ancillary = Ancillary {
            provider: asked.provider,
            body: asked.body,
            exchange: Exchange {
                method: asked.method,
                path: asked.path,
                fingerprint: None,
                status,
                headers: self.headers(captured.headers),
                body: Some(body),
                truncated: false,
            },
        };
        self.add_ancillary(ancillary, &mut self.lock());
    }

    /// Keeps traffic without a number, which holds no secrets; the same answer again is not kept twice.
    pub fn keep_ancillary(&self, ancillary: Ancillary) {
        let mut state = self.lock();
        let last =
            state.ancillary.iter().rev().find(|one| {
                one.exchange.path == ancillary.exchange.path && one.body == ancillary.body
            });
        if last != Some(&ancillary) {
            self.add_ancillary(ancillary, &mut state);
        }
    }

    fn add_ancillary(&self, ancillary: Ancillary, state: &mut State) {
        let kept = self.sink.ancillary(&ancillary);
        state.note(kept);
        state.ancillary.push(ancillary);
    }

    /// Notes what whoever recorded should know, for the end of the run.
    pub fn notice(&self, notice: String) {
        self.lock().noticed.push(notice);
    }

    /// Notes something that went wrong in recording, for the end of the run.
    pub fn fault(&self, fault: impl Into<String>) {
        let fault = self.redactor.text(&fault.into()).into_owned();
        self.lock().add_fault(fault);
    }

    /// Takes the secrets out of a value.
    pub(super) fn scrub(&self, value: &mut serde_json::Value) {
        self.redactor.scrub(value);
    }

    /// Takes note of the pseudonyms in a recording that is to be compared with what is recorded now.
    pub fn reserve(&self, recording: &Timeline) {
        if !self.redactor.has_pseudonyms() {
            return;
        }
        let mut seen = HashSet::new();
        for (_step, call) in recording.model_steps() {
            let request = &call.request;
            let messages = request.thread.ancestors().filter_map(Thread::last);
            let messages = messages.chain(&request.treatment.system);
            for message in messages.chain(&call.response.output) {
                if seen.insert(message.id())
                    && let Ok(text) = serde_json::to_string(message.value())
                {
                    self.redactor.reserve(&text);
                }
            }
        }
    }

    /// Returns a text without secrets.
    pub fn clean(&self, text: &str) -> String {
        self.redactor.text(text).into_owned()
    }

    /// Waits until no request is under way.
    pub async fn drained(&self) {
        let mut under_way = self.under_way.subscribe();
        // The sender lives as long as `self`, so this can't fail.
        if under_way.wait_for(|count| *count == 0).await.is_err() {
            tracing::debug!("the recorder went away while it was waited for");
        }
    }

    /// Returns all that was recorded so far.
    pub fn finish(&self) -> Finished {
        let state = self.lock();
        let mut faults = state.faults.clone();
        if state.unkept > 1 {
            faults.push(format!(
                "{} calls in all could not be stored while the agent ran; they are kept if the end of the run can be stored",
                state.unkept
            ));
        }
        Finished {
            calls: state.slots.calls(),
            ancillary: state.ancillary.clone(),
            tools: state.tools.calls(),
            faults,
            notices: { state.own_keys.iter() }
                .map(|provider| own_key_notice(provider))
                .chain(state.noticed.iter().cloned())
                .collect(),
        }
    }

    fn ask_ancillary(&self, incoming: &Incoming) -> AskedAncillary {
        let body = (!incoming.body.is_empty())
            .then(|| ContentId::of(&self.redactor.bytes(&incoming.body)));
        AskedAncillary {
            provider: incoming.provider.clone(),
            method: incoming.method.to_string(),
            path: self.clean_path(&incoming.path),
            body,
            _under_way: UnderWay::new(&self.under_way),
        }
    }

    /// Parses a request; what is not of its dialect is kept verbatim.
    fn parse(&self, dialect: Dialect, incoming: &Incoming, path: &str) -> Arc<ParsedRequest> {
        let method = incoming.method.as_str();
        let parse = |dialect| {
            self.parser
                .parse_request(dialect, method, path, &incoming.body)
        };
        parse(dialect)
            .or_else(|error| {
                self.fault(format!("{method} {path} is kept verbatim: {error}"));
                parse(Dialect::Opaque)
            })
            .unwrap_or_else(|error| {
                self.fault(format!(
                    "{method} {path} is kept without its request: {error}"
                ));
                Arc::new(unreadable(method, path))
            })
    }

    /// Reads an answer and takes the secrets out of it.
    fn read(&self, asked: &AskedModel, captured: Captured) -> Answer {
        let status = captured.status.as_u16();
        let dialect = asked.request.dialect;
        let is_whole =
            !captured.truncated || (captured.client_gone && is_ended(dialect, &captured.body));
        let (response, body) = self.scrubbed(asked, status, captured.body, is_whole);
        let error = captured
            .error
            .map(|error| self.redactor.text(&error).into_owned());
        let end = End {
            status,
            is_whole,
            client_gone: captured.client_gone,
            error,
        };
        Answer {
            failure: end.failure(&response),
            response,
            exchange: Exchange {
                headers: self.headers(captured.headers),
                body: Some(body),
                truncated: !is_whole,
                ..asked.exchange(status)
            },
            first_byte_us: self.micros(captured.first_byte),
            ended_us: self.micros(captured.ended),
            served: None,
        }
    }

    /// Returns an answer in the normal form and as it came; verbatim where it is not of its dialect.
    fn scrubbed(
        &self,
        asked: &AskedModel,
        status: u16,
        body: Body,
        is_whole: bool,
    ) -> (Response, Body) {
        let dialect = asked.request.dialect;
        if dialect != Dialect::Opaque {
            match wire::parse_response(dialect, status, &body) {
                Ok(found) => {
                    let clean = scrub::response(&self.redactor, &found);
                    let kind = (dialect, status);
                    let body = scrub::body(&self.redactor, kind, body, &found, &clean);
                    return (clean, body);
                }
                Err(error) if is_whole => {
                    let line = asked.line();
                    self.fault(format!("the answer to {line} is kept verbatim: {error}"));
                }
                Err(_broken) => {
                    let response = failed_response(BROKE_OFF);
                    return (response, scrub::opaque(&self.redactor, body));
                }
            }
        }
        let body = scrub::opaque(&self.redactor, body);
        let response = wire::parse_response(Dialect::Opaque, status, &body).unwrap_or_default();
        (scrub::response(&self.redactor, &response), body)
    }

    /// Returns a path without secrets.
    fn clean_path(&self, path: &str) -> String {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clean) = paths.get(path) {
            return clean.clone();
        }
        let clean = self.redactor.path_and_query(path).into_owned();
        if paths.len() >= PATHS {
            paths.clear();
        }
        paths.insert(path.to_owned(), clean.clone());
        clean
    }

    fn headers(&self, headers: Vec<(String, String)>) -> Vec<(String, String)> {
        headers
            .into_iter()
            .filter_map(|(name, value)| {
                let value = self.redactor.header(&name, &value)?;
                Some((name, value))
            })
            .collect()
    }

    fn close(&self, asked: AskedModel, answer: Answer) -> Arc<Call> {
        let mut state = self.lock();
        let mut request = asked.request;
        if !asked.is_continued && asked.parsed.previous_response.is_some() {
            // The answer that it goes on from had not ended when it was asked.
            (request, _) = state.requests.request(&asked.parsed, request.agent);
        }
        state
            .requests
            .keep(&request, &asked.parsed, &answer.response);
        let call = Call {
            ordinal: asked.ordinal,
            provider: asked.provider,
            request,
            no_ops: asked.parsed.no_ops.clone(),
            response: answer.response,
            exchange: answer.exchange,
            attempts: Vec::new(),
            began_us: asked.ticket.first_began_us,
            first_byte_us: answer.first_byte_us,
            ended_us: answer.ended_us,
            served: answer.served,
            lost: BTreeSet::new(),
        };
        let closed = state.slots.close(&asked.ticket, call, answer.failure);
        if closed.is_answer {
            // Under the lock, so that two tries of a step arrive in their order.
            let kept = self.sink.call(&closed.call);
            state.note(kept);
        }
        state.slots.slim(self.sink.stored());
        closed.call
    }

    /// Returns the microseconds from the timeline's start to `instant`.
    pub(super) fn micros(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.start);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many paths are remembered.
const PATHS: usize = 64;

/// What came of a request, without secrets.
struct Answer {
    response: Response,
    exchange: Exchange,
    first_byte_us: u64,
    ended_us: u64,
    failure: Option<Failure>,
    served: Option<Served>,
}

fn own_key_notice(provider: &str) -> String {
    format!(
        "the agent sent a key of its own to `{provider}`; it went up as it was and is kept nowhere, but Rewind could not guard it (`[capture] strict_keys = true` refuses such requests)"
    )
}
