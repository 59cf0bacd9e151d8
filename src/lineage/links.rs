//! Finds each call's predecessor in its conversation, its lane, and the results of its tool calls.

use std::collections::HashMap;
use std::sync::Arc;

use super::agents;
use super::conversations::Conversations;
use crate::model::{Call, CallRef, LaneId, Part, Thread};

/// A result of a tool call, and who first reports it to the model.
#[derive(Debug, Clone)]
pub(super) struct FoundResult {
    /// The content of the result.
    pub(super) content: Vec<Part>,
    /// Whether it was marked as an error.
    pub(super) is_error: bool,
    /// The index of the call whose request first holds it.
    pub(super) seen_by: usize,
}

/// A call with its place among the others.
#[derive(Debug, Clone)]
pub(super) struct Traced {
    /// The call.
    pub(super) call: Arc<Call>,
    /// The index of the call that it continues.
    pub(super) parent: Option<usize>,
    /// Its lane.
    pub(super) lane: LaneId,
    /// Its agent.
    pub(super) agent: String,
    /// The results of its tool calls, by their position.
    pub(super) results: HashMap<u32, FoundResult>,
}

/// Returns the calls with their places, in the order given.
pub(super) fn trace(calls: &[Arc<Call>]) -> Vec<Traced> {
    let names = agents::names(calls);
    let parents = parents(calls);
    let mut lanes = Lanes::default();
    let mut traced: Vec<Traced> = Vec::with_capacity(calls.len());
    for ((index, call), agent) in calls.iter().enumerate().zip(names) {
        let parent = parents.get(index).copied().flatten();
        let lane = lanes.assign(index, parent);
        let call = Arc::clone(call);
        traced.push(Traced {
            call,
            parent,
            lane,
            agent,
            results: HashMap::new(),
        });
        attach_results(&mut traced, index);
    }
    traced
}

/// Gives a lane to each call: its parent's if it is the parent's first child, else a new one.
#[derive(Default)]
struct Lanes {
    of_call: HashMap<usize, LaneId>,
    continued: std::collections::HashSet<usize>,
    last: u32,
}

impl Lanes {
    fn assign(&mut self, index: usize, parent: Option<usize>) -> LaneId {
        let inherited = parent
            .filter(|parent| self.continued.insert(*parent))
            .and_then(|parent| self.of_call.get(&parent).copied());
        let lane = inherited.unwrap_or_else(|| {
            self.last = self.last.saturating_add(1);
            LaneId(self.last)
        });
        self.of_call.insert(index, lane);
        lane
    }
}

/// Returns for each call the earlier call that it continues.
fn parents(calls: &[Arc<Call>]) -> Vec<Option<usize>> {
    let mut conversations = Conversations::default();
    let mut parents = Vec::with_capacity(calls.len());
    for (index, call) in calls.iter().enumerate() {
        let thread = &call.request.thread;
        parents.push(conversations.claim(thread));
        if let Some(output) = &call.response.output {
            conversations.insert(thread, output, index);
        }
    }
    parents
}

/// Gives the tool results that the call at `index` brings to the calls whose answers asked for them.
fn attach_results(traced: &mut [Traced], index: usize) {
    let Some(current) = traced.get(index) else {
        return;
    };
    let Some(parent) = current.parent else { return };
    let known = traced
        .get(parent)
        .map_or(0, |parent| parent.call.request.thread.len());
    let found = new_results(&current.call.request.thread, known);
    for (turn_position, call_index, content, is_error) in found {
        let Some(owner) = answer_at(traced, index, turn_position) else {
            continue;
        };
        if let Some(owner) = traced.get_mut(owner) {
            let result = FoundResult {
                content,
                is_error,
                seen_by: index,
            };
            owner.results.entry(call_index).or_insert(result);
        }
    }
}

/// Returns the ancestor whose answer stands at `position` of the conversation of the call at `index`.
fn answer_at(traced: &[Traced], index: usize, position: usize) -> Option<usize> {
    let mut ancestor = traced.get(index)?.parent;
    while let Some(candidate) = ancestor {
        let traced_candidate = traced.get(candidate)?;
        let asked = traced_candidate.call.request.thread.len();
        if asked <= position {
            return (asked == position).then_some(candidate);
        }
        ancestor = traced_candidate.parent;
    }
    None
}

/// A result with the position of the turn that called, and the call's place in it.
type PlacedResult = (usize, u32, Vec<Part>, bool);

/// Returns the tool results in `thread` behind its first `known` messages.
fn new_results(thread: &Thread, known: usize) -> Vec<PlacedResult> {
    // From the end back to the turn that the first new message may answer.
    let mut tail: Vec<&Thread> = Vec::new();
    for ancestor in thread.ancestors() {
        tail.push(ancestor);
        let is_turn = ancestor
            .last()
            .is_some_and(|last| last.tool_calls().next().is_some());
        if ancestor.len() <= known.saturating_add(1) && is_turn {
            break;
        }
    }
    tail.reverse();
    let mut turns: Vec<usize> = Vec::new();
    let mut since_turn = 0_u32;
    let mut results = Vec::new();
    for node in tail {
        let Some(message) = node.last() else { continue };
        let position = node.len().saturating_sub(1);
        if message.tool_calls().next().is_some() {
            turns.push(position);
            since_turn = 0;
        }
        for (nth, (content, is_error)) in tool_results(&message.parts).enumerate() {
            let usual = Some(CallRef {
                turns_back: 0,
                index: since_turn,
            });
            since_turn = since_turn.saturating_add(1);
            let answers = node.last_answers();
            let reference = if answers.is_empty() {
                usual
            } else {
                answers.get(nth).copied().flatten()
            };
            let Some(reference) = reference else { continue };
            let back = turns.len().checked_sub(reference.turns_back as usize + 1);
            if let Some(turn) = back.and_then(|at| turns.get(at)) {
                results.push((*turn, reference.index, content.to_vec(), is_error));
            }
        }
    }
    results
}

fn tool_results(parts: &[Part]) -> impl Iterator<Item = (&[Part], bool)> {
    parts.iter().filter_map(|part| match part {
        Part::ToolResult {
            content, is_error, ..
        } => Some((content.as_slice(), *is_error)),
        Part::Text { .. }
        | Part::ToolCall { .. }
        | Part::Reasoning { .. }
        | Part::Refusal { .. }
        | Part::Media { .. }
        | Part::Other { .. } => None,
    })
}
