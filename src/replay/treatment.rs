//! Compares treatments: what the change under test altered.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::Keys;
use super::volatile::Days;
use crate::model::{CallRef, Drift, Thread, Tool, Treatment, canonical_id};

/// Returns what differs between two treatments, sorted; pointers in `ignore` are not compared.
pub(super) fn differences(
    keys: &Keys,
    ignore: &[String],
    recorded: &Treatment,
    live: &Treatment,
    days: Days,
) -> Vec<Drift> {
    let ignored = |pointer: &str| ignore.iter().any(|ignored| ignored == pointer);
    let mut drift = BTreeSet::new();
    if recorded.model != live.model && !ignored("/model") {
        drift.insert(Drift::Model);
    }
    if !ignored("/system") && !keys.same_messages(&recorded.system, &live.system, days) {
        drift.insert(Drift::SystemPrompt);
    }
    if recorded.tools.id() != live.tools.id() && !ignored("/tools") {
        drift.extend(tool_drift(&recorded.tools, &live.tools));
    }
    if recorded.settings.id() != live.settings.id() {
        let names: BTreeSet<&String> = recorded
            .settings
            .keys()
            .chain(live.settings.keys())
            .collect();
        let differing = names
            .into_iter()
            .filter(|name| recorded.settings.get(*name) != live.settings.get(*name));
        drift.extend(differing.map(|name| Drift::Setting { name: name.clone() }));
    }
    drift.retain(|one| match one {
        Drift::Tool { name } => !ignored(&format!("/tools/{name}")),
        Drift::Setting { name } => !ignored(&format!("/settings/{name}")),
        Drift::SystemPrompt | Drift::Model | Drift::ToolResult { .. } => true,
    });
    drift.into_iter().collect()
}

/// The name under which a mere change of the order of tools is listed.
const TOOL_ORDER: &str = "order of tools";

fn tool_drift(recorded: &[Tool], live: &[Tool]) -> Vec<Drift> {
    let by_name = |tools: &[Tool]| -> BTreeMap<String, _> {
        tools
            .iter()
            .map(|tool| (tool.name.clone(), canonical_id(tool)))
            .collect()
    };
    let (recorded, live) = (by_name(recorded), by_name(live));
    let names: BTreeSet<&String> = recorded.keys().chain(live.keys()).collect();
    let drift: Vec<Drift> = names
        .into_iter()
        .filter(|name| recorded.get(*name) != live.get(*name))
        .map(|name| Drift::Tool { name: name.clone() })
        .collect();
    if drift.is_empty() {
        return vec![Drift::Setting {
            name: TOOL_ORDER.to_owned(),
        }];
    }
    drift
}

/// Returns the names of the tools whose results the last message holds, in order.
pub(super) fn result_names(node: &Thread) -> Vec<Option<String>> {
    let Some(message) = node.last() else {
        return Vec::new();
    };
    let count = message.tool_result_count();
    if count == 0 {
        return Vec::new();
    }
    let answers = node.last_answers();
    let before = results_since_turn(node);
    (0..count)
        .map(|nth| {
            let usual = u32::try_from(before.saturating_add(nth)).ok()?;
            let reference = if answers.is_empty() {
                CallRef {
                    turns_back: 0,
                    index: usual,
                }
            } else {
                answers.get(nth).copied().flatten()?
            };
            called(node, reference)
        })
        .collect()
}

/// Returns the number of results between the latest turn with calls and this message.
fn results_since_turn(node: &Thread) -> usize {
    node.ancestors()
        .skip(1)
        .filter_map(Thread::last)
        .take_while(|message| message.tool_calls().next().is_none())
        .map(|message| message.tool_result_count())
        .sum()
}

fn called(node: &Thread, reference: CallRef) -> Option<String> {
    let turn = node
        .ancestors()
        .filter_map(Thread::last)
        .filter(|message| message.tool_calls().next().is_some())
        .nth(reference.turns_back as usize)?;
    turn.tool_calls()
        .nth(reference.index as usize)
        .map(|(name, _arguments)| name.to_owned())
}
