//! MCP over HTTP, Streamable or with SSE: requests of an agent's clients on their way to a server.
//!
//! [`McpHttp`] stands before the responder of HTTP tools. What is MCP it asks about as `rewind mcp` does for
//! servers over stdio, so that a recording does not tell the transports apart; the rest it leaves alone. A
//! server is reached by the forward proxy, or below `/p/mcp-NAME` of the run's address where `[mcp.NAME]`
//! gives its URL.
//!
//! Source: <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http>.

mod heard;
mod inside;
mod served;
mod sse;
mod stream;
mod talk;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::value::RawValue;
use url::Url;

use super::message::{Id, Message, error_line, malformed_line, messages, refusal, result_line};
use super::question::question;
use crate::proxy::{
    Answer, AnswerBody, Backend, HttpBackend, Incoming, Outbound, Responder, Upstreams, forward,
};
use crate::tools::{ToolAction, Tools};
use heard::outcome;
use inside::call;
use served::serve;
use sse::Streams;
use talk::Talk;

/// Asks about MCP requests over HTTP, and leaves everything else to another responder.
pub struct McpHttp {
    tools: Arc<dyn Tools>,
    backend: Arc<dyn Backend>,
    /// The servers that have a place below the run's address, by their names.
    servers: BTreeMap<String, Url>,
    talks: Mutex<HashMap<String, Arc<Talk>>>,
    streams: Arc<Streams>,
    inner: Arc<dyn Responder>,
}

impl McpHttp {
    /// Returns a responder that asks `tools` about requests to MCP servers, sends out what may run, and leaves
    /// the rest to `inner`.
    pub fn new(
        tools: Arc<dyn Tools>,
        outbound: Outbound,
        servers: BTreeMap<String, Url>,
        inner: Arc<dyn Responder>,
    ) -> Self {
        let backend = HttpBackend::new(Upstreams::default()).with_outbound(outbound);
        let backend: Arc<dyn Backend> = Arc::new(backend);
        let streams = Streams::new(Arc::clone(&tools), Arc::clone(&backend));
        Self {
            tools,
            backend,
            streams: Arc::new(streams),
            servers,
            talks: Mutex::default(),
            inner,
        }
    }

    /// Finds out whether a request is MCP; returns the name of its server and the request on its way there.
    fn server(&self, incoming: &Incoming) -> Option<(String, Incoming)> {
        if let Some(name) = incoming.provider.strip_prefix(PREFIX) {
            let url = self.servers.get(name)?;
            let mut own = incoming.clone();
            own.origin = Some(url.clone());
            own.path = below(url, &incoming.path);
            return Some((name.to_owned(), own));
        }
        let origin = incoming
            .origin
            .as_ref()
            .filter(|_url| !incoming.is_socket)?;
        let has = |name: HeaderName| incoming.headers.contains_key(name);
        let takes = |kind| accepts(incoming, kind);
        // A client of this transport takes both forms of an answer.
        let takes_both = takes("text/event-stream") && takes("application/json");
        let is_post = incoming.method == Method::POST;
        let is_call = is_post && takes_both && messages(&incoming.body).is_ok();
        let is_more = !is_post && (has(SESSION) || has(VERSION));
        (is_call || is_more).then(|| (server_of(origin, &incoming.path), incoming.clone()))
    }

