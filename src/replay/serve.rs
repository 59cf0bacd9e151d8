//! Turns a recorded call into the answer that the agent gets.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::model::{Body, Call, Divergence, Exchange, Request, StreamEvent};
use crate::proxy::{Answer, AnswerBody, Broken};
use crate::wire::{self, StreamForm};

/// When recorded answers are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// At once.
    #[default]
    Instant,
    /// With the recorded delays.
    Recorded,
}

/// How the live request wants its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The request.
    pub(super) request: &'a Request,
    /// The form of a stream.
    pub(super) form: StreamForm,
}

/// Returns the answer of `call`, which [`told`](super::told::told) has put into the form that is wanted.
pub(super) fn answer(call: &Call, timing: Timing) -> Answer {
    let exchange = &call.exchange;
    let status = StatusCode::from_u16(exchange.status).unwrap_or(StatusCode::OK);
    let mut headers = kept_headers(exchange);
    if !call.is_ok() && !exchange.truncated {
        // The recorded attempts are part of the recorded failure; the client need not try again.
        headers.insert(
            HeaderName::from_static("x-should-retry"),
            HeaderValue::from_static("false"),
        );
    }
    let empty = Body::default();
    let body = exchange.body.as_ref().unwrap_or(&empty);
    let body = recorded_body(body, exchange.truncated, pace(call, timing));
    Answer::new(status, headers, body)
}

/// Returns the answer to a request that is no step.
pub(super) fn ancillary_answer(exchange: &Exchange) -> Answer {
    let status = StatusCode::from_u16(exchange.status).unwrap_or(StatusCode::OK);
    let body = exchange
        .body
        .as_ref()
        .map(Body::to_bytes)
        .unwrap_or_default();
    Answer::new(status, kept_headers(exchange), AnswerBody::Full(body))
}

/// Returns the answer to a request that is refused: 422, which no SDK tries again, in the form in
/// which the provider reports errors.
pub(super) fn refusal(request: &Request, divergence: &Divergence) -> Answer {
    let mut text = format!("rewind: {}", divergence.message);
    if !divergence.pointer.is_empty() {
        let Divergence {
            pointer,
            recorded,
            found,
            ..
        } = divergence;
        text = format!("{text} (at {pointer}: recorded {recorded:?}, found {found:?})");
    }
    json_error(
        request,
        StatusCode::UNPROCESSABLE_ENTITY,
        "rewind_divergence",
        &text,
    )
}

/// Returns the answer to whatever is asked after the run was halted, and to what halted it.
pub(super) fn halted(request: &Request, why: &Divergence) -> Answer {
    let text = format!("rewind: {}", why.message);
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    json_error(request, status, "rewind_halted", &text)
}

/// Returns an error in the form of the request's dialect.
pub(super) fn json_error(request: &Request, status: StatusCode, kind: &str, text: &str) -> Answer {
    let body = wire::render_error(request.dialect, status.as_u16(), kind, text);
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(
        HeaderName::from_static("x-should-retry"),
        HeaderValue::from_static("false"),
    );
    Answer::new(status, headers, AnswerBody::Full(body))
}

fn kept_headers(exchange: &Exchange) -> HeaderMap {
    exchange
        .headers
        .iter()
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value).ok()?))
        })
        .collect()
}

/// Returns the delay before the first byte where the recorded timing is wanted.
fn pace(call: &Call, timing: Timing) -> Option<Duration> {
    match timing {
        Timing::Instant => None,
        Timing::Recorded => Some(Duration::from_micros(
            call.first_byte_us.saturating_sub(call.began_us),
        )),
    }
}

fn recorded_body(body: &Body, truncated: bool, pace: Option<Duration>) -> AnswerBody {
    let events: Vec<StreamEvent> = match body {
        Body::Events(_) if !truncated && pace.is_none() => {
            return AnswerBody::Events(body.to_bytes());
        }
        Body::Whole(bytes) if !truncated && pace.is_none() => {
            return AnswerBody::Full(bytes.clone());
        }
        Body::Whole(bytes) => vec![StreamEvent {
            delay_us: 0,
            bytes: bytes.clone(),
        }],
        Body::Events(events) => events.iter().collect(),
    };
    let end = truncated.then(|| Err(Broken("the recorded answer broke off here".to_owned())));
    match pace {
        None => {
            let ready = events.into_iter().map(|event| Ok(event.bytes)).chain(end);
            AnswerBody::Stream(stream::iter(ready).boxed())
        }
        Some(first) => {
            let delays = std::iter::once(first).chain(std::iter::repeat(Duration::ZERO));
            let paced = stream::iter(events.into_iter().zip(delays))
                .then(paced_event)
                .map(Ok);
            AnswerBody::Stream(paced.chain(stream::iter(end)).boxed())
        }
    }
}

async fn paced_event((event, extra): (StreamEvent, Duration)) -> Bytes {
    tokio::time::sleep(Duration::from_micros(event.delay_us).saturating_add(extra)).await;
    event.bytes
}
