//! Lanes, agents, derived tool steps and step numbers, all found from the calls themselves.
//!
//! [`assemble`] turns the calls of a recorded timeline into numbered [`Step`]s, [`assemble_fork`]
//! those of a fork, which keeps its parent's numbers before the fork. [`final_answer`] finds what
//! the run answered, [`origins`] what started each lane. Everything here is a pure function of the
//! calls, so the same calls always give the same steps.

mod agents;
mod answer;
mod captured;
mod conversations;
mod echo;
mod links;
mod number;
mod origin;

use std::sync::Arc;

use crate::model::{Call, Step, StepIndex, Timeline, ToolCapture};

pub use answer::{final_answer, final_step};
pub use conversations::Conversations;
pub use origin::{Origin, origins};

/// Returns the numbered steps of a timeline made of these calls, in order of their beginning.
///
/// Tool steps are derived from the messages: a call in one answer and its result in a later
/// request. They begin when the answer with their call ends, in call order. A captured one is the
/// same step with times of its own; one that no model asked for is a step by itself.
pub fn assemble(calls: &[Arc<Call>], tools: &[Arc<ToolCapture>]) -> Vec<Step> {
    let traced = links::trace(calls);
    let linked = captured::link(&traced, tools);
    number::by_time(&traced, &linked)
}

/// Returns the numbered steps of a fork of `parent`.
///
/// Steps that were served from before the first recorded step that was not served keep their
/// parent's order and so, when nothing was skipped, their parent's numbers; all others follow in
/// the order of their beginning.
pub fn assemble_fork(
    calls: &[Arc<Call>],
    tools: &[Arc<ToolCapture>],
    parent: &Timeline,
) -> Vec<Step> {
    let traced = links::trace(calls);
    let linked = captured::link(&traced, tools);
    number::after_parent(&traced, &linked, parent)
}

/// Returns the number of the first step of `parent`'s model steps that none of `calls` was served from.
pub fn first_unserved(calls: &[Arc<Call>], parent: &Timeline) -> Option<StepIndex> {
    let served: std::collections::HashSet<StepIndex> = calls
        .iter()
        .filter_map(|call| call.served.as_ref().map(|served| served.step))
        .collect();
    parent
        .model_steps()
        .map(|(step, _call)| step.number)
        .find(|number| !served.contains(number))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
