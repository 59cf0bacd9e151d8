//! The steps of a finished timeline as one JSON text, and back.
//!
//! A tool step's arguments and result stand in messages already; they are referred to, and written
//! out only where no message holds them.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{from_text, to_text};
use crate::model::{
    Call, Captured, LaneId, Part, Status, Step, StepIndex, StepKind, Thread, ToolCapture, ToolStep,
};
use crate::store::error::Fault;

/// A step as it stands in the JSON text. What is usual is left out: see [`Usual`].
#[derive(Debug, Default, Serialize, Deserialize)]
struct StepRow {
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    call: Option<u32>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    tool: Option<ToolRow>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    lane: Option<u32>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// The parent's number; 0 for none.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    parent: Option<u32>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(rename = "us", default, skip_serializing_if = "Option::is_none")]
    us: Option<(u64, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ToolRow {
    /// The model step that called, where it is not the one before; 0 for none.
    #[serde(rename = "by", default, skip_serializing_if = "Option::is_none")]
    called_by: Option<u32>,
    /// The place among the answer's calls, where it is not the first.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    call_index: Option<u32>,
    #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
    seen_by: Option<u32>,
    #[serde(rename = "cap", default, skip_serializing_if = "Option::is_none")]
    captured: Option<Captured>,
    /// The captured calls, by ordinal.
    #[serde(rename = "seen", default, skip_serializing_if = "Vec::is_empty")]
    captures: Vec<u32>,
    /// Name and arguments, where the answer does not hold them.
    #[serde(rename = "call", default, skip_serializing_if = "Option::is_none")]
    call: Option<(String, Value)>,
    /// The place of the result in the request that has seen it: messages from its end, part.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    result_at: Option<(u32, u32)>,
    /// The result, where that request does not hold it.
    #[serde(rename = "is", default, skip_serializing_if = "Option::is_none")]
    result: Option<Vec<Part>>,
}

/// What a step mostly is, seen from the steps before it.
#[derive(Debug, Default)]
struct Usual {
    /// The place, which is the number.
    place: u32,
    /// Lane and agent of the step before.
    lane: u32,
    agent: String,
    /// The latest model step of each lane: the parent.
    latest: HashMap<u32, u32>,
    /// The latest model step: the caller.
    caller: u32,
}

impl Usual {
    fn parent(&self, row: &StepRow, lane: u32) -> u32 {
        match &row.tool {
            Some(tool) => tool.called_by.unwrap_or(self.caller),
            None => self.latest.get(&lane).copied().unwrap_or(0),
        }
    }

    fn advance(&mut self, step: &Step) {
        self.lane = step.lane.0;
        self.agent.clone_from(&step.agent);
        if step.call().is_some() {
            self.latest.insert(step.lane.0, step.number.0);
            self.caller = step.number.0;
        }
    }
}

/// Captured calls by their ordinals.
type Captures<'a> = HashMap<u32, &'a Arc<ToolCapture>>;

/// What the rows refer to.
#[derive(Clone, Copy)]
struct Known<'a> {
    calls: &'a ByNumber<'a>,
    captures: &'a Captures<'a>,
}

/// Calls by the numbers of their steps.
type ByNumber<'a> = HashMap<StepIndex, &'a Arc<Call>>;

/// Returns the JSON text of the steps.
pub(in crate::store) fn encode(steps: &[Step]) -> Result<String, Fault> {
    let calls: ByNumber<'_> = steps
        .iter()
        .filter_map(|step| step.call().map(|call| (step.number, call)))
        .collect();
    let mut usual = Usual::default();
    let rows: Vec<StepRow> = steps
        .iter()
        .map(|step| {
            usual.place = usual.place.saturating_add(1);
            let row = row(step, &calls, &usual);
            usual.advance(step);
            row
        })
        .collect();
    to_text("steps", &rows)
}

fn row(step: &Step, calls: &ByNumber<'_>, usual: &Usual) -> StepRow {
    let mut row = StepRow::default();
    match &step.kind {
        StepKind::Model(call) => row.call = Some(call.ordinal),
        StepKind::Tool(tool) => row.tool = Some(tool_row(tool, calls, usual)),
    }
    let times = usual_times(
        step.call().or_else(|| owner(step, calls)),
        row.call.is_some(),
    );
    let parent = step.parent.map_or(0, |parent| parent.0);
    let usual_parent = usual.parent(&row, step.lane.0);
    row.parent = Some(parent).filter(|parent| *parent != usual_parent);
    row.number = Some(step.number.0).filter(|number| *number != usual.place);
    row.lane = Some(step.lane.0).filter(|lane| *lane != usual.lane);
    row.agent = Some(&step.agent)
        .filter(|agent| **agent != usual.agent)
        .cloned();
    row.status = Some(step.status).filter(|status| *status != Status::Ok);
    row.us = Some((step.began_us, step.ended_us)).filter(|us| Some(*us) != times);
    row
}

/// Returns the steps that the JSON text holds.
pub(in crate::store) fn decode(
    text: &str,
    calls: &[Arc<Call>],
    captures: &[Arc<ToolCapture>],
) -> Result<Vec<Step>, Fault> {
    let rows: Vec<StepRow> = from_text("steps", text)?;
    let by_ordinal: HashMap<u32, &Arc<Call>> =
        calls.iter().map(|call| (call.ordinal, call)).collect();
    let by_number: ByNumber<'_> = (1_u32..)
        .zip(&rows)
        .filter_map(|(place, row)| {
            let call = by_ordinal.get(&row.call?)?;
            Some((StepIndex(row.number.unwrap_or(place)), *call))
        })
        .collect();
    let captures: Captures<'_> = captures.iter().map(|one| (one.ordinal, one)).collect();
    let known = Known {
        calls: &by_number,
        captures: &captures,
    };
    let mut usual = Usual::default();
    rows.into_iter()
        .map(|row| {
            usual.place = usual.place.saturating_add(1);
            let call = row
                .call
                .and_then(|ordinal| by_ordinal.get(&ordinal).copied());
            let step = step(row, call, known, &usual)
                .map_err(|why| Fault::row(format!("step {}", usual.place), why))?;
            usual.advance(&step);
            Ok(step)
        })
        .collect()
}

fn step(
    row: StepRow,
    call: Option<&Arc<Call>>,
    known: Known<'_>,
    usual: &Usual,
) -> Result<Step, &'static str> {
    let lane = row.lane.unwrap_or(usual.lane);
    let parent = row.parent.unwrap_or_else(|| usual.parent(&row, lane));
    let (kind, times) = match (call, &row.tool) {
        (Some(call), None) => (
            StepKind::Model(Arc::clone(call)),
            usual_times(Some(call), true),
        ),
        (None, Some(tool)) => {
            let tool = tool_step(tool, known, usual).ok_or("its tool call or result is missing")?;
            let owner = tool.called_by.and_then(|by| known.calls.get(&by).copied());
            (StepKind::Tool(tool), usual_times(owner, false))
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err("it is no tool step, and its call is missing");
        }
    };
    let (began_us, ended_us) = row.us.or(times).ok_or("its times are missing")?;
    Ok(Step {
        number: StepIndex(row.number.unwrap_or(usual.place)),
        kind,
        lane: LaneId(lane),
        agent: row.agent.unwrap_or_else(|| usual.agent.clone()),
        parent: Some(StepIndex(parent)).filter(|parent| parent.0 > 0),
        status: row.status.unwrap_or(Status::Ok),
        began_us,
        ended_us,
    })
}

