//! When, where and under which conditions a run was made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What happened in time; everything else in a report is the same for the same run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// When the run began.
    pub started_at: jiff::Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How long the live calls took, added up, in microseconds.
    #[serde(default)]
    pub paid_us: u64,
    /// How long each fork took, in milliseconds, by `baseline@fork`.
    pub forks_ms: BTreeMap<String, u64>,
}

/// The place in the repository where a fork is defined.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file, relative to the repository.
    pub file: String,
    /// The line: that of the check that failed first, else 1.
    pub line: u32,
}

/// Under which conditions a run was made; parts of a run are put together only where they are equal.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// The commit whose agent was run, where the CI system names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The hash of the configuration.
    #[serde(default)]
    pub config: String,
    /// The hash of all baselines that were selected before they were shared out.
    #[serde(default)]
    pub baselines: String,
    /// The branch or other ref, where the CI system names it.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// How much was run: `pr` or `nightly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}
