//! What a server answered to one request over HTTP, as it is kept.

use http::header::CONTENT_TYPE;
use serde_json::json;

use super::super::message::{Id, Message, messages, refusal};
use super::super::order::Orders;
use super::super::outcome::{Asked, Ending, Kept};
use super::super::seam::Outcome;
use crate::model::{Body, ToolOutcome};
use crate::proxy::Captured;
use crate::wire::{event_data, split_events};

/// Returns what came of the request with this id.
pub(super) fn outcome(captured: &Captured, id: &Id) -> ToolOutcome {
    told(kept(captured, id))
}

/// Returns what is kept of a request that did not reach its server.
pub(super) fn failed(why: &str) -> ToolOutcome {
    told(Kept::plain(Ending::Error(refusal(why))))
}

fn told(kept: Kept) -> ToolOutcome {
    let Outcome { result, is_error } = kept.into_outcome();
    ToolOutcome { result, is_error }
}

fn kept(captured: &Captured, id: &Id) -> Kept {
    let bytes = captured.body.to_bytes();
    let is_stream = captured.headers.iter().any(|(name, value)| {
        name == CONTENT_TYPE.as_str() && value.starts_with("text/event-stream")
    });
    let texts: Vec<String> = match &captured.body {
        Body::Events(events) => events
            .iter()
            .filter_map(|event| event_data(&event.bytes).data)
            .collect(),
        Body::Whole(_) if is_stream => {
            let events = split_events(&bytes).into_iter();
            events.filter_map(|event| event_data(&event).data).collect()
        }
        Body::Whole(_) => vec![String::from_utf8_lossy(&bytes).into_owned()],
    };
    let mut kept = Kept::plain(Ending::Cancelled);
    let mut is_answered = false;
    for text in &texts {
        let found = messages(text.as_bytes()).unwrap_or_default();
        for (_text, message) in found {
            match message {
                Message::Request { method, params, .. } => kept.asked.push(Asked {
                    method: method.into_owned(),
                    params: params
                        .and_then(|raw| serde_json::from_str(raw.get()).ok())
                        .unwrap_or_default(),
                }),
                Message::Response { id: of, reply } if of == *id => {
                    let (ending, orders): (Ending, Orders) = Ending::of(reply);
                    kept.ending = ending;
                    kept.orders = orders;
                    is_answered = true;
                }
                Message::Response { .. } | Message::Notification { .. } => {}
            }
        }
    }
    if !is_answered && !captured.client_gone {
        let status = captured.status.as_u16();
        kept.ending = Ending::Error(match &captured.error {
            Some(error) => json!({"code": -32000, "message": format!("rewind: {error}")}),
            None if captured.truncated => {
                json!({"code": -32000, "message": "rewind: this answer was not recorded whole"})
            }
            None => {
                let said: String = String::from_utf8_lossy(&bytes)
                    .chars()
                    .take(SHOWN)
                    .collect();
                json!({
                    "code": -32000,
                    "message": format!("the server answered with status {status}: {said}"),
                    // Clients try the older transport by it.
                    "data": {"type": "rewind", "status": status},
                })
            }
        });
    }
    kept
}

/// The most characters that are kept of an answer that is none.
const SHOWN: usize = 500;
