//! Answers an agent from the provider, and records it.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};

use super::asked::{Asked, AskedModel};
use super::recorder::Recorder;
use crate::model::Call;
use crate::proxy::{Answer, AnswerBody, Backend, Captured, Incoming, Responder, forward};

/// Passes every request on to the provider and records what comes back.
pub struct RecordResponder {
    recorder: Arc<Recorder>,
    backend: Arc<dyn Backend>,
}

impl RecordResponder {
    /// Returns a responder that records what `backend` answers.
    pub fn new(recorder: Arc<Recorder>, backend: Arc<dyn Backend>) -> Self {
        Self { recorder, backend }
    }
}

impl Responder for RecordResponder {
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer> {
        let recorder = Arc::clone(&self.recorder);
        let backend = Arc::clone(&self.backend);
        match self.recorder.ask(&incoming) {
            Asked::Telemetry => std::future::ready(nothing()).boxed(),
            Asked::Ancillary(asked) => forward(backend, incoming, move |captured| {
                recorder.answered_ancillary(asked, captured);
            }),
            Asked::Model(asked) => {
                let awaited = Awaited::new(recorder, *asked);
                forward(backend, incoming, move |captured| {
                    awaited.answered(captured);
                })
            }
        }
    }
}

/// A live model request that is sure to be recorded: answered, or abandoned when it is dropped.
pub struct Awaited {
    recorder: Arc<Recorder>,
    asked: Option<AskedModel>,
}

impl Awaited {
    /// Returns the pending record of a request that goes live.
    pub fn new(recorder: Arc<Recorder>, asked: AskedModel) -> Self {
        Self {
            recorder,
            asked: Some(asked),
        }
    }

    /// Records the answer; returns the call that it became.
    pub fn answered(mut self, captured: Captured) -> Option<Arc<Call>> {
        let asked = self.asked.take()?;
        Some(self.recorder.answered(asked, captured))
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.recorder.abandoned(asked);
        }
    }
}

/// Returns the answer to telemetry.
fn nothing() -> Answer {
    Answer::new(
        StatusCode::NO_CONTENT,
        HeaderMap::new(),
        AnswerBody::Full(Bytes::new()),
    )
}
