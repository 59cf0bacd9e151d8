//! A run as the history keeps it.

use std::collections::{BTreeMap, BTreeSet};

use super::run_report::{ForkReport, RunReport};
use crate::check::{Outcome, Severity};
use crate::gate::{ForkInput, Mode, Shown, Verdict};
use crate::history::{self, Entry, ForkEntry, MeanScore, TriedAgain};
use crate::model::ContentId;

impl RunReport {
    /// Returns the run as the history keeps it: names and numbers alone.
    pub fn entry(&self) -> Entry {
        let together = self.suite.iter().filter_map(|test| test.verdict);
        Entry {
            format: history::FORMAT.to_owned(),
            started_at: self.timing.started_at,
            generator: self.generator.clone(),
            commit: self.conditions.commit.clone(),
            reference: self.conditions.reference.clone(),
            profile: self.conditions.profile.clone(),
            config: self.conditions.config.clone(),
            baselines: self.conditions.baselines.clone(),
            policy: self.policy,
            verdict: self.verdict,
            together: together.min(),
            forks: self.forks.iter().map(fork).collect(),
        }
    }
}

fn fork(fork: &ForkReport) -> ForkEntry {
    let facts = &fork.evidence;
    let passes = facts.candidate();
    ForkEntry {
        baseline: facts.baseline.clone(),
        fork: facts.fork.clone(),
        verdict: fork.decision.verdict,
        is_gating: facts.is_gating,
        mode: if facts.is_live() {
            Mode::Live
        } else {
            Mode::Offline
        },
        evidence: evidence(facts),
        samples: passes.total(),
        passed: passes.passed,
        scores: scores(facts),
        cost_micro_usd: fork.savings.paid.cost,
        served_tokens: fork.savings.saved.tokens(),
        live_tokens: fork.savings.paid.tokens(),
        models: fork.models.clone(),
        tried_again: tried_again(fork),
    }
}

/// Returns the hash of what a fork is held against: what was accepted, by which checks, and how sure a red must be.
fn evidence(facts: &ForkInput) -> ContentId {
    let checks: BTreeSet<(&str, &str, bool)> = facts
        .samples
        .iter()
        .flat_map(|sample| &sample.checks)
        .map(|check| (&*check.id, &*check.kind, check.severity == Severity::Gate))
        .collect();
    let parts = serde_json::json!([
        facts.accepted,
        facts.accepted_results,
        facts.accepted_scores,
        facts.alpha,
        facts.margin,
        checks,
    ]);
    ContentId::of(parts.to_string().as_bytes())
}

/// Returns the mean of what each check scored; an answer that is as recorded scores what the recorded one did.
fn scores(facts: &ForkInput) -> BTreeMap<String, MeanScore> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for check in facts.samples.iter().flat_map(|sample| &sample.checks) {
        let score = check.score.as_ref();
        let is_measured = !matches!(check.outcome, Outcome::NotRun { .. });
        let value = score.and_then(|score| score.value.or(score.reference));
        if let Some(value) = value.filter(|_value| is_measured) {
            found.entry(check.id.clone()).or_default().push(value);
        }
    }
    let mean = |values: Vec<f64>| {
        let samples = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let mean = values.iter().sum::<f64>() / f64::from(samples.max(1));
        MeanScore { mean, samples }
    };
    found
        .into_iter()
        .map(|(id, values)| (id, mean(values)))
        .collect()
}

fn tried_again(fork: &ForkReport) -> Option<TriedAgain> {
    fork.evidence.confirmation.as_ref()?;
    let verdict = fork.decision.verdict;
    Some(match verdict.row().shown {
        Shown::Fail => TriedAgain::Confirmed,
        _ if verdict == Verdict::PreExisting => TriedAgain::Cleared,
        Shown::Pass | Shown::Look | Shown::NotMeasured => TriedAgain::NotMeasured,
    })
}
