//! The transport before Streamable HTTP: a stream opened with GET, and an endpoint for the client's messages.
//!
//! A client is given an endpoint of Rewind's own, at the path of the stream, and what it posts there goes the
//! way that lines over stdio go. Whether a request opens such a stream is seen by the server's first event, and
//! kept beside the steps: in a replay the server need not be there.
//!
//! Source: <https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse>.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use url::form_urlencoded;

use super::super::client::{Client, End};
use super::super::seam::Question;
use super::super::shared::{Out, QUEUE, Shared};
use super::inside::{Inside, call};
use super::served::{event, streamed};
use super::stream::{Connection, Dialled, Post, Way, dial};
use super::{PREFIX, whole};
use crate::model::{Boundary, Effect, ToolOutcome};
use crate::proxy::{Answer, AnswerBody, Backend, Incoming, refusal};
use crate::tools::{ToolAction, Tools};

/// The streams of a run.
pub(super) struct Streams {
    tools: Arc<dyn Tools>,
    backend: Arc<dyn Backend>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    begun: AtomicU64,
}

/// What one client says to one server.
pub(super) struct Session {
    shared: Arc<Shared>,
    post: Arc<Post>,
    /// `None` once the client or the server has gone.
    client: tokio::sync::Mutex<Option<Client<Way>>>,
}

impl Streams {
    /// Returns a run without streams.
    pub(super) fn new(tools: Arc<dyn Tools>, backend: Arc<dyn Backend>) -> Self {
        Self {
            tools,
            backend,
            sessions: Mutex::default(),
            begun: AtomicU64::new(0),
        }
    }

    /// Answers a request that may open a stream; `None` where it is something else after all.
    ///
    /// `place` is the path of the stream as its client resolves it.
    pub(super) async fn open(
        self: &Arc<Self>,
        name: &str,
        incoming: &Incoming,
        place: &str,
    ) -> Option<Answer> {
        let is_own_address = incoming.provider.starts_with(PREFIX);
        match self.tools.ask(call(is_it(name))).await {
            ToolAction::Serve(_it_was) => Some(self.begin(name, incoming, place, None)),
            ToolAction::Refuse(why) => {
                let refused = || refusal(StatusCode::BAD_GATEWAY, "rewind_not_recorded", &why);
                is_own_address.then(refused)
            }
            ToolAction::Run(ticket) => match dial(&*self.backend, incoming).await {
                Ok(Dialled::Server(connection)) => {
                    let outcome = ToolOutcome {
                        result: json!({}),
                        is_error: false,
                    };
                    self.tools.done(ticket, outcome);
                    Some(self.begin(name, incoming, place, Some(connection)))
                }
                Ok(Dialled::Other(answer)) => is_own_address.then_some(answer),
                Err(error) => is_own_address.then(|| {
                    let why = error.to_string();
                    refusal(StatusCode::BAD_GATEWAY, "rewind_upstream_unreachable", &why)
                }),
            },
        }
    }

    /// Begins a session, whose server may have been reached already.
    fn begin(
        self: &Arc<Self>,
        name: &str,
        incoming: &Incoming,
        place: &str,
        ready: Option<Connection>,
    ) -> Answer {
        let (out, from) = mpsc::channel(QUEUE);
        let inside = Box::new(Inside(Arc::clone(&self.tools)));
        let shared = Arc::new(Shared::new(inside, name.to_owned(), out));
        let (over, is_over) = oneshot::channel();
        let post = Arc::<Post>::default();
        let way = Way {
            backend: Arc::clone(&self.backend),
            hello: incoming.clone(),
            ready,
            post: Arc::clone(&post),
        };
        let session = Arc::new(Session {
            client: tokio::sync::Mutex::new(Some(Client::new(Arc::clone(&shared), way, over))),
            shared,
            post,
        });
        let key = format!("rewind-{}", self.begun.fetch_add(1, Ordering::Relaxed));
        let endpoint = format!("{place}?{SESSION}={key}");
        self.lock().insert(key, Arc::clone(&session));
        tokio::spawn(session.end(is_over));
        let first = Bytes::from(format!("event: endpoint\ndata: {endpoint}\n\n"));
        streamed(stream::iter([Ok(first)]).chain(told(from)).boxed())
    }

