//! HTTP requests as tools: what comes by the forward proxy and goes to no model provider.
//!
//! A request is the call `GET api.weather.com/v1/forecast`, its query and body are the arguments; the
//! answer is the result:
//!
//! ```text
//! {"status": 200, "headers": {"content-type": "application/json"}, "body": "{…}"}
//! ```
//!
//! A body that is no text is `body_base64`; one that was not whole has `"truncated": true`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::socket::Sockets;
use super::{Ticket, ToolAction, ToolCall, Tools};
use crate::model::{Boundary, Effect, ToolOutcome};
use crate::proxy::{
    Answer, AnswerBody, Backend, Captured, HttpBackend, Incoming, Outbound, Responder, Upstreams,
    forward, refusal,
};

/// Asks about HTTP requests, and leaves everything else to another responder.
pub struct HttpTools {
    tools: Arc<dyn Tools>,
    backend: Arc<dyn Backend>,
    /// The way to the model providers, for their WebSockets.
    models: Arc<dyn Backend>,
    inner: Arc<dyn Responder>,
}

impl HttpTools {
    /// Returns a responder that asks `tools` about requests to other hosts, sends out what may run, and
    /// leaves the rest to `inner`; WebSockets of model providers go out by `models`.
    pub fn new(
        tools: Arc<dyn Tools>,
        outbound: Outbound,
        models: Arc<dyn Backend>,
        inner: Arc<dyn Responder>,
    ) -> Self {
        let backend = HttpBackend::new(Upstreams::default()).with_outbound(outbound);
        Self {
            tools,
            backend: Arc::new(backend),
            models,
            inner,
        }
    }

    async fn answer(&self, incoming: Incoming, call: ToolCall) -> Answer {
        let name = call.name.clone();
        match self.tools.ask(call).await {
            ToolAction::Run(ticket) => self.run(incoming, ticket).await,
            ToolAction::Serve(outcome) => served(&outcome.result).unwrap_or_else(|error| {
                let message = format!("the recorded answer of `{name}` can't be served: {error}");
                refusal(StatusCode::BAD_GATEWAY, "rewind_tools", &message)
            }),
            ToolAction::Refuse(message) => {
                refusal(StatusCode::UNPROCESSABLE_ENTITY, "rewind_blocked", &message)
            }
        }
    }

    /// Answers the wish for a WebSocket, also one of a model provider.
    async fn socket(self: Arc<Self>, incoming: Incoming) -> Answer {
        let query = incoming.path.split_once('?');
        let query = query.map(|(_path, query)| fields(query.as_bytes()));
        let (host, backend) = match &incoming.origin {
            Some(origin) => (host(origin), Arc::clone(&self.backend)),
            None => (incoming.provider.clone(), Arc::clone(&self.models)),
        };
        let tools = Arc::clone(&self.tools);
        let sockets = Sockets { tools, backend };
        sockets.answer(incoming, &host, query).await
    }

    async fn run(&self, incoming: Incoming, ticket: Ticket) -> Answer {
        let tools = Arc::clone(&self.tools);
        let backend = Arc::clone(&self.backend);
        forward(backend, incoming, move |captured| {
            tools.done(ticket, outcome(&captured));
        })
        .await
    }
}

impl Responder for HttpTools {
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer> {
        if incoming.is_socket {
            return self.socket(incoming).boxed();
        }
        let Some(call) = incoming.origin.as_ref().map(|url| call(url, &incoming)) else {
            return Arc::clone(&self.inner).respond(incoming);
        };
        async move { self.answer(incoming, call).await }.boxed()
    }
}

/// Returns a host as it stands in the names of calls, with its port where that is no usual one.
fn host(origin: &Url) -> String {
    match (origin.host_str().unwrap_or_default(), origin.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    }
}

/// Returns the call that a request is.
fn call(origin: &Url, incoming: &Incoming) -> ToolCall {
    let (path, query) = match incoming.path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (incoming.path.as_str(), None),
    };
    let host = host(origin);
    let mut arguments = Map::new();
    if let Some(query) = query {
        arguments.insert("query".to_owned(), fields(query.as_bytes()));
    }
    if !incoming.body.is_empty() {
        arguments.insert("body".to_owned(), body(&incoming.headers, &incoming.body));
    }
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&incoming.method);
    ToolCall {
        name: format!("{} {host}{path}", incoming.method),
        arguments: Value::Object(arguments),
        boundary: Boundary::Http,
        effect: Some(if reads {
            Effect::Read
        } else {
            Effect::Mutating
        }),
        call_id: None,
        server: None,
        ancillary: false,
    }
}