    /// Finds out whether a request may open a stream of the older transport; returns the name of its server, the
    /// request on its way there, and the path of the stream as its client resolves it.
    fn stream(&self, incoming: &Incoming) -> Option<(String, Incoming, String)> {
        let is_asked = incoming.method == Method::GET
            && !incoming.is_socket
            && accepts(incoming, "text/event-stream")
            && !incoming.headers.contains_key(SESSION);
        let path = incoming.path.split('?').next().unwrap_or_default();
        let (name, own, place) = if incoming.provider.starts_with(PREFIX) {
            let (name, own) = self.server(incoming).filter(|_server| is_asked)?;
            // The whole path is not known here; behind it, the last segment is as good.
            let place = match path.rsplit('/').next().unwrap_or_default() {
                "" => incoming.provider.clone(),
                segment => segment.to_owned(),
            };
            (name, own, place)
        } else {
            // By convention, so that not every feed is taken for a server until its first event.
            let is_usual = path.trim_end_matches('/').ends_with("/sse");
            let origin = incoming
                .origin
                .as_ref()
                .filter(|_url| is_asked && is_usual)?;
            let name = server_of(origin, &incoming.path);
            (name, incoming.clone(), path.to_owned())
        };
        let talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner);
        let is_newer = talks.get(&name).is_some_and(|talk| talk.was_greeted());
        (!is_newer).then_some((name, own, place))
    }

    fn talk(&self, name: &str) -> Arc<Talk> {
        let mut talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner);
        let talk = talks
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Talk::new(name, Arc::clone(&self.backend))));
        Arc::clone(talk)
    }

    async fn answer(self: Arc<Self>, name: String, incoming: Incoming) -> Answer {
        let talk = self.talk(&name);
        match incoming.method {
            Method::POST => self.post(talk, incoming).await,
            Method::GET if talk.is_live().await => self.pass(&talk, incoming).await,
            // What a server says by itself is not recorded; this is how one says that it says nothing.
            Method::GET => {
                let mut answer = empty(StatusCode::METHOD_NOT_ALLOWED);
                answer
                    .headers
                    .insert(ALLOW, HeaderValue::from_static("POST"));
                answer
            }
            _ if talk.is_live().await => self.pass(&talk, incoming).await,
            _ => empty(StatusCode::OK),
        }
    }

    async fn post(self: Arc<Self>, talk: Arc<Talk>, incoming: Incoming) -> Answer {
        let body = incoming.body.clone();
        let found = match messages(&body) {
            Ok(found) => found,
            Err(malformed) => return whole(StatusCode::BAD_REQUEST, malformed_line(&malformed)),
        };
        let is_request = |message: &Message<'_>| matches!(message, Message::Request { .. });
        match found.as_slice() {
            [(_text, Message::Request { id, method, params })] => {
                self.request(&talk, incoming, id, method, *params).await
            }
            all if all.iter().any(|(_text, message)| is_request(message)) => {
                let error = serde_json::json!({"code": -32600, "message": "rewind takes requests one by one"});
                whole(StatusCode::BAD_REQUEST, error_line(&Id::own(0), &error))
            }
            all => {
                let is_served = |message: &Message<'_>| match message {
                    Message::Response { id, .. } => talk.is_own_answer(id),
                    Message::Request { .. } | Message::Notification { .. } => false,
                };
                let are_served = all.iter().all(|(_text, message)| is_served(message));
                if are_served || !talk.is_live().await {
                    return empty(StatusCode::ACCEPTED);
                }
                self.pass(&talk, incoming).await
            }
        }
    }

    async fn request(
        &self,
        talk: &Arc<Talk>,
        incoming: Incoming,
        id: &Id,
        method: &str,
        params: Option<&RawValue>,
    ) -> Answer {
        if method == "ping" {
            return if talk.is_live().await {
                self.pass(talk, incoming).await
            } else {
                whole(StatusCode::OK, result_line(id, "{}"))
            };
        }
        if method == "initialize" {
            talk.said_hello(&incoming).await;
        }
        let question = question(&talk.name, method, params, &talk.effects());
        match self.tools.ask(call(question)).await {
            ToolAction::Run(ticket) => {
                let own = match talk.live(incoming, method).await {
                    Ok(own) => own,
                    Err(why) => {
                        self.tools.done(ticket, heard::failed(&why));
                        return whole(StatusCode::OK, error_line(id, &refusal(&why)));
                    }
                };
                let (tools, talk, id) = (Arc::clone(&self.tools), Arc::clone(talk), id.clone());
                let method = method.to_owned();
                forward(Arc::clone(&self.backend), own, move |captured| {
                    let outcome = outcome(&captured, &id);
                    talk.heard(&method, &outcome);
                    tools.done(ticket, outcome);
                })
                .await
            }
            ToolAction::Serve(outcome) => {
                talk.heard(method, &outcome);
                let params = params.and_then(|raw| serde_json::from_str(raw.get()).ok());
                serve(talk, id, (method, params.unwrap_or_default()), outcome)
            }
            ToolAction::Refuse(message) => {
                whole(StatusCode::OK, error_line(id, &refusal(&message)))
            }
        }
    }

    /// Sends on what is not recorded.
    async fn pass(&self, talk: &Talk, mut incoming: Incoming) -> Answer {
        talk.translate(&mut incoming.headers).await;
        forward(Arc::clone(&self.backend), incoming, drop).await
    }
}

impl Responder for McpHttp {
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer> {
        if let Some(session) = self.streams.session(&incoming) {
            return async move { session.post(incoming).await }.boxed();
        }
        if let Some((name, own, place)) = self.stream(&incoming) {
            return async move {
                match self.streams.open(&name, &own, &place).await {
                    Some(answer) => answer,
                    None => Arc::clone(&self.inner).respond(incoming).await,
                }
            }
            .boxed();
        }
        match self.server(&incoming) {
            Some((name, own)) => self.answer(name, own).boxed(),
            None => Arc::clone(&self.inner).respond(incoming),
        }
    }
}

/// Returns path and query of a request below the URL of a server.
fn below(url: &Url, path: &str) -> String {
    let base = url.path().trim_end_matches('/');
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = match (base, path) {
        ("", path) => path.to_owned(),
        (base, "/") => base.to_owned(),
        (base, path) => format!("{base}{path}"),
    };
    let query = [url.query().unwrap_or_default(), query].join("&");
    match query.trim_matches('&') {
        "" => path,
        query => format!("{path}?{query}"),
    }
}

/// Returns the name of a server that has no other: its host, its port where that is no usual one, its path.
fn server_of(origin: &Url, path: &str) -> String {
    let host = origin.host_str().unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let path = path.trim_end_matches('/');
    match origin.port() {
        Some(port) => format!("{host}:{port}{path}"),
        None => format!("{host}{path}"),
    }
}

fn accepts(incoming: &Incoming, kind: &str) -> bool {
    let accept = incoming.headers.get(ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains(kind))
}

/// Returns an answer that is one JSON-RPC message.
fn whole(status: StatusCode, line: Vec<u8>) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Answer::new(status, headers, AnswerBody::Full(Bytes::from(line)))
}

fn empty(status: StatusCode) -> Answer {
    Answer::new(status, HeaderMap::new(), AnswerBody::Full(Bytes::new()))
}

/// What stands before a server's name where a path names the provider.
pub const PREFIX: &str = "mcp-";

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_below_our_address_goes_below_the_servers() {
        let cases = [
            ("https://a.test/mcp", "/", "/mcp"),
            ("https://a.test/mcp/", "/", "/mcp"),
            ("https://a.test/mcp?key=1", "/?x=2", "/mcp?key=1&x=2"),
            ("https://a.test", "/", "/"),
            ("https://a.test/v1", "/messages/?id=3", "/v1/messages/?id=3"),
        ];
        for (url, path, expected) in cases {
            assert_eq!(below(&url.parse().unwrap(), path), expected, "{url} {path}");
        }
    }
}
