//! The result of a gate run, from which every report is made: `rewind-report.json`.
//!
//! Everything in it is sorted, and the same run gives the same file but for [`Timing`].

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::circumstances::{Conditions, Place, Timing};
use crate::check::Outcome;
use crate::gate::{
    Comparison, Delta, ForkInput, ForkVerdict, Noise, Policy, RunVerdict, Shard, Shown, SuiteTest,
    Verdict, decide_fork, decide_run, deltas, suite,
};
use crate::history::Past;
use crate::model::Drift;
use crate::replay::{Savings, Tally};

/// The version of the file's format.
///
/// 1.0: first version.
pub const FORMAT: &str = "1.0";

/// How much of what agents and models wrote stands in the reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Nothing: names, numbers and places only.
    #[default]
    None,
    /// The beginnings of the values that a failure names.
    Excerpt,
    /// The values that a failure names, whole.
    Full,
}

/// The result of one fork.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkReport {
    /// The facts.
    pub evidence: ForkInput,
    /// The verdict that follows from them.
    pub decision: ForkVerdict,
    /// What was accepted beside what this run came to; `None` where nobody compared them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// How much its numbers differ from the accepted ones, as it follows from the facts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<Delta>,
    /// What was paid and what was not.
    #[serde(default)]
    pub savings: Savings,
    /// What a live run costs, where one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_estimate: Option<Tally>,
    /// The end of what the agent wrote to standard error, where its run failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent_log: String,
    /// Where it is defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The models that answered, as the provider names them: of its live calls, or of those that were served where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Whether its baseline is new in the change: it can fail, and covers nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_new: bool,
    /// The tags of its baseline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl ForkReport {
    /// Returns the command that accepts what it came to; `name` is its baseline's, as a shell takes it. Only
    /// a run that was seen whole waits to be accepted, and `None` where something did what may never happen.
    pub fn accepting(&self, name: &str) -> Option<String> {
        let accept = format!("rewind baseline accept {name}");
        if self.is_forbidden() {
            None
        } else if self.evidence.candidate().total() > 0 {
            Some(accept)
        } else {
            Some(format!("rewind gate --live --filter {name} && {accept}"))
        }
    }

    /// Returns where the check stands that must be changed to allow what happened, such as
    /// `baselines/oslo/baseline.toml:7`; `None` where nothing did what may never happen.
    pub fn forbidding(&self) -> Option<String> {
        let place = self.place.as_ref();
        let place = place.map(|place| format!("{}:{}", place.file, place.line));
        self.is_forbidden()
            .then(|| place.unwrap_or_else(|| "its baseline.toml".to_owned()))
    }

    fn is_forbidden(&self) -> bool {
        let mut checks = self.evidence.samples.iter().flat_map(|one| &one.checks);
        checks.any(|check| {
            let is_violation = matches!(
                check.outcome,
                Outcome::Failed {
                    is_violation: true,
                    ..
                }
            );
            is_violation && check.is_gating_failure()
        })
    }

    /// Returns the report of a fork with these facts.
    pub fn new(evidence: ForkInput, savings: Savings) -> Self {
        let decision = decide_fork(&evidence);
        Self {
            deltas: deltas(&evidence),
            evidence,
            decision,
            comparison: None,
            savings,
            live_estimate: None,
            agent_log: String::new(),
            place: None,
            models: Vec::new(),
            is_new: false,
            tags: Vec::new(),
        }
    }

    /// Returns whether it is red, and could not be tried again beside the base.
    fn is_unconfirmed(&self) -> bool {
        let was_tried = self.evidence.confirmation.is_some();
        self.evidence.is_gating && was_tried && self.decision.verdict == Verdict::NotMeasured
    }

    /// Returns the name that it is sorted and addressed by, such as `tokyo@auto`.
    pub fn name(&self) -> String {
        format!("{}@{}", self.evidence.baseline, self.evidence.fork)
    }

    /// Returns what of the treatment differs from the recording, in any sample.
    pub fn drift(&self) -> Vec<Drift> {
        let mut drift: Vec<Drift> = self
            .evidence
            .samples
            .iter()
            .flat_map(|sample| sample.replay.drift.clone())
            .collect();
        drift.sort();
        drift.dedup();
        drift
    }
}

