//! What a run is held against: the timeline that a baseline holds up as right, and the calls that it made.

use crate::baseline::{Baseline, Reference};
use crate::check::tool_uses;
use crate::model::{Session, StepIndex, Timeline, canonical_json};
use crate::replay::{Fork, resolve};

/// Returns the timeline that a session's baseline holds up as right: the one named, else `main` when
/// it ended without error, else the newest fork.
pub fn reference<'s>(session: &'s Session, baseline: &Baseline) -> Option<&'s Timeline> {
    match &baseline.definition.reference {
        Reference::Label(label) => session.timeline(label),
        Reference::Automatic => {
            let main = session.timelines.first()?;
            let is_right = main.outcome.exit.unwrap_or(0) == 0;
            session
                .timelines
                .last()
                .filter(|_newest| !is_right)
                .or(Some(main))
        }
    }
}

/// Returns the step from which a live run of a fork would be paid.
pub fn paid_from(fork: &str, reference: &Timeline) -> Option<StepIndex> {
    match resolve(&fork.parse().ok()?, reference).ok()? {
        Fork::At(step) => Some(step),
        Fork::Auto | Fork::Never => None,
    }
}

/// Returns the tool calls of a run, sorted, so that the order of parallel ones does not count.
pub(super) fn trajectory(timeline: &Timeline) -> Vec<(String, String)> {
    let mut calls: Vec<(String, String)> = tool_uses(timeline)
        .into_iter()
        .map(|tool| (tool.name.to_owned(), canonical_json(tool.arguments)))
        .collect();
    calls.sort();
    calls
}
