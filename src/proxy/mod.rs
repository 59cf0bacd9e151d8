//! Sockets and bytes: the loopback listener of one run, and the way out to the providers.
//!
//! ```text
//! agent ──▶ Proxy (listener) ──▶ Responder ──▶ forward ──▶ Backend (HttpBackend) ──▶ provider
//! ```
//!
//! Knows nothing of sessions or baselines. What is answered is decided by a [`Responder`]; what goes
//! out goes through a [`Backend`]; [`forward()`] passes an answer on while it keeps a copy.

mod api_client;
mod authority;
mod decode;
mod forward;
mod hop;
mod intercept;
mod kept;
mod listener;
mod local;
mod refusal;
mod relay;
mod socket;
mod sse;
#[cfg(test)]
mod testing;
mod upstream;

pub use api_client::{ApiClient, api_client};
pub use authority::AuthorityError;
pub use decode::{DecodeError, Decoder, decode};
pub use forward::{Captured, forward};
pub use intercept::{HostRule, Interception, Outbound, Unread};
pub use kept::kept_headers;
pub use listener::{Door, Options, Proxy, ProxyError, placeholder_key, random_token};
pub use local::{LocalClient, LocalError, LocalReply, LocalRequest};
pub use refusal::{beginning, refusal};
pub use relay::Relay;
pub use socket::{Opening, Socket, SocketMessage};
pub use upstream::{
    Allowed, AuthStyle, HttpBackend, InvalidAllowed, Known, Timeouts, Upstream, Upstreams,
    providers,
};

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

/// Whose credential a request carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Credential {
    /// The run's placeholder, or none: the backend adds the real key where it may.
    Placeholder,
    /// A credential of the agent's own: it goes up as it is.
    Own,
}

/// A request of the agent, complete.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The method.
    pub method: Method,
    /// Path and query behind the run token and the provider prefix, such as `/v1/messages?beta=true`.
    pub path: String,
    /// The provider's name as in `[upstream.NAME]`: by prefix `/p/NAME`, else by path and headers.
    pub provider: String,
    /// The host that it came for by the forward proxy, where that is no model provider.
    pub origin: Option<Url>,
    /// The headers as sent.
    pub headers: HeaderMap,
    /// The body as sent (maybe compressed), to be forwarded.
    pub raw_body: Bytes,
    /// The body after content decoding, to be read.
    pub body: Bytes,
    /// Whose credential it carries.
    pub credential: Credential,
    /// Whether it wants a WebSocket.
    pub is_socket: bool,
    /// When the request head had arrived.
    pub arrived: Instant,
}

/// A body that broke off.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the stream broke off: {0}")]
pub struct Broken(pub String);

/// Pieces of a body as they arrive.
pub type ByteStream = BoxStream<'static, Result<Bytes, Broken>>;

/// The body of an answer.
pub enum AnswerBody {
    /// All of it at once, with its length.
    Full(Bytes),
    /// The events of a stream that are all there already: sent at once, but framed as a stream.
    Events(Bytes),
    /// Piece by piece; an error makes the connection break off.
    Stream(ByteStream),
}

/// What the agent gets.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers; hop-by-hop ones and lengths are the listener's.
    pub headers: HeaderMap,
    /// The body.
    pub body: AnswerBody,
    /// What is left to do once the agent has it, or never will.
    after: Option<After>,
    /// What happens on the WebSocket that this answer opens.
    socket: Option<socket::OnSocket>,
}

/// Work that nobody waits for.
type After = Box<dyn FnOnce() + Send>;

impl Answer {
    /// Returns an answer.
    pub fn new(status: StatusCode, headers: HeaderMap, body: AnswerBody) -> Self {
        Self {
            status,
            headers,
            body,
            after: None,
            socket: None,
        }
    }

    /// Returns the answer that opens a WebSocket; `run` has it once the agent has heard so.
    ///
    /// `run` is dropped where it stands when the listener is shut down.
    pub fn open(
        headers: HeaderMap,
        run: impl FnOnce(Socket) -> BoxFuture<'static, ()> + Send + 'static,
    ) -> Self {
        let nothing = AnswerBody::Full(Bytes::new());
        Self {
            socket: Some(Box::new(run)),
            ..Self::new(StatusCode::SWITCHING_PROTOCOLS, headers, nothing)
        }
    }

    /// Leaves work for the time when the answer was sent: the agent need not wait for it.
    ///
    /// It is done on the thread that serves the connection, so it has to be short.
    #[must_use]
    pub fn and_then(self, after: impl FnOnce() + Send + 'static) -> Self {
        Self {
            after: Some(Box::new(after)),
            ..self
        }
    }
}

/// Decides what a request is answered with.
pub trait Responder: Send + Sync + 'static {
    /// Answers one request; requests come concurrently.
    fn respond(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Answer>;
}

/// What a provider answered: the head, and the body as it arrives (still content-encoded).
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers as sent, hop-by-hop ones removed.
    pub headers: HeaderMap,
    /// The body as it arrives.
    pub body: ByteStream,
}

/// Why nothing came back from a provider.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// No such provider is configured.
    #[error(
        "no upstream named `{0}` is configured; add `[upstream.{0}] url = \"…\"` to rewind.toml"
    )]
    Unknown(String),
    /// The provider's key may not go to this endpoint.
    #[error(
        "rewind adds the provider key only for model endpoints, and `{method} {path}` of `{provider}` \
         is none; add `allow = [\"{method} {path}\"]` to [upstream.{provider}], or send a key of your own"
    )]
    NotAllowed {
        /// The provider's name.
        provider: String,
        /// The request's method.
        method: Method,
        /// The request's path without its query.
        path: String,
    },
    /// The request can't be turned into one for the provider.
    #[error("the request for `{provider}` can't be sent on: {detail}")]
    Unsendable {
        /// The provider's name.
        provider: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The provider could not be reached or broke off before its head.
    #[error("no answer from {url}: {detail}")]
    Unreachable {
        /// The URL without its query.
        url: String,
        /// The cause, in words.
        detail: String,
    },
    /// Nothing came within the time allowed.
    #[error("no answer from {url} within {seconds} s")]
    Timeout {
        /// The URL without its query.
        url: String,
        /// The time allowed.
        seconds: u64,
    },
}

/// The way out: real providers over HTTP, or the scripted model.
pub trait Backend: Send + Sync + 'static {
    /// Sends the request on and returns as soon as the head of the answer is there.
    fn send(&self, incoming: &Incoming) -> BoxFuture<'static, Result<Reply, BackendError>>;

    /// Opens the WebSocket that the request wants.
    fn open(&self, incoming: &Incoming) -> BoxFuture<'static, Result<Opening, BackendError>> {
        let error = BackendError::Unsendable {
            provider: incoming.provider.clone(),
            detail: "this provider has no WebSockets".to_owned(),
        };
        Box::pin(std::future::ready(Err(error)))
    }
}
