//! Finds changed treatments that a live run from given forks on would never put to the model.
//!
//! Before a fork a request with another treatment gets the recorded answer. That is fair while the
//! same change is put to the model behind the fork. Where it is not, as with the prompt of an agent
//! whose last step lies before the fork, what the change does is never seen.

use std::collections::BTreeMap;

use super::fork::Fork;
use super::recording::{Entry, Recording};
use super::rules::TreatmentPart;
use crate::model::{Drift, StepIndex, Timeline};

/// A change of an agent's treatment that no fork puts to the model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unheard {
    /// The agent.
    pub agent: String,
    /// What changed.
    pub drift: Drift,
    /// The first recorded step whose request has it.
    pub step: StepIndex,
}

/// Returns the changes of treatment in `candidate`, a run that was served from `recording`, that none
/// of `forks` puts to the model; one for each agent and change.
pub fn unheard(candidate: &Timeline, recording: &Recording, forks: &[Fork]) -> Vec<Unheard> {
    let served: BTreeMap<StepIndex, &[Drift]> = candidate
        .model_steps()
        .filter_map(|(_step, call)| call.served.as_ref())
        .map(|served| (served.step, served.drift.as_slice()))
        .collect();
    let is_live = |fork: &Fork, step: StepIndex| match fork {
        Fork::At(first_live) => step >= *first_live,
        Fork::Auto => true,
        Fork::Never => false,
    };
    // Names of agents are no help: one without a name of its own is told apart by its tools, too.
    let stands_for = |entry: &Entry, later: &Entry, drift: &Drift| {
        let has_it = served
            .get(&later.step)
            .is_none_or(|drifts| drifts.contains(drift));
        let header = |entry: &Entry| entry.call.request.agent.clone();
        has_it && header(entry) == header(later) && has_same_prompt(recording, entry, later)
    };
    let is_heard = |entry: &Entry, drift: &Drift| {
        let mut steps = recording.entries.iter();
        steps.any(|later| {
            let is_it = later.step == entry.step || stands_for(entry, later, drift);
            is_it && forks.iter().any(|fork| is_live(fork, later.step))
        })
    };
    let mut found: Vec<Unheard> = Vec::new();
    for (step, drifts) in &served {
        let Some(entry) = recording.entry_of(*step) else {
            continue;
        };
        let of_treatment = drifts
            .iter()
            .filter(|drift| TreatmentPart::of(drift).is_some());
        for drift in of_treatment {
            let is_known = found
                .iter()
                .any(|known| known.agent == entry.agent && known.drift == *drift);
            if !is_known && !is_heard(entry, drift) {
                found.push(Unheard {
                    agent: entry.agent.clone(),
                    drift: drift.clone(),
                    step: *step,
                });
            }
        }
    }
    found
}

/// Returns whether two recorded steps had the same system prompt: an agent may go through phases.
fn has_same_prompt(recording: &Recording, one: &Entry, other: &Entry) -> bool {
    let system = |entry: &Entry| entry.call.request.treatment.system.clone();
    recording
        .keys
        .same_messages(&system(one), &system(other), recording.days)
}