/// Returns what a request's body says.
fn body(headers: &HeaderMap, body: &Bytes) -> Value {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return fields(body);
    }
    let parsed = serde_json::from_slice(body).ok();
    parsed.unwrap_or_else(|| match std::str::from_utf8(body) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_binary) => json!({ "base64": STANDARD.encode(body) }),
    })
}

/// Returns the fields of a query or form; one that stands several times is a list.
fn fields(text: &[u8]) -> Value {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text) {
        let values = all.entry(name.into_owned()).or_default();
        values.push(Value::String(value.into_owned()));
    }
    all.into_iter()
        .map(
            |(name, mut values)| match (values.pop(), values.is_empty()) {
                (Some(only), true) => (name, only),
                (last, _) => {
                    values.extend(last);
                    (name, Value::Array(values))
                }
            },
        )
        .collect::<Map<_, _>>()
        .into()
}

/// An answer as a result.
#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// Returns what came of a request.
fn outcome(captured: &Captured) -> ToolOutcome {
    let bytes = captured.body.to_bytes();
    let (body, body_base64) = match std::str::from_utf8(&bytes) {
        Ok("") => (None, None),
        Ok(text) => (Some(text.to_owned()), None),
        Err(_binary) => (None, Some(STANDARD.encode(&bytes))),
    };
    let recorded = Recorded {
        status: captured.status.as_u16(),
        headers: captured.headers.iter().cloned().collect(),
        body,
        body_base64,
        truncated: captured.truncated,
    };
    ToolOutcome {
        result: json!(recorded),
        is_error: captured.error.is_some()
            || captured.status.is_client_error()
            || captured.status.is_server_error(),
    }
}

/// Why a recorded answer can't be served.
#[derive(Debug, thiserror::Error)]
enum Unservable {
    #[error("it is no HTTP answer ({0}); record the run anew")]
    Form(#[from] serde_json::Error),
    #[error("{0} is no HTTP status; record the run anew")]
    Status(u16),
    #[error("its body is no base64 ({0}); record the run anew")]
    Base64(#[from] base64::DecodeError),
    #[error("it was not recorded whole; record the run anew")]
    Truncated,
}

/// Returns a recorded result as an answer.
fn served(result: &Value) -> Result<Answer, Unservable> {
    let recorded = Recorded::deserialize(result)?;
    if recorded.truncated {
        return Err(Unservable::Truncated);
    }
    let status = StatusCode::from_u16(recorded.status)
        .map_err(|_error| Unservable::Status(recorded.status))?;
    let body = match (recorded.body, recorded.body_base64) {
        (Some(text), _) => Bytes::from(text),
        (None, Some(coded)) => Bytes::from(STANDARD.decode(coded)?),
        (None, None) => Bytes::new(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &recorded.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    let is_stream = recorded
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.starts_with("text/event-stream"));
    let body = if is_stream {
        AnswerBody::Events(body)
    } else {
        AnswerBody::Full(body)
    };
    Ok(Answer::new(status, headers, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_form_are_arguments_by_name() {
        assert_eq!(
            fields(b"city=New+York&tag=a&tag=b&empty="),
            json!({"city": "New York", "tag": ["a", "b"], "empty": ""})
        );
    }

    #[test]
    fn an_answer_is_served_as_it_was_and_a_broken_one_is_not() {
        let good =
            json!({"status": 201, "headers": {"content-type": "image/png"}, "body_base64": "/w=="});
        let answer = served(&good).unwrap();
        assert_eq!(answer.status, StatusCode::CREATED);
        assert!(matches!(answer.body, AnswerBody::Full(bytes) if bytes == [0xff_u8].as_slice()));
        for bad in [
            json!("text"),
            json!({"status": 99}),
            json!({"status": 200, "body_base64": "?"}),
            json!({"status": 200, "truncated": true}),
        ] {
            assert!(served(&bad).is_err(), "{bad}");
        }
    }
}
