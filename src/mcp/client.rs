//! What comes from the client: asked about, served, or handed to the server.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::AsyncBufRead;
use tokio::sync::oneshot;

use super::error::McpError;
use super::line::{Lines, Piece};
use super::message::{
    Id, Malformed, Message, acknowledged_line, error_line, malformed_line, messages, refusal,
    request_line, result_line,
};
use super::outcome::{Asked, Ending, Kept};
use super::question::question;
use super::relay::LONGEST;
use super::seam::{Action, Outcome};
use super::shared::Shared;
use crate::text::with_causes;

/// How the talk of a client came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed its side.
    Closed,
    /// The recorded server ended here.
    RecordedEnd,
}

/// Reaches the server, once a request needs it.
pub(super) trait Connect: Send {
    /// The server, once it is there.
    type Server: Write + Send;

    /// Reaches it; `over` hears of the end of what it says.
    fn connect(
        &mut self,
        shared: Arc<Shared>,
        over: oneshot::Sender<()>,
    ) -> impl Future<Output = Result<Self::Server, McpError>> + Send;
}

/// A server that takes messages.
pub(super) trait Write {
    /// Writes a message, or a part of one; that the server has gone shows by the end of what it says.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = ()> + Send;
}

/// The client's side.
pub(super) struct Client<C: Connect> {
    shared: Arc<Shared>,
    way: C,
    over: Option<oneshot::Sender<()>>,
    server: Option<C::Server>,
    hello: Hello,
}

/// What a server has to hear before it can go on where a recorded one was.
#[derive(Debug, Default)]
struct Hello {
    /// The parameters of `initialize`.
    initialize: Option<Value>,
    /// Requests whose answers were served, but that a server must know of.
    settings: Vec<(String, Value)>,
    /// Whether a server has heard it.
    is_told: bool,
}

impl<C: Connect> Client<C> {
    /// Returns the side of a client that has said nothing yet; `over` hears of the server's end.
    pub(super) fn new(shared: Arc<Shared>, way: C, over: oneshot::Sender<()>) -> Self {
        Self {
            shared,
            way,
            over: Some(over),
            server: None,
            hello: Hello::default(),
        }
    }

    /// Returns the server, if it was reached.
    pub(super) fn into_server(self) -> Option<C::Server> {
        self.server
    }

