//! Calls for tests.

use serde_json::Map;

use std::sync::Arc;

use crate::model::{Call, Dialect, Exchange, Pooled, Request, Response, Thread, Treatment};

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
    }
}
