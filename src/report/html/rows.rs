//! Rows of a trace as the page shows them.

use serde::Serialize;
use serde_json::Value;

use super::checks::{Beside, FindingView, Tag, tags};
use super::judged::JudgedView;
use super::talk::{Turn, turns, value_text};
use crate::diff::{FieldChange, TextDiff, text_diff};
use crate::report::diff_report::Is;
use crate::report::terminal::words::tool_call;
use crate::report::trace::{Came, Row, Trace, TraceStep};
use crate::report::units::{duration, excerpt, tokens};

/// A row.
#[derive(Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a template asks each on its own"
)]
pub(super) struct RowView {
    id: String,
    is: Is,
    mark: &'static str,
    is_fork: bool,
    is_first: bool,
    /// Whether its step gives the final answer.
    is_answer: bool,
    is_tool: bool,
    left: Option<Cell>,
    right: Option<Cell>,
    differs: String,
    tags: Vec<Tag>,
    findings: Vec<FindingView>,
    judged: Vec<JudgedView>,
    text: Option<TextDiff>,
    reasoning: Option<TextDiff>,
    fields: Vec<FieldView>,
    left_talk: Vec<Turn>,
    right_talk: Vec<Turn>,
    /// Whether both sides said the same, so that it is shown once.
    is_shared: bool,
    has_more: bool,
}

/// A step in its column.
#[derive(Serialize)]
struct Cell {
    number: u32,
    name: String,
    agent: String,
    lane: u32,
    tokens: Option<String>,
    cost: Option<String>,
    took: Option<String>,
    came: &'static str,
    how: String,
    is_failed: bool,
    error: String,
    /// The beginning of what was said.
    gist: String,
}

/// A field that differs.
#[derive(Serialize)]
struct FieldView {
    name: String,
    left: String,
    right: String,
    words: Option<TextDiff>,
}

/// Returns the rows of a trace; `id` is what their addresses begin with, `room` how many bytes of what was said
/// may stand in the page itself, which is left as it is afterwards.
pub(super) fn rows(trace: &Trace, id: &str, beside: Beside, room: &mut usize) -> Vec<RowView> {
    let Beside {
        mut findings,
        mut judged,
    } = beside;
    trace
        .rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let shown = row.right.as_ref().or(row.left.as_ref());
            let mut found = Vec::new();
            if let Some(step) = &row.right {
                found.extend(findings.remove(&(true, step.number.0)).unwrap_or_default());
            }
            if let Some(step) = &row.left {
                found.extend(findings.remove(&(false, step.number.0)).unwrap_or_default());
            }
            let is_shared = row.is == Is::Same;
            let size = said(trace, row);
            let fits = size <= *room;
            if fits {
                *room -= size;
            }
            let talk = |step: &Option<TraceStep>| match step {
                Some(step) if fits => turns(trace, step),
                Some(_) | None => Vec::new(),
            };
            let left_talk = talk(&row.left);
            let right_talk = if is_shared {
                Vec::new()
            } else {
                talk(&row.right)
            };
            let diff = row.diff.as_deref().filter(|_diff| fits);
            RowView {
                id: address(id, row),
                is: row.is,
                mark: match row.is {
                    Is::Same => "=",
                    Is::Changed => "≠",
                    Is::Removed => "−",
                    Is::Added => "+",
                },
                is_fork: trace.fork_row == Some(index),
                is_first: trace.first_row == Some(index),
                is_answer: trace.answer_row == Some(index),
                is_tool: shown.is_some_and(|step| step.is_tool),
                left: row.left.as_ref().map(|step| Cell {
                    gist: gist(trace, step, fits),
                    ..cell(step, false)
                }),
                right: row.right.as_ref().map(|step| Cell {
                    gist: gist(trace, step, fits && !is_shared),
                    ..right_cell(row, step)
                }),
                differs: differs(&row.differs),
                tags: tags(&found),
                findings: found,
                judged: if trace.answer_row == Some(index) {
                    std::mem::take(&mut judged)
                } else {
                    Vec::new()
                },
                text: diff.and_then(|diff| diff.text.clone()),
                reasoning: diff.and_then(|diff| diff.reasoning.clone()),
                fields: diff
                    .iter()
                    .flat_map(|diff| &diff.fields)
                    .map(field)
                    .collect(),
                left_talk,
                right_talk,
                is_shared,
                has_more: size > 0,
            }
        })
        .collect()
}

/// Returns in what two steps differ, as a sentence has it.
fn differs(what: &[String]) -> String {
    match what {
        [] => String::new(),
        [one] if !one.ends_with('s') || one == "status" => format!("{one} differs"),
        several => format!("{} differ", several.join(", ")),
    }
}

