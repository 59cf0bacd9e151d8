//! Answers every request from a backend and keeps nothing.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::forward::refused;
use super::{Answer, AnswerBody, Backend, Incoming, Responder};

/// Passes requests on to a backend, and its answers back, without a copy.
pub struct Relay(pub Arc<dyn Backend>);

impl Responder for Relay {
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer> {
        async move {
            match self.0.send(&incoming).await {
                Ok(reply) => {
                    Answer::new(reply.status, reply.headers, AnswerBody::Stream(reply.body))
                }
                Err(error) => refused(&error),
            }
        }
        .boxed()
    }
}
