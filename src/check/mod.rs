//! Checks: what is verified about one run of an agent, deterministically.
//!
//! A [`Check`] looks at a [`CheckContext`] (the reference timeline and the candidate) and returns an
//! [`Outcome`]; [`run`] makes the [`CheckResult`]s. One file a kind, all listed in one table
//! ([`registry`]). Checks are pure: files of the run and programs are asked of [`Outside`]. What a
//! result means for the gate is decided by `gate`.

mod arguments;
mod budget;
mod combine;
mod exec;
mod exit_status;
mod judge;
mod loops;
mod models;
mod no_error;
mod output;
mod outside;
mod registry;
mod result;
mod schema;
mod tool_use;
mod tools;
mod trajectory;

use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

use toml::Spanned;

use crate::model::{Thread, Timeline};
use crate::price::PriceTable;

pub use loops::DEFAULT_MAX_EQUAL;
pub use outside::{
    FileError, Judged, Judging, KeptAnswer, KeptTool, Nothing, Outside, Program, ProgramEnd,
};
pub use registry::{ReadError, kinds, read};
pub use result::{
    CheckResult, Finding, JudgeVote, JudgedStatement, KOfN, MaxDrop, Outcome, Score, Severity,
};
pub use tool_use::{ToolUse, tool_uses};

/// What a check may look at.
#[derive(Debug, Clone, Copy)]
pub struct CheckContext<'a> {
    /// The timeline that the baseline holds up as right.
    pub reference: &'a Timeline,
    /// The new run.
    pub candidate: &'a Timeline,
    /// The conversations of requests that were refused: not in the timeline, but the tool calls in
    /// them were made.
    pub refused: &'a [Thread],
    /// Whether the run went to its end without a refused request. Of any other run only what was
    /// seen can be judged, so nothing but forbidden things can be found.
    pub is_complete: bool,
    /// What model calls cost.
    pub prices: &'a PriceTable,
    /// Files of the run, and programs.
    pub outside: &'a dyn Outside,
    /// What judges see in place of the candidate, where it isn't there any more.
    pub kept: Option<&'a KeptAnswer>,
}

impl<'a> CheckContext<'a> {
    /// Returns the context of a whole run, with the built-in prices and nothing outside.
    pub fn new(reference: &'a Timeline, candidate: &'a Timeline) -> Self {
        Self {
            reference,
            candidate,
            refused: &[],
            is_complete: true,
            prices: &BUILT_IN_PRICES,
            outside: &Nothing,
            kept: None,
        }
    }
}

static BUILT_IN_PRICES: LazyLock<PriceTable> = LazyLock::new(PriceTable::built_in);

/// One thing that is verified.
pub trait Check: Debug + Send + Sync {
    /// Returns the kind, as in `kind = "…"`.
    fn kind(&self) -> &'static str;

    /// Returns what was found.
    ///
    /// Of an incomplete run only what no continuation can mend may be a failure; anything else is
    /// [`Outcome::NotRun`].
    fn run(&self, context: &CheckContext<'_>) -> Outcome;

    /// Returns what was found, and the score where the check gives one.
    fn measure(&self, context: &CheckContext<'_>) -> (Outcome, Option<Score>) {
        (self.run(context), None)
    }

    /// Returns what was found of the opposite: that the check does not hold.
    ///
    /// A check that had nothing to look at fails either way, and one that could not run says nothing
    /// either way.
    fn run_negated(&self, context: &CheckContext<'_>) -> Outcome {
        combine::negated(self.kind(), self.run(context), context)
    }

    /// Returns what judges are asked by it of this run, whether they can be asked or not.
    fn judgings<'a>(&'a self, _context: &CheckContext<'a>) -> Vec<Judging<'a>> {
        Vec::new()
    }

    /// Returns the evaluators that it asks, as they are written.
    fn evaluators(&self) -> Vec<&Spanned<String>> {
        Vec::new()
    }

    /// Returns how many single things it asserts, for "36 of 37 assertions passed".
    fn assertions(&self, _context: &CheckContext<'_>) -> usize {
        1
    }
}

/// A check with its name and weight, as a baseline defines it.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its name, unique in the baseline: the kind, numbered where there are several.
    pub id: String,
    /// What its failure does.
    pub severity: Severity,
    /// Its share in a score, compared with the other checks; above 0.
    pub weight: f64,
    /// In how many samples of how many it must hold; in each where it is not given.
    pub k_of_n: Option<KOfN>,
    /// What it verifies.
    pub check: Arc<dyn Check>,
}

/// Returns the results of all checks that are not off, in their order.
pub fn run(definitions: &[Definition], context: &CheckContext<'_>) -> Vec<CheckResult> {
    definitions
        .iter()
        .filter(|definition| definition.severity != Severity::Off)
        .map(|definition| {
            let (outcome, score) = definition.check.measure(context);
            CheckResult {
                id: definition.id.clone(),
                kind: definition.check.kind().to_owned(),
                severity: definition.severity,
                score,
                k_of_n: definition.k_of_n,
                outcome,
            }
        })
        .collect()
}
