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
    Call, Captured, LaneId, Part, Status, Step, StepIndex, StepKind, Thread, ToolStep,
};
use crate::store::error::Fault;

/// A step as it stands in the JSON text; its number is its place.
#[derive(Debug, Serialize, Deserialize)]
struct StepRow {
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    call: Option<u32>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    tool: Option<ToolRow>,
    #[serde(rename = "l")]
    lane: u32,
    #[serde(rename = "a", default, skip_serializing_if = "String::is_empty")]
    agent: String,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    parent: Option<u32>,
    #[serde(rename = "s")]
    status: Status,
    /// Beginning and end, where they are not the call's.
    #[serde(rename = "us", default, skip_serializing_if = "Option::is_none")]
    us: Option<(u64, u64)>,
    /// The number, where it is not the place.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ToolRow {
    #[serde(rename = "by")]
    called_by: u32,
    #[serde(rename = "i", default)]
    call_index: u32,
    #[serde(rename = "seen", default, skip_serializing_if = "Option::is_none")]
    seen_by: Option<u32>,
    captured: Captured,
    /// Name and arguments, where the answer does not hold them.
    #[serde(rename = "call", default, skip_serializing_if = "Option::is_none")]
    call: Option<(String, Value)>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    result: Option<ResultRow>,
}

#[derive(Debug, Serialize, Deserialize)]
enum ResultRow {
    /// The place in the request that has seen it: messages from its end, part of the message.
    #[serde(rename = "at")]
    At(u32, u32),
    /// The content itself.
    #[serde(rename = "is")]
    Is(Vec<Part>),
}

/// Returns the JSON text of the steps.
pub(in crate::store) fn encode(steps: &[Step]) -> Result<String, Fault> {
    let calls: HashMap<StepIndex, &Arc<Call>> = steps
        .iter()
        .filter_map(|step| step.call().map(|call| (step.number, call)))
        .collect();
    let rows: Vec<StepRow> = (1_u32..)
        .zip(steps)
        .map(|(place, step)| {
            let (call, tool) = match &step.kind {
                StepKind::Model(call) => (Some(call.ordinal), None),
                StepKind::Tool(tool) => (None, Some(tool_row(tool, &calls))),
            };
            let usual = usual_times(step.call().or_else(|| owner(step, &calls)), call.is_some());
            StepRow {
                call,
                tool,
                lane: step.lane.0,
                agent: step.agent.clone(),
                parent: step.parent.map(|parent| parent.0),
                status: step.status,
                us: Some((step.began_us, step.ended_us)).filter(|times| Some(*times) != usual),
                number: Some(step.number.0).filter(|number| *number != place),
            }
        })
        .collect();
    to_text("steps", &rows)
}

/// Returns the steps that the JSON text holds.
pub(in crate::store) fn decode(text: &str, calls: &[Arc<Call>]) -> Result<Vec<Step>, Fault> {
    let rows: Vec<StepRow> = from_text("steps", text)?;
    let by_ordinal: HashMap<u32, &Arc<Call>> =
        calls.iter().map(|call| (call.ordinal, call)).collect();
    let number = |place: u32, row: &StepRow| StepIndex(row.number.unwrap_or(place));
    let by_number: HashMap<StepIndex, &Arc<Call>> = (1_u32..)
        .zip(&rows)
        .filter_map(|(place, row)| {
            let call = by_ordinal.get(&row.call?)?;
            Some((number(place, row), *call))
        })
        .collect();
    (1_u32..)
        .zip(&rows)
        .map(|(place, row)| {
            let number = number(place, row);
            let missing = |what: &str| Fault::row(format!("step {number}"), what);
            let (kind, usual) = match (row.call, &row.tool) {
                (Some(ordinal), None) => {
                    let call = by_ordinal
                        .get(&ordinal)
                        .ok_or_else(|| missing("its call is missing"))?;
                    (
                        StepKind::Model(Arc::clone(call)),
                        usual_times(Some(call), true),
                    )
                }
                (None, Some(tool)) => {
                    let owner = by_number.get(&StepIndex(tool.called_by)).copied();
                    let tool = tool_step(tool, &by_number)
                        .ok_or_else(|| missing("its tool call or result is missing"))?;
                    (StepKind::Tool(tool), usual_times(owner, false))
                }
                (Some(_), Some(_)) | (None, None) => {
                    return Err(missing("it is neither a call nor a tool step"));
                }
            };
            let (began_us, ended_us) = row
                .us
                .or(usual)
                .ok_or_else(|| missing("its times are missing"))?;
            Ok(Step {
                number,
                kind,
                lane: LaneId(row.lane),
                agent: row.agent.clone(),
                parent: row.parent.map(StepIndex),
                status: row.status,
                began_us,
                ended_us,
            })
        })
        .collect()
}

/// Returns the call whose answer asked for this tool step.
fn owner<'a>(step: &Step, calls: &HashMap<StepIndex, &'a Arc<Call>>) -> Option<&'a Arc<Call>> {
    step.tool()
        .and_then(|tool| calls.get(&tool.called_by).copied())
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

fn tool_row(tool: &ToolStep, calls: &HashMap<StepIndex, &Arc<Call>>) -> ToolRow {
    let called = calls
        .get(&tool.called_by)
        .and_then(|call| asked(call, tool.call_index));
    let is_there = called == Some((tool.name.as_str(), &tool.arguments));
    let seen_by = tool.seen_by.and_then(|step| calls.get(&step));
    let result = tool.result.as_ref().map(|content| {
        let place = seen_by.and_then(|call| find(&call.request.thread, content));
        place.map_or_else(
            || ResultRow::Is(content.clone()),
            |(back, part)| ResultRow::At(back, part),
        )
    });
    ToolRow {
        called_by: tool.called_by.0,
        call_index: tool.call_index,
        seen_by: tool.seen_by.map(|step| step.0),
        captured: tool.captured,
        call: (!is_there).then(|| (tool.name.clone(), tool.arguments.clone())),
        result,
    }
}

fn tool_step(row: &ToolRow, calls: &HashMap<StepIndex, &Arc<Call>>) -> Option<ToolStep> {
    let (name, arguments) = match &row.call {
        Some((name, arguments)) => (name.clone(), arguments.clone()),
        None => {
            let call = calls.get(&StepIndex(row.called_by))?;
            let (name, arguments) = asked(call, row.call_index)?;
            (name.to_owned(), arguments.clone())
        }
    };
    let seen_by = row.seen_by.map(StepIndex);
    let result = match &row.result {
        None => None,
        Some(ResultRow::Is(content)) => Some(content.clone()),
        Some(ResultRow::At(back, part)) => {
            let call = seen_by.and_then(|step| calls.get(&step))?;
            Some(content_at(&call.request.thread, *back, *part)?.to_vec())
        }
    };
    Some(ToolStep {
        name,
        arguments,
        result,
        called_by: StepIndex(row.called_by),
        call_index: row.call_index,
        seen_by,
        captured: row.captured,
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