    /// Listens to the client until it has gone.
    pub(super) async fn talk<R: AsyncBufRead + Unpin>(
        &mut self,
        lines: &mut Lines<R>,
    ) -> Result<End, McpError> {
        loop {
            let broken = |source| McpError::Stream {
                whose: "client's",
                source,
            };
            let end = match lines.next().await.map_err(broken)? {
                None => Some(End::Closed),
                Some(Piece::Line(line)) => self.line(&line).await?,
                Some(Piece::Part { is_last: false, .. }) => None,
                Some(Piece::Part { is_last: true, .. }) => {
                    let why = format!("it has more than {LONGEST} bytes");
                    let refusal = malformed_line(&Malformed::Shape(why));
                    self.shared.send(refusal).await;
                    None
                }
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// Takes one line of the client.
    pub(super) async fn line(&mut self, line: &[u8]) -> Result<Option<End>, McpError> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let found = match messages(line) {
            Ok(found) => found,
            Err(malformed) => {
                self.shared.send(malformed_line(&malformed)).await;
                return Ok(None);
            }
        };
        let is_batch = found.len() > 1;
        for (text, message) in found {
            // A batch goes on one by one; a message of its own keeps its bytes.
            let own = format!("{text}\n");
            let raw = if is_batch { own.as_bytes() } else { line };
            let end = match message {
                Message::Request { id, method, params } => {
                    self.request(raw, id, &method, params).await?
                }
                Message::Notification { method, params } => {
                    self.notification(raw, &method, params).await;
                    None
                }
                Message::Response { id, .. } => {
                    if !self.shared.pending.is_own_answer(&id) {
                        self.forward(raw).await;
                    }
                    None
                }
            };
            if end.is_some() {
                return Ok(end);
            }
        }
        Ok(None)
    }

    async fn request(
        &mut self,
        raw: &[u8],
        id: Id,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<Option<End>, McpError> {
        let shared = Arc::clone(&self.shared);
        if method == "ping" {
            match &mut self.server {
                Some(server) => server.write(raw).await,
                None => shared.send(result_line(&id, "{}")).await,
            }
            return Ok(None);
        }
        if shared.pending.has(&id) {
            let error = json!({"code": -32600, "message": "a request with this id is on its way"});
            shared.send(error_line(&id, &error)).await;
            return Ok(None);
        }
        if method == "initialize" {
            self.hello.initialize = Some(value(params));
        }
        let question = question(&shared.name, method, params, &shared.effects());
        match shared.seam.ask(&question).await {
            Ok(Action::Run { ticket }) => {
                shared
                    .pending
                    .open(id.clone(), ticket, method, !question.ancillary);
                self.run(raw, id, method).await?;
                Ok(None)
            }
            Ok(Action::Serve(outcome)) => Ok(self.serve(id, method, params, outcome).await),
            Ok(Action::Refuse { message }) => {
                shared.send(error_line(&id, &refusal(&message))).await;
                Ok(None)
            }
            Err(error) => {
                let text = with_causes(&error);
                shared.send(error_line(&id, &refusal(&text))).await;
                Ok(None)
            }
        }
    }

    /// Hands a request to the server, which is started where it is not there yet.
    async fn run(&mut self, raw: &[u8], id: Id, method: &str) -> Result<(), McpError> {
        if let Err(error) = self.start(method).await {
            let refusal = refusal(&with_causes(&error));
            if let Some(open) = self.shared.pending.close(&id) {
                self.shared.done(open, Ending::Error(refusal.clone())).await;
            }
            self.shared.send(error_line(&id, &refusal)).await;
            return Err(error);
        }
        self.forward(raw).await;
        Ok(())
    }

    async fn start(&mut self, method: &str) -> Result<(), McpError> {
        let Some(over) = self.over.take() else {
            return Ok(());
        };
        let server = self.way.connect(Arc::clone(&self.shared), over).await?;
        self.server = Some(server);
        // `server/discover` comes before any handshake.
        if method != "initialize" && method != "server/discover" {
            self.say_hello().await;
        }
        Ok(())
    }

    /// Tells the server what the recorded one was told.
    async fn say_hello(&mut self) {
        let Some(initialize) = self.hello.initialize.clone() else {
            return;
        };
        self.ask_server("initialize", &initialize).await;
        let initialized = b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";
        self.forward(initialized).await;
        self.hello.is_told = true;
        for (method, params) in std::mem::take(&mut self.hello.settings) {
            self.ask_server(&method, &params).await;
        }
    }

    /// Asks the server something of Rewind's own, and waits until it has answered.
    async fn ask_server(&mut self, method: &str, params: &Value) {
        let (id, answer) = self.shared.pending.own();
        self.forward(&request_line(&id, method, params)).await;
        if answer.await.is_err() {
            tracing::debug!(method, "the server ended before it answered");
        }
    }

    async fn serve(
        &mut self,
        id: Id,
        method: &str,
        params: Option<&RawValue>,
        outcome: Outcome,
    ) -> Option<End> {
        let kept = match Kept::of(outcome) {
            Ok(kept) => kept,
            Err(error) => {
                let text = format!("this recording is of another version of rewind: {error}");
                self.shared.send(error_line(&id, &refusal(&text))).await;
                return None;
            }
        };
        if let (true, Ending::Result(result)) = (method == "tools/list", &kept.ending) {
            self.shared.learn(result);
        }
        if SETTINGS.contains(&method) {
            let setting = (method.to_owned(), value(params));
            self.hello.settings.push(setting);
        }
        if kept.ending == Ending::ServerEnded {
            return Some(End::RecordedEnd);
        }
        if (method, &kept.ending) == (LISTEN, &Ending::Cancelled) {
            self.shared
                .send(acknowledged_line(&id, &value(params)))
                .await;
        }
        let line = kept.line(&id);
        if kept.asked.is_empty() {
            if let Some(line) = line {
                self.shared.send(line).await;
            }
        } else {
            tokio::spawn(ask_client(Arc::clone(&self.shared), kept.asked, line));
        }
        None
    }

    async fn notification(&mut self, raw: &[u8], method: &str, params: Option<&RawValue>) {
        if method == "notifications/initialized" && self.hello.is_told {
            return;
        }
        self.forward(raw).await;
        if method == "notifications/cancelled" {
            let id = value(params).get("requestId").cloned().and_then(Id::of);
            let open = id.and_then(|id| self.shared.pending.close(&id));
            if let Some(open) = open {
                self.shared.done(open, Ending::Cancelled).await;
            }
        }
    }

    /// Hands bytes to the server, if it is there.
    async fn forward(&mut self, raw: &[u8]) {
        if let Some(server) = &mut self.server {
            server.write(raw).await;
            if !raw.ends_with(b"\n") {
                server.write(b"\n").await;
            }
        }
    }
}

/// Asks the client what the recorded server asked, then answers.
async fn ask_client(shared: Arc<Shared>, asked: Vec<Asked>, line: Option<Vec<u8>>) {
    for asked in asked {
        let (id, answer) = shared.pending.own();
        let request = request_line(&id, &asked.method, &asked.params);
        shared.send(request).await;
        if answer.await.is_err() {
            return;
        }
    }
    if let Some(line) = line {
        shared.send(line).await;
    }
}

fn value(params: Option<&RawValue>) -> Value {
    params
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_else(|| json!({}))
}

/// The request that stays open, and hears at first that it was heard.
pub(super) const LISTEN: &str = "subscriptions/listen";

/// Requests that change what a server does later.
const SETTINGS: [&str; 3] = [
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
];
