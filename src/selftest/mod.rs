//! Do the checks of a baseline notice what they are there for?
//!
//! Known regressions are put into copies of its reference timeline, and its checks are run on each. What no check
//! notices would pass the gate; an unchanged copy that is called a failure is a false alarm. Nothing runs and
//! nothing is asked: only what checks can decide from a timeline is decided.

mod mutate;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::{CheckContext, Definition, Outcome, run};
use crate::model::Timeline;
use mutate::mutants;

/// A kind of regression.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Regression {
    /// A tool call is left out.
    DroppedCall,
    /// Two tool calls come in the other order.
    SwappedCalls,
    /// An argument of a tool call is another one.
    AlteredArgument,
    /// A tool is called that nobody asked for.
    ForbiddenCall,
    /// A tool is called again and again.
    Loop,
    /// The agent ends with an error.
    Crash,
    /// There is no answer.
    NoAnswer,
    /// Half of the answer is missing.
    TruncatedAnswer,
    /// The answer says the opposite.
    NegatedAnswer,
    /// The answer is that of another baseline.
    ForeignAnswer,
    /// Three times the tokens are used.
    Overspending,
}

impl Regression {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::DroppedCall,
        Self::SwappedCalls,
        Self::AlteredArgument,
        Self::ForbiddenCall,
        Self::Loop,
        Self::Crash,
        Self::NoAnswer,
        Self::TruncatedAnswer,
        Self::NegatedAnswer,
        Self::ForeignAnswer,
        Self::Overspending,
    ];

    /// Returns its name, as people read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DroppedCall => "dropped call",
            Self::SwappedCalls => "swapped calls",
            Self::AlteredArgument => "altered argument",
            Self::ForbiddenCall => "forbidden call",
            Self::Loop => "loop",
            Self::Crash => "crash",
            Self::NoAnswer => "no answer",
            Self::TruncatedAnswer => "truncated answer",
            Self::NegatedAnswer => "negated answer",
            Self::ForeignAnswer => "foreign answer",
            Self::Overspending => "overspending",
        }
    }
}

/// What one baseline is tested with.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it holds up as right.
    pub reference: &'a Timeline,
    /// Its checks.
    pub checks: &'a [Definition],
    /// The answer of another baseline.
    pub foreign: Option<&'a str>,
}

/// A regression that was put into a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seeded {
    /// The baseline.
    pub baseline: String,
    /// What kind of regression.
    pub regression: Regression,
    /// What was done, such as `book_flight (step 7) left out`.
    pub what: String,
    /// The gating checks that failed, by name; none where it would pass.
    pub caught_by: Vec<String>,
}

/// What the checks noticed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SelfTest {
    /// Every regression.
    pub seeded: Vec<Seeded>,
    /// Baselines of which an unchanged copy fails, each with the checks that say so.
    pub false_alarms: BTreeMap<String, Vec<String>>,
    /// Gating checks that can't be decided from a timeline alone, by baseline.
    pub undecided: BTreeMap<String, Vec<String>>,
    /// The number of unchanged copies.
    pub unchanged: usize,
}

impl SelfTest {
    /// Returns how many regressions of a kind were caught, and of how many.
    pub fn of(&self, regression: Regression) -> (usize, usize) {
        let all = self
            .seeded
            .iter()
            .filter(|one| one.regression == regression);
        let (caught, missed): (Vec<&Seeded>, Vec<&Seeded>) =
            all.partition(|one| !one.caught_by.is_empty());
        (caught.len(), caught.len() + missed.len())
    }

    /// Returns how many regressions were caught, and of how many.
    pub fn total(&self) -> (usize, usize) {
        let caught = self.seeded.iter().filter(|one| !one.caught_by.is_empty());
        (caught.count(), self.seeded.len())
    }

    /// Returns how often each check caught a regression that no other did, and how often it caught any.
    pub fn by_check(&self) -> BTreeMap<&str, (usize, usize)> {
        let mut checks: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for one in &self.seeded {
            for check in &one.caught_by {
                let (alone, any) = checks.entry(check).or_default();
                *any += 1;
                *alone += usize::from(one.caught_by.len() == 1);
            }
        }
        checks
    }
}

/// Puts known regressions into copies of each subject, and runs its checks on them.
pub fn selftest(subjects: &[Subject<'_>]) -> SelfTest {
    let mut found = SelfTest::default();
    for subject in subjects {
        let of = |candidate: &Timeline| {
            run(
                subject.checks,
                &CheckContext::new(subject.reference, candidate),
            )
        };
        let unchanged = of(subject.reference);
        let failing: Vec<String> = unchanged
            .iter()
            .filter(|result| result.is_gating_failure() && result.outcome.is_failed())
            .map(|result| result.id.clone())
            .collect();
        let undecided: Vec<String> = unchanged
            .iter()
            .filter(|result| matches!(result.outcome, Outcome::NotRun { .. }))
            .map(|result| result.id.clone())
            .collect();
        found.unchanged += 1;
        for (names, all) in [
            (failing, &mut found.false_alarms),
            (undecided, &mut found.undecided),
        ] {
            if !names.is_empty() {
                all.insert(subject.name.to_owned(), names);
            }
        }
        for mutant in mutants(subject.reference, subject.foreign) {
            let failed = of(&mutant.timeline).into_iter();
            let failed =
                failed.filter(|result| result.is_gating_failure() && result.outcome.is_failed());
            found.seeded.push(Seeded {
                baseline: subject.name.to_owned(),
                regression: mutant.regression,
                what: mutant.what,
                caught_by: failed.map(|result| result.id).collect(),
            });
        }
    }
    found
}
