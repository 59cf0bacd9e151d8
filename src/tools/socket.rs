//! WebSockets as tools: the opening is a call, and so is every message of the agent.
//!
//! The call `WS api.weather.com/live` has the query as its arguments where it opens, and `message` (or
//! `base64`, of bytes) where the agent says something. What the server says until the agent speaks again is
//! the result, with `close` where the server then ended it:
//!
//! ```text
//! {"status": 101, "messages": [{"text": "hello"}]}
//! {"messages": [{"text": "{\"sky\":\"grey\"}"}, {"base64": "AAE="}], "close": {"code": 1000, "reason": ""}}
//! ```
//!
//! So a replay compares every message with the recorded one, and none is sent that was not meant to be. The
//! server is reached with the first message that has to run; what was served before, it has not heard, and
//! as many messages as it sent by itself when it was recorded are taken for its greeting.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Ticket, ToolAction, ToolCall, Tools};
use crate::model::{Boundary, Effect, ToolOutcome};
use crate::proxy::{
    Answer, AnswerBody, Backend, Broken, Incoming, Opening, Reply, Socket, SocketMessage,
    beginning, refusal,
};

/// What a WebSocket needs: who decides, and the way to its server.
pub(super) struct Sockets {
    pub(super) tools: Arc<dyn Tools>,
    pub(super) backend: Arc<dyn Backend>,
}

impl Sockets {
    /// Answers the wish for a WebSocket; `host` is how its server is called.
    pub(super) async fn answer(
        self,
        incoming: Incoming,
        host: &str,
        query: Option<Value>,
    ) -> Answer {
        let path = incoming.path.split('?').next().unwrap_or_default();
        let name = format!("WS {host}{path}");
        let mut arguments = Map::new();
        arguments.extend(query.map(|query| ("query".to_owned(), query)));
        let action = self.tools.ask(call(&name, arguments, Effect::Read)).await;
        let mut talk = Talk {
            name,
            tools: self.tools,
            backend: self.backend,
            incoming,
            server: None,
            heard: None,
            script: None,
            greeted: 0,
        };
        match action {
            ToolAction::Run(ticket) => {
                talk.listen(ticket);
                match talk.connect().await {
                    Ok(protocol) => talk.start(protocol),
                    Err(answer) => *answer,
                }
            }
            ToolAction::Serve(outcome) => talk.served(&outcome.result),
            ToolAction::Refuse(message) => {
                refusal(StatusCode::UNPROCESSABLE_ENTITY, "rewind_blocked", &message)
            }
        }
    }
}

/// Returns a call of a WebSocket.
fn call(name: &str, arguments: Map<String, Value>, effect: Effect) -> ToolCall {
    ToolCall {
        name: name.to_owned(),
        arguments: Value::Object(arguments),
        boundary: Boundary::Http,
        effect: Some(effect),
        call_id: None,
        server: None,
        ancillary: false,
    }
}

/// What came of a call.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Said {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    /// What a server said that did not open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Piece>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    close: Option<Close>,
    /// Why the connection broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broken: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// A message of the server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Piece {
    Text(String),
    Base64(String),
}

/// How the server ended it.
#[derive(Debug, Serialize, Deserialize)]
struct Close {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(default)]
    reason: String,
}

/// A call that runs, and what the server has said to it so far; told at the end, whatever happens.
struct Heard {
    tools: Arc<dyn Tools>,
    ticket: Ticket,
    said: Said,
    bytes: usize,
}

impl Heard {
    fn piece(&mut self, message: &SocketMessage) {
        let piece = match message {
            SocketMessage::Text(text) => Piece::Text(text.clone()),
            SocketMessage::Binary(bytes) => Piece::Base64(STANDARD.encode(bytes)),
            SocketMessage::Close(code, reason) => {
                let (code, reason) = (*code, reason.clone());
                self.said.close = Some(Close { code, reason });
                return;
            }
        };
        let length = match &piece {
            Piece::Text(text) | Piece::Base64(text) => text.len(),
        };
        self.bytes = self.bytes.saturating_add(length);
        if self.bytes > MAX_KEPT {
            self.said.truncated = true;
        } else {
            self.said.messages.push(piece);
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let said = &self.said;
        let is_bad = said.broken.is_some() || said.status.is_some_and(|status| status >= 400);
        let outcome = ToolOutcome {
            result: json!(said),
            is_error: is_bad,
        };
        self.tools.done(self.ticket, outcome);
    }
}

/// A WebSocket between the agent and either its server or the recording.
struct Talk {
    name: String,
    tools: Arc<dyn Tools>,
    backend: Arc<dyn Backend>,
    incoming: Incoming,
    server: Option<Socket>,
    heard: Option<Heard>,
    /// What is to be served next.
    script: Option<Said>,
    /// How many messages of the server are its greeting, which was served already.
    greeted: usize,
}

impl Talk {
    /// Keeps what the server says from now on for this call.
    fn listen(&mut self, ticket: Ticket) {
        self.heard = Some(Heard {
            tools: Arc::clone(&self.tools),
            ticket,
            said: Said::default(),
            bytes: 0,
        });
    }