/// Returns the address of a row.
pub(super) fn address(id: &str, row: &Row) -> String {
    match (&row.right, &row.left) {
        (Some(step), _) => format!("{id}/{}", step.number),
        (None, Some(step)) => format!("{id}/was-{}", step.number),
        (None, None) => id.to_owned(),
    }
}

/// Returns about how much was said in a row, in bytes.
fn said(trace: &Trace, row: &Row) -> usize {
    let size = |step: &TraceStep| {
        let fresh = trace.new_messages(step);
        let answer = step.answer.and_then(|at| trace.messages.get(at));
        let messages = fresh.into_iter().chain(answer);
        let messages: usize = messages
            .map(|message| serde_json::to_string(message).map_or(0, |text| text.len() + MARKUP))
            .sum();
        let tool = serde_json::to_string(&(&step.arguments, &step.result));
        let tool = tool.map_or(0, |text| text.len());
        messages
            + if step.arguments.is_some() {
                tool + MARKUP
            } else {
                0
            }
    };
    let sides = match row.is {
        Is::Same => [row.left.as_ref(), None],
        Is::Changed | Is::Removed | Is::Added => [row.left.as_ref(), row.right.as_ref()],
    };
    sides.into_iter().flatten().map(size).sum()
}

/// Returns the replayed step of a row: of one that was served, only that it was, since all else is beside it.
fn right_cell(row: &Row, step: &TraceStep) -> Cell {
    let cell = cell(step, true);
    match (row.is, step.came) {
        (Is::Same, Came::Served) => Cell {
            tokens: None,
            cost: None,
            took: None,
            ..cell
        },
        (Is::Same | Is::Changed | Is::Removed | Is::Added, _) => cell,
    }
}

fn cell(step: &TraceStep, is_replay: bool) -> Cell {
    let usage = step.input_tokens.zip(step.output_tokens);
    let rung = step.rung.map(|rung| rung.to_string());
    let (came, how) = match step.came {
        Came::Recorded => ("recorded", String::new()),
        Came::Served if step.drift.is_empty() => {
            ("served", format!("served · {}", rung.unwrap_or_default()))
        }
        Came::Served => (
            "served",
            format!("served · {} drift", step.drift.join(", ")),
        ),
        Came::Live => ("live", "live".to_owned()),
        Came::Ran if is_replay => ("ran", "ran".to_owned()),
        Came::Ran => ("ran", String::new()),
    };
    Cell {
        number: step.number.0,
        name: step.name.clone(),
        agent: step.agent.clone(),
        lane: step.lane % LANES,
        tokens: usage.map(|(input, output)| format!("{} → {}", tokens(input), tokens(output))),
        cost: step.cost_micro_usd.map(|cost| cost.to_string()),
        took: step.took_us.map(duration),
        came,
        how,
        is_failed: step.is_failed,
        error: step.error.clone(),
        gist: String::new(),
    }
}

/// Returns the beginning of what a step is about: a tool's arguments, or what the model answered.
fn gist(trace: &Trace, step: &TraceStep, is_told: bool) -> String {
    if !is_told || !step.error.is_empty() {
        return String::new();
    }
    let text = match (
        &step.arguments,
        step.answer.and_then(|at| trace.messages.get(at)),
    ) {
        (Some(arguments), _) => tool_call("", arguments),
        (None, Some(answer)) => {
            let calls = answer.tool_calls();
            let calls: Vec<String> = calls
                .map(|(name, arguments)| tool_call(name, arguments))
                .collect();
            let said = answer.plain_text();
            match (said.trim().is_empty(), calls.is_empty()) {
                (true, _) => calls.join(", "),
                (false, true) => said,
                (false, false) => format!("{said} · {}", calls.join(", ")),
            }
        }
        (None, None) => String::new(),
    };
    excerpt(&text, GIST_CHARS)
}

fn field(change: &FieldChange) -> FieldView {
    let text = |value: &Option<Value>| value.as_ref().map(value_text).unwrap_or_default();
    let (left, right) = (text(&change.left), text(&change.right));
    let words = if change.left.is_some() && change.right.is_some() {
        text_diff(&left, &right)
    } else {
        None
    };
    let name = change.pointer.trim_start_matches('/').replace('/', " › ");
    FieldView {
        name: if name.is_empty() {
            "value".to_owned()
        } else {
            name
        },
        left,
        right,
        words,
    }
}

/// About how much markup a message takes, in bytes.
const MARKUP: usize = 200;

/// How much of what was said stands in the line of a step.
const GIST_CHARS: usize = 110;

/// How many lanes have a colour of their own.
const LANES: u32 = 6;
