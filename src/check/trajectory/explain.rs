//! Says what is wrong with the calls that could not be paired.

use super::pairing::Pairs;
use crate::check::{Finding, ToolUse};
use crate::diff::{FieldChange, best_pairs};

/// Which calls must have a partner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Every call of the reference.
    pub(super) all_of_reference: bool,
    /// Every call of the candidate.
    pub(super) nothing_else: bool,
}

/// The differences between the arguments of a recorded call and a new one that count.
pub(super) type Differences<'a> = &'a dyn Fn(&ToolUse<'_>, &ToolUse<'_>) -> Vec<FieldChange>;

/// Returns what is wrong, in the order of the candidate's steps, missing calls last.
pub(super) fn findings(
    reference: &[ToolUse<'_>],
    candidate: &[ToolUse<'_>],
    pairs: &Pairs,
    wanted: Wanted,
    differences: Differences<'_>,
) -> Vec<Finding> {
    let mut is_paired = vec![false; candidate.len()];
    for column in pairs.iter().flatten() {
        if let Some(place) = is_paired.get_mut(*column) {
            *place = true;
        }
    }
    let missing: Vec<ToolUse<'_>> = reference
        .iter()
        .zip(pairs)
        .filter_map(|(one, pair)| pair.is_none().then_some(*one))
        .collect();
    let further: Vec<ToolUse<'_>> = candidate
        .iter()
        .zip(&is_paired)
        .filter_map(|(one, is_paired)| (!is_paired).then_some(*one))
        .collect();
    let nearest = nearest(&missing, &further, differences);
    let mut findings = Vec::new();
    for (index, call) in further.iter().enumerate() {
        let like = nearest.iter().position(|column| *column == Some(index));
        match like.and_then(|row| missing.get(row)) {
            Some(recorded) => findings.push(changed(recorded, call, &differences(recorded, call))),
            None if wanted.nothing_else => findings.push(unexpected(call)),
            None => {}
        }
    }
    if wanted.all_of_reference {
        let lost = missing
            .iter()
            .zip(&nearest)
            .filter(|(_call, like)| like.is_none());
        findings.extend(lost.map(|(call, _like)| absent(call)));
    }
    shortened(findings)
}

/// Pairs missing calls with further calls of the same tool whose arguments differ least.
fn nearest(
    missing: &[ToolUse<'_>],
    further: &[ToolUse<'_>],
    differences: Differences<'_>,
) -> Pairs {
    if missing.len().max(further.len()) > MAX_EXPLAINED {
        return vec![None; missing.len()];
    }
    best_pairs(
        missing.len(),
        further.len(),
        &|r, c| match (missing.get(r), further.get(c)) {
            (Some(recorded), Some(call)) if recorded.name == call.name => 1_000_u64
                .saturating_sub(differences(recorded, call).len() as u64)
                .max(1),
            _ => 0,
        },
    )
}

fn changed(recorded: &ToolUse<'_>, call: &ToolUse<'_>, changes: &[FieldChange]) -> Finding {
    let name = call.name;
    let message = if recorded.is_answered && !call.is_answered && changes.is_empty() {
        format!("tool `{name}` was asked for, but its result never came back")
    } else if changes.is_empty() {
        format!("tool `{name}` was called out of order")
    } else if call.arguments.is_string() && !recorded.arguments.is_string() {
        format!("tool `{name}` was called with arguments that are not valid JSON")
    } else {
        let fields: Vec<&str> = changes
            .iter()
            .map(|change| match change.pointer.as_str() {
                "" => "all of them",
                pointer => pointer,
            })
            .collect();
        format!(
            "tool `{name}` was called with other arguments: {}",
            fields.join(", ")
        )
    };
    let side = |pick: fn(&FieldChange) -> Option<&serde_json::Value>| {
        let lines: Vec<String> = changes
            .iter()
            .map(|change| {
                let value = pick(change).map_or("(none)".to_owned(), ToString::to_string);
                match change.pointer.as_str() {
                    "" => value,
                    pointer => format!("{pointer} = {value}"),
                }
            })
            .collect();
        lines.join("\n")
    };
    Finding::new(message)
        .values(
            side(|change| change.left.as_ref()),
            side(|change| change.right.as_ref()),
        )
        .step(call.step)
        .reference_step(recorded.step)
}

fn unexpected(call: &ToolUse<'_>) -> Finding {
    Finding::new(format!(
        "tool `{}` was called, the recording has no such call",
        call.name
    ))
    .values("", call.arguments.to_string())
    .step(call.step)
}

fn absent(recorded: &ToolUse<'_>) -> Finding {
    Finding::new(format!(
        "tool `{}` was not called as recorded",
        recorded.name
    ))
    .values(recorded.arguments.to_string(), "")
    .reference_step(recorded.step)
}

/// Keeps the first findings and says how many there are beyond them.
fn shortened(mut findings: Vec<Finding>) -> Vec<Finding> {
    let beyond = findings.len().saturating_sub(MAX_FINDINGS);
    if beyond > 0 {
        findings.truncate(MAX_FINDINGS);
        findings.push(Finding::new(format!("and {beyond} more differences")));
    }
    findings
}

/// Beyond this many calls without a partner nobody reads which is like which.
const MAX_EXPLAINED: usize = 200;

/// Beyond this many findings nobody reads on.
const MAX_FINDINGS: usize = 20;
