//! Do the checks of a baseline notice what they are there for?
//!
//! Known regressions are put into copies of its reference timeline, and its checks are run on each. What no check
//! notices would pass the gate; a copy with nothing worse that is called a failure is a false alarm. No agent runs.
//! What a check can't decide from a timeline it asks of the [`Worlds`], where a judge may be asked about changed answers.

mod mutate;
mod tally;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::{CheckContext, Definition, Outcome, Outside, Severity, run};
use crate::model::Timeline;
use mutate::{harmless, mutants};
pub use tally::{ByBaseline, ByCheck, Tally};

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

    /// Returns whether it is the answer that is worse; a judge may know that.
    pub const fn is_of_answer(self) -> bool {
        matches!(
            self,
            Self::NoAnswer | Self::TruncatedAnswer | Self::NegatedAnswer | Self::ForeignAnswer
        )
    }

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

/// What checks may ask of the world outside the timelines.
#[derive(Debug, Clone, Copy)]
pub struct Worlds<'a> {
    /// Where the answer is another one.
    pub of_answers: &'a dyn Outside,
    /// Everywhere else.
    pub of_calls: &'a dyn Outside,
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
    /// The gating checks that could not be decided, by name.
    pub undecided_by: Vec<String>,
}

impl Seeded {
    /// Returns whether a check noticed it.
    pub fn is_caught(&self) -> bool {
        !self.caught_by.is_empty()
    }

    /// Returns whether nothing noticed it, but a check that could not be decided here may.
    pub fn is_open(&self) -> bool {
        !self.is_caught() && !self.undecided_by.is_empty()
    }
}

/// A copy with nothing worse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchanged {
    /// The baseline.
    pub baseline: String,
    /// What is different, such as `white space around the answer`.
    pub what: String,
    /// The gating checks that failed, by name: false alarms.
    pub failed: Vec<String>,
    /// The gating checks that could not be decided, by name.
    pub undecided_by: Vec<String>,
}

/// What the checks noticed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SelfTest {
    /// Every regression.
    pub seeded: Vec<Seeded>,
    /// Every copy with nothing worse.
    pub unchanged: Vec<Unchanged>,
    /// The gating checks of each baseline, by name.
    pub checks: BTreeMap<String, Vec<String>>,
}

/// Puts known regressions into copies of each subject, and runs its checks on them.
pub fn selftest(subjects: &[Subject<'_>], worlds: Worlds<'_>) -> SelfTest {
    let mut found = SelfTest::default();
    for subject in subjects {
        let name = subject.name.to_owned();
        let gating = subject.checks.iter();
        let gating = gating.filter(|check| check.severity == Severity::Gate);
        let gating = gating.map(|check| check.id.clone()).collect();
        found.checks.insert(name.clone(), gating);
        for copy in harmless(subject.reference) {
            let said = subject.judged(&copy.timeline, worlds.of_answers);
            found.unchanged.push(Unchanged {
                baseline: name.clone(),
                what: copy.what,
                failed: said.failed,
                undecided_by: said.undecided,
            });
        }
        for mutant in mutants(subject.reference, subject.foreign) {
            let outside = if mutant.regression.is_of_answer() {
                worlds.of_answers
            } else {
                worlds.of_calls
            };
            let said = subject.judged(&mutant.timeline, outside);
            found.seeded.push(Seeded {
                baseline: name.clone(),
                regression: mutant.regression,
                what: mutant.what,
                caught_by: said.failed,
                undecided_by: said.undecided,
            });
        }
    }
    found
}

/// The gating checks that do not hold, by name.
struct Said {
    failed: Vec<String>,
    undecided: Vec<String>,
}

impl Subject<'_> {
    fn judged(&self, candidate: &Timeline, outside: &dyn Outside) -> Said {
        let context = CheckContext {
            outside,
            ..CheckContext::new(self.reference, candidate)
        };
        let mut said = Said {
            failed: Vec::new(),
            undecided: Vec::new(),
        };
        let results = run(self.checks, &context).into_iter();
        for result in results.filter(|result| result.severity == Severity::Gate) {
            match result.outcome {
                Outcome::Passed { .. } => {}
                Outcome::Failed { .. } => said.failed.push(result.id),
                Outcome::NotRun { .. } => said.undecided.push(result.id),
            }
        }
        said
    }
}
