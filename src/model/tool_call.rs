//! Calls of tools as a boundary saw them: a shim in the agent, an MCP server's pipe, an HTTP request.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Captured, Served};

/// What running a tool leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing, and its result depends on its arguments alone.
    Pure,
    /// Nothing, but its result may differ from day to day.
    Read,
    /// A change: mail that is sent, an order that is placed.
    Mutating,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pure => "pure",
            Self::Read => "read",
            Self::Mutating => "mutating",
        })
    }
}

/// Where a tool call crosses out of the agent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// A function that the agent wrapped with the `rewind` package.
    Shim,
    /// An MCP server.
    Mcp,
    /// An HTTP request.
    Http,
}

impl From<Boundary> for Captured {
    fn from(boundary: Boundary) -> Self {
        match boundary {
            Boundary::Shim => Self::Shim,
            Boundary::Mcp => Self::Mcp,
            Boundary::Http => Self::Http,
        }
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shim => "shim",
            Self::Mcp => "mcp",
            Self::Http => "http",
        })
    }
}

/// What a tool gave back.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolOutcome {
    /// The result, or what is said of the error.
    pub result: Value,
    /// Whether the tool failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}

/// A call of a tool as a boundary saw it, without secrets.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCapture {
    /// Its place among the captured calls of the timeline, in the order of their beginning.
    #[serde(rename = "n")]
    pub ordinal: u32,
    /// The tool's name as the boundary knows it.
    pub name: String,
    /// The arguments.
    pub arguments: Value,
    /// Where it was seen.
    pub boundary: Boundary,
    /// What running it leaves behind, by rule or as the boundary says; `None` counts as mutating.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// The server that the tool belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The provider's id of the model's tool call that it answers; differs in every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// What came of it; `None` where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ToolOutcome>,
    /// Where the outcome came from; `None` where the tool ran for real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Served>,
    /// When it began, in microseconds since the timeline's start.
    pub began_us: u64,
    /// When its outcome was there.
    pub ended_us: u64,
}

/// A tool that ran for real in a replay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RanTool {
    /// The tool's name.
    pub name: String,
    /// What running it leaves behind.
    pub effect: Effect,
    /// How often it ran.
    pub times: u32,
}
