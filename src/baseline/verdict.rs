//! What judges said of the accepted samples: so that an answer that is the same again costs nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::evidence::{CheckEvidence, Evidence, ForkEvidence, WITH_VERDICTS};
use crate::model::{ContentId, MicroUsd};

/// One vote of a judge, under the hash of everything that it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownVerdict {
    /// The model that judged.
    pub judge: String,
    /// The name of the evaluator.
    pub evaluator: String,
    /// The hash of the evaluator's prompt.
    pub prompt: ContentId,
    /// What the judge answered, redacted; quotes what it judged.
    pub answer: Value,
    /// What it cost; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<MicroUsd>,
}

impl Evidence {
    /// Forgets the verdicts and answers that no sample refers to any more.
    pub fn prune(&mut self) {
        let checks = self.forks.values().flat_map(|fork| fork.checks.values());
        let used: BTreeSet<ContentId> = checks
            .flat_map(|check| check.verdicts.iter().flatten().copied())
            .collect();
        self.verdicts.retain(|key, _verdict| used.contains(key));
        let samples = self.forks.values().flat_map(|fork| &fork.samples);
        let used: BTreeSet<ContentId> = samples.filter_map(|sample| sample.answer).collect();
        self.answers.retain(|key, _answer| used.contains(key));
        if !(self.verdicts.is_empty() && used.is_empty()) {
            WITH_VERDICTS.clone_into(&mut self.format);
        }
    }
}

impl ForkEvidence {
    /// Notes which verdicts the last result of a check was made of.
    pub fn refer(&mut self, check: &str, verdicts: Vec<ContentId>) {
        if let Some(known) = self.checks.get_mut(check) {
            known.refer(verdicts);
        }
    }
}

impl CheckEvidence {
    /// Notes which verdicts its last result was made of.
    pub fn refer(&mut self, verdicts: Vec<ContentId>) {
        if verdicts.is_empty() {
            return;
        }
        // Earlier results may have none.
        self.verdicts.resize(self.results.len(), Vec::new());
        if let Some(last) = self.verdicts.last_mut() {
            *last = verdicts;
        }
    }
}
