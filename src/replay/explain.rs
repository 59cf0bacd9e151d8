//! Says where a request that matches nothing went another way.

use serde_json::Value;

use super::index::Index;
use super::recording::{Entry, Recording};
use super::rules::Rules;
use super::treatment;
use crate::model::{
    ContentId, Divergence, DivergenceKind, Message, Part, Pooled, Request, Role, StepIndex, Thread,
};

/// Returns the divergence of a request to which several recorded answers would fit.
pub(super) fn ambiguous(
    recording: &Recording,
    request: &Request,
    steps: &[StepIndex],
) -> Divergence {
    let first = steps.first().and_then(|step| recording.entry_of(*step));
    let list = steps
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let agent = request
        .agent
        .clone()
        .or_else(|| first.map(|entry| entry.agent.clone()));
    let message = format!(
        "steps {list} have the same history as this request and different answers, and its prompt \
         and tools fit none of them; send the header `rewind-agent: NAME` with each agent's requests \
         so that they can be told apart"
    );
    Divergence {
        agent: agent.unwrap_or_default(),
        ..divergence(DivergenceKind::Ambiguous, first, message)
    }
}

/// Returns the divergence of a request that came more often than it was recorded.
pub(super) fn repeated(entry: &Entry, times: u32) -> Divergence {
    let message = format!(
        "the request of step {} was asked for once more than the {times} time(s) that it was \
         recorded; `[replay] exhausted = \"repeat-last\"` serves the last answer again",
        entry.step
    );
    divergence(DivergenceKind::Repeated, Some(entry), message)
}

/// Returns how a request differs from the recorded step with the deepest common history.
pub(super) fn nearest(recording: &Recording, rules: &Rules, request: &Request) -> Divergence {
    let portable = recording.portable(request.dialect);
    let nearest = Nearest {
        recording,
        index: portable.unwrap_or(&recording.whole),
    };
    nearest.to(rules, request)
}

/// Looks for the recorded step that a request has most in common with.
struct Nearest<'a> {
    recording: &'a Recording,
    index: &'a Index,
}

impl Nearest<'_> {
    fn to(&self, rules: &Rules, request: &Request) -> Divergence {
        let Self { recording, index } = self;
        let keys = &recording.keys;
        let history = index.history(keys, &request.thread);
        if let Some((entry, _thread)) = self.first_with(&history.key) {
            return other_treatment(recording, rules, entry, request);
        }
        let mut differing = &history.ordered;
        let mut common = history.ordered.parent();
        let chain: Vec<&Thread> = history.ordered.ancestors().collect();
        for (at, node) in chain.iter().enumerate() {
            common = node.parent();
            differing = node;
            let key = keys.key_of(&common);
            let is_known = !common.is_empty()
                && (index.beyond.contains_key(&key) || index.by_history.contains_key(&key));
            if is_known || at + 1 == chain.len() {
                break;
            }
        }
        let key = keys.key_of(&common);
        let beyond = index.beyond.get(&key).and_then(|index| self.entry(*index));
        match (beyond, self.first_with(&key)) {
            (Some((entry, thread)), _) if !common.is_empty() || thread.len() == 1 => {
                other_message((entry, thread), &common, differing)
            }
            (None, Some((entry, _thread))) => after(entry, &common, differing),
            (Some(found), _) => other_message(found, &common, differing),
            (None, None) => divergence(
                DivergenceKind::Extra,
                None,
                "no recorded conversation begins like this request".to_owned(),
            ),
        }
    }

    fn first_with(&self, history: &ContentId) -> Option<(&Entry, &Thread)> {
        self.index
            .of(history)
            .next()
            .and_then(|number| self.entry(number))
    }

    fn entry(&self, number: usize) -> Option<(&Entry, &Thread)> {
        let entry = self.recording.entries.get(number)?;
        Some((entry, self.index.threads.get(number)?))
    }
}

/// The history is known, but the treatment may not differ the way it does.
fn other_treatment(
    recording: &Recording,
    rules: &Rules,
    entry: &Entry,
    request: &Request,
) -> Divergence {
    let drift = treatment::differences(recording, &rules.ignore, &entry.call, request);
    if !entry.is_served() {
        let message = format!(
            "the request has the history of step {}, whose trace does not have the whole answer or \
             conversation; it can be shown, not served",
            entry.step
        );
        return divergence(DivergenceKind::History, Some(entry), message);
    }
    if drift.is_empty() {
        let message = format!(
            "the request has the history of step {}, but its ids, dates or paths don't map onto the \
             recorded ones one-to-one",
            entry.step
        );
        return divergence(DivergenceKind::History, Some(entry), message);
    }
    let list = drift
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let message = format!(
        "the request has the history of step {}, but differs in: {list}; `[replay] treatment` and \
         `require` don't let that pass",
        entry.step
    );
    divergence(DivergenceKind::Treatment, Some(entry), message)
}