/// Returns the call whose answer asked for this tool step.
fn owner<'a>(step: &Step, calls: &ByNumber<'a>) -> Option<&'a Arc<Call>> {
    step.tool()
        .and_then(|tool| calls.get(&tool.called_by?).copied())
}

/// Returns the times that a step mostly has: its call's own, or the end of the answer that called.
fn usual_times(call: Option<&Arc<Call>>, is_model: bool) -> Option<(u64, u64)> {
    call.map(|call| {
        if is_model {
            (call.began_us, call.ended_us)
        } else {
            (call.ended_us, call.ended_us)
        }
    })
}

fn tool_row(tool: &ToolStep, calls: &ByNumber<'_>, usual: &Usual) -> ToolRow {
    let by = tool.called_by.map_or(0, |by| by.0);
    let called = calls
        .get(&StepIndex(by))
        .and_then(|call| asked(call, tool.call_index));
    let is_there = called == Some((tool.name.as_str(), &tool.arguments));
    let seen_by = tool.seen_by.and_then(|step| calls.get(&step));
    let result_at = tool
        .result
        .as_deref()
        .zip(seen_by)
        .and_then(|(content, call)| find(&call.request.thread, content));
    ToolRow {
        called_by: Some(by).filter(|by| *by != usual.caller),
        call_index: Some(tool.call_index).filter(|index| *index > 0),
        seen_by: tool.seen_by.map(|step| step.0),
        captured: Some(tool.captured).filter(|captured| *captured != Captured::Messages),
        captures: tool.captures.iter().map(|one| one.ordinal).collect(),
        call: (!is_there).then(|| (tool.name.clone(), tool.arguments.clone())),
        result_at,
        result: tool.result.clone().filter(|_content| result_at.is_none()),
    }
}