/// The result of a whole run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunReport {
    /// The version of the format.
    pub format: String,
    /// The program that wrote it.
    pub generator: String,
    /// The word that people see.
    pub verdict: Shown,
    /// The exit code of the run.
    pub exit: u8,
    /// What the run had to reach.
    pub policy: Policy,
    /// Number of gating forks that count for the coverage.
    pub gating: u32,
    /// Number of those that were measured.
    pub covered: u32,
    /// How often each verdict was given.
    pub counts: BTreeMap<Verdict, u32>,
    /// What was paid and what was not, over all forks.
    pub savings: Savings,
    /// What people should know beside the verdicts, sorted.
    #[serde(default)]
    pub notes: Vec<String>,
    /// How much of what agents and models wrote stands here.
    pub content: Content,
    /// Under which conditions it was made.
    #[serde(default)]
    pub conditions: Conditions,
    /// Which part of a run it is; `None` for a whole one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The forks, by the names of their baselines, in the order of each baseline.
    pub forks: Vec<ForkReport>,
    /// What they say together, measure by measure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suite: Vec<SuiteTest>,
    /// What unchanged forks differ by today; `None` where nothing went live, or none could be held against itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Noise>,
    /// What the runs so far say of its baselines, by their names; no verdict follows from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Past>,
    /// What happened in time.
    #[serde(default)]
    pub timing: Timing,
}

/// A report that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is no JSON, or has not the shape of a report.
    #[error("this is no rewind report")]
    Shape(#[from] serde_json::Error),
    /// It was written by a newer version.
    #[error("the report has format {0}, this rewind reads up to {FORMAT}; update rewind")]
    Newer(String),
}

impl RunReport {
    /// Marks the forks of baselines that are new in the change, and decides the run anew: they can fail it, and add
    /// nothing to what is covered.
    pub fn mark_new(&mut self, is_new: impl Fn(&str) -> bool) {
        for fork in &mut self.forks {
            fork.is_new = is_new(&fork.evidence.baseline);
        }
        let run = decide(&self.forks, &self.suite, &self.policy);
        self.verdict = run.shown;
        self.exit = run.exit.code();
        self.gating = run.gating;
        self.covered = run.covered;
        self.counts = run.counts;
    }

    /// Adds what unchanged forks differ by, and what that cost.
    pub fn control(&mut self, noise: Option<Noise>) {
        self.noise = noise;
        self.savings = savings_of(&self.forks, self.noise.as_ref());
    }

    /// Returns the report of a run with these forks.
    pub fn new(mut forks: Vec<ForkReport>, policy: Policy, content: Content) -> Self {
        forks.sort_by(|a, b| a.evidence.baseline.cmp(&b.evidence.baseline));
        let mut timing = Timing::default();
        for fork in &mut forks {
            // How long a provider took is no part of what was found.
            let took_us = std::mem::take(&mut fork.savings.paid.time_us);
            timing.paid_us = timing.paid_us.saturating_add(took_us);
        }
        let suite = suite_of(&forks);
        let RunVerdict {
            shown,
            exit,
            gating,
            covered,
            counts,
        } = decide(&forks, &suite, &policy);
        let mut report = Self {
            format: FORMAT.to_owned(),
            generator: format!("rewind {}", env!("CARGO_PKG_VERSION")),
            verdict: shown,
            exit: exit.code(),
            policy,
            gating,
            covered,
            counts,
            savings: savings_of(&forks, None),
            notes: Vec::new(),
            content,
            conditions: Conditions::default(),
            shard: None,
            forks,
            suite,
            noise: None,
            history: Vec::new(),
            timing,
        };
        report.limit(content);
        report
    }

