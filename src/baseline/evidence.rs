//! `accepted.json`: what a run of the agent came to when a person said that it is right.
//!
//! A format of our own, described by `schemas/accepted-1.schema.json`. What was seen is kept sample by
//! sample, never as a mean. Whether it may be compared with a run says [`Evidence::comparable_with`].

use std::collections::BTreeMap;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::verdict::KnownVerdict;
use crate::check::{CheckResult, KeptAnswer, Outcome, Score, Severity};
use crate::model::{ContentId, MicroUsd, StepIndex, canonical_id};

/// The name of the file in a baseline's folder.
pub const ACCEPTED: &str = "accepted.json";

/// The first version, and what is written where nothing newer is needed.
const FORMAT: &str = "1.0";
/// The version with `verdicts`.
pub(super) const WITH_VERDICTS: &str = "1.1";
const MAJOR: u32 = 1;

/// What was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The version of the format, such as `1.0`.
    pub format: String,
    /// The agent's name; `None` where none is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The hash of the recording without its volatile side.
    pub recording: ContentId,
    /// The hash of the tool calls that the run made.
    pub trajectory: ContentId,
    /// Whether the agent's standard output held its final answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub printed: bool,
    /// What was seen, by the address of the fork.
    pub forks: BTreeMap<String, ForkEvidence>,
    /// What judges said of the samples, by the hash of what they were asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub verdicts: BTreeMap<ContentId, KnownVerdict>,
    /// What judges saw of the samples, by its hash, where it is not what was recorded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<ContentId, KeptAnswer>,
    /// Who accepted it, and why.
    pub provenance: Provenance,
}

/// What was seen of one fork.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkEvidence {
    /// The step that the address meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepIndex>,
    /// What the checks said, by their ids.
    pub checks: BTreeMap<String, CheckEvidence>,
    /// The runs, in order.
    pub samples: Vec<SampleEvidence>,
}

/// What one check said of each sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckEvidence {
    /// The kind of the check.
    pub kind: String,
    /// The hash of its definition.
    pub definition: ContentId,
    /// What it said, one a sample.
    pub results: Vec<Said>,
    /// The verdicts of judges that each result was made of; shorter where later results have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Vec<ContentId>>,
    /// The scores that it gave, one a sample, from 0 to 1; `None` of a sample that it gave none, and empty where it
    /// never gave any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Option<f64>>,
}

/// What a check said of one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It held.
    Passed,
    /// It did not.
    Failed,
    /// It could not run.
    NotRun,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleEvidence {
    /// Whether it ran live: the model was asked from the fork on, or would have been had the run come so far.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub live: bool,
    /// The agent's exit status; `None` where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// Number of steps.
    pub steps: u32,
    /// Number of model calls.
    pub model_calls: u32,
    /// Tokens read, of all model calls as recorded or run.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// What all model calls cost; `None` where one has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<MicroUsd>,
    /// The hash of what judges saw of it; `None` where nothing of it was judged, or it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ContentId>,
}

/// Who accepted evidence, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Who; empty in pending files.
    pub who: String,
    /// When, in UTC; empty in pending files.
    pub when: String,
    /// The commit that was checked out: `git:` and its id. Scanners for secrets take a bare one for a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Why.
    pub reason: String,
    /// Who has looked at the personal data that the recording may hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_by: Option<String>,
    /// The hash of the evidence that this replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ContentId>,
}

/// Why accepted evidence can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The file can't be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file can't be written.
    #[error("cannot write {path}; make its directory writable")]
    Write {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what accepted evidence looks like.
    #[error(
        "{path} holds no accepted evidence: {detail}; make it anew with `rewind baseline accept`"
    )]
    Invalid {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file was written by a newer version.
    #[error("{path} has format {found}, this version of rewind knows 1.x; use a newer one")]
    Newer {
        /// The file.
        path: Utf8PathBuf,
        /// Its format.
        found: String,
    },
}

#[derive(Deserialize)]
struct Version {
    format: String,
}

impl Evidence {
    /// Returns evidence without forks and provenance.
    pub fn new(agent: Option<String>, recording: ContentId, trajectory: ContentId) -> Self {
        Self {
            format: FORMAT.to_owned(),
            agent,
            recording,
            trajectory,
            printed: false,
            forks: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            answers: BTreeMap::new(),
            provenance: Provenance::default(),
        }
    }

