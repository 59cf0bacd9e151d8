//! Finds what a run answered.

use std::collections::HashSet;

use crate::model::{Status, Step, StepIndex};

/// Returns the final answer of a run: the text of the model step that ended last among those whose
/// tool calls, if any, have no result in a later request; without text, its first call's arguments
/// as canonical JSON.
///
/// `agent` restricts the search to one agent's steps. `None` where no step qualifies.
pub fn final_answer(steps: &[Step], agent: Option<&str>) -> Option<String> {
    let output = final_step(steps, agent)?.call()?.response.output.as_ref()?;
    let text = output.plain_text();
    if !text.trim().is_empty() {
        return Some(text);
    }
    let arguments = output
        .tool_calls()
        .next()
        .map(|(_name, arguments)| arguments.to_string());
    arguments.or(Some(text))
}

/// Returns the step that [`final_answer`] reads.
pub fn final_step<'s>(steps: &'s [Step], agent: Option<&str>) -> Option<&'s Step> {
    let continued: HashSet<StepIndex> = steps
        .iter()
        .filter_map(|step| step.tool())
        .filter(|tool| tool.result.is_some())
        .filter_map(|tool| tool.called_by)
        .collect();
    steps
        .iter()
        .filter(|step| step.status == Status::Ok && !continued.contains(&step.number))
        .filter(|step| agent.is_none_or(|agent| step.agent == agent))
        .filter(|step| {
            step.call()
                .is_some_and(|call| call.request.dialect.is_conversation())
        })
        .max_by_key(|step| (step.ended_us, step.number))
}
