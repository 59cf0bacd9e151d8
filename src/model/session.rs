//! Sessions: one run of an agent on one input, with all its timelines.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{SessionId, Timeline};

/// Where a session came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Recorded by Rewind at the agent's boundary.
    Recorded,
    /// Made by `rewind demo`.
    Demo,
    /// Imported from a trace; names the kind, such as `langfuse`.
    Imported(String),
}

/// One run of an agent on one input, with all its timelines.
#[derive(Clone, PartialEq, Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Its name; many sessions may share one, which then means the newest.
    pub name: String,
    /// When it was recorded; shown to people, never compared.
    pub recorded_at: jiff::Timestamp,
    /// Where it came from.
    pub source: Source,
    /// The command line that was run; empty where unknown.
    pub command: Vec<String>,
    /// The input of the agent (what follows `[agent] command`, or the file or standard input), where known.
    pub input: Option<String>,
    /// What the outermost span of an imported trace was given, where it is more than a text: of which
    /// `input` is what was asked.
    pub root_input: Option<Value>,
    /// The answer that somebody holds to be right, where the source of an import has one.
    pub expected: Option<String>,
    /// The id of the trace that it was imported from, as its source writes it.
    pub trace: Option<String>,
    /// Its timelines in the order in which they were made; the first is the recorded one.
    pub timelines: Vec<Timeline>,
}

impl Session {
    /// Returns the timeline with this label.
    pub fn timeline(&self, label: &str) -> Option<&Timeline> {
        self.timelines
            .iter()
            .find(|timeline| timeline.label == label)
    }
}
