//! The scripted model as the way out of a proxy.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use super::answer;
use super::conversation::Conversation;
use super::rule::{Reply as RuleReply, Rule};
use super::script::Script;
use crate::model::{Body, ContentId, Dialect, Request, Response};
use crate::proxy::{Backend, BackendError, Broken, ByteStream, Incoming, Reply};
use crate::record::Requests;
use crate::wire::{self, ParsedRequest, Parser, Scrub, Traffic};

/// One answered model call, for whoever counts them.
#[derive(Debug, Clone, Serialize)]
pub struct LogEntry {
    /// Method and path.
    pub request: String,
    /// The dialect.
    pub dialect: Dialect,
    /// The value of the `rewind-agent` header.
    pub agent: Option<String>,
    /// The rule that answered, from 1; `None` where none did.
    pub rule: Option<usize>,
    /// The status of the answer.
    pub status: u16,
}

/// Takes the log entries.
pub type Log = Box<dyn Fn(&LogEntry) + Send + Sync>;

/// A model that answers by the rules of a script.
pub struct ScriptedModel {
    script: Arc<Script>,
    parser: Parser,
    requests: Mutex<Requests>,
    /// How often a rule answered in a conversation, by rule and conversation.
    answered: Mutex<HashMap<(usize, ContentId), u32>>,
    nonce: u64,
    ids: AtomicU64,
    log: Option<Log>,
}

/// Leaves everything as it is: what a script reads is never kept.
struct NoScrub;

impl Scrub for NoScrub {
    fn scrub(&self, _value: &mut Value) {}
}

impl ScriptedModel {
    /// Returns a model with these rules; `log` is told of each model call.
    pub fn new(script: Script, log: Option<Log>) -> Self {
        Self {
            script: Arc::new(script),
            parser: Parser::new(Arc::new(NoScrub)),
            requests: Mutex::default(),
            answered: Mutex::default(),
            nonce: RandomState::new().hash_one(0_u8),
            ids: AtomicU64::new(0),
            log,
        }
    }

    fn reply(&self, incoming: &Incoming) -> Reply {
        let path = incoming.path.as_str();
        match wire::classify(incoming.method.as_str(), path) {
            Traffic::Model(Dialect::OpenaiEmbeddings) => self.embeddings(incoming),
            Traffic::Model(dialect) => self.model(dialect, incoming),
            Traffic::Ancillary => ancillary(path),
            Traffic::Telemetry => whole(StatusCode::NO_CONTENT, Bytes::new()),
            Traffic::Opaque => {
                let text = format!(
                    "the scripted model does not know {} {path}",
                    incoming.method
                );
                error(Dialect::OpenaiChat, 404, "not_found_error", &text)
            }
        }
    }

    fn parse(&self, dialect: Dialect, incoming: &Incoming) -> Result<Arc<ParsedRequest>, Reply> {
        let method = incoming.method.as_str();
        self.parser
            .parse_request(dialect, method, &incoming.path, &incoming.body)
            .map_err(|failure| {
                let text = std::error::Error::source(&failure).map_or_else(
                    || failure.to_string(),
                    |cause| format!("{failure}: {cause}"),
                );
                error(dialect, 400, "invalid_request_error", &text)
            })
    }

    fn model(&self, dialect: Dialect, incoming: &Incoming) -> Reply {
        let parsed = match self.parse(dialect, incoming) {
            Ok(parsed) => parsed,
            Err(reply) => return reply,
        };
        let agent = incoming
            .headers
            .get("rewind-agent")
            .and_then(|value| value.to_str().ok());
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let (request, _is_known) = requests.request(&parsed, agent.map(str::to_owned));
        let talk = Conversation::of(&request);
        let mut entry = LogEntry {
            request: format!("{} {}", incoming.method, incoming.path),
            dialect,
            agent: request.agent.clone(),
            rule: None,
            status: 400,
        };
        let Some(chosen) = self
            .script
            .choose(&talk, |index, rule| self.admits(index, rule, &request))
        else {
            self.note(&entry);
            let text = self.script.explain(&talk);
            return error(dialect, 400, "invalid_request_error", &text);
        };
        self.count(chosen.index, chosen.rule, &request);
        entry.rule = Some(chosen.index + 1);
        let rule_reply = &chosen.rule.reply;
        if let Some(status) = rule_reply.status {
            entry.status = status;
            self.note(&entry);
            return failure(dialect, status, rule_reply);
        }
        entry.status = 200;
        self.note(&entry);
        let mut response = answer::response(rule_reply, &talk, &chosen.captured, &|kind| {
            self.fresh(kind)
        });
        response.id = Some(self.fresh(match dialect {
            Dialect::OpenaiResponses => "resp",
            Dialect::AnthropicMessages => "msg",
            Dialect::OpenaiChat | Dialect::OpenaiEmbeddings | Dialect::Opaque => "chatcmpl",
        }));
        if dialect == Dialect::AnthropicMessages {
            for id in &mut response.call_ids {
                *id = id.replacen("call", "toolu", 1);
            }
        }
        requests.keep(&request, &parsed, &response);
        drop(requests);
        streamed(&parsed, &response, rule_reply)
    }

