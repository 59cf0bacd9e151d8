//! Counts what the checks noticed: by regression, by baseline, by check.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Regression, Seeded, SelfTest};

/// How many regressions were seeded, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Those that a check noticed.
    pub caught: usize,
    /// Those that no check noticed, but one that could not be decided here may.
    pub open: usize,
    /// All of them.
    pub seeded: usize,
}

impl Tally {
    /// Returns which share of the decided regressions was noticed, from 0 to 1; 1 where none was decided.
    #[expect(clippy::cast_precision_loss, reason = "there are few of them")]
    pub fn share(self) -> f64 {
        let decided = self.seeded.saturating_sub(self.open);
        if decided == 0 {
            1.0
        } else {
            self.caught as f64 / decided as f64
        }
    }

    fn of<'a>(seeded: impl Iterator<Item = &'a Seeded>) -> Self {
        let mut tally = Self::default();
        for one in seeded {
            tally.seeded += 1;
            tally.caught += usize::from(one.is_caught());
            tally.open += usize::from(one.is_open());
        }
        tally
    }
}

/// What became of one baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ByBaseline {
    /// Its regressions.
    #[serde(flatten)]
    pub tally: Tally,
    /// Its copies with nothing worse.
    pub unchanged: usize,
    /// Those of them that fail.
    pub false_alarms: usize,
}

/// What a check came to, in all baselines that have one of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ByCheck {
    /// The regressions that it noticed.
    pub caught: usize,
    /// Those of them that no other check noticed.
    pub alone: usize,
    /// The regressions on which it was decided.
    pub decided: usize,
    /// The copies with nothing worse on which it was decided.
    pub unchanged: usize,
    /// Those of them on which it fails.
    pub false_alarms: usize,
}

impl SelfTest {
    /// Returns what became of a kind of regression.
    pub fn of(&self, regression: Regression) -> Tally {
        let seeded = self.seeded.iter();
        Tally::of(seeded.filter(|one| one.regression == regression))
    }

    /// Returns what became of all regressions.
    pub fn total(&self) -> Tally {
        Tally::of(self.seeded.iter())
    }

    /// Returns how many copies with nothing worse fail.
    pub fn false_alarms(&self) -> usize {
        let failing = self.unchanged.iter().filter(|one| !one.failed.is_empty());
        failing.count()
    }

    /// Returns what became of each baseline, by name.
    pub fn by_baseline(&self) -> BTreeMap<&str, ByBaseline> {
        let count = |name: &str| {
            let seeded = self.seeded.iter().filter(|one| one.baseline == name);
            let unchanged = || self.unchanged.iter().filter(|one| one.baseline == name);
            ByBaseline {
                tally: Tally::of(seeded),
                unchanged: unchanged().count(),
                false_alarms: unchanged().filter(|one| !one.failed.is_empty()).count(),
            }
        };
        let names = self.checks.keys();
        names.map(|name| (name.as_str(), count(name))).collect()
    }

    /// Returns what became of each gating check, by name.
    pub fn by_check(&self) -> BTreeMap<&str, ByCheck> {
        let mut checks: BTreeMap<&str, ByCheck> = BTreeMap::new();
        for (baseline, names) in &self.checks {
            for name in names {
                let check = checks.entry(name).or_default();
                for one in self.seeded.iter().filter(|one| one.baseline == *baseline) {
                    let is_caught = one.caught_by.contains(name);
                    check.caught += usize::from(is_caught);
                    check.alone += usize::from(is_caught && one.caught_by.len() == 1);
                    check.decided += usize::from(!one.undecided_by.contains(name));
                }
                let unchanged = self.unchanged.iter();
                for one in unchanged.filter(|one| one.baseline == *baseline) {
                    check.unchanged += usize::from(!one.undecided_by.contains(name));
                    check.false_alarms += usize::from(one.failed.contains(name));
                }
            }
        }
        checks
    }
}