    /// Returns the session that a request belongs to.
    pub(super) fn session(&self, incoming: &Incoming) -> Option<Arc<Session>> {
        let (_path, query) = incoming.path.split_once('?')?;
        let mut fields = form_urlencoded::parse(query.as_bytes());
        let (_name, key) =
            fields.find(|(name, key)| name == SESSION && key.starts_with("rewind-"))?;
        self.lock().get(key.as_ref()).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Waits until the client or the server has gone, and ends what is left. The session stays, so that
    /// what is posted later is refused.
    async fn end(self: Arc<Self>, over: oneshot::Receiver<()>) {
        let shared = &self.shared;
        let is_closing = tokio::select! {
            () = shared.out.closed() => true,
            Ok(()) = over => false,
        };
        shared.is_closing.store(is_closing, Ordering::Relaxed);
        drop(self.client.lock().await.take());
        shared.server_ended().await;
        let _gone = shared.out.send(Out::End).await;
    }

    /// Takes what a client posted.
    pub(super) async fn post(&self, incoming: Incoming) -> Answer {
        let mut client = self.client.lock().await;
        let Some(client) = client.as_mut() else {
            return whole(StatusCode::NOT_FOUND, b"this session has ended".to_vec());
        };
        *self
            .post
            .headers
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = incoming.headers;
        match client.line(&incoming.body).await {
            Ok(None) => {}
            Ok(Some(End::RecordedEnd | End::Closed)) => {
                let _gone = self.shared.out.send(Out::End).await;
            }
            // The client has been told on its stream.
            Err(error) => tracing::debug!(%error, "a request could not go on"),
        }
        let refused = self.post.refused.lock();
        let refused = refused.unwrap_or_else(PoisonError::into_inner).take();
        let accepted = (StatusCode::ACCEPTED, Bytes::from_static(b"Accepted"));
        let (status, said) = refused.unwrap_or(accepted);
        Answer::new(status, HeaderMap::new(), AnswerBody::Full(said))
    }
}

/// Returns what the client hears, with a sign of life while there is nothing.
fn told(
    from: mpsc::Receiver<Out>,
) -> impl futures_util::Stream<Item = Result<Bytes, crate::proxy::Broken>> {
    stream::unfold(from, |mut from| async move {
        let said = tokio::time::timeout(PATIENCE, from.recv()).await;
        let bytes = match said {
            Err(_elapsed) => Bytes::from_static(b": still here\n\n"),
            Ok(Some(Out::Line(line))) => event(&line),
            Ok(Some(Out::Parts(_) | Out::End) | None) => return None,
        };
        Some((Ok(bytes), from))
    })
}

/// Returns the question whether a server speaks by this transport.
fn is_it(name: &str) -> Question {
    Question {
        name: format!("{name}#sse"),
        arguments: Value::Object(Map::new()),
        boundary: Boundary::Mcp,
        effect: Some(Effect::Read),
        server: name.to_owned(),
        ancillary: true,
    }
}

/// Names the session in an endpoint; the name that the SDKs use as well.
const SESSION: &str = "session_id";

/// How long a stream is silent at most; clients give up on one that is for minutes.
const PATIENCE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;
    use http::header::CONTENT_TYPE;
    use http::{HeaderValue, Method};

    use super::*;
    use crate::proxy::{BackendError, Credential, Reply};
    use crate::tools::NoTools;

    /// A server that says where it takes messages, and ends.
    struct Brief;

    impl Backend for Brief {
        fn send(&self, _incoming: &Incoming) -> BoxFuture<'static, Result<Reply, BackendError>> {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            let said = Bytes::from_static(b"event: endpoint\ndata: /messages\n\n");
            let body = stream::iter([Ok(said)]).boxed();
            let status = StatusCode::OK;
            let reply = Reply {
                status,
                headers,
                body,
            };
            std::future::ready(Ok(reply)).boxed()
        }
    }

    fn request(method: Method, path: &str, body: &'static str) -> Incoming {
        let body = Bytes::from_static(body.as_bytes());
        Incoming {
            method,
            path: path.into(),
            provider: String::new(),
            origin: Some("http://a.test".parse().unwrap()),
            headers: HeaderMap::new(),
            raw_body: body.clone(),
            body,
            credential: Credential::Own,
            is_socket: false,
            arrived: Instant::now(),
        }
    }

    #[tokio::test]
    async fn what_is_posted_after_the_end_of_a_session_is_refused_and_goes_nowhere_else() {
        let streams = Arc::new(Streams::new(Arc::new(NoTools), Arc::new(Brief)));
        let hello = request(Method::GET, "/sse", "");
        let answer = streams.open("a.test/sse", &hello, "/sse").await.unwrap();
        let AnswerBody::Stream(mut heard) = answer.body else {
            panic!("it is no stream");
        };
        let first = heard.next().await.unwrap().unwrap();
        assert_eq!(first, "event: endpoint\ndata: /sse?session_id=rewind-0\n\n");
        let ask = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;
        let post = request(Method::POST, "/sse?session_id=rewind-0", ask);
        let taken = streams.session(&post).unwrap().post(post.clone()).await;
        assert_eq!(taken.status, StatusCode::ACCEPTED);
        // The server has ended, and so does its client's stream.
        while heard.next().await.is_some() {}
        let late = streams.session(&post).unwrap().post(post).await;
        assert_eq!(late.status, StatusCode::NOT_FOUND);
    }
}
