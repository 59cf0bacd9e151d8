//! The lines of the files, as they stand there.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{
    ApiError, Attempt, Boundary, Captured, ContentId, Dialect, Effect, FinishReason, Lost, Part,
    Served, SessionId, Status, ToolOutcome, Usage,
};

/// What all requests of an agent mostly have in common; kept in the pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frame {
    /// The value of the `rewind-agent` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<String>,
    pub(super) dialect: Dialect,
    /// The model asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    pub(super) provider: String,
    /// The id of the settings.
    pub(super) settings: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) stream: bool,
    /// The ids of the system messages.
    pub(super) system: Vec<String>,
    /// The id of the tool set.
    pub(super) tools: String,
}

/// A line of `messages.jsonl`: one of the values under its id.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PoolLine {
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) settings: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<Value>,
}

/// A line of `steps.jsonl`: a model step has `model`, a tool step `tool`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepLine {
    pub(super) timeline: String,
    pub(super) step: u32,
    pub(super) lane: u32,
    pub(super) agent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<u32>,
    #[serde(default = "ok", skip_serializing_if = "is_ok")]
    pub(super) status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<ModelLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tool: Option<ToolLine>,
}

fn ok() -> Status {
    Status::Ok
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_ok(status: &Status) -> bool {
    *status == Status::Ok
}

/// What was asked of a model, and what it answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelLine {
    /// The place in the order of beginning, where it is not the place among the model steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ordinal: Option<u32>,
    /// The id of the [`Frame`].
    pub(super) request: String,
    /// The history begins with the request and the answer of this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) extends: Option<u32>,
    /// The history begins with the request of this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) repeats: Option<u32>,
    /// The ids of the messages that follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) add: Vec<String>,
    /// By the place in `add`: which calls the message's tool results answer, where it is unusual.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) answers: Map<String, Value>,
    /// The id of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<String>,
    /// The ids of further answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) alternatives: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) finish: Option<FinishReason>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answered_by: Option<String>,
    /// The tokens; those that are 0 are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<UsageLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) served: Option<Served>,
    /// What the trace that it was imported from did not keep.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) lost: BTreeSet<Lost>,
}

/// Tokens; those that are 0 are left out.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UsageLine {
    #[serde(skip_serializing_if = "is_zero")]
    input: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_input: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write: u64,
    #[serde(skip_serializing_if = "is_zero")]
    output: u64,
    #[serde(skip_serializing_if = "is_zero")]
    reasoning: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl From<Usage> for UsageLine {
    fn from(usage: Usage) -> Self {
        let Usage {
            input,
            cached_input,
            cache_write,
            output,
            reasoning,
        } = usage;
        Self {
            input,
            cached_input,
            cache_write,
            output,
            reasoning,
        }
    }
}

impl From<UsageLine> for Usage {
    fn from(line: UsageLine) -> Self {
        Self {
            input: line.input,
            cached_input: line.cached_input,
            cache_write: line.cache_write,
            output: line.output,
            reasoning: line.reasoning,
        }
    }
}

/// A tool call and its result.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolLine {
    pub(super) name: String,
    /// The model step that called; absent where no model asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) called_by: Option<u32>,
    #[serde(default, skip_serializing_if = "is_first")]
    pub(super) call_index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seen_by: Option<u32>,
    #[serde(default = "by_messages", skip_serializing_if = "is_by_messages")]
    pub(super) captured: Captured,
    /// The arguments, where the answer that called does not hold them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<Value>,
    /// The message that holds the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) result_in: Option<String>,
    /// The part of that message.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(super) result_part: u32,
    /// The result, where no message holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<Vec<Part>>,
    /// What the boundaries saw, the outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) captures: Vec<CaptureLine>,
}

/// A captured tool call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaptureLine {
    pub(super) boundary: Boundary,
    /// The name, where it is not the step's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// The arguments, where they are not the step's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) effect: Option<Effect>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<ToolOutcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) served: Option<Served>,
}

/// What of a captured tool call differs with each recording.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaptureWire {
    /// Its place among the captured calls of the timeline.
    pub(super) n: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) call_id: Option<String>,
    /// Beginning and end.
    pub(super) us: (u64, u64),
}

fn by_messages() -> Captured {
    Captured::Messages
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_by_messages(captured: &Captured) -> bool {
    *captured == Captured::Messages
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_first(place: &u32) -> bool {
    *place == 0
}

/// The first line of `wire.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireHead {
    pub(super) session: SessionId,
    pub(super) recorded_at: jiff::Timestamp,
    /// When each timeline began.
    pub(super) started_at: Vec<jiff::Timestamp>,
}

/// Any other line of `wire.jsonl`: of a step, or of traffic that is none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireLine {
    pub(super) timeline: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<CallLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ancillary: Option<AncillaryLine>,
    /// Beginning and end of the step, where they are not the call's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) us: Option<(u64, u64)>,
    /// The captured tool calls, in the order of `captures`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) captures: Vec<CaptureWire>,
}

/// What of a call differs with each recording.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallLine {
    pub(super) began_us: u64,
    pub(super) first_byte_us: u64,
    pub(super) ended_us: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attempts: Vec<Attempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) call_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) no_ops: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) volatile: Map<String, Value>,
    pub(super) exchange: ExchangeLine,
}

/// Traffic that is no step.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AncillaryLine {
    pub(super) provider: String,
    /// The hash of the request body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<ContentId>,
    pub(super) exchange: ExchangeLine,
}

/// What went over the wire.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExchangeLine {
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fingerprint: Option<ContentId>,
    pub(super) status: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) headers: Vec<(String, String)>,
    /// As [`wirecodec`](crate::wirecodec) writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) truncated: bool,
}
