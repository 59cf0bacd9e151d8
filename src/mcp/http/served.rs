//! Recorded answers, as a server over HTTP gives them.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::super::client::LISTEN;
use super::super::message::{Id, acknowledged_line, error_line, refusal, request_line};
use super::super::outcome::{Asked, Ending, Kept};
use super::super::seam::Outcome;
use super::talk::Talk;
use super::{SESSION, whole};
use crate::model::ToolOutcome;
use crate::proxy::{Answer, AnswerBody, Broken};

/// Returns the answer that was recorded for a request.
pub(super) fn serve(
    talk: &Arc<Talk>,
    id: &Id,
    (method, params): (&str, Value),
    outcome: ToolOutcome,
) -> Answer {
    let ToolOutcome { result, is_error } = outcome;
    let kept = match Kept::of(Outcome { result, is_error }) {
        Ok(kept) => kept,
        Err(error) => {
            let text = format!("this recording is of another version of rewind: {error}");
            return whole(StatusCode::OK, error_line(id, &refusal(&text)));
        }
    };
    if let Some(status) = status(&kept.ending) {
        let said = kept.line(id).unwrap_or_default();
        return whole(status, said);
    }
    let mut answer = match kept.line(id) {
        Some(line) if kept.asked.is_empty() => whole(StatusCode::OK, line),
        None if (method, &kept.ending) == (LISTEN, &Ending::Cancelled) => {
            let heard = stream::iter([Ok(event(&acknowledged_line(id, &params)))]);
            streamed(heard.chain(stream::pending()).boxed())
        }
        // Where the client left, or the server ended, there was no answer.
        None if kept.ending == Ending::Cancelled => streamed(stream::pending().boxed()),
        None => streamed(
            stream::iter([Err(Broken("the recorded server ended here".to_owned()))]).boxed(),
        ),
        Some(line) => {
            let told = Arc::clone(talk);
            let asked = kept.asked.into_iter().map(Some).chain([None]);
            // Each question of the server waits for the answer to the one before.
            let events = stream::iter(asked).scan(None, move |waiting, asked| {
                let (before, event) = next(&told, waiting.take(), asked, &line);
                *waiting = event.1;
                let bytes = event.0;
                async move {
                    if let Some(before) = before {
                        let _answered: Result<(), _> = before.await;
                    }
                    Some(Ok(bytes))
                }
            });
            streamed(events.boxed())
        }
    };
    if method == "initialize" {
        answer
            .headers
            .insert(SESSION, HeaderValue::from_static("rewind"));
    }
    answer
}

type Waiting = Option<tokio::sync::oneshot::Receiver<()>>;

/// Returns what is waited for before the next event, the event, and what its own answer is waited for with.
fn next(
    talk: &Talk,
    before: Waiting,
    asked: Option<Asked>,
    line: &[u8],
) -> (Waiting, (Bytes, Waiting)) {
    match asked {
        Some(asked) => {
            let (id, answer) = talk.own();
            let request = request_line(&id, &asked.method, &asked.params);
            (before, (event(&request), Some(answer)))
        }
        None => (before, (event(line), None)),
    }
}

/// Returns an event that holds a message.
pub(super) fn event(line: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(line);
    Bytes::from(format!("event: message\ndata: {}\n\n", text.trim_end()))
}

/// Returns an answer that is a stream of events.
pub(super) fn streamed(body: crate::proxy::ByteStream) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Answer::new(StatusCode::OK, headers, AnswerBody::Stream(body))
}

/// Returns the status of a recorded answer that was no JSON-RPC.
fn status(ending: &Ending) -> Option<StatusCode> {
    let Ending::Error(error) = ending else {
        return None;
    };
    let status = error.pointer("/data/status")?.as_u64()?;
    let is_ours = error
        .pointer("/data/type")
        .is_some_and(|kind| kind == "rewind");
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    (is_ours && !status.is_success()).then_some(status)
}
