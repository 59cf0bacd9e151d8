//! Takes secrets out of answers before anything of them is hashed or kept.
//!
//! Secrets are looked for in the normal form, where the pieces of a stream are put together, and in
//! the bytes on the wire. A body in which nothing is found stays as it came, byte for byte. A stream
//! with a secret that spans several events is rendered again from the scrubbed normal form.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::pieces::{scrub_pieces, with_data};
use crate::model::{ApiError, Body, Dialect, Events, Message, Part, Pooled, Response, StreamEvent};
use crate::redact::Redactor;
use crate::wire::{self, Scrub as _, StreamForm};

/// Returns the response without secrets.
pub(super) fn response(redactor: &Redactor, response: &Response) -> Response {
    let text = |text: &String| redactor.text(text).into_owned();
    Response {
        output: response.output.as_ref().map(|m| message(redactor, m)),
        alternatives: response
            .alternatives
            .iter()
            .map(|m| message(redactor, m))
            .collect(),
        finish: response.finish.clone(),
        model: response.model.as_ref().map(text),
        usage: response.usage,
        error: response.error.as_ref().map(|error| ApiError {
            kind: text(&error.kind),
            message: text(&error.message),
        }),
        id: response.id.as_ref().map(text),
        call_ids: response.call_ids.iter().map(text).collect(),
        volatile: scrubbed(redactor, &response.volatile, Map::new)
            .unwrap_or_else(|| response.volatile.clone()),
    }
}

fn message(redactor: &Redactor, message: &Arc<Pooled<Message>>) -> Arc<Pooled<Message>> {
    let blank = || Message {
        role: message.value().role,
        name: None,
        parts: vec![Part::Text {
            text: "[redacted:message]".to_owned(),
            extra: Map::new(),
        }],
        extra: Map::new(),
    };
    scrubbed(redactor, message.value(), blank).map_or_else(|| Arc::clone(message), Pooled::new)
}

/// Returns `value` without its secrets; `None` where there are none.
///
/// Strings are replaced by strings, so what is left still has the shape of `T`; should it not, `blank` takes
/// its place: better nothing than a secret.
fn scrubbed<T: Serialize + DeserializeOwned>(
    redactor: &Redactor,
    value: &T,
    blank: impl Fn() -> T,
) -> Option<T> {
    let Ok(before) = serde_json::to_value(value) else {
        return Some(blank());
    };
    let after = scrubbed_json(redactor, &before)?;
    Some(serde_json::from_value(after).unwrap_or_else(|error| {
        tracing::warn!(%error, "a part of an answer is left out: without its secrets it can't be read");
        blank()
    }))
}

fn scrubbed_json(redactor: &Redactor, before: &Value) -> Option<Value> {
    let mut after = before.clone();
    redactor.scrub(&mut after);
    (after != *before).then_some(after)
}

/// Returns the body of an answer that no dialect can read, without secrets.
pub(super) fn opaque(redactor: &Redactor, raw: Body) -> Body {
    match raw {
        Body::Whole(bytes) => Body::Whole(whole(redactor, bytes)),
        Body::Events(events) => {
            let events = scrub_pieces(redactor, events.iter().collect());
            Body::Events(events.iter().map(|e| event(redactor, e)).collect())
        }
    }
}

/// Returns the body of an answer without secrets; `found` is its normal form, `clean` that without
/// secrets.
pub(super) fn body(
    redactor: &Redactor,
    (dialect, status): (Dialect, u16),
    raw: Body,
    found: &Response,
    clean: &Response,
) -> Body {
    match raw {
        Body::Whole(bytes) => {
            let is_array = bytes.trim_ascii_start().starts_with(b"[");
            let body = Body::Whole(whole(redactor, bytes));
            // The array of a stream, whose pieces are texts of their own.
            if is_array && dialect == Dialect::Gemini && !shows_only(dialect, status, &body, clean)
            {
                return wire::render(dialect, clean, true, StreamForm::Array).body;
            }
            body
        }
        Body::Events(events) => {
            if found == clean && are_clean(redactor, &events) {
                return Body::Events(events);
            }
            // First what is cut over several events: half of it may look like something else.
            let pieces = scrub_pieces(redactor, events.iter().collect());
            let body = Body::Events(pieces.iter().map(|e| event(redactor, e)).collect());
            if shows_only(dialect, status, &body, clean) {
                return body;
            }
            rendered_again(dialect, clean, &events)
        }
    }
}

