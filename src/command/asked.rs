//! What the agent of a session is asked when it runs again.

use serde_json::Value;

use super::CommandError;
use crate::config::Config;
use crate::model::{Session, Source};

/// Returns the input that was recorded; of an imported trace, what `[agent] map_input` picks out of what its
/// outermost span was given.
///
/// # Errors
/// Usage: `map_input` names nothing there.
pub(super) fn agent_input(
    session: &Session,
    config: &Config,
) -> Result<Option<String>, CommandError> {
    let Source::Imported(_) = session.source else {
        return Ok(session.input.clone());
    };
    let Some(pointer) = &config.agent.map_input else {
        return Ok(session.input.clone());
    };
    let Some(root) = &session.root_input else {
        let held = session.input.as_ref().map_or("no input", |_text| "a text");
        return Err(nothing(
            session,
            pointer,
            &format!("its trace has {held}, and no JSON"),
        ));
    };
    match root.pointer(pointer) {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Null) => Err(nothing(session, pointer, "`null` stands there")),
        Some(json) => Ok(Some(json.to_string())),
        None => Err(nothing(session, pointer, &nearest(root, pointer))),
    }
}

fn nothing(session: &Session, pointer: &str, why: &str) -> CommandError {
    CommandError::usage(format!(
        "`[agent] map_input` = \"{pointer}\" picks no input for session `{}`: {why}",
        session.name
    ))
    .help("it is a JSON pointer into what the trace's outermost span was given, such as /args/0/question")
}

/// Says what there is at the last place that exists on the way.
fn nearest(root: &Value, pointer: &str) -> String {
    let ends = pointer.match_indices('/').map(|(place, _slash)| place);
    let mut prefixes = ends
        .filter_map(|end| pointer.get(..end))
        .collect::<Vec<_>>();
    prefixes.reverse();
    let mut known = prefixes
        .into_iter()
        .filter_map(|prefix| Some((prefix, root.pointer(prefix)?)));
    let (place, value) = known.next().unwrap_or(("", root));
    let place = if place.is_empty() { "the input" } else { place };
    match value {
        Value::Object(fields) => {
            let names: Vec<String> = fields
                .keys()
                .take(SHOWN)
                .map(|name| format!("`{}`", name.chars().take(WIDTH).collect::<String>()))
                .collect();
            format!(
                "{place} has {}",
                if names.is_empty() {
                    "no fields".to_owned()
                } else {
                    names.join(", ")
                }
            )
        }
        Value::Array(items) => format!("{place} is a list of {}", items.len()),
        Value::String(_) => format!("{place} is a text"),
        Value::Null | Value::Bool(_) | Value::Number(_) => format!("{place} is {value}"),
    }
}

/// The most names of fields that an error lists.
const SHOWN: usize = 12;

/// The most characters of each.
const WIDTH: usize = 40;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lineage::testing;

    fn picked(root: Option<Value>, pointer: &str) -> Result<Option<String>, String> {
        let session = Session {
            source: Source::Imported("langfuse".to_owned()),
            input: Some("How many?".to_owned()),
            root_input: root,
            ..testing::session("tokyo", Vec::new())
        };
        let text = format!("[agent]\nmap_input = {}\n", json!(pointer));
        let config = Config::parse("rewind.toml".into(), &text).unwrap();
        agent_input(&session, &config).map_err(|error| error.message())
    }

    #[test]
    fn the_pointer_picks_a_text_or_json() {
        let root = json!({"args": [{"question": "How many?", "user": {"id": 7}}], "kwargs": {}});
        let of = |pointer| picked(Some(root.clone()), pointer).unwrap().unwrap();
        assert_eq!(of("/args/0/question"), "How many?");
        assert_eq!(of("/args/0/user"), r#"{"id":7}"#);
        assert_eq!(of(""), root.to_string());
    }

    #[test]
    fn a_pointer_that_picks_nothing_says_what_there_is() {
        let root = json!({"args": [{"question": "How many?"}], "x": null});
        for (pointer, why) in [
            ("/args/0/query", "/args/0 has `question`"),
            ("/args/3/query", "/args is a list of 1"),
            ("/arg", "the input has `args`, `x`"),
            ("/args/0/question/0", "/args/0/question is a text"),
            ("/x", "`null` stands there"),
        ] {
            let error = picked(Some(root.clone()), pointer).unwrap_err();
            assert!(error.contains(why), "{pointer}: {error}");
        }
        let error = picked(None, "/question").unwrap_err();
        assert!(
            error.contains("its trace has a text, and no JSON"),
            "{error}"
        );
    }

    #[test]
    fn what_was_recorded_stays_as_it_is() {
        let session = testing::session("tokyo", Vec::new());
        let config = Config::parse("rewind.toml".into(), "[agent]\nmap_input = \"/x\"\n").unwrap();
        assert_eq!(agent_input(&session, &config).unwrap(), session.input);
    }
}
