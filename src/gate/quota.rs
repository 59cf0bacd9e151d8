//! Checks that must hold in some samples of many: `k_of_n`.

use std::collections::BTreeMap;

use super::input::{Accepted, ForkInput};
use super::verdict::Verdict;
use crate::check::{KOfN, Outcome, Severity};

/// What a check came to that must hold in `k` samples of `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quota<'a> {
    check: &'a str,
    wanted: KOfN,
    held: u32,
    failed: u32,
}

impl<'a> Quota<'a> {
    /// Returns those of a fork, by the ids of the checks. Of more samples than `n` the first count.
    pub(super) fn of(input: &'a ForkInput) -> Vec<Self> {
        let mut quotas: BTreeMap<&str, Self> = BTreeMap::new();
        for check in input.whole().flat_map(|sample| &sample.checks) {
            let Some(wanted) = check
                .k_of_n
                .filter(|_wanted| check.severity == Severity::Gate)
            else {
                continue;
            };
            let quota = quotas.entry(&check.id).or_insert(Self {
                check: &check.id,
                wanted,
                held: 0,
                failed: 0,
            });
            match check.outcome {
                _ if quota.held + quota.failed == wanted.n() => {}
                Outcome::Passed { .. } => quota.held += 1,
                Outcome::Failed { .. } => quota.failed += 1,
                Outcome::NotRun { .. } => {}
            }
        }
        quotas.into_values().collect()
    }

    /// Returns whether further samples decide it; a run without live tails is what it is each time.
    pub(super) fn is_open(&self, input: &ForkInput) -> bool {
        input.tests > 0 && self.is_met().is_none()
    }

    /// Returns whether it holds; `None` where there are too few samples to say.
    fn is_met(&self) -> Option<bool> {
        if self.held >= self.wanted.k() {
            return Some(true);
        }
        (self.failed > self.wanted.n() - self.wanted.k()).then_some(false)
    }

    /// Returns the verdict where it does not hold, or where there are too few samples to say.
    pub(super) fn verdict(&self, input: &ForkInput) -> Option<(Verdict, String)> {
        let Self {
            check,
            wanted,
            held,
            failed,
        } = self;
        let (k, n, all) = (wanted.k(), wanted.n(), held + failed);
        let met = match self.is_met() {
            // Each run of an agent that asks nobody is the same.
            None if input.tests == 0 => Some(*failed == 0),
            met => met,
        };
        match met {
            Some(true) => None,
            Some(false) => {
                let found =
                    format!("check `{check}` holds in {held} of {all} samples, wanted {k} of {n}");
                Some(match input.accepted {
                    Accepted::Failed => (
                        Verdict::PreExisting,
                        format!("{found}; the accepted evidence failed, too"),
                    ),
                    Accepted::Passed if *held == 0 => (Verdict::Broken, found),
                    Accepted::Passed | Accepted::Incomparable(_) => (Verdict::Regressed, found),
                })
            }
            None => Some((
                Verdict::Inconclusive,
                format!(
                    "check `{check}` wants {k} of {n} samples, and only {all} were measured; run \
                     with at least {n} (`--samples {n}`)"
                ),
            )),
        }
    }
}
