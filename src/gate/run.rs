//! The verdict on a whole run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::verdict::{Shown, Verdict};
use crate::exit::Exit;

/// What a run must reach.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The share of gating forks that must be measured, from 0 to 1.
    pub min_coverage: f64,
    /// Whether forks that need a live run are left out of the coverage.
    pub allow_needs_live: bool,
    /// Whether a bad verdict gives a bad exit code.
    pub is_enforced: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min_coverage: 0.95,
            allow_needs_live: false,
            is_enforced: true,
        }
    }
}

/// The verdict on a whole run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunVerdict {
    /// The word that people see.
    pub shown: Shown,
    /// The exit code.
    pub exit: Exit,
    /// Number of gating forks that count for the coverage.
    pub gating: u32,
    /// Number of those that were measured.
    pub covered: u32,
    /// How often each verdict was given, non-gating forks included.
    pub counts: BTreeMap<Verdict, u32>,
}

impl RunVerdict {
    /// Returns the verdict where a red could not be tried again: it may be one, so this is no good run, however much
    /// else was measured.
    #[must_use]
    pub fn unconfirmed(self, policy: &Policy) -> Self {
        let shown = self.shown.max(Shown::NotMeasured);
        let exit = if policy.is_enforced {
            shown.exit()
        } else {
            Exit::Pass
        };
        Self {
            shown,
            exit,
            ..self
        }
    }
}

/// Returns the verdict on a run from those on its forks, each with whether it counts, and those on all baselines
/// together.
pub fn decide_run(
    forks: impl IntoIterator<Item = (Verdict, bool)>,
    together: impl IntoIterator<Item = Verdict>,
    policy: &Policy,
) -> RunVerdict {
    let mut counts = BTreeMap::new();
    let (mut gating, mut covered) = (0, 0);
    let together = together.into_iter().map(|verdict| verdict.row().shown);
    let mut worst = together.max().unwrap_or(Shown::Pass);
    for (verdict, is_gating) in forks {
        *counts.entry(verdict).or_insert(0) += 1;
        if !is_gating {
            continue;
        }
        worst = worst.max(verdict.row().shown);
        if verdict != Verdict::NeedsLive || !policy.allow_needs_live {
            gating += 1;
            covered += u32::from(verdict.is_covered());
        }
    }
    let shown = match worst {
        Shown::Fail => Shown::Fail,
        Shown::NotMeasured if is_below(covered, gating, policy.min_coverage) => Shown::NotMeasured,
        Shown::NotMeasured | Shown::Look => Shown::Look,
        Shown::Pass => Shown::Pass,
    };
    let exit = if policy.is_enforced {
        shown.exit()
    } else {
        Exit::Pass
    };
    RunVerdict {
        shown,
        exit,
        gating,
        covered,
        counts,
    }
}

/// Returns whether the share that was measured is below the least allowed one.
fn is_below(covered: u32, gating: u32, min_coverage: f64) -> bool {
    // The slack keeps 19 of 20 at 0.95 from failing by rounding.
    f64::from(covered) + 1e-9 < f64::from(gating) * min_coverage
}
