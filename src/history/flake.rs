//! How often a fork contradicts itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use crate::gate::{Mode, Shown, Verdict};
use crate::model::ContentId;
use crate::stats::proportion::wilson;
use crate::stats::{Level, Passes};

/// So many of so many, with Wilson's interval at 95 percent of the share.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// How many.
    pub count: u32,
    /// Of how many.
    pub of: u32,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end; 1 of none.
    pub high: f64,
}

impl Share {
    /// Returns so many of so many.
    pub fn new(count: u32, of: u32) -> Self {
        let counts = Passes {
            passed: count,
            failed: of.saturating_sub(count),
        };
        let found = wilson(counts, Level::PERCENT_95);
        Self {
            count,
            of,
            low: found.low,
            high: found.high,
        }
    }
}

/// How often the forks of a baseline contradict themselves.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flake {
    /// Of the runs that repeat an earlier one (same commit, configuration and evidence): how many said another word than that.
    pub repeats: Share,
    /// Of all measured runs: how many were `suspect`.
    pub suspect: Share,
}

/// What makes a run of a fork the repetition of another one.
type Same<'a> = (&'a str, &'a str, &'a str, ContentId, bool);

impl Flake {
    /// Returns how often the forks of a baseline contradict themselves in these runs, which are given the oldest first.
    pub(super) fn of(entries: &[&Entry], baseline: &str) -> Self {
        let (mut repeats, mut other, mut suspect, mut measured) = (0, 0, 0, 0);
        let mut before: BTreeMap<Same<'_>, Shown> = BTreeMap::new();
        for entry in entries {
            for fork in entry.forks.iter().filter(|fork| fork.baseline == baseline) {
                let Some(word) = fork.measured() else {
                    continue;
                };
                measured += 1;
                suspect += u32::from(fork.verdict == Verdict::Suspect);
                let Some(commit) = &entry.commit else {
                    continue;
                };
                let is_live = fork.mode == Mode::Live;
                let same = (
                    &*fork.fork,
                    &**commit,
                    &*entry.config,
                    fork.evidence,
                    is_live,
                );
                if let Some(known) = before.insert(same, word) {
                    repeats += 1;
                    other += u32::from(known != word);
                }
            }
        }
        Self {
            repeats: Share::new(other, repeats),
            suspect: Share::new(suspect, measured),
        }
    }
}
