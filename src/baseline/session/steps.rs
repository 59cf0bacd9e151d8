//! Histories and tool results by reference to earlier steps and to messages.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::blobs::Blobs;
use super::error::Wrong;
use super::lines::{CaptureLine, CaptureWire, ModelLine, ToolLine};
use super::pool::{PoolReader, PoolWriter};
use crate::model::{
    Answers, Call, ContentId, Message, Part, Pooled, StepIndex, Thread, ThreadInterner,
    ToolCapture, ToolStep,
};

/// Where a history begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Begin {
    /// With the request and the answer of a step.
    Extends(u32),
    /// With the request of a step.
    Repeats(u32),
}

/// A history told by an earlier step and what follows.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) extends: Option<u32>,
    pub(super) repeats: Option<u32>,
    pub(super) add: Vec<String>,
    pub(super) answers: Map<String, Value>,
}

/// The histories of the steps written so far.
#[derive(Debug, Default)]
pub(super) struct HistoryWriter {
    known: HashMap<ContentId, Begin>,
}

impl HistoryWriter {
    /// Returns the history of a call, and remembers it for the steps to come.
    pub(super) fn tell(
        &mut self,
        number: StepIndex,
        call: &Call,
        pool: &mut PoolWriter,
        blobs: &mut Blobs,
    ) -> History {
        let thread = &call.request.thread;
        let mut history = History::default();
        let mut added: Vec<&Thread> = Vec::new();
        for ancestor in thread.ancestors() {
            match self.known.get(&ancestor.id()) {
                Some(Begin::Extends(step)) => history.extends = Some(*step),
                Some(Begin::Repeats(step)) => history.repeats = Some(*step),
                None => {
                    added.push(ancestor);
                    continue;
                }
            }
            break;
        }
        for (place, node) in added.into_iter().rev().enumerate() {
            let Some(message) = node.last() else { continue };
            history.add.push(pool.message(message, blobs));
            let answers = node.last_answers();
            if !answers.is_empty() {
                let answers = serde_json::to_value(answers).unwrap_or_default();
                history.answers.insert(place.to_string(), answers);
            }
        }
        self.known
            .entry(thread.id())
            .or_insert(Begin::Repeats(number.0));
        if let Some(output) = &call.response.output {
            let extended = thread.push(Arc::clone(output), Answers::new());
            self.known
                .entry(extended.id())
                .or_insert(Begin::Extends(number.0));
        }
        history
    }
}

/// Returns the history that a line tells; `earlier` are the calls of the steps before it.
pub(super) fn history(
    line: &ModelLine,
    earlier: &HashMap<u32, Arc<Call>>,
    pool: &PoolReader,
    interner: &mut ThreadInterner,
) -> Result<Thread, Wrong> {
    let step = |number: u32| {
        earlier.get(&number).ok_or_else(|| {
            Wrong(format!(
                "step {number} is no model step before this one, so no history begins there"
            ))
        })
    };
    let mut thread = match (line.extends, line.repeats) {
        (None, None) => Thread::empty(),
        (None, Some(number)) => step(number)?.request.thread.clone(),
        (Some(number), None) => {
            let call = step(number)?;
            let output = call.response.output.as_ref().ok_or_else(|| {
                Wrong(format!(
                    "step {number} has no answer, so no history extends it"
                ))
            })?;
            interner.push(&call.request.thread, Arc::clone(output), Answers::new())
        }
        (Some(_), Some(_)) => {
            return Err(Wrong(
                "expected `extends` or `repeats`, not both".to_owned(),
            ));
        }
    };
    for place in line.answers.keys() {
        let is_place = place
            .parse()
            .is_ok_and(|place: usize| place < line.add.len());
        if !is_place {
            return Err(Wrong(format!("`answers`: `{place}` is no place in `add`")));
        }
    }
    for (place, id) in line.add.iter().enumerate() {
        let answers: Answers = match line.answers.get(&place.to_string()) {
            Some(answers) => serde_json::from_value(answers.clone())
                .map_err(|error| Wrong(format!("`answers`: {error}")))?,
            None => Answers::new(),
        };
        thread = interner.push(&thread, pool.message(id)?, answers);
    }
    Ok(thread)
}

/// Returns the line of a tool step; `calls` are those of all model steps.
pub(super) fn tool_line(
    tool: &ToolStep,
    calls: &HashMap<u32, Arc<Call>>,
    pool: &mut PoolWriter,
    blobs: &mut Blobs,
) -> ToolLine {
    let asked = tool
        .called_by
        .and_then(|by| calls.get(&by.0))
        .and_then(|call| arguments(call, tool.call_index));
    let seen_by = tool.seen_by.and_then(|step| calls.get(&step.0));
    let place = tool
        .result
        .as_deref()
        .zip(seen_by)
        .and_then(|(content, call)| find(&call.request.thread, content));
    ToolLine {
        name: tool.name.clone(),
        called_by: tool.called_by.map(|by| by.0),
        call_index: tool.call_index,
        seen_by: tool.seen_by.map(|step| step.0),
        captured: tool.captured,
        arguments: (asked != Some(&tool.arguments)).then(|| tool.arguments.clone()),
        result: tool.result.clone().filter(|_content| place.is_none()),
        result_part: place.as_ref().map_or(0, |(_message, part)| *part),
        result_in: place.map(|(message, _part)| pool.message(&message, blobs)),
        captures: tool
            .captures
            .iter()
            .map(|one| capture_line(one, tool))
            .collect(),
    }
}

