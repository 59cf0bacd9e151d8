//! WebSockets as messages: the agent's side of one, or the server's. Source: RFC 6455.
//!
//! Pings are answered and not told. Extensions are never agreed on, so that a message is what was sent.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role};

use super::Broken;

/// Bytes in both directions.
trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// One end of an open WebSocket.
pub struct Socket {
    stream: WebSocketStream<Box<dyn Io>>,
}

/// What is said on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketMessage {
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
    /// The end, with its code where one was given, and the reason.
    Close(Option<u16>, String),
}

/// What happens on a WebSocket once it is open.
pub(super) type OnSocket = Box<dyn FnOnce(Socket) -> BoxFuture<'static, ()> + Send>;

/// What a server answered to the wish for a WebSocket.
pub enum Opening {
    /// It is open; these are the headers of the answer.
    Open(HeaderMap, Box<Socket>),
    /// It is not.
    Refused(super::Reply),
}

impl Socket {
    /// Returns the end that speaks to a client.
    pub(super) async fn to_client(
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Self {
        Self::new(Box::new(io), Role::Server).await
    }

    /// Returns the end that speaks to a server.
    pub(super) async fn to_server(
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Self {
        Self::new(Box::new(io), Role::Client).await
    }

    async fn new(io: Box<dyn Io>, role: Role) -> Self {
        // The defaults take messages of up to 64 MiB.
        let stream = WebSocketStream::from_raw_socket(io, role, None).await;
        Self { stream }
    }

    /// Returns the next message; `None` behind the last one.
    ///
    /// # Errors
    /// The connection broke off, or what came is no WebSocket message.
    pub async fn next(&mut self) -> Option<Result<SocketMessage, Broken>> {
        loop {
            return Some(Ok(match self.stream.next().await? {
                Ok(Message::Text(text)) => SocketMessage::Text(text.as_str().to_owned()),
                Ok(Message::Binary(bytes)) => SocketMessage::Binary(bytes),
                Ok(Message::Close(None)) => SocketMessage::Close(None, String::new()),
                Ok(Message::Close(Some(frame))) => {
                    SocketMessage::Close(Some(frame.code.into()), frame.reason.to_string())
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => continue,
                Err(error) => return Some(Err(Broken(error.to_string()))),
            }));
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The connection broke off or is closed.
    pub async fn send(&mut self, message: SocketMessage) -> Result<(), Broken> {
        let message = match message {
            SocketMessage::Text(text) => Message::text(text),
            SocketMessage::Binary(bytes) => Message::Binary(bytes),
            SocketMessage::Close(code, reason) => Message::Close(code.map(|code| CloseFrame {
                code: code.into(),
                reason: short(&reason).into(),
            })),
        };
        let sent = self.stream.send(message).await;
        sent.map_err(|error| Broken(error.to_string()))
    }

    /// Ends the conversation, and waits a moment until the other side has heard it.
    pub async fn close(mut self, code: Option<u16>, reason: String) {
        if self.send(SocketMessage::Close(code, reason)).await.is_err() {
            return;
        }
        let heard = async { while let Some(Ok(_message)) = self.next().await {} };
        let _in_time = tokio::time::timeout(GOODBYE, heard).await.is_ok();
    }
}

/// Returns the beginning of a reason, as long as a frame may hold.
fn short(reason: &str) -> &str {
    let end = reason.floor_char_boundary(REASON_BYTES);
    reason.get(..end).unwrap_or_default()
}

/// Returns whether a request wants a WebSocket.
pub(super) fn is_wish(headers: &HeaderMap) -> bool {
    let protocol = headers.get(UPGRADE).and_then(|value| value.to_str().ok());
    protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
        && headers.contains_key(SEC_WEBSOCKET_KEY)
}

/// Puts what opens a WebSocket into the headers of an answer to a request with this key.
pub(super) fn grant(headers: &mut HeaderMap, key: &HeaderValue) {
    let accept = derive_accept_key(key.as_bytes());
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Puts the wish for a WebSocket into the headers of a request, and returns what the server has to answer.
pub(super) fn wish(headers: &mut HeaderMap) -> HeaderValue {
    headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    let key = generate_key();
    let accept = derive_accept_key(key.as_bytes());
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    headers.insert(SEC_WEBSOCKET_KEY, value(&key));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    value(&accept)
}

/// How long is waited until the other side has heard the end.
const GOODBYE: Duration = Duration::from_secs(2);
/// The most bytes of a reason: a control frame holds 125, two of which are the code.
const REASON_BYTES: usize = 123;
