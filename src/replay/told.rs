//! A recorded call as the live request wants it told: as it came, or rendered in its dialect and form.

use std::sync::Arc;

use http::header;

use super::serve::Wanted;
use crate::model::{Body, Call, Dialect, Exchange, Response};
use crate::wire::{self, StreamForm};

/// Returns the call with the body that the request gets.
///
/// A call without wire bytes, such as one from a trace, is rendered; so is one that was recorded in another
/// dialect, or in one piece where a stream is wanted, and the other way round.
pub(super) fn told(call: &Arc<Call>, wanted: Wanted<'_>) -> Arc<Call> {
    let dialect = wanted.request.dialect;
    let is_own = call.request.dialect == dialect;
    let is_as_it_came =
        call.exchange.body.is_some() && is_own && (is_same_stream(call, wanted) || !call.is_ok());
    if is_as_it_came {
        return Arc::clone(call);
    }
    let mut response = if is_own {
        call.response.clone()
    } else {
        wire::retell(&call.response)
    };
    response.model = response.model.or(wanted.request.treatment.model.clone());
    let (rendered, status) = if let Some(error) = &response.error {
        let status = failed(call.exchange.status);
        // Another provider has other names for it.
        let kind = if is_own { error.kind.as_str() } else { "" };
        let body = wire::render_error(dialect, status, kind, &error.message);
        let rendered = wire::Rendered {
            content_type: "application/json",
            body: Body::Whole(body),
        };
        (rendered, status)
    } else {
        response = wire::with_ids(response, dialect, call.ordinal);
        let stream = wanted.request.stream;
        let rendered = wire::render(dialect, &response, stream, wanted.form);
        (rendered, succeeded(call.exchange.status))
    };
    let mut headers = call.exchange.headers.clone();
    headers.retain(|(name, _value)| name != header::CONTENT_TYPE.as_str());
    let content_type = rendered.content_type.to_owned();
    headers.push((header::CONTENT_TYPE.as_str().to_owned(), content_type));
    Arc::new(Call {
        response: as_read(response, dialect, status, &rendered.body),
        exchange: Exchange {
            status,
            headers,
            body: Some(rendered.body),
            truncated: false,
            ..call.exchange.clone()
        },
        ..Call::clone(call)
    })
}

/// Returns the answer as the client reads it, which is what it puts into its next request.
fn as_read(response: Response, dialect: Dialect, status: u16, body: &Body) -> Response {
    match wire::parse_response(dialect, status, body) {
        Ok(read) => Response {
            usage: read.usage.or(response.usage),
            ..read
        },
        Err(_unread) => response,
    }
}

fn failed(status: u16) -> u16 {
    if (400..600).contains(&status) {
        status
    } else {
        500
    }
}

fn succeeded(status: u16) -> u16 {
    if (200..300).contains(&status) {
        status
    } else {
        200
    }
}

/// Returns whether the answer was asked for as it is now: in one, as events, or as the array of a stream.
fn is_same_stream(call: &Call, wanted: Wanted<'_>) -> bool {
    let has_events = matches!(call.exchange.body, Some(Body::Events(_)));
    let wants_array = wanted.form == StreamForm::Array;
    call.request.stream == wanted.request.stream
        && !(wanted.request.stream && wants_array == has_events)
}
