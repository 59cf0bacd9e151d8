//! A server of the older transport: a stream on which it speaks, and an endpoint that takes what it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::{Position, Url};

use super::super::client::{Connect, Write};
use super::super::error::McpError;
use super::super::message::{Message, messages, refusal};
use super::super::outcome::Ending;
use super::super::relay::LONGEST;
use super::super::shared::Shared;
use crate::proxy::{Answer, AnswerBody, Backend, BackendError, ByteStream, Incoming, beginning};
use crate::wire::{SseSplitter, event_data};

/// What a request for a stream came to.
pub(super) enum Dialled {
    /// A server of the older transport.
    Server(Connection),
    /// Something else: its answer.
    Other(Answer),
}

/// A stream whose server has said where it takes messages.
pub(super) struct Connection {
    endpoint: Url,
    events: Events,
}

/// Asks for the stream of a server, and waits for the event that names its endpoint.
///
/// # Errors
/// Nothing came back.
pub(super) async fn dial(
    backend: &dyn Backend,
    incoming: &Incoming,
) -> Result<Dialled, BackendError> {
    let mut asked = incoming.clone();
    // What it says is read here.
    asked
        .headers
        .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let reply = backend.send(&asked).await?;
    let kind = reply.headers.get(CONTENT_TYPE);
    let is_stream = reply.status.is_success()
        && kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        let body = AnswerBody::Stream(reply.body);
        return Ok(Dialled::Other(Answer::new(
            reply.status,
            reply.headers,
            body,
        )));
    }
    let mut events = Events::new(reply.body);
    let first = events.next().await;
    let endpoint = first.as_ref().and_then(|first| endpoint(incoming, first));
    Ok(match endpoint {
        Some(endpoint) => Dialled::Server(Connection { endpoint, events }),
        None => Dialled::Other(Answer::new(
            reply.status,
            reply.headers,
            AnswerBody::Stream(events.again(first)),
        )),
    })
}

/// Returns where a server takes messages; it has to be where its stream is, as the SDKs ask for too.
fn endpoint(incoming: &Incoming, event: &Bytes) -> Option<Url> {
    let event = event_data(event);
    let stream = incoming.origin.as_ref()?.join(&incoming.path).ok()?;
    let endpoint = stream.join(event.data?.trim()).ok()?;
    (event.event == "endpoint" && endpoint.origin() == stream.origin()).then_some(endpoint)
}

/// The events of a stream, as they come.
struct Events {
    body: ByteStream,
    splitter: SseSplitter,
    /// Bytes of an event that has not ended.
    open: usize,
    ready: VecDeque<Bytes>,
}

impl Events {
    fn new(body: ByteStream) -> Self {
        Self {
            body,
            splitter: SseSplitter::new(),
            open: 0,
            ready: VecDeque::new(),
        }
    }

    /// Returns the next event that says something; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            while let Some(event) = self.ready.pop_front() {
                if event_data(&event).data.is_some() {
                    return Some(event);
                }
            }
            let piece = match self.body.next().await? {
                Ok(piece) => piece,
                Err(broken) => {
                    tracing::debug!(%broken, "the server's stream ended");
                    return None;
                }
            };
            self.open += piece.len();
            let events = self.splitter.push(&piece);
            if !events.is_empty() {
                self.open = 0;
            } else if self.open > LONGEST {
                tracing::warn!("a message of more than {LONGEST} bytes ended the server's stream");
                return None;
            }
            self.ready.extend(events);
        }
    }

    /// Returns the stream as if nothing had been taken from it but comments.
    fn again(self, first: Option<Bytes>) -> ByteStream {
        let taken = first.into_iter().chain(self.ready);
        let open = self.splitter.finish();
        stream::iter(taken.chain(open).map(Ok))
            .chain(self.body)
            .boxed()
    }
}

/// The way to a server of the older transport.
pub(super) struct Way {
    /// What sends requests.
    pub(super) backend: Arc<dyn Backend>,
    /// The client's request for the stream.
    pub(super) hello: Incoming,
    /// The connection, where there is one already.
    pub(super) ready: Option<Connection>,
    /// What passes between the server and the client's requests.
    pub(super) post: Arc<Post>,
}

/// The client's request that is being handed on.
#[derive(Default)]
pub(super) struct Post {
    /// Its headers.
    pub(super) headers: Mutex<HeaderMap>,
    /// What the server answered in place of taking it.
    pub(super) refused: Mutex<Option<(StatusCode, Bytes)>>,
}

impl Connect for Way {
    type Server = Server;

    async fn connect(
        &mut self,
        shared: Arc<Shared>,
        over: oneshot::Sender<()>,
    ) -> Result<Server, McpError> {
        let connection = match self.ready.take() {
            Some(connection) => connection,
            None => match dial(&*self.backend, &self.hello).await {
                Ok(Dialled::Server(connection)) => connection,
                Ok(Dialled::Other(answer)) => return Err(McpError::NoStream(answer.status)),
                Err(error) => return Err(McpError::Unreachable(error)),
            },
        };
        let Connection {
            endpoint,
            mut events,
        } = connection;
        let heard = Arc::clone(&shared);
        let reading = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let event = event_data(&event);
                let is_message = matches!(event.event.as_str(), "" | "message");
                let Some(data) = event.data.filter(|data| is_message && !data.is_empty()) else {
                    continue;
                };
                if heard.hears(data.as_bytes()).await {
                    heard.send(data.into_bytes()).await;
                }
            }
            heard.server_ended().await;
            // Nobody may wait any more.
            let _gone = over.send(());
        });
        let mut told = self.hello.clone();
        told.method = Method::POST;
        endpoint[Position::BeforePath..Position::AfterQuery].clone_into(&mut told.path);
        Ok(Server {
            backend: Arc::clone(&self.backend),
            told,
            post: Arc::clone(&self.post),
            shared,
            reading,
        })
    }
}

/// A server that was reached.
pub(super) struct Server {
    backend: Arc<dyn Backend>,
    /// A request to its endpoint, without headers and body.
    told: Incoming,
    post: Arc<Post>,
    shared: Arc<Shared>,
    reading: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Write for Server {
    async fn write(&mut self, bytes: &[u8]) {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let mut told = self.told.clone();
        let headers = self.post.headers.lock();
        told.headers = headers.unwrap_or_else(PoisonError::into_inner).clone();
        for name in [CONTENT_LENGTH, CONTENT_ENCODING] {
            told.headers.remove(name);
        }
        let body = Bytes::copy_from_slice(bytes);
        told.raw_body = body.clone();
        told.body = body;
        let (status, said) = match self.backend.send(&told).await {
            Ok(reply) => (reply.status, beginning(reply.body).await),
            Err(error) => (StatusCode::BAD_GATEWAY, Bytes::from(error.to_string())),
        };
        if status.is_success() {
            return;
        }
        for (_text, message) in messages(bytes).unwrap_or_default() {
            let Message::Request { id, .. } = message else {
                continue;
            };
            let why = format!("the server answered with status {}", status.as_u16());
            if let Some(open) = self.shared.pending.close(&id) {
                self.shared.done(open, Ending::Error(refusal(&why))).await;
            }
        }
        let mut refusal = self
            .post
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *refusal = Some((status, said));
    }
}