    /// Returns the evidence in the folder `dir`; `None` where there is none.
    ///
    /// # Errors
    /// The file can't be read, is no evidence, or was written by a newer version.
    pub fn read(dir: &Utf8Path) -> Result<Option<Self>, EvidenceError> {
        let path = dir.join(ACCEPTED);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(EvidenceError::Read { path, source }),
        }
    }

    /// Returns the evidence that `text`, the content of the file at `path`, holds.
    ///
    /// # Errors
    /// The text is no evidence, or was written by a newer version.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Self, EvidenceError> {
        let invalid = |detail: String| EvidenceError::Invalid {
            path: path.to_owned(),
            detail,
        };
        let version: Version =
            serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let major = version
            .format
            .split('.')
            .next()
            .and_then(|text| text.parse::<u32>().ok());
        match major {
            Some(MAJOR) => {}
            Some(major) if major > MAJOR => {
                return Err(EvidenceError::Newer {
                    path: path.to_owned(),
                    found: version.format,
                });
            }
            Some(_) | None => {
                return Err(invalid(format!("`{}` is no format of it", version.format)));
            }
        }
        serde_json::from_str(text).map_err(|error| invalid(error.to_string()))
    }

    /// Writes the evidence into the folder `dir`, aside first and then renamed.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write(&self, dir: &Utf8Path) -> Result<(), EvidenceError> {
        let path = dir.join(ACCEPTED);
        let aside = dir.join(format!(".{ACCEPTED}.new"));
        fs::create_dir_all(dir)
            .and_then(|()| fs::write(&aside, self.to_json()))
            .and_then(|()| fs::rename(&aside, &path))
            .map_err(|source| EvidenceError::Write { path, source })
    }

    /// Returns the evidence as it stands in the file.
    pub fn to_json(&self) -> String {
        // Through `Value`, whose keys are sorted; our own types can't fail to be written.
        let value = serde_json::to_value(self).unwrap_or_default();
        let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Returns the hash of what was seen, whoever accepted it.
    pub fn id(&self) -> ContentId {
        let plain = Self {
            provenance: Provenance::default(),
            ..self.clone()
        };
        canonical_id(&plain)
    }

    /// Returns why this may not be compared with a run of `agent` on this recording; `None` where it
    /// may.
    pub fn comparable_with(&self, agent: Option<&str>, recording: ContentId) -> Option<String> {
        if self.recording != recording {
            return Some("the recording was changed since the evidence was accepted".to_owned());
        }
        match (self.agent.as_deref(), agent) {
            (Some(before), Some(now)) if before != now => Some(format!(
                "the evidence was accepted for the agent `{before}`, this is `{now}`"
            )),
            (Some(_) | None, _) => None,
        }
    }

    /// Returns whether the last sample of `fork` failed this check, as it is defined now.
    pub fn failed(&self, fork: &str, check: &str, definition: ContentId) -> bool {
        let known = self.forks.get(fork).and_then(|fork| fork.checks.get(check));
        known
            .filter(|known| known.definition == definition)
            .is_some_and(|known| known.results.last() == Some(&Said::Failed))
    }
}

impl CheckEvidence {
    /// Returns a check of this kind and definition that said nothing yet.
    pub fn new(kind: &str, definition: ContentId) -> Self {
        Self {
            kind: kind.to_owned(),
            definition,
            results: Vec::new(),
            verdicts: Vec::new(),
            scores: Vec::new(),
        }
    }

    /// Adds what it said of one more sample, with the score that it gave.
    pub fn push(&mut self, outcome: &Outcome, score: Option<&Score>) {
        let score = score.and_then(|score| score.value.or(score.reference));
        if score.is_some() || !self.scores.is_empty() {
            self.scores.resize(self.results.len(), None);
            self.scores.push(score);
        }
        self.results.push(match outcome {
            Outcome::Passed { .. } => Said::Passed,
            Outcome::Failed { .. } => Said::Failed,
            Outcome::NotRun { .. } => Said::NotRun,
        });
    }

    /// Returns what it said of the sample that `back` others came after; `None` where it is younger than
    /// that: a check that began anew has fewer results than there are samples, and they are the last ones.
    pub fn said(&self, back: usize) -> Option<Said> {
        self.results.iter().rev().nth(back).copied()
    }

    /// Returns the score of the sample that `back` others came after; `None` where it gave none.
    pub fn score(&self, back: usize) -> Option<f64> {
        self.scores.iter().rev().nth(back).copied().flatten()
    }
}

impl ForkEvidence {
    /// Returns the samples that say something of their own, the newest first, each with how many came
    /// after it: those that were asked live, and the last one that was not, since a recording that is read
    /// again says nothing new.
    pub fn telling(&self) -> impl Iterator<Item = (usize, &SampleEvidence)> {
        let newest = self.samples.iter().rev().enumerate();
        let mut has_read = false;
        newest.filter(move |(_back, sample)| sample.live || !std::mem::replace(&mut has_read, true))
    }

    /// Adds a sample with what the gating and warning checks said of it; `definitions` has the hashes
    /// of all checks. A check that is defined otherwise than before begins anew.
    pub fn add(
        &mut self,
        sample: SampleEvidence,
        results: &[CheckResult],
        definitions: &BTreeMap<String, ContentId>,
    ) {
        self.checks
            .retain(|id, _known| results.iter().any(|result| &result.id == id));
        for result in results.iter().filter(|one| one.severity != Severity::Off) {
            let definition = definitions.get(&result.id).copied();
            let definition = definition.unwrap_or_else(|| ContentId::of(b""));
            let known = self.checks.entry(result.id.clone());
            let known = known.or_insert_with(|| CheckEvidence::new(&result.kind, definition));
            if known.definition != definition {
                *known = CheckEvidence::new(&result.kind, definition);
            }
            known.push(&result.outcome, result.score.as_ref());
        }
        self.samples.push(sample);
    }

    /// Returns whether each of these checks, as it is defined now, has been seen.
    pub fn covers(&self, definitions: &BTreeMap<String, ContentId>) -> bool {
        !self.samples.is_empty()
            && definitions.iter().all(|(id, definition)| {
                self.checks
                    .get(id)
                    .is_some_and(|known| known.definition == *definition)
            })
    }
}

#[cfg(test)]
mod tests;
