//! What a change alters in requests that are otherwise those of the recording.

use std::collections::BTreeSet;

use super::{Change, Texts};
use crate::diff::text_diff;
use crate::model::{Call, Drift, Treatment};

/// Returns what differs between two requests' treatments, as far as the replay found that it does.
pub(super) fn changes(
    recorded: &Call,
    now: &Call,
    agent: &str,
    drift: &[Drift],
    texts: Texts,
) -> Vec<Change> {
    let (before, after) = (&recorded.request.treatment, &now.request.treatment);
    drift
        .iter()
        .map(|drift| {
            let texts_of = match texts {
                Texts::None | Texts::Excerpt => None,
                Texts::Full | Texts::Whole => Some((text(before, drift), text(after, drift))),
            };
            Change {
                what: drift.to_string(),
                agent: agent.to_owned(),
                diff: texts_of
                    .and_then(|(before, after)| text_diff(&lines(&before), &lines(&after))),
            }
        })
        .collect()
}

/// Returns what of a run's drift is in a live request, seen from the recorded one that it came in place of.
pub(super) fn differing(recorded: &Call, now: &Call, drift: &[Drift]) -> Vec<Drift> {
    let (before, after) = (&recorded.request.treatment, &now.request.treatment);
    let differs = |drift: &&Drift| text(before, drift) != text(after, drift);
    drift.iter().filter(differs).cloned().collect()
}

/// Returns a text whose last line is a whole one; nothing of what is not there.
fn lines(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("{text}\n")
}

fn text(treatment: &Treatment, drift: &Drift) -> String {
    match drift {
        Drift::SystemPrompt => treatment.system_text(),
        Drift::Model => treatment.model.clone().unwrap_or_default(),
        Drift::Setting { name } => treatment
            .settings
            .get(name)
            .map(|value| format!("{value:#}"))
            .unwrap_or_default(),
        Drift::Tool { name } => {
            let mut tools = treatment.tools.iter();
            let tool = tools.find(|tool| tool.name == *name);
            tool.and_then(|tool| serde_json::to_string_pretty(tool).ok())
                .unwrap_or_default()
        }
        Drift::ToolResult { .. } => String::new(),
    }
}

/// Returns the changes, each once.
pub(super) fn distinct(changes: Vec<Change>) -> Vec<Change> {
    let mut known = BTreeSet::new();
    changes
        .into_iter()
        .filter(|change| known.insert((change.agent.clone(), change.what.clone())))
        .collect()
}
