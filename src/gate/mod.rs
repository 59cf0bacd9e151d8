//! Decides: from the facts of the replays and the results of the checks to verdicts.
//!
//! ```text
//! ForkInput (samples, checks) ─▶ decide_fork ─▶ ForkVerdict ─┐
//! Policy (coverage, enforcement) ────────────────────────────┴▶ decide_run ─▶ RunVerdict
//! ```
//!
//! Everything here but the [`Runner`] and the [`Surroundings`] is a pure function of plain data: the same evidence always gives
//! the same verdict. Writing reports is done elsewhere. What people see of a [`Verdict`] stands in
//! one table, [`Verdict::row`].

mod aa;
mod answers;
mod budget;
mod comparison;
mod confirm;
mod confirmation;
mod daily;
mod deltas;
mod evidence;
mod fork;
mod input;
mod level;
mod noise;
mod numbers;
mod plan;
mod quota;
mod reference;
mod rejudge;
mod resample;
mod retried;
mod rounds;
mod run;
mod runner;
mod sampled;
mod schedule;
mod scored;
mod suite;
mod surroundings;
mod verdict;
mod verdicts;

pub use answers::Answers;
pub use budget::Budget;
pub use comparison::{Comparison, Measure};
pub use confirm::BaseAgent;
pub use confirmation::Confirmation;
pub use deltas::{Delta, deltas};
pub use evidence::{evidence, of_recording};
pub use fork::{ForkVerdict, decide_fork};
pub use input::{
    Accepted, Fault, FaultKind, ForkInput, Mode, Sample, USUAL_AA, USUAL_ALPHA, USUAL_MARGIN,
};
pub use noise::{Noise, NoiseFork, NoiseSides, NoiseSource};
pub use plan::{Caps, LivePlan, Shard, ShardError, costly, estimate, share_out, weight};
pub use reference::{paid_from, reference};
pub use resample::Resampled;
pub use rounds::next_round;
pub use run::{Policy, RunVerdict, decide_run};
pub use runner::{Case, ForkRun, Runner};
pub use schedule::{Progress, Ran, Stop, most_tests};
pub use scored::Scores;
pub use suite::{PASSES, SuiteTest, suite};
pub use surroundings::{Judges, NoJudges, Surroundings};
pub use verdict::{CheckRun, Junit, Row, Shown, Verdict};
pub use verdicts::Verdicts;

#[cfg(test)]
mod tests;