/// The conversation is known up to a message that differs.
fn other_message(
    (entry, history): (&Entry, &Thread),
    common: &Thread,
    differing: &Thread,
) -> Divergence {
    let at = common.len();
    let recorded = history.messages().get(at).cloned();
    let found = differing.last();
    let (Some(recorded), Some(found)) = (recorded, found) else {
        return after(entry, common, differing);
    };
    differ(entry, at, &recorded, found, differing)
}

/// The conversation is known up to a recorded answer, and goes on in a way that was not recorded.
fn after(entry: &Entry, common: &Thread, differing: &Thread) -> Divergence {
    let at = common.len();
    let output = entry.call.response.output.as_ref();
    if let (Some(output), Some(found)) = (output, differing.last())
        && found.role == Role::Assistant
        && found.plain_text() != output.plain_text()
    {
        return differ(entry, at, output, found, differing);
    }
    let message = format!(
        "the agent asks on after step {}, where the recording of this conversation ends",
        entry.step
    );
    Divergence {
        pointer: format!("/messages/{at}"),
        ..divergence(DivergenceKind::Extra, Some(entry), message)
    }
}

fn differ(
    entry: &Entry,
    at: usize,
    recorded: &Pooled<Message>,
    found: &Pooled<Message>,
    differing: &Thread,
) -> Divergence {
    let (left, right) = (json(recorded), json(found));
    let (place, left, right) =
        first_difference(&left, &right).unwrap_or_else(|| (String::new(), left, right));
    let (what, remedy) = whose(found, differing);
    let message = format!(
        "the request nearest to step {} ({}) differs in message {}: {what}",
        entry.step,
        entry.agent,
        at + 1
    );
    Divergence {
        pointer: format!("/messages/{at}{place}"),
        recorded: shorten(&left),
        found: shorten(&right),
        remedy,
        ..divergence(DivergenceKind::History, Some(entry), message)
    }
}

/// Returns which side made the message that differs, and a line that would let it pass.
fn whose(found: &Message, differing: &Thread) -> (String, String) {
    if found.tool_result_count() > 0 {
        let names = treatment::result_names(differing);
        if let Some(name) = names.into_iter().flatten().next() {
            let remedy = format!(
                "[replay]\ntool_results = {{ {} = \"recorded\" }}",
                key(&name)
            );
            return (
                format!("the result of tool `{name}` is not the recorded one"),
                remedy,
            );
        }
        return (
            "a tool result is not the recorded one".to_owned(),
            String::new(),
        );
    }
    let what = match found.role {
        Role::User => "a user turn (the input, or a prompt that the agent builds)",
        Role::Assistant => "the answer that the agent sends back is not the recorded one",
        Role::Tool => "a tool message",
        Role::System | Role::Developer => "a system message",
    };
    (what.to_owned(), String::new())
}

/// Returns a name as it stands for a key in TOML.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        // Strings of JSON are strings of TOML.
        Value::from(name).to_string()
    }
}

fn divergence(kind: DivergenceKind, entry: Option<&Entry>, message: String) -> Divergence {
    Divergence {
        kind,
        step: entry.map(|entry| entry.step),
        agent: entry.map(|entry| entry.agent.clone()).unwrap_or_default(),
        pointer: String::new(),
        recorded: String::new(),
        found: String::new(),
        message,
        remedy: String::new(),
    }
}

fn json(message: &Pooled<Message>) -> Value {
    // Text results read better without the list around them.
    let mut message = message.value().clone();
    for part in &mut message.parts {
        if let Part::ToolResult { extra, .. } = part {
            extra.clear();
        }
    }
    serde_json::to_value(message).unwrap_or(Value::Null)
}

/// Returns the JSON pointer to the first place where two values differ, and both values there.
fn first_difference(left: &Value, right: &Value) -> Option<(String, Value, Value)> {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let token = key.replace('~', "~0").replace('/', "~1");
                inner(&token, a.get(key), b.get(key))
            })
        }
        (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len()))
            .find_map(|index| inner(&index.to_string(), a.get(index), b.get(index))),
        _ if left == right => None,
        _ => Some((String::new(), left.clone(), right.clone())),
    }
}

fn inner(
    token: &str,
    left: Option<&Value>,
    right: Option<&Value>,
) -> Option<(String, Value, Value)> {
    let null = Value::Null;
    let (place, left, right) = first_difference(left.unwrap_or(&null), right.unwrap_or(&null))?;
    Some((format!("/{token}{place}"), left, right))
}

/// The most characters of a value that a divergence quotes.
const MAX_QUOTE: usize = 300;

fn shorten(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    };
    if text.chars().count() <= MAX_QUOTE {
        return text;
    }
    text.chars().take(MAX_QUOTE).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_toml_whatever_the_tool_is_called() {
        for name in ["web_search", "mcp.fs:read", "", "a \"b\"\n", "ärger"] {
            let line = format!("{} = \"recorded\"", key(name));
            let read: toml::Table = line.parse().unwrap();
            assert!(read.contains_key(name), "{line}");
        }
    }
}