    /// Reaches the server; returns the protocol that it chose, or the answer to a wish that it refused.
    async fn connect(&mut self) -> Result<Option<HeaderValue>, Box<Answer>> {
        let opening = self.backend.open(&self.incoming).await;
        let said = self.heard.as_mut().map(|heard| &mut heard.said);
        match opening {
            Ok(Opening::Open(headers, socket)) => {
                let protocol = headers.get(SEC_WEBSOCKET_PROTOCOL).cloned();
                if let Some(said) = said {
                    said.protocol = protocol.as_ref().and_then(text);
                    said.status = Some(StatusCode::SWITCHING_PROTOCOLS.as_u16());
                }
                self.server = Some(*socket);
                Ok(protocol)
            }
            Ok(Opening::Refused(reply)) => {
                let (answer, body) = whole(reply).await;
                if let Some(said) = said {
                    said.status = Some(answer.status.as_u16());
                    said.body = Some(body);
                }
                Err(Box::new(answer))
            }
            Err(error) => {
                let message = error.to_string();
                if let Some(said) = said {
                    said.broken = Some(message.clone());
                }
                let kind = "rewind_upstream_unreachable";
                Err(Box::new(refusal(StatusCode::BAD_GATEWAY, kind, &message)))
            }
        }
    }

    /// Returns the answer that was recorded for the opening.
    fn served(mut self, result: &Value) -> Answer {
        let failed = |why: &str| {
            let message =
                format!("the recorded WebSocket can't be served: {why}; record the run anew");
            refusal(StatusCode::BAD_GATEWAY, "rewind_tools", &message)
        };
        let said = match Said::deserialize(result) {
            Ok(said) => said,
            Err(error) => return failed(&error.to_string()),
        };
        match (said.status, &said.broken) {
            (_, _) if said.truncated => failed("it was not recorded whole"),
            (Some(101), None) => {
                let protocol = said.protocol.as_deref();
                let protocol = protocol.and_then(|name| HeaderValue::from_str(name).ok());
                self.greeted = said.messages.len();
                self.script = Some(said);
                self.start(protocol)
            }
            (Some(status), None) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                let body = Bytes::from(said.body.unwrap_or_default());
                Answer::new(status, HeaderMap::new(), AnswerBody::Full(body))
            }
            (_, Some(why)) => refusal(StatusCode::BAD_GATEWAY, "rewind_upstream_unreachable", why),
            (None, None) => failed("it has no status"),
        }
    }

    /// Opens it towards the agent.
    fn start(self, protocol: Option<HeaderValue>) -> Answer {
        let mut headers = HeaderMap::new();
        headers.extend(protocol.map(|protocol| (SEC_WEBSOCKET_PROTOCOL, protocol)));
        Answer::open(headers, |agent| Box::pin(self.run(agent)))
    }