fn capture_line(one: &ToolCapture, tool: &ToolStep) -> CaptureLine {
    CaptureLine {
        boundary: one.boundary,
        name: (one.name != tool.name).then(|| one.name.clone()),
        arguments: (one.arguments != tool.arguments).then(|| one.arguments.clone()),
        effect: one.effect,
        server: one.server.clone(),
        outcome: one.outcome.clone(),
        served: one.served.clone(),
    }
}

/// Returns what of the captured calls differs with each recording.
pub(super) fn captures_wire(tool: &ToolStep) -> Vec<CaptureWire> {
    tool.captures
        .iter()
        .map(|one| CaptureWire {
            n: one.ordinal,
            call_id: one.call_id.clone(),
            us: (one.began_us, one.ended_us),
        })
        .collect()
}

/// Returns the captured calls of a step.
fn captures(
    lines: Vec<CaptureLine>,
    wire: Vec<CaptureWire>,
    (name, arguments): (&str, &Value),
) -> Result<Vec<Arc<ToolCapture>>, Wrong> {
    if lines.len() != wire.len() {
        let (lines, wire) = (lines.len(), wire.len());
        return Err(Wrong(format!(
            "the step has {lines} captured calls, but wire.jsonl tells of {wire}"
        )));
    }
    let both = lines.into_iter().zip(wire);
    Ok(both
        .map(|(line, wire)| {
            Arc::new(ToolCapture {
                ordinal: wire.n,
                name: line.name.unwrap_or_else(|| name.to_owned()),
                arguments: line.arguments.unwrap_or_else(|| arguments.clone()),
                boundary: line.boundary,
                effect: line.effect,
                server: line.server,
                call_id: wire.call_id,
                outcome: line.outcome,
                served: line.served,
                began_us: wire.us.0,
                ended_us: wire.us.1,
            })
        })
        .collect())
}

/// Returns the tool step that a line tells.
pub(super) fn tool_step(
    line: ToolLine,
    wire: Vec<CaptureWire>,
    calls: &HashMap<u32, Arc<Call>>,
    pool: &PoolReader,
) -> Result<ToolStep, Wrong> {
    let call = |number: u32| {
        calls
            .get(&number)
            .ok_or_else(|| Wrong(format!("step {number} is no model step")))
    };
    let caller = line.called_by.map(call).transpose()?;
    if let Some(seen_by) = line.seen_by {
        call(seen_by)?;
    }
    let arguments = match line.arguments {
        Some(arguments) => arguments,
        None => caller
            .and_then(|caller| arguments(caller, line.call_index).cloned())
            .ok_or_else(|| {
                let (index, caller) = (line.call_index, line.called_by.unwrap_or(0));
                Wrong(format!(
                    "the answer of step {caller} has no tool call {index} (from 0)"
                ))
            })?,
    };
    let result = match &line.result_in {
        None => line.result,
        Some(id) => {
            let message = pool.message(id)?;
            let content = result_at(&message, line.result_part).ok_or_else(|| {
                Wrong(format!(
                    "part {} of `{id}` is no tool result",
                    line.result_part
                ))
            })?;
            Some(content.to_vec())
        }
    };
    let captures = captures(line.captures, wire, (&line.name, &arguments))?;
    Ok(ToolStep {
        name: line.name,
        arguments,
        result,
        called_by: line.called_by.map(StepIndex),
        call_index: line.call_index,
        seen_by: line.seen_by.map(StepIndex),
        captured: line.captured,
        captures,
    })
}

fn arguments(call: &Call, index: u32) -> Option<&Value> {
    let output = call.response.output.as_ref()?;
    let (_name, arguments) = output.tool_calls().nth(usize::try_from(index).ok()?)?;
    Some(arguments)
}

/// Returns the latest message that holds `content` as a tool result, and the part.
fn find(thread: &Thread, content: &[Part]) -> Option<(Arc<Pooled<Message>>, u32)> {
    thread.ancestors().find_map(|node| {
        let message = node.last()?;
        let place = message
            .parts
            .iter()
            .position(|part| result_content(part) == Some(content))?;
        Some((Arc::clone(message), u32::try_from(place).ok()?))
    })
}

fn result_at(message: &Message, part: u32) -> Option<&[Part]> {
    let part = message.parts.get(usize::try_from(part).ok()?)?;
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
