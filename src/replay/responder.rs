//! Puts the matcher behind a socket: serves, forwards or refuses each request of the agent.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use tokio::sync::watch;

use super::held;
use super::live;
use super::matcher::{Decision, Matcher, Question};
use super::serve::{self, Timing, Wanted};
use super::told::told;
use crate::model::{Request, Role, Served};
use crate::proxy::{Answer, AnswerBody, Backend, Captured, Incoming, Responder, forward};
use crate::record::{Asked, AskedAncillary, AskedModel, Recorder};

/// How long a request that continues an unknown conversation waits for a live answer under way to
/// be taken in. The client may have read the end of a stream before the forwarder saw it.
const SETTLE: Duration = Duration::from_millis(500);

/// Answers the requests of one replay.
pub struct ReplayResponder {
    matcher: Arc<Matcher>,
    recorder: Arc<Recorder>,
    backend: Option<Arc<dyn Backend>>,
    timing: Timing,
    under_way: watch::Sender<usize>,
}

impl ReplayResponder {
    /// Returns a responder; without a backend nothing goes live.
    pub fn new(
        matcher: Arc<Matcher>,
        recorder: Arc<Recorder>,
        backend: Option<Arc<dyn Backend>>,
        timing: Timing,
    ) -> Self {
        Self {
            matcher,
            recorder,
            backend,
            timing,
            under_way: watch::Sender::new(0),
        }
    }

    async fn answer(self: Arc<Self>, incoming: Incoming) -> Answer {
        match self.recorder.ask(&incoming) {
            Asked::Telemetry => empty(StatusCode::NO_CONTENT),
            Asked::Ancillary(asked) => self.ancillary(asked, incoming).await,
            Asked::Model(asked) => self.model(*asked, incoming).await,
        }
    }

    async fn model(self: Arc<Self>, asked: AskedModel, incoming: Incoming) -> Answer {
        self.settle(&asked.request).await;
        if let Some(why) = self.matcher.halted(&asked.request) {
            self.recorder.withdraw(&asked);
            return serve::halted(&asked.request, &why);
        }
        let question = Question {
            request: &asked.request,
            fingerprint: asked.parsed.fingerprint,
            is_retry: asked.is_retry,
        };
        match self.matcher.decide(question) {
            Decision::Serve(served) => self.serve(asked, served),
            Decision::Refuse(divergence) => {
                let answer = serve::refusal(&asked.request, &divergence);
                self.recorder.withdraw(&asked);
                answer
            }
            Decision::Live { after } => {
                let Some(backend) = self.backend.clone() else {
                    return self.not_live(&asked, "no model is configured for live calls");
                };
                let recorded = after.and_then(|step| self.matcher.recording().call(step));
                let recorded = recorded.map(|call| told(call, wanted(&asked)));
                let incoming = live::adapt(incoming, &asked.request, recorded.as_deref());
                self.go_live(backend, asked, incoming).await
            }
        }
    }

    fn serve(&self, asked: AskedModel, served: Served) -> Answer {
        let Some(call) = self.matcher.recording().call(served.step).cloned() else {
            return self.not_live(&asked, "the recorded step is gone");
        };
        let call = told(&call, wanted(&asked));
        let answer = serve::answer(&call, self.timing);
        // Not when it is noted: by then the agent may have asked for, and got, what follows from it.
        let at = Instant::now();
        if !call.is_ok() {
            // Noted at once: the client may try again as soon as it has read it.
            self.recorder.served(asked, &call, served, at);
            return answer;
        }
        let recorder = Arc::clone(&self.recorder);
        answer.and_then(move || drop(recorder.served(asked, &call, served, at)))
    }

    fn not_live(&self, asked: &AskedModel, reason: &str) -> Answer {
        self.recorder.withdraw(asked);
        self.recorder.fault(reason);
        let text = format!("rewind: {reason}");
        serve::json_error(
            &asked.request,
            StatusCode::UNPROCESSABLE_ENTITY,
            "rewind_not_live",
            &text,
        )
    }

    async fn go_live(
        self: Arc<Self>,
        backend: Arc<dyn Backend>,
        asked: AskedModel,
        incoming: Incoming,
    ) -> Answer {
        self.under_way.send_modify(|count| *count += 1);
        let (request, taken_in) = (asked.request.clone(), Arc::new(OnceLock::new()));
        let done = {
            let (responder, taken_in) = (Arc::clone(&self), Arc::clone(&taken_in));
            move |captured: Captured| {
                let call = responder.recorder.answered(asked, captured);
                responder.matcher.answered_live(&call);
                responder
                    .under_way
                    .send_modify(|count| *count = count.saturating_sub(1));
                drop(taken_in.set(call));
            }
        };
        let answer = forward(backend, incoming, done).await;
        let rules = &self.matcher.rules().tools;
        if !rules.name_mutating() {
            return answer;
        }
        let answer = held::whole(answer).await;
        if let Some(why) = taken_in
            .get()
            .and_then(|call| held::halts(rules, call, &self.matcher.recording().captured))
        {
            self.matcher.halt(&request, &why);
            return serve::halted(&request, &why);
        }
        // Another lane may have been halted in the meantime.
        match self.matcher.halted(&request) {
            Some(why) => serve::halted(&request, &why),
            None => answer,
        }
    }

    async fn ancillary(&self, asked: AskedAncillary, incoming: Incoming) -> Answer {
        let recorded =
            self.matcher
                .recording()
                .ancillary(incoming.method.as_str(), &asked.path, asked.body);
        if let Some(recorded) = recorded {
            return serve::ancillary_answer(&recorded.exchange);
        }
        let Some(backend) = &self.backend else {
            return empty(StatusCode::NOT_FOUND);
        };
        let keeper = Arc::clone(&self.recorder);
        let done = move |captured: Captured| keeper.answered_ancillary(asked, captured);
        forward(Arc::clone(backend), incoming, done).await
    }

    /// Waits, where a request continues a conversation that is not known yet, for the live answers
    /// under way.
    async fn settle(&self, request: &Request) {
        if *self.under_way.borrow() == 0 {
            return;
        }
        let continues = request
            .thread
            .ancestors()
            .filter_map(|thread| thread.last())
            .any(|message| message.role == Role::Assistant);
        if !continues || self.matcher.knows(request) {
            return;
        }
        let mut under_way = self.under_way.subscribe();
        let settled = async {
            while *under_way.borrow_and_update() > 0 && !self.matcher.knows(request) {
                if under_way.changed().await.is_err() {
                    return;
                }
            }
        };
        // Running out of time only means that the request is judged by what is known.
        drop(tokio::time::timeout(SETTLE, settled).await);
    }
}

impl Responder for ReplayResponder {
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer> {
        self.answer(incoming).boxed()
    }
}

fn wanted(asked: &AskedModel) -> Wanted<'_> {
    Wanted {
        request: &asked.request,
        form: asked.parsed.form,
    }
}

fn empty(status: StatusCode) -> Answer {
    Answer::new(status, HeaderMap::new(), AnswerBody::Full(Bytes::new()))
}
