//! Lets no request pass that carries a credential of the agent's own.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::StatusCode;

use crate::proxy::{Answer, Credential, Incoming, Responder, refusal};

/// A responder behind `[capture] strict_keys = true`: keys other than the run's placeholder get 403.
pub struct StrictKeys {
    inner: Arc<dyn Responder>,
}

impl StrictKeys {
    /// Returns a responder that lets all other requests through to `inner`.
    pub fn new(inner: Arc<dyn Responder>) -> Self {
        Self { inner }
    }
}

impl Responder for StrictKeys {
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer> {
        match incoming.credential {
            Credential::Placeholder => Arc::clone(&self.inner).respond(incoming),
            Credential::Own => std::future::ready(refusal(
                StatusCode::FORBIDDEN,
                "rewind_strict_keys",
                "this run allows no credential of the agent's own (`[capture] strict_keys`): \
                 let the agent read its key from the environment that Rewind gives it",
            ))
            .boxed(),
        }
    }
}
