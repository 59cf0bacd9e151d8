//! Calls, requests and answers for tests.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};

use crate::model::{
    Body, Call, Dialect, Exchange, Pooled, Request, Response, StreamEvent, Thread, Treatment,
};
use crate::proxy::{Captured, Credential, Incoming};

/// Returns a call of an empty conversation that ended at `ended_us` with `status`.
pub(super) fn call(status: u16, ended_us: u64) -> Call {
    Call {
        ordinal: 0,
        provider: "openai".into(),
        request: Request {
            dialect: Dialect::OpenaiChat,
            treatment: Arc::new(Treatment {
                model: None,
                system: Vec::new(),
                tools: Pooled::new(Vec::new()),
                settings: Pooled::new(Map::new()),
            }),
            thread: Thread::empty(),
            stream: false,
            agent: None,
        },
        no_ops: Map::new(),
        response: Response::default(),
        exchange: Exchange {
            status,
            ..Exchange::default()
        },
        attempts: Vec::new(),
        began_us: 0,
        first_byte_us: ended_us,
        ended_us,
        served: None,
        lost: BTreeSet::new(),
    }
}

/// Returns a POST of `body` to `path` that arrives now.
pub(super) fn incoming(path: &str, body: &Value) -> Incoming {
    let body = Bytes::from(body.to_string());
    Incoming {
        method: Method::POST,
        path: path.to_owned(),
        provider: "openai".to_owned(),
        origin: None,
        is_socket: false,
        headers: HeaderMap::new(),
        raw_body: body.clone(),
        body,
        credential: Credential::Placeholder,
        arrived: Instant::now(),
    }
}

/// Returns a whole answer.
pub(super) fn captured(status: u16, body: &Value) -> Captured {
    Captured {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Body::Whole(Bytes::from(body.to_string())),
        truncated: false,
        client_gone: false,
        error: None,
        first_byte: Instant::now(),
        ended: Instant::now(),
    }
}

/// Returns an answer in these events.
pub(super) fn streamed(events: &[&str]) -> Captured {
    let events = events.iter().map(|text| StreamEvent {
        delay_us: 5,
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    });
    Captured {
        headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
        body: Body::Events(events.collect()),
        ..captured(200, &Value::Null)
    }
}
