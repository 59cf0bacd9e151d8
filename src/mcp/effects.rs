//! What a server says its tools leave behind: the annotations of `tools/list`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::Effect;

/// The effects of a server's tools, as far as it has told them.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects(BTreeMap<String, Effect>);

impl Effects {
    /// Learns from the result of `tools/list`.
    pub(super) fn learn(&mut self, result: &Value) {
        let tools = result.get("tools").and_then(Value::as_array);
        for tool in tools.into_iter().flatten() {
            let name = tool.get("name").and_then(Value::as_str);
            if let (Some(name), Some(effect)) = (name, effect(tool)) {
                self.0.insert(name.to_owned(), effect);
            }
        }
    }

    /// Returns what is known of a tool.
    pub(super) fn of(&self, tool: &str) -> Option<Effect> {
        self.0.get(tool).copied()
    }
}

/// Returns the effect that a tool's annotations tell; a tool that only says it destroys nothing may
/// still change something.
fn effect(tool: &Value) -> Option<Effect> {
    let hint = |name| tool.get("annotations")?.get(name)?.as_bool();
    match (hint("readOnlyHint"), hint("destructiveHint")) {
        (Some(true), _) => Some(Effect::Read),
        (Some(false), _) | (None, Some(_)) => Some(Effect::Mutating),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tool_reads_only_where_its_server_says_so() {
        let mut effects = Effects::default();
        effects.learn(&json!({"tools": [
            {"name": "look", "annotations": {"readOnlyHint": true}},
            {"name": "add", "annotations": {"destructiveHint": false}},
            {"name": "drop", "annotations": {"readOnlyHint": false, "destructiveHint": true}},
            {"name": "silent", "annotations": {"title": "x"}},
            {"name": 3, "annotations": {"readOnlyHint": true}},
            7,
        ]}));
        let found = ["look", "add", "drop", "silent"].map(|tool| effects.of(tool));
        let (read, mutating) = (Some(Effect::Read), Some(Effect::Mutating));
        assert_eq!(found, [read, mutating, mutating, None]);
    }
}
