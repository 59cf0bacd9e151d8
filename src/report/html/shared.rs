//! What runs and sessions show alike: a trace with its sides and rows, and addresses within a page.

use serde::Serialize;

use super::checks::Beside;
use super::rows::{RowView, rows};
use crate::diff::TextDiff;
use crate::report::diff_report::Is;
use crate::report::trace::{Change, Side, Texts, Trace};
use crate::report::units::{count, tokens};

/// A trace.
#[derive(Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a template asks each on its own"
)]
pub(super) struct TraceView {
    left: SideView,
    right: Option<SideView>,
    address: String,
    summary: String,
    has_texts: bool,
    changes: Vec<ChangeView>,
    divergences: Vec<DivergenceView>,
    answer: Option<TextDiff>,
    is_same_answer: bool,
    rows: Vec<RowView>,
    lanes: usize,
    has_steps: bool,
}

#[derive(Serialize)]
struct SideView {
    label: String,
    exit: Option<i32>,
    answer: Option<String>,
    faults: Vec<String>,
    facts: String,
    served: u32,
    live: u32,
    failed: u32,
}

#[derive(Serialize)]
struct DivergenceView {
    message: String,
    recorded: String,
    found: String,
    remedy: String,
}

/// The first step that differs.
#[derive(Serialize)]
pub(super) struct First {
    text: String,
    href: String,
}

/// One thing that the change alters; a template knows no key that is left out.
#[derive(Serialize)]
pub(super) struct ChangeView {
    what: String,
    agent: String,
    diff: Option<TextDiff>,
}

/// Returns one thing that the change alters.
pub(super) fn change_view(change: &Change) -> ChangeView {
    ChangeView {
        what: change.what.clone(),
        agent: change.agent.clone(),
        diff: change.diff.clone(),
    }
}

/// Returns a trace as the page shows it.
pub(super) fn trace_view(trace: &Trace, id: &str, beside: Beside, room: &mut usize) -> TraceView {
    let rows = rows(trace, id, beside, room);
    let lanes = trace.rows.iter().flat_map(|row| [&row.left, &row.right]);
    let lanes = lanes.flatten().map(|step| step.lane + 1).max();
    let parts: Vec<String> = [
        (Is::Same, "same"),
        (Is::Changed, "changed"),
        (Is::Removed, "gone"),
        (Is::Added, "new"),
    ]
    .into_iter()
    .map(|(is, word)| (trace.count(is), word))
    .filter(|(number, _word)| *number > 0)
    .map(|(number, word)| format!("{number} {word}"))
    .collect();
    TraceView {
        left: side_view(&trace.left),
        right: trace.right.as_ref().map(side_view),
        address: trace.address.clone(),
        summary: match &trace.right {
            Some(_) => format!(
                "{}: {}",
                count(trace.rows.len() as u64, "step"),
                parts.join(", ")
            ),
            None => count(trace.rows.len() as u64, "step"),
        },
        has_texts: trace.texts != Texts::None,
        changes: trace.changes.iter().map(change_view).collect(),
        divergences: trace
            .divergences
            .iter()
            .map(|divergence| DivergenceView {
                message: divergence.message.clone(),
                recorded: divergence.recorded.clone(),
                found: divergence.found.clone(),
                remedy: divergence.remedy.clone(),
            })
            .collect(),
        answer: trace.answer.clone(),
        is_same_answer: trace.right.is_some() && !trace.has_other_answer,
        has_steps: !rows.is_empty(),
        rows,
        lanes: lanes.unwrap_or_default() as usize,
    }
}

/// Returns the first step that differs, with its address in the page.
pub(super) fn first(trace: &Trace, id: &str) -> Option<First> {
    let row = trace.rows.get(trace.first_row?)?;
    let step = row.right.as_ref();
    let number = step.or(row.left.as_ref())?.number;
    Some(First {
        text: format!("step {number}"),
        href: match step {
            Some(_) => format!("{id}/{number}"),
            None => format!("{id}/was-{number}"),
        },
    })
}

fn side_view(side: &Side) -> SideView {
    let mut facts = vec![count(side.steps.into(), "step")];
    facts.push(format!("{} tokens", tokens(side.tokens)));
    facts.extend(side.cost_micro_usd.map(|cost| cost.to_string()));
    SideView {
        label: side.label.clone(),
        exit: side.exit,
        answer: side.answer.clone(),
        faults: side.faults.clone(),
        facts: facts.join(" · "),
        served: side.served,
        live: side.live,
        failed: side.failed,
    }
}

/// Returns a name as it stands in an address: what is not plain is percent-encoded, so that it is the same in an
/// id and in a link.
pub(super) fn address(name: &str) -> String {
    let mut address = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b':' | b'/' => {
                address.push(char::from(byte));
            }
            _ => {
                address.push('%');
                for half in [byte >> 4, byte & 15] {
                    address
                        .extend(char::from_digit(half.into(), 16).map(|c| c.to_ascii_uppercase()));
                }
            }
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_has_no_character_that_a_link_changes() {
        assert_eq!(address("mail/refund"), "mail/refund");
        assert_eq!(address("tool:web_search#2"), "tool:web_search%232");
        assert_eq!(address("a b\"<é"), "a%20b%22%3C%C3%A9");
    }
}
