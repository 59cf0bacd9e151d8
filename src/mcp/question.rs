//! What the run is asked about a request.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::effects::Effects;
use super::seam::Question;
use crate::model::{Boundary, Effect};

/// Returns the question about a request to a server.
///
/// `_meta` is left out: it holds the token of progress, which is fresh in every run. Of `initialize`
/// only the version counts: a newer client is no other agent.
pub(super) fn question(
    server: &str,
    method: &str,
    params: Option<&RawValue>,
    effects: &Effects,
) -> Question {
    let params = params.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let mut params: Map<String, Value> = params.unwrap_or_default();
    params.remove("_meta");
    let ask = |name: String, arguments: Value, effect, ancillary| Question {
        name,
        arguments,
        boundary: Boundary::Mcp,
        effect,
        server: server.to_owned(),
        ancillary,
    };
    let reads = Some(Effect::Read);
    match (method, params.get("name").and_then(Value::as_str)) {
        ("tools/call", Some(name)) => {
            let name = name.to_owned();
            let effect = effects.of(&name);
            let arguments = params.remove("arguments");
            let arguments = arguments.unwrap_or_else(|| Value::Object(Map::new()));
            ask(name, arguments, effect, false)
        }
        ("resources/read" | "prompts/get", _) => {
            ask(method.to_owned(), Value::Object(params), reads, false)
        }
        ("initialize", _) => {
            params.retain(|name, _value| name == "protocolVersion");
            ask(
                format!("{server}#{method}"),
                Value::Object(params),
                reads,
                true,
            )
        }
        _ => ask(
            format!("{server}#{method}"),
            Value::Object(params),
            reads,
            true,
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(method: &str, params: &Value) -> Question {
        let raw = serde_json::value::to_raw_value(params).unwrap();
        let mut effects = Effects::default();
        effects.learn(&json!({"tools": [{"name": "look", "annotations": {"readOnlyHint": true}}]}));
        question("shop", method, Some(&raw), &effects)
    }

    #[test]
    fn a_tool_call_has_the_tools_own_name_and_arguments() {
        let params = json!({"name": "look", "arguments": {"a": 1}, "_meta": {"progressToken": 7}});
        let found = asked("tools/call", &params);
        assert_eq!((found.name.as_str(), found.ancillary), ("look", false));
        assert_eq!(found.arguments, json!({"a": 1}));
        assert_eq!(found.effect, Some(Effect::Read));
        assert_eq!(asked("tools/call", &json!({"name": "buy"})).effect, None);
        assert_eq!(
            asked("tools/call", &json!({"name": "buy"})).arguments,
            json!({})
        );
    }

    #[test]
    fn what_is_read_is_a_step_and_the_rest_is_not() {
        let read = asked("resources/read", &json!({"uri": "a:b", "_meta": {}}));
        assert_eq!(
            (read.name.as_str(), read.ancillary),
            ("resources/read", false)
        );
        assert_eq!(read.arguments, json!({"uri": "a:b"}));
        let list = asked("tools/list", &json!({"cursor": "x"}));
        assert_eq!(
            (list.name.as_str(), list.ancillary),
            ("shop#tools/list", true)
        );
        let hello = json!({"protocolVersion": "2025-06-18", "clientInfo": {"version": "1.2"}});
        let hello = asked("initialize", &hello);
        assert_eq!(hello.arguments, json!({"protocolVersion": "2025-06-18"}));
        assert!(asked("tools/call", &json!({"name": 3})).ancillary);
    }
}