/// Returns whether no event holds a secret of its own.
///
/// Events without escapes are looked at many at a time: what a stream repeats in each is much more than
/// what it says.
fn are_clean(redactor: &Redactor, events: &Events) -> bool {
    let is_clean = |raw: &StreamEvent| event(redactor, raw) == *raw;
    let mut joined = String::new();
    let mut unsure = Vec::new();
    for raw in events.iter() {
        match std::str::from_utf8(&raw.bytes) {
            Ok(text) if !text.contains('\\') => joined.push_str(text),
            Ok(_) | Err(_) => {
                if !is_clean(&raw) {
                    return false;
                }
                continue;
            }
        }
        unsure.push(raw);
        if joined.len() > JOINED && !are_sure(redactor, &mut joined, &mut unsure) {
            return false;
        }
    }
    are_sure(redactor, &mut joined, &mut unsure)
}

/// Returns whether these events, whose texts are joined, are clean, and empties both.
fn are_sure(redactor: &Redactor, joined: &mut String, unsure: &mut Vec<StreamEvent>) -> bool {
    let is_clean = |raw: &StreamEvent| event(redactor, raw) == *raw;
    let are_clean = redactor.is_surely_clean(joined) || unsure.iter().all(is_clean);
    joined.clear();
    unsure.clear();
    are_clean
}

/// Events are looked at together up to so many bytes.
const JOINED: usize = 64 << 10;

fn whole(redactor: &Redactor, bytes: Bytes) -> Bytes {
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(value) => {
            scrubbed_json(redactor, &value).map_or(bytes, |value| Bytes::from(value.to_string()))
        }
        Err(_not_json) => Bytes::from(redactor.bytes(&bytes).into_owned()),
    }
}

/// Returns whether the body reads as `clean`, so that no secret is left between its events.
fn shows_only(dialect: Dialect, status: u16, body: &Body, clean: &Response) -> bool {
    wire::parse_response(dialect, status, body).is_ok_and(|shown| {
        shown.output == clean.output
            && shown.alternatives == clean.alternatives
            && shown.error == clean.error
    })
}

/// Returns `clean` as a stream, with the pace of the stream that it stands for.
fn rendered_again(dialect: Dialect, clean: &Response, original: &Events) -> Body {
    let form = match clean.usage {
        Some(_) => StreamForm::EventsWithUsage,
        None => StreamForm::Events,
    };
    match wire::render(dialect, clean, true, form).body {
        Body::Events(events) => {
            let delays = original.iter().map(|event| Some(event.delay_us));
            let paced = events.iter().zip(delays.chain(std::iter::repeat(None)));
            let paced = paced.map(|(event, delay)| StreamEvent {
                delay_us: delay.unwrap_or(event.delay_us),
                bytes: event.bytes,
            });
            Body::Events(paced.collect())
        }
        whole @ Body::Whole(_) => whole,
    }
}

fn event(redactor: &Redactor, event: &StreamEvent) -> StreamEvent {
    let Ok(text) = std::str::from_utf8(&event.bytes) else {
        return StreamEvent {
            delay_us: event.delay_us,
            bytes: Bytes::from(redactor.bytes(&event.bytes).into_owned()),
        };
    };
    let changed = match serde_json::from_str::<Value>(
        &wire::event_data(&event.bytes).data.unwrap_or_default(),
    ) {
        Ok(value) => scrubbed_json(redactor, &value).map(|value| with_data(text, &value)),
        Err(_not_json) => match redactor.text(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        },
    };
    changed.map_or_else(
        || event.clone(),
        |text| StreamEvent {
            delay_us: event.delay_us,
            bytes: Bytes::from(text),
        },
    )
}
