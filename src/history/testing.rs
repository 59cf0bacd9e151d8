//! Runs for the tests of the history.

use std::collections::BTreeMap;

use super::entry::{Entry, FORMAT, ForkEntry, MeanScore};
use crate::gate::{Mode, Policy, Shown, Verdict};
use crate::model::{ContentId, MicroUsd};

/// Returns the run of a night of `refund@auto`, live, of commit `a` on `main`.
pub(super) fn night(nth: u32, verdict: Verdict, passed: u32, samples: u32) -> Entry {
    let started_at = jiff::Timestamp::from_second(1_790_000_000 + i64::from(nth) * 86_400);
    Entry {
        format: FORMAT.to_owned(),
        started_at: started_at.unwrap(),
        generator: "rewind 0.1.0".to_owned(),
        commit: Some("a".repeat(40)),
        reference: Some("refs/heads/main".to_owned()),
        profile: Some("nightly".to_owned()),
        config: "b3:c".to_owned(),
        baselines: "b3:b".to_owned(),
        policy: Policy::default(),
        verdict: verdict.row().shown,
        together: None,
        forks: vec![ForkEntry {
            baseline: "refund".to_owned(),
            fork: "auto".to_owned(),
            verdict,
            is_gating: true,
            mode: Mode::Live,
            evidence: ContentId::of(b"accepted"),
            samples,
            passed,
            scores: BTreeMap::new(),
            cost_micro_usd: MicroUsd(1_200),
            served_tokens: 900,
            live_tokens: 300,
            models: vec!["gpt-a".to_owned()],
            tried_again: None,
        }],
    }
}

/// Returns a run that holds.
pub(super) fn good(nth: u32) -> Entry {
    night(nth, Verdict::Stable, 5, 5)
}

/// Returns a run that is red.
pub(super) fn red(nth: u32) -> Entry {
    night(nth, Verdict::Broken, 0, 5)
}

impl Entry {
    /// Returns the run on another commit.
    pub(super) fn on(mut self, commit: &str) -> Self {
        self.commit = Some(commit.to_owned());
        self
    }

    /// Returns the run on another branch.
    pub(super) fn of(mut self, branch: &str) -> Self {
        self.reference = Some(branch.to_owned());
        self
    }

    /// Returns the run with a change of its fork.
    pub(super) fn with(mut self, change: impl Fn(&mut ForkEntry)) -> Self {
        self.forks.iter_mut().for_each(change);
        self
    }

    /// Returns the run held against something else.
    pub(super) fn accepted(self, what: &str) -> Self {
        self.with(|fork| fork.evidence = ContentId::of(what.as_bytes()))
    }

    /// Returns the run with a mean score.
    pub(super) fn scored(self, mean: f64) -> Self {
        let score = MeanScore { mean, samples: 5 };
        self.with(|fork| {
            fork.scores.insert("correctness".to_owned(), score);
        })
    }

    /// Returns the run in which nothing was measured.
    pub(super) fn unmeasured(mut self) -> Self {
        self.verdict = Shown::NotMeasured;
        self.with(|fork| {
            (fork.verdict, fork.samples, fork.passed) = (Verdict::NotMeasured, 0, 0);
        })
    }
}
