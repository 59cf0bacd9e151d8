//! The scripted model as the way out of a proxy.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use serde::Serialize;

use super::conversation::Conversation;
use super::reply::{error, failure, success, whole};
use super::rule::{ErrorStatus, Rule};
use super::script::Script;
use super::{answer, other};
use crate::model::{ContentId, Dialect, Request};
use crate::proxy::{Backend, BackendError, Incoming, Reply};
use crate::record::Requests;
use crate::wire::{self, NoScrub, ParsedRequest, Parser, Traffic};

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

/// A reply and how long to wait before it.
struct Delayed {
    reply: Reply,
    delay: Duration,
}

impl From<Reply> for Delayed {
    fn from(reply: Reply) -> Self {
        Self {
            reply,
            delay: Duration::ZERO,
        }
    }
}

impl ScriptedModel {
    /// Returns a model with these rules; `log` is told of each model call.
    pub fn new(script: Script, log: Option<Log>) -> Self {
        Self {
            script: Arc::new(script),
            // What a script reads is never kept.
            parser: Parser::new(Arc::new(NoScrub)),
            requests: Mutex::default(),
            answered: Mutex::default(),
            nonce: RandomState::new().hash_one(0_u8),
            ids: AtomicU64::new(0),
            log,
        }
    }

    fn reply(&self, incoming: &Incoming) -> Delayed {
        let path = incoming.path.as_str();
        match wire::classify(incoming.method.as_str(), path) {
            Traffic::Model(Dialect::OpenaiEmbeddings) => self.embeddings(incoming).into(),
            Traffic::Model(dialect) => self.model(dialect, incoming),
            Traffic::Ancillary => self.ancillary(incoming).into(),
            Traffic::Telemetry => whole(StatusCode::NO_CONTENT, Bytes::new()).into(),
            Traffic::Opaque => {
                let text = format!(
                    "the scripted model does not know {} {path}",
                    incoming.method
                );
                error(Dialect::OpenaiChat, 404, "not_found_error", &text).into()
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
                error(dialect, 400, "", &text)
            })
    }

    fn model(&self, dialect: Dialect, incoming: &Incoming) -> Delayed {
        let parsed = match self.parse(dialect, incoming) {
            Ok(parsed) => parsed,
            Err(reply) => return reply.into(),
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
            return error(dialect, 400, "", &text).into();
        };
        self.count(chosen.index, chosen.rule, &request);
        entry.rule = Some(chosen.index + 1);
        let rule_reply = &chosen.rule.reply;
        let delay = Duration::from_millis(rule_reply.delay_ms);
        if let Some(ErrorStatus(status)) = rule_reply.status {
            entry.status = status;
            self.note(&entry);
            let reply = failure(dialect, status, rule_reply);
            return Delayed { reply, delay };
        }
        entry.status = 200;
        self.note(&entry);
        let mut response = answer::response(rule_reply, &talk, &chosen.captured, &|kind| {
            self.fresh(kind)
        });
        response.id = Some(self.fresh(match dialect {
            Dialect::OpenaiResponses | Dialect::Gemini => "resp",
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
        let reply = success(&parsed, &response, rule_reply);
        Delayed { reply, delay }
    }

    fn embeddings(&self, incoming: &Incoming) -> Reply {
        let parsed = match self.parse(Dialect::OpenaiEmbeddings, incoming) {
            Ok(parsed) => parsed,
            Err(reply) => return reply,
        };
        self.note(&LogEntry {
            request: format!("{} {}", incoming.method, incoming.path),
            dialect: Dialect::OpenaiEmbeddings,
            agent: None,
            rule: None,
            status: 200,
        });
        other::embeddings(&parsed)
    }

    /// Answers what is no step: lists of models, counts of tokens.
    fn ancillary(&self, incoming: &Incoming) -> Reply {
        let has = |name: &str| incoming.headers.contains_key(name);
        let is_google = has("x-goog-api-key") || incoming.path.contains(":countTokens");
        let dialect = match (has("anthropic-version"), is_google) {
            (true, _) => Dialect::AnthropicMessages,
            (false, true) => Dialect::Gemini,
            (false, false) => Dialect::OpenaiChat,
        };
        if incoming.method != Method::POST {
            return other::models(&incoming.path, dialect);
        }
        // Both counts of the others have the messages of this one.
        let counted = match dialect {
            Dialect::Gemini => Dialect::Gemini,
            Dialect::OpenaiChat
            | Dialect::OpenaiResponses
            | Dialect::AnthropicMessages
            | Dialect::OpenaiEmbeddings
            | Dialect::Opaque => Dialect::AnthropicMessages,
        };
        match self.parse(counted, incoming) {
            Ok(parsed) => {
                let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
                let (request, _is_known) = requests.request(&parsed, None);
                other::count(&Conversation::of(&request), counted)
            }
            Err(reply) => reply,
        }
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
        let Delayed { reply, delay } = self.reply(incoming);
        async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            Ok(reply)
        }
        .boxed()
    }
}
