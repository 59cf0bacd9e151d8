//! A session as `rewind show --json` prints it.

use serde::Serialize;
use serde_json::Value;

use super::diff_report::{Metrics, metrics};
use super::terminal::words;
use crate::model::{
    Boundary, Effect, ForkedFrom, LaneId, Outcome, ReplayReport, Served, Session, SessionId,
    Source, Status, Step, StepIndex, StepKind, Timeline, plain_text,
};
use crate::price::PriceTable;
use crate::replay::{Savings, savings};

/// A step.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StepReport {
    /// Its number.
    pub number: StepIndex,
    /// `model` or `tool`.
    pub kind: &'static str,
    /// The model's or the tool's name.
    pub name: String,
    /// The agent that made it.
    pub agent: String,
    /// The conversation that it belongs to.
    pub lane: LaneId,
    /// The step before it in its conversation.
    pub parent: Option<StepIndex>,
    /// How it ended.
    pub status: Status,
    /// What went wrong, in words; empty where nothing did.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// How it was served; absent for live steps and tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<Served>,
    /// Number of failed tries before it.
    pub failed_attempts: usize,
    /// A tool's arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Through which boundary a tool was seen; absent where it is derived from messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captured: Option<Boundary>,
    /// What running a captured tool leaves behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// The model step whose answer holds a tool's call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_by: Option<StepIndex>,
    /// The text of the answer or of the tool's result.
    pub text: String,
    /// What it used.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// A timeline.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TimelineReport {
    /// Its label.
    pub label: String,
    /// Where it was forked; null for a recorded one.
    pub forked_from: Option<ForkedFrom>,
    /// Whether it was finished in order.
    pub is_complete: bool,
    /// How the run ended.
    pub outcome: Outcome,
    /// What the replay found out; null for a recorded one.
    pub replay: Option<ReplayReport>,
    /// What was paid and what was not.
    pub savings: Savings,
    /// Its steps, by number.
    pub steps: Vec<StepReport>,
}

/// A session.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SessionReport {
    /// The version of this shape.
    pub format: &'static str,
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: String,
    /// When it was recorded.
    pub recorded_at: jiff::Timestamp,
    /// Where it came from.
    pub source: Source,
    /// The command line that was run.
    pub command: Vec<String>,
    /// The agent's input.
    pub input: Option<String>,
    /// Its timelines, in the order in which they were made.
    pub timelines: Vec<TimelineReport>,
}

impl SessionReport {
    /// Returns the session; `only` restricts it to one timeline, by its label.
    pub fn new(session: &Session, only: Option<&str>, prices: &PriceTable) -> Self {
        let timelines = session
            .timelines
            .iter()
            .filter(|timeline| only.is_none_or(|label| timeline.label == label))
            .map(|timeline| timeline_report(session, timeline, prices))
            .collect();
        Self {
            format: "1.0",
            id: session.id,
            name: session.name.clone(),
            recorded_at: session.recorded_at,
            source: session.source.clone(),
            command: session.command.clone(),
            input: session.input.clone(),
            timelines,
        }
    }
}

fn timeline_report(session: &Session, timeline: &Timeline, prices: &PriceTable) -> TimelineReport {
    let parent = timeline
        .forked_from
        .as_ref()
        .and_then(|fork| session.timeline(&fork.label));
    TimelineReport {
        label: timeline.label.clone(),
        forked_from: timeline.forked_from.clone(),
        is_complete: timeline.is_complete,
        outcome: timeline.outcome.clone(),
        replay: timeline.replay.clone(),
        savings: savings(timeline, parent, prices),
        steps: timeline
            .steps
            .iter()
            .map(|step| step_report(step, prices))
            .collect(),
    }
}

fn step_report(step: &Step, prices: &PriceTable) -> StepReport {
    let (kind, name, text) = match &step.kind {
        StepKind::Model(call) => {
            let output = call.response.output.as_ref();
            (
                "model",
                words::model(call),
                output.map(|message| message.plain_text()),
            )
        }
        StepKind::Tool(tool) => (
            "tool",
            tool.name.clone(),
            tool.result.as_deref().map(plain_text),
        ),
    };
    let captured = step.tool().and_then(|tool| tool.captures.first());
    StepReport {
        number: step.number,
        kind,
        name,
        agent: step.agent.clone(),
        lane: step.lane,
        parent: step.parent,
        status: step.status,
        error: words::failure(step).unwrap_or_default(),
        served: step.served().cloned(),
        failed_attempts: step.call().map_or(0, |call| call.attempts.len()),
        arguments: step.tool().map(|tool| tool.arguments.clone()),
        captured: captured.map(|one| one.boundary),
        effect: captured.map(|one| one.effect.unwrap_or(Effect::Mutating)),
        called_by: step.tool().and_then(|tool| tool.called_by),
        text: text.unwrap_or_default(),
        metrics: metrics(step, prices),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::testing::{research, session, timeline};

    #[test]
    fn a_step_says_what_a_program_needs_to_know() {
        let session = session("research", vec![timeline("main", vec![research()])]);
        let report = SessionReport::new(&session, Some("main"), &PriceTable::built_in());
        let steps = &report.timelines[0].steps;
        insta::assert_snapshot!(serde_json::to_string_pretty(&steps[..2]).unwrap());
        let none = SessionReport::new(&session, Some("other"), &PriceTable::built_in());
        assert!(none.timelines.is_empty());
    }
}
