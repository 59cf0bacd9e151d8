//! Compares treatments: what the change under test altered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::recording::Recording;
use crate::model::{Call, CallRef, Drift, Lost, Request, Thread, Tool, canonical_id};

/// Returns what differs between the treatments of a recorded call and of a request, sorted; pointers in
/// `ignore` are not compared, nor is what the call's trace lost.
pub(super) fn differences(
    recording: &Recording,
    ignore: &[String],
    call: &Call,
    request: &Request,
) -> Vec<Drift> {
    let (recorded, live) = (&call.request.treatment, &request.treatment);
    if Arc::ptr_eq(recorded, live) {
        return Vec::new();
    }
    let (keys, days) = (&recording.keys, recording.days);
    let is_same_dialect = call.request.dialect == request.dialect;
    let is_whole = is_same_dialect && call.lost.is_empty();
    let has = |lost: Lost| !call.lost.contains(&lost);
    let ignored = |pointer: &str| ignore.iter().any(|ignored| ignored == pointer);
    let mut drift = BTreeSet::new();
    if recorded.model != live.model && !ignored("/model") && has(Lost::Model) {
        drift.insert(Drift::Model);
    }
    if !ignored("/system") && has(Lost::System) {
        let is_same = if is_whole {
            keys.same_messages(&recorded.system, &live.system, days)
        } else {
            keys.same_text(&recorded.system_text(), &live.system_text(), days)
        };
        if !is_same {
            drift.insert(Drift::SystemPrompt);
        }
    }
    if recorded.tools.id() != live.tools.id() && !ignored("/tools") && has(Lost::Tools) {
        if is_whole {
            drift.extend(tool_drift(&recorded.tools, &live.tools));
        } else {
            let (recorded, live) = (bare(&recorded.tools), bare(&live.tools));
            if recorded != live {
                drift.extend(tool_drift(&recorded, &live));
            }
        }
    }
    if recorded.settings.id() != live.settings.id() {
        let compared = Compared {
            is_same_dialect,
            is_whole: has(Lost::Settings),
        };
        drift.extend(setting_drift(&recorded.settings, &live.settings, compared));
    }
    drift.retain(|one| match one {
        Drift::Tool { name } => !ignored(&format!("/tools/{name}")),
        Drift::Setting { name } => !ignored(&format!("/settings/{name}")),
        Drift::SystemPrompt | Drift::Model | Drift::ToolResult { .. } => true,
    });
    drift.into_iter().collect()
}

/// What settings there are to compare.
#[derive(Clone, Copy)]
struct Compared {
    is_same_dialect: bool,
    /// Whether all that was set is known.
    is_whole: bool,
}

type Settings = Map<String, Value>;

fn setting_drift(recorded: &Settings, live: &Settings, compared: Compared) -> Vec<Drift> {
    if !compared.is_same_dialect {
        let differing = COMMON.iter().filter(|names| {
            let of =
                |settings: &Settings| names.iter().find_map(|name| settings.get(*name).cloned());
            let both = of(recorded).zip(of(live));
            both.is_some_and(|(recorded, live)| recorded.as_f64() != live.as_f64())
        });
        let names =
            differing.filter_map(|names| names.iter().find(|name| live.contains_key(**name)));
        return names
            .map(|name| Drift::Setting {
                name: (*name).to_owned(),
            })
            .collect();
    }
    let names: BTreeSet<&String> = recorded.keys().chain(live.keys()).collect();
    let differing = names.into_iter().filter(|name| {
        let recorded = recorded.get(*name);
        recorded != live.get(*name) && (compared.is_whole || recorded.is_some())
    });
    differing
        .map(|name| Drift::Setting { name: name.clone() })
        .collect()
}

/// The numbers that all dialects have a name for.
const COMMON: [&[&str]; 4] = [
    &["temperature"],
    &["top_p", "topP"],
    &["top_k", "topK"],
    &[
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "maxOutputTokens",
    ],
];

/// Returns the tools with what every dialect and every trace has of them.
fn bare(tools: &[Tool]) -> Vec<Tool> {
    let bare = |tool: &Tool| Tool {
        extra: Map::new(),
        ..tool.clone()
    };
    tools.iter().map(bare).collect()
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