    /// Returns the report that a file holds.
    ///
    /// # Errors
    /// The text is no report, or one of a newer version.
    pub fn parse(text: &str) -> Result<Self, ReportError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let head: Head = serde_json::from_str(text)?;
        let is_newer = version(&head.format) > version(FORMAT);
        let has_other_shape = version(&head.format).0 > version(FORMAT).0;
        match serde_json::from_str(text) {
            Ok(report) if !has_other_shape => Ok(report),
            // A newer one may hold keys that are not known here.
            Ok(_) | Err(_) if is_newer => Err(ReportError::Newer(head.format)),
            Ok(report) => Ok(report),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the text of the file.
    pub fn to_json(&self) -> String {
        // Our own types have string keys, so this can't fail; if it did, the reason is the text.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_else(|error| error.to_string());
        text.push('\n');
        text
    }

    /// Returns the forks with this word, in order.
    pub fn shown(&self, shown: Shown) -> impl Iterator<Item = &ForkReport> {
        self.forks
            .iter()
            .filter(move |fork| fork.decision.verdict.row().shown == shown)
    }

    /// Returns what of the treatment differs from the recordings, in any fork.
    pub fn drift(&self) -> Vec<Drift> {
        let mut drift: Vec<Drift> = self.forks.iter().flat_map(ForkReport::drift).collect();
        drift.sort();
        drift.dedup();
        drift
    }

    /// Returns the run in numbers, worst first, such as `1 broken, 2 stable`.
    pub fn summary(&self) -> String {
        let mut counts: Vec<(&Verdict, &u32)> = self.counts.iter().collect();
        counts.sort_by_key(|(verdict, _count)| (Reverse(verdict.row().shown), **verdict));
        let parts: Vec<String> = counts
            .into_iter()
            .map(|(verdict, count)| format!("{count} {}", verdict.row().name.replace('_', " ")))
            .collect();
        if parts.is_empty() {
            "nothing to run".to_owned()
        } else {
            parts.join(", ")
        }
    }

    /// Returns what all baselines say together where it is as bad as the run, the worst of it.
    pub fn worst_together(&self) -> Option<&SuiteTest> {
        let bad = |test: &&SuiteTest| {
            let shown = test.verdict.map(|verdict| verdict.row().shown);
            self.verdict != Shown::Pass && shown == Some(self.verdict)
        };
        self.suite
            .iter()
            .filter(bad)
            .min_by_key(|test| test.verdict)
    }

    /// Returns the fork that says the worst, the first of them.
    pub fn worst(&self) -> Option<&ForkReport> {
        let gating = self.forks.iter().filter(|fork| fork.evidence.is_gating);
        gating.min_by_key(|fork| badness(fork))
    }

    /// Returns all forks, the worst first, else in order.
    pub fn worst_first(&self) -> Vec<&ForkReport> {
        let mut forks: Vec<&ForkReport> = self.forks.iter().collect();
        forks.sort_by_key(|fork| badness(fork));
        forks
    }
}

/// Returns the smaller, the worse: what does not gate comes behind what does.
fn badness(fork: &ForkReport) -> (bool, Reverse<Shown>, Verdict) {
    let verdict = fork.decision.verdict;
    (
        !fork.evidence.is_gating,
        Reverse(verdict.row().shown),
        verdict,
    )
}

pub(super) fn decide(forks: &[ForkReport], suite: &[SuiteTest], policy: &Policy) -> RunVerdict {
    let counts = |fork: &ForkReport| {
        let is_red = fork.decision.verdict.row().shown == Shown::Fail;
        fork.evidence.is_gating && (is_red || !fork.is_new)
    };
    let run = decide_run(
        forks
            .iter()
            .map(|fork| (fork.decision.verdict, counts(fork))),
        suite.iter().filter_map(|test| test.verdict),
        policy,
    );
    let is_unmeasured = |test: &SuiteTest| test.verdict == Some(Verdict::NotMeasured);
    if forks.iter().any(ForkReport::is_unconfirmed) || suite.iter().any(is_unmeasured) {
        run.unconfirmed(policy)
    } else {
        run
    }
}

/// Returns what was paid and what was not, over all forks and the control.
pub(super) fn savings_of(forks: &[ForkReport], noise: Option<&Noise>) -> Savings {
    let control = noise.map(|noise| Savings {
        paid: noise.paid,
        saved: Tally::default(),
    });
    forks.iter().map(|fork| fork.savings).chain(control).sum()
}

/// Returns what the forks say together.
pub(super) fn suite_of(forks: &[ForkReport]) -> Vec<SuiteTest> {
    suite(forks.iter().map(|fork| &fork.evidence))
}

/// Returns the parts of a version; what is no number is the greatest.
fn version(text: &str) -> (u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(u32::MAX));
    (
        parts.next().unwrap_or(u32::MAX),
        parts.next().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{HOSTILE, report};
    use super::*;

    #[test]
    fn a_report_reads_back_as_written_and_verifies() {
        for content in [Content::None, Content::Excerpt, Content::Full] {
            let written = report(content);
            assert!(written.is_consistent());
            let read = RunReport::parse(&written.to_json()).unwrap();
            assert_eq!(read, written);
            assert!(read.is_consistent());
        }
        assert_eq!(
            report(Content::None).summary(),
            "1 violated, 1 not measured, 1 needs live, 1 inconclusive, 1 unaffected"
        );
    }

    #[test]
    fn a_verdict_that_was_tampered_with_is_found_out() {
        let mut forged = report(Content::None);
        forged.verdict = Shown::Pass;
        assert!(!forged.is_consistent());
        let mut forged = report(Content::None);
        forged.forks[0].decision.verdict = Verdict::Stable;
        assert!(!forged.is_consistent());
    }

    #[test]
    fn without_leave_no_content_is_in_the_file() {
        assert!(!report(Content::None).to_json().contains("everyone"));
        assert!(report(Content::Excerpt).to_json().contains("everyone"));
        let full = report(Content::Full);
        let divergence = &full.forks[0].evidence.samples[0].replay.divergences[0];
        assert_eq!(divergence.found, HOSTILE);
    }

    #[test]
    fn a_newer_report_and_no_report_are_told_apart() {
        let newer = RunReport::parse(r#"{"format": "2.0", "x": 1}"#).unwrap_err();
        assert!(newer.to_string().contains("format 2.0"), "{newer}");
        assert!(matches!(RunReport::parse("[]"), Err(ReportError::Shape(_))));
    }
}
