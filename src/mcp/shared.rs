//! What both directions of a relay share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::effects::Effects;
use super::message::{Message, messages, refusal};
use super::order::Orders;
use super::outcome::{Asked, Ending, Kept};
use super::pending::{Open, Pending};
use super::seam::{Asks, SeamError};

/// What goes to the client.
#[derive(Debug)]
pub(super) enum Out {
    /// A whole line.
    Line(Vec<u8>),
    /// A line that comes in parts; nothing goes between them.
    Parts(mpsc::Receiver<Vec<u8>>),
    /// Nothing more.
    End,
}

/// What both directions share.
pub(super) struct Shared {
    /// The run.
    pub(super) seam: Box<dyn Asks>,
    /// The server's name.
    pub(super) name: String,
    /// The way to the client.
    pub(super) out: mpsc::Sender<Out>,
    /// The requests on their way.
    pub(super) pending: Pending,
    /// What the server told of its tools.
    pub(super) effects: Mutex<Effects>,
    /// Whether a message was too long to be looked into: it may have been an answer.
    pub(super) was_long: AtomicBool,
    /// Whether the client has gone, or is made to.
    pub(super) is_closing: AtomicBool,
}

impl Shared {
    /// Returns what a new stand-in for the server of this name shares; its client is reached by `out`.
    pub(super) fn new(seam: Box<dyn Asks>, name: String, out: mpsc::Sender<Out>) -> Self {
        Self {
            seam,
            name,
            out,
            pending: Pending::default(),
            effects: Mutex::default(),
            was_long: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
        }
    }

    /// Sends a line to the client. That the client has gone shows elsewhere.
    pub(super) async fn send(&self, line: Vec<u8>) {
        let _gone = self.out.send(Out::Line(line)).await;
    }

    /// Tells the run that a request ended without a result.
    pub(super) async fn done(&self, open: Open, ending: Ending) {
        self.answered(open, ending, Orders::default()).await;
    }

    /// Tells the run how a request ended, and in which order the fields of its result came.
    pub(super) async fn answered(&self, open: Open, ending: Ending, orders: Orders) {
        if let (true, Ending::Result(result)) = (open.method == "tools/list", &ending) {
            self.learn(result);
        }
        let ticket = open.ticket.clone();
        let method = open.method.clone();
        let outcome = open.kept(ending, orders).into_outcome();
        let mut told = self.seam.done(&ticket, &outcome).await;
        if let Err(SeamError::Refused { .. }) = told {
            let instead = Kept::plain(unrecorded());
            told = self.seam.done(&ticket, &instead.into_outcome()).await;
        }
        if let Err(error) = told {
            tracing::warn!(server = self.name, method, %error, "an answer could not be recorded");
        }
    }

    /// Tells the run that nothing more will be answered.
    pub(super) async fn server_ended(&self) {
        let ending = if self.was_long.load(Ordering::Relaxed) {
            unrecorded()
        } else if self.is_closing.load(Ordering::Relaxed) {
            // The client has gone first: nobody waited any more.
            Ending::Cancelled
        } else {
            Ending::ServerEnded
        };
        for open in self.pending.close_all() {
            self.done(open, ending.clone()).await;
        }
    }

    /// Takes note of a line of the server; returns whether it goes on to the client. What is no message
    /// goes on as well: clients know how to live with it.
    pub(super) async fn hears(&self, line: &[u8]) -> bool {
        let Ok(found) = messages(line) else {
            return true;
        };
        let mut is_for_client = true;
        for (_text, message) in found {
            match message {
                Message::Response { id, reply } => {
                    if self.pending.is_own_answer(&id) {
                        is_for_client = false;
                    } else if let Some(open) = self.pending.close(&id) {
                        let (mut ending, orders) = Ending::of(reply);
                        let is_closing = self.is_closing.load(Ordering::Relaxed);
                        if is_closing && matches!(ending, Ending::Error(_)) {
                            // So some servers answer what is open when their client goes; it never sees it.
                            ending = Ending::Cancelled;
                        }
                        self.answered(open, ending, orders).await;
                    }
                }
                Message::Request { method, params, .. } if !ASIDE.contains(&method.as_ref()) => {
                    let params = params.and_then(|raw| serde_json::from_str(raw.get()).ok());
                    self.pending.asked(Asked {
                        method: method.into_owned(),
                        params: params.unwrap_or_default(),
                    });
                }
                Message::Request { .. } | Message::Notification { .. } => {}
            }
        }
        is_for_client
    }

    /// Learns from the result of `tools/list`.
    pub(super) fn learn(&self, result: &Value) {
        let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        effects.learn(result);
    }

    /// Returns what is known of a tool.
    pub(super) fn effects(&self) -> Effects {
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        effects.clone()
    }
}

/// Returns what is kept in place of an answer that is too large.
fn unrecorded() -> Ending {
    Ending::Error(refusal("rewind: this answer was too large to be recorded"))
}

/// Writes to the client until its end or that of the channel.
pub(super) async fn write(mut to: impl AsyncWrite + Unpin, mut from: mpsc::Receiver<Out>) {
    while let Some(out) = from.recv().await {
        let written = match out {
            Out::Line(line) => to.write_all(&line).await,
            Out::Parts(mut parts) => loop {
                let Some(part) = parts.recv().await else {
                    break Ok(());
                };
                if let Err(error) = to.write_all(&part).await {
                    break Err(error);
                }
            },
            Out::End => return,
        };
        if written.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

/// What a server asks for itself, whatever it works on: a recording does not ask it again.
const ASIDE: [&str; 2] = ["ping", "roots/list"];

/// What waits at most for a client that does not read.
pub(super) const QUEUE: usize = 64;
