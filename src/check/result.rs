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

/// In how many samples of how many a check must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "[u32; 2]", into = "[u32; 2]")]
pub struct KOfN {
    k: u32,
    n: u32,
}

impl KOfN {
    /// Returns "in at least `k` of `n`"; `None` where `k` is 0 or more than `n`.
    pub const fn new(k: u32, n: u32) -> Option<Self> {
        if 0 < k && k <= n {
            Some(Self { k, n })
        } else {
            None
        }
    }

    /// Returns in how many samples it must hold, at least 1.
    pub const fn k(self) -> u32 {
        self.k
    }

    /// Returns of how many samples.
    pub const fn n(self) -> u32 {
        self.n
    }
}

impl TryFrom<[u32; 2]> for KOfN {
    type Error = &'static str;

    fn try_from([k, n]: [u32; 2]) -> Result<Self, Self::Error> {
        Self::new(k, n).ok_or("`k_of_n` is how many samples of how many, such as [4, 5]")
    }
}

impl From<KOfN> for [u32; 2] {
    fn from(KOfN { k, n }: KOfN) -> Self {
        [k, n]
    }
}

/// By how much a mean score may drop below that of the accepted evidence.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxDrop {
    /// By so much, from 0 to 1.
    Points(f64),
    /// By this share of the accepted mean, from 0 to 1.
    Share(f64),
}

impl MaxDrop {
    /// Returns by how much a mean may drop that was `base`.
    pub fn of(self, base: f64) -> f64 {
        match self {
            Self::Points(points) => points,
            Self::Share(share) => share * base,
        }
    }
}

/// What an evaluator gave.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The name of the evaluator.
    pub evaluator: String,
    /// The score, from 0 to 1; `None` where what is scored is as it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The score of what was recorded, by the same judge; `None` where nobody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<f64>,
    /// By how much the mean may drop; as the gate says where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_drop: Option<MaxDrop>,
    /// What the judges said; nothing where nobody was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<JudgeVote>,
}

/// What a judge said of an answer, once.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeVote {
    /// The model, or the program.
    pub judge: String,
    /// Its score, from 0 to 1; `None` where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Why it was not measured. May quote content.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What it said of each statement of the evaluator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<JudgedStatement>,
}

/// What a judge said of one statement.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedStatement {
    /// The name of the statement.
    pub statement: String,
    /// From 0 to 1.
    pub score: f64,
    /// Words of what was judged. Content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotes: Vec<String>,
    /// Why, in the judge's words. May quote content.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
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
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check's name, unique in its baseline.
    pub id: String,
    /// The check's kind.
    pub kind: String,
    /// How much it weighs.
    pub severity: Severity,
    /// The score that it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// In how many samples of how many it must hold; in each where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k_of_n: Option<KOfN>,
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
