//! Answers on the wire: heads, bodies, streams that break off.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::answer;
use super::rule::Reply as RuleReply;
use crate::model::{Body, Dialect, Response};
use crate::proxy::{Broken, ByteStream, Reply};
use crate::wire::{self, ParsedRequest};

/// Returns the answer of a rule on the wire, as a stream where one is asked for.
pub(super) fn success(parsed: &ParsedRequest, response: &Response, rule: &RuleReply) -> Reply {
    let rendered = wire::render(parsed.dialect, response, parsed.stream, parsed.form);
    let pieces: Vec<Bytes> = match rendered.body {
        Body::Whole(bytes) => match rule.disconnect_after {
            // A body that breaks off in the middle.
            Some(_) => vec![bytes.slice(..bytes.len() / 2)],
            None => vec![bytes],
        },
        Body::Events(events) => events.iter().map(|event| event.bytes).collect(),
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
    Reply {
        status: StatusCode::OK,
        headers,
        body,
    }
}

/// Returns the failure of a rule on the wire.
pub(super) fn failure(dialect: Dialect, status: u16, rule: &RuleReply) -> Reply {
    let told = answer::failure(status, rule);
    let kind = match dialect {
        // Named by its own words for the status.
        Dialect::Gemini => "",
        Dialect::OpenaiChat
        | Dialect::OpenaiResponses
        | Dialect::AnthropicMessages
        | Dialect::OpenaiEmbeddings
        | Dialect::Opaque => told.kind.as_str(),
    };
    let mut reply = error(dialect, status, kind, &told.message);
    if let Some(seconds) = rule.retry_after {
        reply
            .headers
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// Returns an error in the shape of the dialect.
pub(super) fn error(dialect: Dialect, status: u16, kind: &str, text: &str) -> Reply {
    let body = wire::render_error(dialect, status, kind, text);
    json_reply(
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
        body,
    )
}

/// Returns a JSON body.
pub(super) fn json_reply(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = whole(status, body);
    reply.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    reply
}

/// Returns a body that comes as one.
pub(super) fn whole(status: StatusCode, body: Bytes) -> Reply {
    let body: ByteStream = stream::iter([Ok(body)]).boxed();
    Reply {
        status,
        headers: HeaderMap::new(),
        body,
    }
}
