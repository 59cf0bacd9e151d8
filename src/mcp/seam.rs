//! The client's side of the run's local protocol for tools.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Boundary, Effect};
use crate::proxy::{LocalClient, LocalReply, LocalRequest};

/// The run, as a stand-in asks it.
pub(super) trait Asks: Send + Sync {
    /// Asks what is to be done about a call.
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Action, SeamError>>;

    /// Tells what came of a call that ran.
    fn done<'a>(
        &'a self,
        ticket: &'a str,
        outcome: &'a Outcome,
    ) -> BoxFuture<'a, Result<(), SeamError>>;
}

/// Speaks to the run that this process belongs to.
#[derive(Debug, Clone)]
pub struct Seam {
    client: LocalClient,
    base: String,
}

/// What the run is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Question {
    /// The tool's name.
    pub(super) name: String,
    /// Its arguments.
    pub(super) arguments: Value,
    /// Where the call was seen: always an MCP server.
    pub(super) boundary: Boundary,
    /// What running it leaves behind, where the server says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effect: Option<Effect>,
    /// The server's name.
    pub(super) server: String,
    /// Whether it is no step: a handshake, a list.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) ancillary: bool,
}

/// What the run answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(super) enum Action {
    /// Run it and tell the outcome.
    Run {
        /// The name of the call until then.
        ticket: String,
    },
    /// Don't: this came of it when it was recorded.
    Serve(Outcome),
    /// Don't: it may not run.
    Refuse {
        /// Why, and what to do.
        message: String,
    },
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The result.
    pub(super) result: Value,
    /// Whether the tool failed.
    #[serde(default)]
    pub(super) is_error: bool,
}

#[derive(Serialize)]
struct Told<'a> {
    ticket: &'a str,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

/// Why the run did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SeamError {
    /// It can't be reached.
    #[error("the run of Rewind that this agent belongs to can't be reached; has it ended?")]
    Unreachable(#[source] crate::proxy::LocalError),
    /// It did not like the question.
    #[error("the run of Rewind refused with status {status}: {said}")]
    Refused {
        /// The status.
        status: u16,
        /// The beginning of what it said.
        said: String,
    },
    /// The answer is not one of this version.
    #[error(
        "the run of Rewind answered what this version does not know; use one release of rewind"
    )]
    Unknown(#[source] serde_json::Error),
}

impl Seam {
    /// Returns the run at this URL, the value of `REWIND_TOOLS`.
    ///
    /// # Errors
    /// The system's sources of trust can't be set up.
    pub fn new(base: &str) -> Result<Self, SeamError> {
        Ok(Self {
            client: LocalClient::new().map_err(SeamError::Unreachable)?,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<LocalReply, SeamError> {
        let request = LocalRequest {
            method: "POST".to_owned(),
            url: format!("{}{path}", self.base),
            headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
            body: Some(serde_json::to_string(body).map_err(SeamError::Unknown)?),
            timeout: None,
        };
        let reply = self.client.send(&request).await;
        let reply = reply.map_err(SeamError::Unreachable)?;
        if (200..300).contains(&reply.status) {
            return Ok(reply);
        }
        let said = String::from_utf8_lossy(&reply.body);
        Err(SeamError::Refused {
            status: reply.status,
            said: said.chars().take(SHOWN).collect(),
        })
    }
}

impl Asks for Seam {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Action, SeamError>> {
        async move {
            let reply = self.post("/tools/call", question).await?;
            serde_json::from_slice(&reply.body).map_err(SeamError::Unknown)
        }
        .boxed()
    }

    fn done<'a>(
        &'a self,
        ticket: &'a str,
        outcome: &'a Outcome,
    ) -> BoxFuture<'a, Result<(), SeamError>> {
        async move {
            let told = Told { ticket, outcome };
            self.post("/tools/result", &told).await.map(drop)
        }
        .boxed()
    }
}

/// The most characters of a refusal that are shown.
const SHOWN: usize = 500;
