//! Tool spans: which of the model's tool calls each answers, and what it adds to the step.
//!
//! A trace is no boundary at which a tool could be served, so the steps count as derived from messages;
//! the span gives them their times, and a failure that the messages do not show.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::since;
use super::tree::Tree;
use crate::interop::meaning::{self, Kind};
use crate::model::{Boundary, Call, Captured, Step, StepKind, ToolCapture, ToolOutcome};

/// The tool spans of a trace.
#[derive(Debug, Default)]
pub(super) struct Captures {
    pub(super) list: Vec<Arc<ToolCapture>>,
    /// The ids of their spans, by ordinal.
    spans: Vec<String>,
}

/// What became of the tool spans.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// How many are steps.
    pub(super) steps: usize,
    /// How many tell of a step that another one tells of.
    pub(super) folded: usize,
    /// The ids of the spans, by the number of the step.
    pub(super) spans: HashMap<u32, String>,
}

/// Returns the tool spans, each with the call that it answers.
pub(super) fn captures(
    tree: &Tree,
    kinds: &[Kind],
    calls: &[Arc<Call>],
    origin_us: i64,
) -> Captures {
    let mut asked = Asked::of(calls);
    let mut found = Captures::default();
    let tools = tree.spans.iter().zip(kinds);
    for (span, _kind) in tools.filter(|(_span, kind)| **kind == Kind::Tool) {
        let tool = meaning::tool(span);
        let began_us = since(origin_us, span.began_us);
        let ended_us = since(origin_us, span.ended_us.unwrap_or(span.began_us)).max(began_us);
        let arguments = tool.arguments.unwrap_or_default();
        let call = asked.take(tool.call_id.as_deref(), &tool.name, &arguments, began_us);
        let outcome = match (tool.result, &span.error) {
            (result, Some(message)) => Some(ToolOutcome {
                result: result.unwrap_or_else(|| Value::from(message.as_str())),
                is_error: true,
            }),
            (Some(result), None) => Some(ToolOutcome {
                result,
                is_error: false,
            }),
            (None, None) => None,
        };
        found.list.push(Arc::new(ToolCapture {
            ordinal: u32::try_from(found.list.len()).unwrap_or(u32::MAX),
            name: tool.name,
            arguments: call.arguments.unwrap_or(arguments),
            boundary: Boundary::Shim,
            effect: None,
            server: None,
            call_id: tool.call_id.filter(|_id| call.is_named),
            outcome,
            served: None,
            began_us,
            ended_us,
        }));
        found.spans.push(span.id.clone());
    }
    found
}

/// Makes tool steps what a trace can say of them, and says which spans they are.
pub(super) fn settle(steps: &mut [Step], captures: &Captures) -> Settled {
    let mut settled = Settled::default();
    for step in steps {
        let StepKind::Tool(tool) = &mut step.kind else {
            continue;
        };
        let seen = std::mem::take(&mut tool.captures);
        tool.captured = Captured::Messages;
        if let Some(first) = seen.first() {
            settled.steps += 1;
            settled.folded += seen.len().saturating_sub(1);
            let place = usize::try_from(first.ordinal).unwrap_or(usize::MAX);
            if let Some(span) = captures.spans.get(place) {
                settled.spans.insert(step.number.0, span.clone());
            }
        }
    }
    settled
}

/// The tool calls that models asked for and that no span answers yet.
struct Asked<'c> {
    by_id: HashMap<&'c str, (usize, usize)>,
    by_name: HashMap<&'c str, Vec<Open<'c>>>,
    taken: HashSet<(usize, usize)>,
}

struct Open<'c> {
    place: (usize, usize),
    asked_us: u64,
    arguments: &'c Value,
}

/// What a tool span answers.
#[derive(Default)]
struct Answered {
    /// Whether the id says so.
    is_named: bool,
    /// The arguments as the model wrote them.
    arguments: Option<Value>,
}

impl<'c> Asked<'c> {
    fn of(calls: &'c [Arc<Call>]) -> Self {
        let mut by_id = HashMap::new();
        let mut by_name: HashMap<&str, Vec<Open<'_>>> = HashMap::new();
        for (owner, call) in calls.iter().enumerate() {
            let output = call.response.output.iter();
            let asked = output.flat_map(|output| output.tool_calls());
            for (index, (name, arguments)) in asked.enumerate() {
                let place = (owner, index);
                by_name.entry(name).or_default().push(Open {
                    place,
                    asked_us: call.began_us,
                    arguments,
                });
                let id = call.response.call_ids.get(index);
                if let Some(id) = id.filter(|id| !id.is_empty()) {
                    by_id.entry(id.as_str()).or_insert(place);
                }
            }
        }
        Self {
            by_id,
            by_name,
            taken: HashSet::new(),
        }
    }

    /// Returns what a tool span answers: the call of its id, else the latest of its name with its arguments,
    /// else the first of its name that was asked for before it began.
    fn take(&mut self, id: Option<&str>, name: &str, arguments: &Value, began_us: u64) -> Answered {
        if let Some(place) = id.and_then(|id| self.by_id.get(id)) {
            self.taken.insert(*place);
            return Answered {
                is_named: true,
                arguments: None,
            };
        }
        let Some(open) = self.by_name.get(name) else {
            return Answered::default();
        };
        let free = || {
            let open = open.iter().filter(|one| one.asked_us <= began_us);
            open.filter(|one| !self.taken.contains(&one.place))
        };
        let equal = free().filter(|one| one.arguments == arguments);
        let latest = equal.map(|one| one.place.0).max();
        let same = latest.and_then(|owner| {
            let mut of_it = free().filter(|one| one.place.0 == owner);
            of_it.find(|one| one.arguments == arguments)
        });
        let Some(found) = same.or_else(|| free().next()) else {
            return Answered::default();
        };
        let arguments = found.arguments.clone();
        self.taken.insert(found.place);
        Answered {
            is_named: false,
            arguments: Some(arguments),
        }
    }
}
