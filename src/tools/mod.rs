//! One question before any tool runs: run it, take this recorded result, or leave it.
//!
//! Three boundaries ask [`Tools`]: functions wrapped in the agent, over the run's own port
//! ([`ToolEndpoint`]); MCP servers; HTTP requests. What is asked is a [`ToolCall`], what comes of it a
//! [`ToolOutcome`]. Who answers is not decided here: recording and replaying have implementations of
//! their own.

mod endpoint;
mod http;
mod rules;
mod socket;

use std::fmt;
use std::str::FromStr;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Boundary, Effect, ToolOutcome};
pub use endpoint::{TOOLS_PATH, ToolEndpoint};
pub use http::HttpTools;
pub use rules::{ToolRule, ToolRules};

/// A tool that is about to run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// The arguments; mostly an object by the names of the parameters.
    #[serde(default)]
    pub arguments: Value,
    /// Where the call was seen.
    #[serde(default = "shim")]
    pub boundary: Boundary,
    /// What running it leaves behind, where the boundary knows; a rule of the configuration outweighs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// The provider's id of the model's tool call that it answers, where the boundary knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// The server that the tool belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Whether it is no step: a handshake, a list of tools. Served with the last recorded answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ancillary: bool,
}

fn shim() -> Boundary {
    Boundary::Shim
}

/// Names a call that runs, until its outcome is there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Ticket {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// What is to be done about a call.
#[derive(Clone, PartialEq, Debug)]
pub enum ToolAction {
    /// Run the tool and tell its outcome under this ticket.
    Run(Ticket),
    /// Don't run it: this is what came of it.
    Serve(ToolOutcome),
    /// Don't run it: it may not; the text says why and what to do.
    Refuse(String),
}

/// Decides about the tools of one run.
pub trait Tools: Send + Sync + 'static {
    /// Says what is to be done about a call; calls come concurrently.
    fn ask(&self, call: ToolCall) -> BoxFuture<'_, ToolAction>;

    /// Takes what came of a call that ran. A ticket that is not known, or was used, is ignored.
    fn done(&self, ticket: Ticket, outcome: ToolOutcome);
}

/// Lets every tool run and keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTools;

impl Tools for NoTools {
    fn ask(&self, _call: ToolCall) -> BoxFuture<'_, ToolAction> {
        std::future::ready(ToolAction::Run(Ticket(0))).boxed()
    }

    fn done(&self, _ticket: Ticket, _outcome: ToolOutcome) {}
}
