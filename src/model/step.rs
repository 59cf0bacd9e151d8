//! Steps of a timeline, and how a served step matched its recording.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, LaneId, Part, StepIndex, ToolCapture};

/// How well a request matched the recording that it was served from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The canonical requests are equal.
    Exact,
    /// Equal after volatile values were replaced.
    Normalised,
    /// Equal but for the treatment.
    Drift,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Normalised => "normalised",
            Self::Drift => "drift",
        })
    }
}

/// One thing of the treatment that differs from the recording.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Drift {
    /// The system or developer prompt.
    SystemPrompt,
    /// The definition of a tool: added, removed or changed.
    Tool {
        /// The tool's name.
        name: String,
    },
    /// The model.
    Model,
    /// A sampling parameter or another setting.
    Setting {
        /// The field's name on the wire.
        name: String,
    },
    /// The result of a tool that the configuration lets pass as recorded.
    ToolResult {
        /// The tool's name.
        name: String,
    },
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SystemPrompt => f.write_str("system prompt"),
            Self::Tool { name } => write!(f, "tool `{name}`"),
            Self::Model => f.write_str("model"),
            Self::Setting { name } => write!(f, "setting `{name}`"),
            Self::ToolResult { name } => write!(f, "result of tool `{name}`"),
        }
    }
}

/// Where a served answer came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// The step of the parent timeline whose answer was served.
    pub step: StepIndex,
    /// How the request matched.
    pub rung: Rung,
    /// What of the treatment differed, sorted; empty unless the rung is `drift`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// Whether fields that the recording lost were left out of the comparison.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lossy: bool,
}

/// How a step ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It succeeded.
    Ok,
    /// It failed.
    Error,
    /// A tool call whose result never came back to the model.
    NoResult,
    /// An answer that broke off.
    Partial,
}

/// Through which boundary a tool step was seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Captured {
    /// Derived from the messages: a call in one answer, its result in a later request.
    Messages,
    /// A function that the agent wrapped with the `rewind` package.
    Shim,
    /// An MCP server.
    Mcp,
    /// An HTTP request.
    Http,
}

/// A tool call and its result.
#[derive(Clone, PartialEq, Debug)]
pub struct ToolStep {
    /// The tool's name.
    pub name: String,
    /// The arguments; a JSON string holding the raw text where it was no valid JSON.
    pub arguments: Value,
    /// The content of the result; `None` where it never came.
    pub result: Option<Vec<Part>>,
    /// The model step whose answer holds the call; `None` for a captured call that no model asked for.
    pub called_by: Option<StepIndex>,
    /// The position among that answer's calls, from 0.
    pub call_index: u32,
    /// The model step whose request first holds the result.
    pub seen_by: Option<StepIndex>,
    /// Through which boundary it was seen.
    pub captured: Captured,
    /// What the boundaries saw of it, the outermost first; empty where it is derived from messages.
    pub captures: Vec<Arc<ToolCapture>>,
}

/// What kind of exchange a step is.
#[derive(Clone, PartialEq, Debug)]
pub enum StepKind {
    /// A model call (also an opaque one).
    Model(Arc<Call>),
    /// A tool call.
    Tool(ToolStep),
}

/// One exchange across the agent's boundary.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Its number in the timeline.
    pub number: StepIndex,
    /// What it is.
    pub kind: StepKind,
    /// The conversation thread that it belongs to.
    pub lane: LaneId,
    /// The agent (span) that made it.
    pub agent: String,
    /// The step before it in its lane.
    pub parent: Option<StepIndex>,
    /// How it ended.
    pub status: Status,
    /// When it began, in microseconds since the timeline's start.
    pub began_us: u64,
    /// When it ended; equal to `began_us` where the duration is unknown.
    pub ended_us: u64,
}

impl Step {
    /// Returns the call of a model step.
    pub fn call(&self) -> Option<&Arc<Call>> {
        match &self.kind {
            StepKind::Model(call) => Some(call),
            StepKind::Tool(_) => None,
        }
    }

    /// Returns the tool step.
    pub fn tool(&self) -> Option<&ToolStep> {
        match &self.kind {
            StepKind::Model(_) => None,
            StepKind::Tool(tool) => Some(tool),
        }
    }

    /// Returns how it was served; `None` for live steps and for derived tool steps.
    pub fn served(&self) -> Option<&Served> {
        match &self.kind {
            StepKind::Model(call) => call.served.as_ref(),
            StepKind::Tool(tool) => tool.captures.first()?.served.as_ref(),
        }
    }

    /// Returns how long it took in microseconds; `None` where unknown.
    pub fn duration_us(&self) -> Option<u64> {
        let is_seen = self.tool().is_none_or(|tool| !tool.captures.is_empty());
        // The span of an imported trace has its times, too.
        let is_known = is_seen || self.ended_us > self.began_us;
        is_known.then(|| self.ended_us.saturating_sub(self.began_us))
    }
}