    fn embeddings(&self, incoming: &Incoming) -> Reply {
        let parsed = match self.parse(Dialect::OpenaiEmbeddings, incoming) {
            Ok(parsed) => parsed,
            Err(reply) => return reply,
        };
        let dimensions = parsed
            .settings
            .get("dimensions")
            .and_then(Value::as_u64)
            .and_then(|dimensions| usize::try_from(dimensions).ok())
            .map_or(DIMENSIONS, |dimensions| dimensions.clamp(1, MAX_DIMENSIONS));
        let data: Vec<Value> = parsed
            .messages
            .iter()
            .enumerate()
            .map(|(index, message)| {
                let vector = vector(message.message.id(), dimensions);
                json!({ "object": "embedding", "index": index, "embedding": vector })
            })
            .collect();
        let chars: usize = parsed
            .messages
            .iter()
            .map(|one| one.message.plain_text().chars().count())
            .sum();
        let tokens = chars.div_ceil(4);
        let body = json!({
            "object": "list",
            "data": data,
            "model": parsed.model,
            "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
        });
        self.note(&LogEntry {
            request: format!("{} {}", incoming.method, incoming.path),
            dialect: Dialect::OpenaiEmbeddings,
            agent: None,
            rule: None,
            status: 200,
        });
        json_reply(StatusCode::OK, Bytes::from(body.to_string()))
    }

    /// Returns whether a rule with `times` may answer once more in this conversation.
    fn admits(&self, index: usize, rule: &Rule, request: &Request) -> bool {
        let Some(times) = rule.reply.times else {
            return true;
        };
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered
            .get(&(index, request.thread.id()))
            .is_none_or(|count| *count < times)
    }

    fn count(&self, index: usize, rule: &Rule, request: &Request) {
        if rule.reply.times.is_some() {
            let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
            *answered.entry((index, request.thread.id())).or_default() += 1;
        }
    }

    fn fresh(&self, kind: &str) -> String {
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        let id = ContentId::of(format!("{} {count}", self.nonce).as_bytes());
        format!("{kind}_{}{}", id.short(), count)
    }

    fn note(&self, entry: &LogEntry) {
        if let Some(log) = &self.log {
            log(entry);
        }
    }
}

impl Backend for ScriptedModel {
    fn send(&self, incoming: &Incoming) -> BoxFuture<'static, Result<Reply, BackendError>> {
        let reply = self.reply(incoming);
        let delay = reply
            .headers
            .get(DELAY)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        async move {
            let mut reply = reply;
            reply.headers.remove(DELAY);
            if let Some(millis) = delay {
                tokio::time::sleep(Duration::from_millis(millis)).await;
            }
            Ok(reply)
        }
        .boxed()
    }
}

/// Carries a rule's delay from the choice of the rule to the wait before the answer.
const DELAY: HeaderName = HeaderName::from_static("x-rewind-delay-ms");
/// The length of vectors where the request says nothing.
const DIMENSIONS: usize = 8;
const MAX_DIMENSIONS: usize = 4096;

fn streamed(parsed: &ParsedRequest, response: &Response, rule: &RuleReply) -> Reply {
    let rendered = wire::render(
        parsed.dialect,
        response,
        parsed.stream,
        parsed.include_usage,
    );
    let pieces: Vec<Bytes> = match rendered.body {
        Body::Whole(bytes) => match rule.disconnect_after {
            // A body that breaks off in the middle.
            Some(_) => vec![bytes.slice(..bytes.len() / 2)],
            None => vec![bytes],
        },
        Body::Events(events) => events.into_iter().map(|event| event.bytes).collect(),
    };
    let kept = rule.disconnect_after.unwrap_or(pieces.len());
    let end = rule
        .disconnect_after
        .map(|_events| Err(Broken("the script breaks off here".to_owned())));
    let delay = Duration::from_millis(rule.event_delay_ms);
    let body: ByteStream = stream::iter(pieces.into_iter().take(kept.max(1)))
        .then(move |piece| async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            Ok(piece)
        })
        .chain(stream::iter(end))
        .boxed();
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(rendered.content_type),
    );
    if rule.delay_ms > 0 {
        headers.insert(DELAY, HeaderValue::from(rule.delay_ms));
    }
    Reply {
        status: StatusCode::OK,
        headers,
        body,
    }
}

fn failure(dialect: Dialect, status: u16, rule: &RuleReply) -> Reply {
    let told = answer::failure(status, rule);
    let mut reply = error(dialect, status, &told.kind, &told.message);
    if let Some(seconds) = rule.retry_after {
        reply
            .headers
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if rule.delay_ms > 0 {
        reply
            .headers
            .insert(DELAY, HeaderValue::from(rule.delay_ms));
    }
    reply
}

fn ancillary(path: &str) -> Reply {
    let place = path.split('?').next().unwrap_or(path).trim_end_matches('/');
    let body = if place.ends_with("/models") {
        json!({ "object": "list", "data": [{ "id": "scripted", "object": "model", "created": 0,
                "owned_by": "rewind" }] })
    } else if place.ends_with("/count_tokens") {
        json!({ "input_tokens": 1 })
    } else {
        return error(Dialect::OpenaiChat, 404, "not_found_error", "not found");
    };
    json_reply(StatusCode::OK, Bytes::from(body.to_string()))
}

fn error(dialect: Dialect, status: u16, kind: &str, text: &str) -> Reply {
    let body = wire::render_error(dialect, status, kind, text);
    json_reply(
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
        body,
    )
}

fn json_reply(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = whole(status, body);
    reply.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    reply
}

fn whole(status: StatusCode, body: Bytes) -> Reply {
    let body: ByteStream = stream::iter([Ok(body)]).boxed();
    Reply {
        status,
        headers: HeaderMap::new(),
        body,
    }
}

/// Returns a vector that depends on the content alone, each number between -1 and 1.
fn vector(content: ContentId, dimensions: usize) -> Vec<f64> {
    let bytes = content.as_bytes();
    (0..dimensions)
        .map(|index| {
            let byte = bytes.get(index % bytes.len()).copied().unwrap_or_default();
            (f64::from(byte) - 127.5) / 127.5
        })
        .collect()
}
