//! Resolves addresses of fork points to step numbers.

use crate::model::{ForkPoint, StepIndex, Timeline};

/// Where a replay goes live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fork {
    /// At this step: everything with a smaller number is served.
    At(StepIndex),
    /// In each lane at the first request that the change affects.
    Auto,
    /// Nowhere: nothing goes live.
    Never,
}

/// A fork point that the timeline does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("timeline `{label}` has no {wanted}; {hint}")]
pub struct ForkError {
    label: String,
    wanted: String,
    hint: String,
}

/// Returns the place in `timeline` that `point` names.
///
/// # Errors
/// The timeline has no such step, tool call or agent.
pub fn resolve(point: &ForkPoint, timeline: &Timeline) -> Result<Fork, ForkError> {
    let missing = |wanted: String, hint: String| ForkError {
        label: timeline.label.clone(),
        wanted,
        hint,
    };
    let at = |number: Option<StepIndex>| number.map(Fork::At);
    match point {
        ForkPoint::Auto => Ok(Fork::Auto),
        ForkPoint::Start => Ok(Fork::At(StepIndex(1))),
        ForkPoint::Step(number) => at(timeline.step(StepIndex(*number)).map(|step| step.number))
            .ok_or_else(|| {
                let hint = format!("its steps are 1 to {}", timeline.steps.len());
                missing(format!("step {number}"), hint)
            }),
        ForkPoint::Last => at(timeline
            .model_steps()
            .last()
            .map(|(step, _call)| step.number))
        .ok_or_else(|| missing("model step".into(), "it is empty".into())),
        ForkPoint::Agent(name) => {
            let first = timeline.steps.iter().find(|step| &step.agent == name);
            at(first.map(|step| step.number)).ok_or_else(|| {
                let names = distinct(timeline.steps.iter().map(|step| step.agent.as_str()));
                missing(format!("agent `{name}`"), format!("its agents are {names}"))
            })
        }
        ForkPoint::Tool { name, nth } => {
            let mut calls = timeline
                .steps
                .iter()
                .filter(|step| step.tool().is_some_and(|tool| &tool.name == name));
            let index = nth.saturating_sub(1) as usize;
            at(calls.nth(index).map(|step| step.number)).ok_or_else(|| {
                let tools = timeline.steps.iter().filter_map(|step| step.tool());
                let names = distinct(tools.map(|tool| tool.name.as_str()));
                missing(
                    format!("call {nth} of tool `{name}`"),
                    format!("its tools are {names}"),
                )
            })
        }
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: std::collections::BTreeSet<&str> = names.collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.into_iter().collect::<Vec<_>>().join(", ")
}
