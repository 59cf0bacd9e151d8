//! A call that was captured: one exchange with a provider, its attempts, its times.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Exchange, Lost, Request, Response};

/// A failed try before the answer that counts (the SDK retried after 429, 5xx or a timeout).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The status that was answered; `None` where the connection failed.
    pub status: Option<u16>,
    /// What went wrong, in words; empty for a plain error status.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// When the request began, in microseconds since the timeline's start.
    pub began_us: u64,
    /// When it ended, in microseconds since the timeline's start.
    pub ended_us: u64,
}

/// One model (or opaque) call as captured or served; it becomes a step when its timeline finishes.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The order in which the calls of a timeline began, from 0, without gaps in a finished one.
    pub ordinal: u32,
    /// The provider's name as in `[upstream.NAME]`, such as `openai`.
    pub provider: String,
    /// What was asked.
    pub request: Request,
    /// Fields of the request known to have no effect on the answer (`user`, `metadata`, …).
    pub no_ops: Map<String, Value>,
    /// What was answered.
    pub response: Response,
    /// What went over the wire.
    pub exchange: Exchange,
    /// Failed tries before this one.
    pub attempts: Vec<Attempt>,
    /// When the first try began, in microseconds since the timeline's start.
    pub began_us: u64,
    /// When the first byte of the answer came, in microseconds since the timeline's start.
    pub first_byte_us: u64,
    /// When the answer ended, in microseconds since the timeline's start.
    pub ended_us: u64,
    /// How it was served; `None` for a call that went to the provider.
    pub served: Option<super::Served>,
    /// What the trace that it was imported from did not keep; empty for a recorded call.
    pub lost: BTreeSet<Lost>,
}

impl Call {
    /// The response header of an answer that an earlier run got and kept, so that nothing was paid; its value
    /// is when that was.
    pub const REMEMBERED: &str = "x-rewind-answer";

    /// Returns whether it was answered by what an earlier run kept.
    pub fn is_remembered(&self) -> bool {
        self.remembered_at().is_some()
    }

    /// Returns when an earlier run got the answer, an instant as RFC 3339 writes it; `None` where this run got it.
    pub fn remembered_at(&self) -> Option<&str> {
        let mut headers = self.exchange.headers.iter();
        let found = headers.find(|(name, _value)| name == Self::REMEMBERED);
        found.map(|(_name, value)| value.as_str())
    }

    /// Returns whether the provider answered with success and the answer is whole.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.exchange.status)
            && !self.exchange.truncated
            && self.response.error.is_none()
    }
}

/// Traffic that is no step (`GET /v1/models`, token counts): served repeat-last, without a number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ancillary {
    /// The provider's name.
    pub provider: String,
    /// The hash of the request body; `None` for none.
    pub body: Option<super::ContentId>,
    /// What went over the wire.
    pub exchange: Exchange,
}
