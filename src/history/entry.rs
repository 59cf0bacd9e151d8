//! One run of the gate, as it is kept: names and numbers, nothing that agents or models wrote.
//!
//! A format of our own, described by `schemas/history-1.schema.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::gate::{Mode, Policy, Shown, Verdict};
use crate::model::{ContentId, MicroUsd};

/// The version of the format that is written.
///
/// 1.0: first version.
pub const FORMAT: &str = "1.0";

/// One run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The version of the format.
    pub format: String,
    /// When the run began.
    pub started_at: jiff::Timestamp,
    /// The program that made it, with its version.
    pub generator: String,
    /// The commit whose agent was run, where the CI system names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch or other ref, where the CI system names it.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// How much was run: `pr` or `nightly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The hash of the configuration.
    pub config: String,
    /// The hash of all baselines.
    pub baselines: String,
    /// What the run had to reach.
    pub policy: Policy,
    /// The word that people saw.
    pub verdict: Shown,
    /// What all baselines said together, the worst of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<Verdict>,
    /// The forks, by the names of their baselines.
    pub forks: Vec<ForkEntry>,
}

/// One fork of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkEntry {
    /// The baseline's name.
    pub baseline: String,
    /// The address of the fork point.
    pub fork: String,
    /// What the gate said.
    pub verdict: Verdict,
    /// Whether it counted for the run's verdict.
    pub is_gating: bool,
    /// Whether anything could go live.
    pub mode: Mode,
    /// The hash of what it was held against: what was accepted, the checks, and how sure a red must be.
    pub evidence: ContentId,
    /// Number of whole runs.
    pub samples: u32,
    /// Number of those that passed.
    pub passed: u32,
    /// What its checks scored, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, MeanScore>,
    /// What its live calls cost.
    pub cost_micro_usd: MicroUsd,
    /// Tokens of calls that were served.
    pub served_tokens: u64,
    /// Tokens of calls that went to the provider.
    pub live_tokens: u64,
    /// The models that answered, as the provider names them, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// What came of trying a red again beside the base; `None` where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_again: Option<TriedAgain>,
}

/// The mean of some scores.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanScore {
    /// The mean, from 0 to 1.
    pub mean: f64,
    /// Of how many samples.
    pub samples: u32,
}

/// What came of trying a red again beside the base.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriedAgain {
    /// The change is worse than the base.
    Confirmed,
    /// The base is just so.
    Cleared,
    /// It could not be measured.
    NotMeasured,
}

impl ForkEntry {
    /// Returns whether this is that fork.
    pub(super) fn is(&self, (baseline, fork): (&str, &str)) -> bool {
        self.baseline == baseline && self.fork == fork
    }

    /// Returns the word that people saw; `None` where nothing was measured.
    pub(super) fn measured(&self) -> Option<Shown> {
        self.verdict.is_covered().then(|| self.verdict.row().shown)
    }
}

impl Entry {
    /// Returns the fork of this name.
    pub(super) fn fork(&self, name: (&str, &str)) -> Option<&ForkEntry> {
        self.forks.iter().find(|fork| fork.is(name))
    }
}
