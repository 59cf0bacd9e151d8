//! The talk with one server: what its client said, and whether the server has heard it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue};
use tokio::sync::oneshot;

use super::super::effects::Effects;
use super::super::message::Id;
use super::SESSION;
use crate::model::ToolOutcome;
use crate::proxy::{Backend, Incoming};

/// What is known of one server.
pub(super) struct Talk {
    pub(super) name: String,
    backend: Arc<dyn Backend>,
    effects: Mutex<Effects>,
    hello: tokio::sync::Mutex<Hello>,
    greeted: AtomicBool,
    /// Recorded questions of the server that the client has not answered yet.
    own: Mutex<HashMap<Id, oneshot::Sender<()>>>,
    asked: AtomicU64,
}

#[derive(Default)]
struct Hello {
    /// The client's `initialize`, as it came.
    initialize: Option<Incoming>,
    live: Option<Live>,
}

/// Who has opened the session with the server.
#[derive(Clone)]
enum Live {
    /// The client: it knows the session's id.
    Client,
    /// Rewind, late: the client knows another id, or none.
    Late(Option<HeaderValue>),
}

impl Talk {
    pub(super) fn new(name: &str, backend: Arc<dyn Backend>) -> Self {
        Self {
            name: name.to_owned(),
            backend,
            effects: Mutex::default(),
            hello: tokio::sync::Mutex::default(),
            greeted: AtomicBool::new(false),
            own: Mutex::default(),
            asked: AtomicU64::new(0),
        }
    }

    /// Returns whether the server was reached in this run.
    pub(super) async fn is_live(&self) -> bool {
        self.hello.lock().await.live.is_some()
    }

    /// Notes the client's `initialize`.
    pub(super) async fn said_hello(&self, incoming: &Incoming) {
        self.hello.lock().await.initialize = Some(incoming.clone());
    }

    /// Returns a request as the server is to get it; a server that missed the beginning hears it first.
    pub(super) async fn live(
        &self,
        mut incoming: Incoming,
        method: &str,
    ) -> Result<Incoming, String> {
        let mut hello = self.hello.lock().await;
        if hello.live.is_none() {
            hello.live = Some(match &hello.initialize {
                Some(initialize) if method != "initialize" => {
                    Live::Late(self.introduce(initialize).await?)
                }
                Some(_) | None => Live::Client,
            });
        } else if method == "initialize" {
            hello.live = Some(Live::Client);
        }
        drop(hello);
        self.translate(&mut incoming.headers).await;
        Ok(incoming)
    }

    /// Puts the server's own session into the headers of a request.
    pub(super) async fn translate(&self, headers: &mut HeaderMap) {
        if let Some(Live::Late(session)) = &self.hello.lock().await.live {
            headers.remove(SESSION);
            headers.extend(session.clone().map(|session| (SESSION, session)));
        }
    }

    /// Tells the server what the recorded one was told; returns the session's id.
    async fn introduce(&self, initialize: &Incoming) -> Result<Option<HeaderValue>, String> {
        let reply = self.backend.send(initialize).await;
        let reply = reply.map_err(|error| error.to_string())?;
        let session = reply.headers.get(SESSION).cloned();
        let status = reply.status;
        // A stream ends with the answer.
        let drained: Result<(), _> = reply.body.try_for_each(|_piece| async { Ok(()) }).await;
        if !status.is_success() || drained.is_err() {
            return Err(format!(
                "the MCP server answered `initialize` with status {}",
                status.as_u16()
            ));
        }
        let mut initialized = initialize.clone();
        let body =
            Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        initialized.raw_body = body.clone();
        initialized.body = body;
        initialized.headers.remove(CONTENT_LENGTH);
        initialized
            .headers
            .extend(session.clone().map(|session| (SESSION, session)));
        match self.backend.send(&initialized).await {
            Ok(_accepted) => Ok(session),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Returns an id for a recorded question of the server, and what tells that the client has answered.
    pub(super) fn own(&self) -> (Id, oneshot::Receiver<()>) {
        let id = Id::own(self.asked.fetch_add(1, Ordering::Relaxed));
        let (answered, answer) = oneshot::channel();
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.insert(id.clone(), answered);
        (id, answer)
    }

    /// Returns whether this is the answer to a recorded question; then it was waited for.
    pub(super) fn is_own_answer(&self, id: &Id) -> bool {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.remove(id).is_some_and(|answered| {
            let _gone = answered.send(()).is_err();
            true
        })
    }

    /// Learns from an answer: that the server takes this transport, what its tools leave behind.
    pub(super) fn heard(&self, method: &str, outcome: &ToolOutcome) {
        match method {
            "initialize" if !outcome.is_error => self.greeted.store(true, Ordering::Relaxed),
            "tools/list" => {
                let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
                effects.learn(&outcome.result);
            }
            _ => {}
        }
    }

    /// Returns whether the server has answered `initialize`.
    pub(super) fn was_greeted(&self) -> bool {
        self.greeted.load(Ordering::Relaxed)
    }

    pub(super) fn effects(&self) -> Effects {
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        effects.clone()
    }
}
