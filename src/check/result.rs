//! What a check found.

use serde::{Deserialize, Serialize};

use crate::model::StepIndex;

/// How much a check weighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is not run.
    Off,
    /// It is reported, but fails nothing.
    Warn,
    /// Its failure fails the gate.
    #[default]
    Gate,
}

/// One thing that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What is wrong, in one sentence that names no content.
    pub message: String,
    /// What was expected; empty where the message says it all. May quote content.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
    /// What was found; empty where the message says it all. May quote content.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// The step of the candidate that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepIndex>,
    /// The step of the reference that it was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_step: Option<StepIndex>,
}

impl Finding {
    /// Returns a finding without values and steps.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            expected: String::new(),
            found: String::new(),
            step: None,
            reference_step: None,
        }
    }

    /// Returns the finding with what was expected and what was found.
    #[must_use]
    pub fn values(self, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
            ..self
        }
    }

    /// Returns the finding with the candidate's step.
    #[must_use]
    pub fn step(self, step: Option<StepIndex>) -> Self {
        Self { step, ..self }
    }

    /// Returns the finding with the reference's step.
    #[must_use]
    pub fn reference_step(self, reference_step: Option<StepIndex>) -> Self {
        Self {
            reference_step,
            ..self
        }
    }
}

/// How a check ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Everything is as it should be.
    Passed {
        /// What was looked at, in one sentence.
        why: String,
    },
    /// Something is not.
    Failed {
        /// What is wrong; never empty.
        findings: Vec<Finding>,
        /// Whether it is an action that may never happen: no number of good runs outweighs it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_violation: bool,
    },
    /// It could not be decided; that is never a pass.
    NotRun {
        /// Why not, in one sentence.
        why: String,
    },
}

impl Outcome {
    /// Returns a pass.
    pub fn passed(why: impl Into<String>) -> Self {
        Self::Passed { why: why.into() }
    }

    /// Returns "could not be decided".
    pub fn not_run(why: impl Into<String>) -> Self {
        Self::NotRun { why: why.into() }
    }

    /// Returns a failure for these findings, or a pass when there is none.
    pub fn from_findings(findings: Vec<Finding>, why: impl Into<String>) -> Self {
        if findings.is_empty() {
            Self::passed(why)
        } else {
            Self::Failed {
                findings,
                is_violation: false,
            }
        }
    }

    /// Returns what a check says that needs the run's end and did not see it.
    pub(super) fn incomplete() -> Self {
        Self::not_run("the run could not be followed to its end")
    }

    /// Returns whether it failed.
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    /// Returns why, in one sentence.
    pub fn why(&self) -> &str {
        match self {
            Self::Passed { why } | Self::NotRun { why } => why,
            Self::Failed { findings, .. } => findings
                .first()
                .map_or("it failed", |finding| finding.message.as_str()),
        }
    }
}

/// The result of one check on one run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check's name, unique in its baseline.
    pub id: String,
    /// The check's kind.
    pub kind: String,
    /// How much it weighs.
    pub severity: Severity,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl CheckResult {
    /// Returns results in the order in which people want to read them: violations first, then other
    /// failures that count, then the rest as it is.
    pub fn worst_first(results: &[Self]) -> Vec<&Self> {
        let mut sorted: Vec<&Self> = results.iter().collect();
        sorted.sort_by_key(|result| match &result.outcome {
            Outcome::Failed {
                is_violation: true, ..
            } => 0,
            _ if result.is_gating_failure() => 1,
            Outcome::Failed { .. } | Outcome::NotRun { .. } | Outcome::Passed { .. } => 2,
        });
        sorted
    }

    /// Returns whether it failed and its failure counts.
    pub fn is_gating_failure(&self) -> bool {
        self.severity == Severity::Gate && self.outcome.is_failed()
    }
}
