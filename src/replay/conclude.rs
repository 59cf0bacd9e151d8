//! Draws the line under a replay: what was skipped, whether anything changed at all.

use super::fork::Fork;
use super::matcher::Matcher;
use super::tools::ToolsEnd;
use crate::model::{Divergence, DivergenceKind, Outcome, ReplayReport, Rung, StepIndex};

/// How the run ended.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// The agent's exit status; `None` where it is unknown (`--serve`).
    pub exit: Option<i32>,
    /// The final answer.
    pub answer: Option<String>,
}

/// Returns what the replay found out.
pub fn conclude(matcher: &Matcher, tools: ToolsEnd, ending: &Ending) -> ReplayReport {
    let state = matcher.lock();
    let first_live = match matcher.fork() {
        Fork::At(first_live) => Some(first_live),
        Fork::Auto | Fork::Never => None,
    };
    let mut divergences = state.divergences.clone();
    let mut skipped: Vec<(StepIndex, String)> = matcher
        .outstanding(&state, first_live)
        .map(|entry| (entry.step, entry.agent.clone()))
        .collect();
    let mut skipped_tools = tools.skipped;
    if !skipped.is_empty() {
        divergences.extend(state.unknown_roots.iter().cloned());
    }
    // What lies behind the point where a lane went live or was refused is not skipped, only beyond.
    let went_on = state.live > 0 || state.refused > 0;
    if went_on && first_live.is_none() {
        skipped.clear();
        skipped_tools.clear();
    }
    divergences.extend(
        skipped
            .iter()
            .map(|(step, agent)| skipped_step(*step, agent)),
    );
    let not_asked = skipped_tools.iter();
    divergences.extend(not_asked.map(|(step, name)| skipped_tool(*step, name)));
    skipped.extend(skipped_tools);
    skipped.sort();
    let endings = ending_differences(matcher, ending);
    let ends_alike = endings.is_empty();
    // Where a tool ran for real, another ending may be what it brought.
    if !went_on && tools.ran.is_empty() {
        divergences.extend(endings);
    }
    let count = |rung: Rung| state.rungs.get(&rung).copied().unwrap_or(0);
    let served = count(Rung::Exact) + count(Rung::Normalised) + count(Rung::Drift);
    let is_unaffected = !went_on
        && served > 0
        && count(Rung::Drift) == 0
        && divergences.is_empty()
        && ends_alike
        && matcher.outstanding(&state, None).next().is_none();
    ReplayReport {
        drift: state.drift.iter().cloned().collect(),
        divergences,
        skipped: skipped.into_iter().map(|(step, _agent)| step).collect(),
        served,
        live: state.live,
        refused: state.refused,
        tools_served: tools.served,
        tools_ran: tools.ran,
        is_unaffected,
    }
}

fn skipped_tool(step: StepIndex, name: &str) -> Divergence {
    Divergence {
        message: format!(
            "step {step} (tool `{name}`) was recorded, but its call never came; if it ran, it ran unseen"
        ),
        ..skipped_step(step, "")
    }
}

fn skipped_step(step: StepIndex, agent: &str) -> Divergence {
    Divergence {
        kind: DivergenceKind::Skipped,
        step: Some(step),
        agent: agent.to_owned(),
        pointer: String::new(),
        recorded: String::new(),
        found: String::new(),
        message: format!("step {step} ({agent}) was recorded, but the agent never asked for it"),
        remedy: String::new(),
    }
}

/// Returns how exit status and final answer differ from the recorded ones, where those are known.
fn ending_differences(matcher: &Matcher, ending: &Ending) -> Vec<Divergence> {
    let recording = matcher.recording();
    let recorded: &Outcome = &recording.timeline.outcome;
    let differs = |kind, recorded: String, found: String, message: String| Divergence {
        kind,
        step: None,
        agent: String::new(),
        pointer: String::new(),
        recorded,
        found,
        message,
        remedy: String::new(),
    };
    let mut differences = Vec::new();
    if let (Some(before), Some(now)) = (recorded.exit, ending.exit)
        && before != now
    {
        let message = format!("the agent exited with status {now}, recorded was {before}");
        differences.push(differs(
            DivergenceKind::Exit,
            before.to_string(),
            now.to_string(),
            message,
        ));
    }
    if let Some(before) = &recorded.answer {
        let now = ending.answer.clone().unwrap_or_default();
        if !recording.keys.same_text(before, &now, recording.days) {
            let message = "the final answer is not the recorded one".to_owned();
            differences.push(differs(
                DivergenceKind::Answer,
                before.clone(),
                now,
                message,
            ));
        }
    }
    differences
}