    /// Passes messages on until either side ends it.
    async fn run(mut self, mut agent: Socket) {
        loop {
            match self.play(&mut agent).await {
                Ok(None) => {}
                Ok(Some(close)) => return agent.close(close.code, close.reason).await,
                Err(_gone) => break,
            }
            let server = &mut self.server;
            let heard = async {
                match server {
                    Some(server) => server.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                said = agent.next() => match said {
                    Some(Ok(SocketMessage::Close(code, reason))) => {
                        if let Some(server) = self.server.take() {
                            server.close(code, reason).await;
                        }
                        return;
                    }
                    Some(Ok(message)) => {
                        if let Err((code, why)) = self.said(message).await {
                            return agent.close(Some(code), why).await;
                        }
                    }
                    Some(Err(_)) | None => break,
                },
                heard = heard => {
                    if let Some((code, reason)) = self.heard(heard, &mut agent).await {
                        return agent.close(code, reason).await;
                    }
                }
            }
        }
        if let Some(server) = self.server.take() {
            server.close(Some(GOING_AWAY), String::new()).await;
        }
    }

    /// Sends what is to be served; returns how the server then ended it, where it did.
    async fn play(&mut self, agent: &mut Socket) -> Result<Option<Close>, Broken> {
        let Some(said) = self.script.take() else {
            return Ok(None);
        };
        for piece in said.messages {
            let message = match piece {
                Piece::Text(text) => SocketMessage::Text(text),
                Piece::Base64(coded) => {
                    let bytes = STANDARD.decode(coded);
                    let bytes = bytes.map_err(|error| Broken(error.to_string()))?;
                    SocketMessage::Binary(Bytes::from(bytes))
                }
            };
            agent.send(message).await?;
        }
        match said.broken {
            Some(why) => Err(Broken(why)),
            None => Ok(said.close),
        }
    }

    /// Asks about a message of the agent, and sends it on where it may; the error is how to end it.
    async fn said(&mut self, message: SocketMessage) -> Result<(), (u16, String)> {
        drop(self.heard.take());
        let mut arguments = Map::new();
        match &message {
            SocketMessage::Text(text) => {
                let parsed = serde_json::from_str(text);
                let parsed = parsed.unwrap_or_else(|_prose| Value::String(text.clone()));
                arguments.insert("message".to_owned(), parsed);
            }
            SocketMessage::Binary(bytes) => {
                arguments.insert("base64".to_owned(), STANDARD.encode(bytes).into());
            }
            SocketMessage::Close(..) => {}
        }
        let call = call(&self.name, arguments, Effect::Mutating);
        match self.tools.ask(call).await {
            ToolAction::Run(ticket) => {
                self.listen(ticket);
                if self.server.is_none() && self.connect().await.is_err() {
                    return Err((INTERNAL, "the server can't be reached".to_owned()));
                }
                let Some(server) = &mut self.server else {
                    return Ok(());
                };
                if let Err(Broken(why)) = server.send(message).await {
                    self.break_off(&why);
                    return Err((INTERNAL, why));
                }
                Ok(())
            }
            ToolAction::Serve(outcome) => match Said::deserialize(&outcome.result) {
                Ok(said) if !said.truncated => {
                    self.script = Some(said);
                    Ok(())
                }
                Ok(_) | Err(_) => Err((INTERNAL, "record the run anew".to_owned())),
            },
            ToolAction::Refuse(why) => Err((POLICY, why)),
        }
    }

    /// Passes on what the server said; returns how it ended, where it did.
    async fn heard(
        &mut self,
        heard: Option<Result<SocketMessage, Broken>>,
        agent: &mut Socket,
    ) -> Option<(Option<u16>, String)> {
        match heard {
            Some(Ok(SocketMessage::Text(_) | SocketMessage::Binary(_))) if self.greeted > 0 => {
                self.greeted -= 1;
                None
            }
            Some(Ok(message)) => {
                if let Some(call) = &mut self.heard {
                    call.piece(&message);
                }
                if let SocketMessage::Close(code, reason) = message {
                    // The end is told before the agent can act on it.
                    drop(self.heard.take());
                    return Some((code, reason));
                }
                // That the agent has gone is what the next look at it says.
                let _sent = agent.send(message).await.is_ok();
                None
            }
            Some(Err(Broken(why))) => {
                self.break_off(&why);
                Some((Some(INTERNAL), why))
            }
            None => {
                self.break_off("it ended without a word");
                Some((Some(GOING_AWAY), String::new()))
            }
        }
    }

    fn break_off(&mut self, why: &str) {
        if let Some(mut call) = self.heard.take() {
            call.said.broken = Some(why.to_owned());
        }
        self.server = None;
    }
}

fn text(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().map(str::to_owned)
}

/// Returns an answer that came in the place of a WebSocket, and its text.
async fn whole(reply: Reply) -> (Answer, String) {
    let body = beginning(reply.body).await;
    let text = String::from_utf8_lossy(&body).into_owned();
    let body = AnswerBody::Full(body);
    (Answer::new(reply.status, HeaderMap::new(), body), text)
}

/// The most bytes that are kept of what a server says to one message.
const MAX_KEPT: usize = 64 << 20;
/// The other side leaves (RFC 6455, section 7.4.1).
const GOING_AWAY: u16 = 1001;
/// A message that may not be said.
const POLICY: u16 = 1008;
/// Something failed that the other side did not do.
const INTERNAL: u16 = 1011;
