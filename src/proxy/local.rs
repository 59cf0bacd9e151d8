//! A plain HTTP client for services on this machine: the agent under test, not a provider.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Method, redirect, retry};

use crate::text::innermost;

/// A client that goes to this machine alone, past any proxy.
#[derive(Debug, Clone)]
pub struct LocalClient {
    client: Client,
}

/// A request to a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body; `None` sends none.
    pub body: Option<String>,
    /// The longest time that the whole answer may take; `None` waits.
    pub timeout: Option<Duration>,
}

/// What a service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A request that got no whole answer.
#[derive(Debug, thiserror::Error)]
#[error("{method} {url} got no whole answer: {detail}")]
pub struct LocalError {
    method: String,
    url: String,
    detail: String,
}

impl LocalError {
    /// Returns the error of a client that could not be made.
    pub(super) fn of_client(error: &reqwest::Error) -> Self {
        Self {
            method: "a".to_owned(),
            url: "client".to_owned(),
            detail: error.to_string(),
        }
    }
}

impl LocalClient {
    /// Makes a client.
    ///
    /// # Errors
    /// The system's sources of trust can't be set up.
    pub fn new() -> Result<Self, LocalError> {
        // reqwest panics without a provider; a second installation is refused and harmless.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .tcp_nodelay(true)
            .build();
        client
            .map(|client| Self { client })
            .map_err(|error| LocalError::of_client(&error))
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// # Errors
    /// The request can't be sent, or its answer broke off.
    pub async fn send(&self, request: &LocalRequest) -> Result<LocalReply, LocalError> {
        let failed = |detail: String| LocalError {
            method: request.method.clone(),
            url: request.url.clone(),
            detail,
        };
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|error| failed(error.to_string()))?;
        let mut sent = self.client.request(method, &request.url);
        for (name, value) in &request.headers {
            sent = sent.header(name, value);
        }
        if let Some(body) = &request.body {
            sent = sent.body(body.clone());
        }
        if let Some(timeout) = request.timeout {
            sent = sent.timeout(timeout);
        }
        let reply = sent
            .send()
            .await
            .map_err(|error| failed(innermost(&error).to_string()))?;
        let status = reply.status().as_u16();
        let body = reply
            .bytes()
            .await
            .map_err(|error| failed(innermost(&error).to_string()))?;
        Ok(LocalReply {
            status,
            body: body.to_vec(),
        })
    }
}