fn tool_step(row: &ToolRow, known: Known<'_>, usual: &Usual) -> Option<ToolStep> {
    let calls = known.calls;
    let called_by = StepIndex(row.called_by.unwrap_or(usual.caller));
    let call_index = row.call_index.unwrap_or(0);
    let (name, arguments) = if let Some((name, arguments)) = &row.call {
        (name.clone(), arguments.clone())
    } else {
        let (name, arguments) = asked(calls.get(&called_by)?, call_index)?;
        (name.to_owned(), arguments.clone())
    };
    let seen_by = row.seen_by.map(StepIndex);
    let result = match row.result_at {
        None => row.result.clone(),
        Some((back, part)) => {
            let call = seen_by.and_then(|step| calls.get(&step))?;
            Some(content_at(&call.request.thread, back, part)?.to_vec())
        }
    };
    let captures = row.captures.iter();
    let captures = captures.map(|ordinal| known.captures.get(ordinal).map(|one| Arc::clone(one)));
    Some(ToolStep {
        name,
        arguments,
        result,
        called_by: Some(called_by).filter(|by| by.0 > 0),
        call_index,
        seen_by,
        captures: captures.collect::<Option<_>>()?,
        captured: row.captured.unwrap_or(Captured::Messages),
    })
}

fn asked(call: &Call, index: u32) -> Option<(&str, &Value)> {
    let output = call.response.output.as_ref()?;
    output.tool_calls().nth(usize::try_from(index).ok()?)
}

/// Returns where `content` stands as a tool result: messages from the end, part of the message.
fn find(thread: &Thread, content: &[Part]) -> Option<(u32, u32)> {
    (0_u32..).zip(thread.ancestors()).find_map(|(back, node)| {
        let message = node.last()?;
        (0_u32..)
            .zip(&message.parts)
            .find(|(_place, part)| result_content(part) == Some(content))
            .map(|(place, _part)| (back, place))
    })
}

fn content_at(thread: &Thread, back: u32, part: u32) -> Option<&[Part]> {
    let node = thread.ancestors().nth(usize::try_from(back).ok()?)?;
    let part = node.last()?.parts.get(usize::try_from(part).ok()?)?;
    result_content(part)
}

fn result_content(part: &Part) -> Option<&[Part]> {
    match part {
        Part::ToolResult { content, .. } => Some(content),
        Part::Text { .. }
        | Part::ToolCall { .. }
        | Part::Reasoning { .. }
        | Part::Refusal { .. }
        | Part::Media { .. }
        | Part::Other { .. } => None,
    }
}
