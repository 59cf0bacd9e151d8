//! What is known of a session and a timeline when they begin.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{ForkedFrom, Session, SessionId, Source, Timeline};

/// What is known of a session before its first call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SessionHead {
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: String,
    /// When it was recorded.
    pub recorded_at: jiff::Timestamp,
    /// Where it came from.
    pub source: Source,
    /// The command line that is run; empty where unknown.
    pub command: Vec<String>,
    /// The input of the agent, where known.
    pub input: Option<String>,
    /// What the outermost span of an imported trace was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_input: Option<Value>,
    /// The answer that is held to be right, where the source of an import has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The id of the trace that it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl SessionHead {
    /// Returns the head of a whole session.
    pub fn of(session: &Session) -> Self {
        Self {
            id: session.id,
            name: session.name.clone(),
            recorded_at: session.recorded_at,
            source: session.source.clone(),
            command: session.command.clone(),
            input: session.input.clone(),
            root_input: session.root_input.clone(),
            expected: session.expected.clone(),
            trace: session.trace.clone(),
        }
    }
}

/// What is known of a timeline before its first call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TimelineHead {
    /// The label that it shall have.
    pub label: String,
    /// Where it is forked; `None` for a recorded one.
    pub forked_from: Option<ForkedFrom>,
    /// When it begins.
    pub started_at: jiff::Timestamp,
}

impl TimelineHead {
    /// Returns the head of a whole timeline.
    pub fn of(timeline: &Timeline) -> Self {
        Self {
            label: timeline.label.clone(),
            forked_from: timeline.forked_from.clone(),
            started_at: timeline.started_at,
        }
    }
}
