//! Says why a tool call was neither served nor run, with the nearest recorded one.

use serde_json::Value;

use super::tools::Entry;
use crate::model::{Divergence, DivergenceKind, canonical_json};
use crate::tools::ToolCall;

/// The recorded call that a call resembles most.
pub(super) enum Nearest<'a> {
    /// One of this tool that has not come yet.
    Unused(&'a Entry),
    /// One of this tool; all of them have come.
    Used(&'a Entry),
    /// None of this tool; these are the recorded tools.
    Unknown(Vec<&'a str>),
    /// The tool was called, but its results were only seen in messages.
    NotCaptured,
}

/// Returns the divergence of a call before the fork that was not recorded.
pub(super) fn missed(call: &ToolCall, nearest: &Nearest<'_>) -> Divergence {
    let did = format!(
        "the agent called the tool {}, which was not recorded; before the fork no tool is run",
        shown(call)
    );
    let advice = match nearest {
        Nearest::NotCaptured => {
            "; its results were recorded in messages only: record the session again"
        }
        Nearest::Unused(_) | Nearest::Used(_) | Nearest::Unknown(_) => "",
    };
    divergence(call, nearest, &did, advice)
}

/// Returns the divergence of a call behind the fork that would change something.
pub(super) fn halted(call: &ToolCall, nearest: &Nearest<'_>) -> Divergence {
    let did = format!(
        "the agent called the tool {}, which may change something and was not recorded, so it was \
         not run and the run is not measured",
        shown(call)
    );
    let name = toml::Value::from(call.name.as_str());
    let divergence = divergence(call, nearest, &did, "");
    Divergence {
        kind: DivergenceKind::Mutating,
        remedy: format!("allow_tools = [{name}]"),
        message: format!(
            "{}; if it may run against a test system: `[replay] allow_tools = [{name}]`; if it \
             changes nothing: `[tools.{name}] effect = \"read\"`",
            divergence.message
        ),
        ..divergence
    }
}

fn divergence(call: &ToolCall, nearest: &Nearest<'_>, did: &str, advice: &str) -> Divergence {
    let none = Divergence {
        kind: DivergenceKind::Tool,
        step: None,
        agent: String::new(),
        pointer: String::new(),
        recorded: String::new(),
        found: String::new(),
        message: String::new(),
        remedy: String::new(),
    };
    let (entry, said) = match nearest {
        Nearest::Unused(entry) => (Some(*entry), "the nearest recorded call is step"),
        Nearest::Used(entry) => (Some(*entry), "it has been served already: step"),
        Nearest::Unknown(_) | Nearest::NotCaptured => (None, ""),
    };
    let Some(entry) = entry else {
        let tail = match nearest {
            Nearest::Unknown(names) if names.is_empty() => "; no tool was recorded".to_owned(),
            Nearest::Unknown(names) => format!("; the recorded tools are {}", distinct(names)),
            Nearest::Unused(_) | Nearest::Used(_) | Nearest::NotCaptured => advice.to_owned(),
        };
        return Divergence {
            message: format!("{did}{tail}"),
            ..none
        };
    };
    let (difference, _depth) = first_difference(&entry.capture.arguments, &call.arguments);
    let Some((pointer, recorded, found)) = difference else {
        return Divergence {
            step: Some(entry.step),
            message: format!("{did}; {said} {}", entry.step),
            ..none
        };
    };
    let field = if pointer.is_empty() { "/" } else { &pointer };
    Divergence {
        step: Some(entry.step),
        message: format!(
            "{did}; {said} {}, where `{field}` of the arguments was {} and not {}",
            entry.step,
            short(&recorded),
            short(&found)
        ),
        pointer: format!("/arguments{pointer}"),
        recorded: short(&recorded),
        found: short(&found),
        ..none
    }
}

/// A place in the arguments, and what stands there in the recording and now.
type Difference = (String, String, String);

/// Returns the first difference between two values, and how many fields differ.
pub(super) fn first_difference(recorded: &Value, found: &Value) -> (Option<Difference>, usize) {
    let mut first = None;
    let mut count = 0;
    compare("", recorded, found, &mut |pointer, recorded, found| {
        count += 1;
        let text =
            |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), canonical_json);
        first.get_or_insert_with(|| (pointer.to_owned(), text(recorded), text(found)));
    });
    (first, count)
}

/// Takes a place, and what stands there in the recording and now.
type Differs<'a> = dyn FnMut(&str, Option<&Value>, Option<&Value>) + 'a;

fn compare(pointer: &str, recorded: &Value, found: &Value, differs: &mut Differs<'_>) {
    match (recorded, found) {
        (Value::Object(recorded), Value::Object(found)) => {
            for (key, value) in recorded {
                let at = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                match found.get(key) {
                    Some(other) => compare(&at, value, other, differs),
                    None => differs(&at, Some(value), None),
                }
            }
            for (key, value) in found.iter().filter(|(key, _)| !recorded.contains_key(*key)) {
                let at = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                differs(&at, None, Some(value));
            }
        }
        (recorded, found) if recorded == found => {}
        (recorded, found) => differs(pointer, Some(recorded), Some(found)),
    }
}

fn shown(call: &ToolCall) -> String {
    format!(
        "`{}` with {}",
        call.name,
        short(&canonical_json(&call.arguments))
    )
}

fn short(text: &str) -> String {
    if text.chars().count() <= SHORT {
        return text.to_owned();
    }
    let begin: String = text.chars().take(SHORT).collect();
    format!("{begin}…")
}

fn distinct(names: &[&str]) -> String {
    let names: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The most characters of a value that are shown.
const SHORT: usize = 120;
