//! `session.toml`: the version, where the session came from, and how its timelines ended.

use std::collections::HashSet;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::{FORMAT, FORMAT_CAPTURED, FORMAT_IMPORTED, FormatError, MAJOR, MINOR};
use crate::model::{
    Call, Dialect, ForkedFrom, Outcome, ReplayReport, Session, Source, Timeline, ToolStep,
};

/// The content of `session.toml`; the version stands first.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: String,
    pub(super) name: String,
    pub(super) source: Source,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) command: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<String>,
    /// What the outermost span of the trace was given, as JSON: TOML has no `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) root_input: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expected: Option<String>,
    /// The id of the trace that it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trace: Option<String>,
    #[serde(default, rename = "timeline", skip_serializing_if = "Vec::is_empty")]
    pub(super) timelines: Vec<TimelineEntry>,
}

/// A timeline without its steps.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimelineEntry {
    pub(super) label: String,
    /// The number of its steps: a file that lost its last lines is noticed.
    pub(super) steps: usize,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(super) complete: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) forked_from: Option<ForkedFrom>,
    pub(super) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replay: Option<ReplayReport>,
}

fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_yes(value: &bool) -> bool {
    *value
}

impl TimelineEntry {
    fn of(timeline: &Timeline) -> Self {
        Self {
            label: timeline.label.clone(),
            steps: timeline.steps.len(),
            complete: timeline.is_complete,
            forked_from: timeline.forked_from.clone(),
            outcome: timeline.outcome.clone(),
            replay: timeline.replay.clone(),
        }
    }
}

/// The version alone: read first, so that a newer format is told by name.
#[derive(Debug, Deserialize)]
pub(super) struct Version {
    format: String,
}

impl Version {
    /// Reads the version, which must be one that can be read.
    pub(super) fn parse(text: &str, path: &Utf8Path) -> Result<Self, FormatError> {
        let version: Self = toml::from_str(text).map_err(|error| malformed(path, &error))?;
        match version.numbers() {
            Some((major, _minor)) if major == MAJOR => Ok(version),
            Some((major, _minor)) if major > MAJOR => Err(FormatError::Newer {
                path: path.to_owned(),
                found: version.format,
                known: format!("{MAJOR}.x"),
            }),
            Some(_) | None => Err(FormatError::Manifest {
                path: path.to_owned(),
                detail: format!(
                    "`{}` is no format of a session; expected `format = \"{FORMAT}\"`",
                    version.format
                ),
            }),
        }
    }

    /// Returns the error for a minor version that is newer than what is known.
    pub(super) fn newer(&self, path: &Utf8Path) -> Option<FormatError> {
        let is_newer = self.numbers().is_some_and(|(_major, minor)| minor > MINOR);
        is_newer.then(|| FormatError::Newer {
            path: path.to_owned(),
            found: self.format.clone(),
            known: FORMAT_IMPORTED.to_owned(),
        })
    }

    fn numbers(&self) -> Option<(u32, u32)> {
        let (major, minor) = self.format.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }
}

impl Manifest {
    /// Returns the manifest of a session.
    pub(super) fn of(session: &Session) -> Self {
        let format = version(session);
        Self {
            format: format.to_owned(),
            name: session.name.clone(),
            source: session.source.clone(),
            command: session.command.clone(),
            input: session.input.clone(),
            root_input: session.root_input.as_ref().map(ToString::to_string),
            expected: session.expected.clone(),
            trace: session.trace.clone(),
            timelines: session.timelines.iter().map(TimelineEntry::of).collect(),
        }
    }

    /// Returns the manifest as TOML.
    pub(super) fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let text = toml::to_string(self)?;
        Ok(format!(
            "# Written by rewind; made anew by `rewind session export`.\n{text}"
        ))
    }

    /// Reads a manifest of a known version; each label may be there once.
    pub(super) fn parse(text: &str, path: &Utf8Path) -> Result<Self, FormatError> {
        let manifest: Self = toml::from_str(text).map_err(|error| malformed(path, &error))?;
        let mut labels = HashSet::new();
        let twice = manifest
            .timelines
            .iter()
            .find(|entry| !labels.insert(&entry.label));
        match twice {
            None => Ok(manifest),
            Some(entry) => Err(FormatError::Manifest {
                path: path.to_owned(),
                detail: format!("the timeline `{}` is there twice", entry.label),
            }),
        }
    }
}

/// Returns the lowest version that knows all that the session holds.
fn version(session: &Session) -> &'static str {
    let steps = || {
        session
            .timelines
            .iter()
            .flat_map(|timeline| &timeline.steps)
    };
    let is_new = |call: &Call| !call.lost.is_empty() || call.request.dialect == Dialect::Gemini;
    let has_new = steps().any(|step| step.call().is_some_and(|call| is_new(call)));
    let has_captures = |tool: &ToolStep| !tool.captures.is_empty();
    let is_imported = [&session.expected, &session.trace]
        .into_iter()
        .any(Option::is_some);
    if has_new || is_imported || session.root_input.is_some() {
        FORMAT_IMPORTED
    } else if steps().any(|step| step.tool().is_some_and(has_captures)) {
        FORMAT_CAPTURED
    } else {
        FORMAT
    }
}

fn malformed(path: &Utf8Path, error: &toml::de::Error) -> FormatError {
    FormatError::Manifest {
        path: path.to_owned(),
        detail: error.to_string().trim_end().to_owned(),
    }
}
