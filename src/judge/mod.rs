//! Judges: a model scores what an agent answered, by a criterion, and says which words of it are the reason.
//!
//! ```text
//! Subject + Criterion ──▶ Prompt (fenced) ──▶ Judge (client) ──▶ answer (strict) ──▶ evidence ──▶ Vote
//!                                   └──────▶ VerdictCache ◀──────────────────────────────────────┘
//! ```
//!
//! [`evaluate()`] scores subjects by criteria; [`Judge`] is the model that is asked. What is judged is data:
//! it stands between boundaries that it can't contain, and nothing but the judge's own answer, whole and
//! in its schema, is ever read as a verdict. A judge that fails, rambles or contradicts itself has not
//! measured: never 0, and never a pass. Costs of judges stand apart from those of agents.
//!
//! No statistics here, and no files or environment: those are the callers'.

mod answer;
mod cache;
mod canary;
mod client;
mod criterion;
mod dialect;
mod evaluate;
mod fence;
mod pairwise;
mod panel;
mod program;
mod prompt;
mod settings;
mod subject;
mod unmeasured;
mod votes;

pub use answer::{StatementVerdict, Vote};
pub use cache::{Given, NoCache, VerdictCache, verdict_keys};
pub use canary::CanaryResult;
pub use client::{Judge, Ledger};
pub use criterion::{Criterion, Rubric, Scale, Statement, UnknownCriterion, built_in_names};
pub use evaluate::{Cell, Evaluation, Plan, evaluate, evaluate_with, known_score};
pub use pairwise::{Outcome, Pair, PairEvaluation, Place, Preference, Round, evaluate_pairs};
pub use panel::{Member, MemberScores, Panel, evaluate_panel, middle};
pub use program::{Custom, Program};
pub use prompt::Prompt;
pub use settings::{JudgeDialect, JudgeSettings};
pub use subject::{Sight, Subject, ToolEvidence};
pub use unmeasured::{Malformed, Unmeasured};
pub use votes::{InvalidVotes, Votes};

/// The least score that counts as a pass.
pub const PASS: f64 = 0.5;

/// Returns a score without the dust of its arithmetic: so that three times 0.95 has the mean 0.95.
pub(crate) fn tidy(score: f64) -> f64 {
    (score * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests;
