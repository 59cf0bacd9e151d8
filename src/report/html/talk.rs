//! What was said in a step, as a conversation.

use serde::Serialize;
use serde_json::Value;

use crate::model::{Message, Part, Role};
use crate::report::trace::{Trace, TraceStep};

/// One turn of a conversation.
#[derive(Serialize)]
pub(super) struct Turn {
    who: &'static str,
    name: Option<String>,
    pieces: Vec<Piece>,
}

/// A piece of a turn.
#[derive(Serialize)]
struct Piece {
    /// `text`, `call`, `result`, `error`, `reasoning`, `refusal`, `media`, `other`.
    is: &'static str,
    /// The name of a tool, or the kind of a file.
    name: String,
    /// The text.
    text: String,
    /// How long the text is, where it is folded.
    folded: Option<String>,
    /// Arguments of a call.
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    text: String,
}

/// Returns what was said in a step: what the model had not seen before, and its answer.
pub(super) fn turns(trace: &Trace, step: &TraceStep) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    if step.seen == 0 && step.context.is_some() {
        let system = step.system.iter().filter_map(|at| trace.messages.get(*at));
        turns.extend(system.map(turn));
    }
    turns.extend(trace.new_messages(step).into_iter().map(turn));
    let answer = step.answer.and_then(|at| trace.messages.get(at));
    turns.extend(answer.map(|message| Turn {
        who: "answer",
        ..turn(message)
    }));
    if let Some(arguments) = &step.arguments {
        turns.push(Turn {
            who: "call",
            name: None,
            pieces: vec![call(&step.name, arguments)],
        });
        let parts = step.result.as_deref();
        let pieces = parts.map_or_else(
            || {
                vec![piece(
                    "other",
                    String::new(),
                    "it never came back".to_owned(),
                )]
            },
            |parts| {
                parts
                    .iter()
                    .map(|part| result(part, step.is_failed))
                    .collect()
            },
        );
        turns.push(Turn {
            who: "result",
            name: None,
            pieces,
        });
    }
    turns
}

fn turn(message: &Message) -> Turn {
    Turn {
        who: match message.role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        },
        name: message.name.clone(),
        pieces: message.parts.iter().flat_map(pieces).collect(),
    }
}

fn pieces(part: &Part) -> Vec<Piece> {
    match part {
        Part::Text { text, .. } => vec![piece("text", String::new(), text.clone())],
        Part::ToolCall {
            name, arguments, ..
        } => vec![call(name, arguments)],
        Part::ToolResult {
            content, is_error, ..
        } => content.iter().map(|part| result(part, *is_error)).collect(),
        Part::Reasoning { text, .. } => vec![piece("reasoning", String::new(), text.clone())],
        Part::Refusal { text } => vec![piece("refusal", String::new(), text.clone())],
        Part::Media { kind, source } => {
            let text = format!("{kind}, {source} bytes, not in this file");
            vec![piece("media", kind.clone(), text)]
        }
        Part::Other { value } => vec![piece("other", String::new(), value.to_string())],
    }
}

fn result(part: &Part, is_error: bool) -> Piece {
    let is = if is_error { "error" } else { "result" };
    match part {
        Part::Text { text, .. } => piece(is, String::new(), text.clone()),
        Part::ToolCall { .. }
        | Part::ToolResult { .. }
        | Part::Reasoning { .. }
        | Part::Refusal { .. }
        | Part::Media { .. }
        | Part::Other { .. } => {
            let mut found = pieces(part);
            found
                .pop()
                .unwrap_or_else(|| piece(is, String::new(), String::new()))
        }
    }
}

fn call(name: &str, arguments: &Value) -> Piece {
    let mut call = piece("call", name.to_owned(), String::new());
    match arguments {
        Value::Object(fields) => {
            call.fields = fields
                .iter()
                .map(|(name, value)| Field {
                    name: name.clone(),
                    text: value_text(value),
                })
                .collect();
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            call.text = value_text(arguments);
        }
    }
    call
}

/// Returns a value as people read it: text as it is, the rest as JSON.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(_) | Value::Array(_) => {
            serde_json::to_string_pretty(value).unwrap_or_else(|_error| value.to_string())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn piece(is: &'static str, name: String, text: String) -> Piece {
    Piece {
        is,
        name,
        folded: folded(&text),
        text,
        fields: Vec::new(),
    }
}

/// Returns how long a text is, where that is too long to be shown at once.
fn folded(text: &str) -> Option<String> {
    let characters = text.chars().count();
    (characters > FOLD_CHARS).then(|| match characters {
        0..=999_999 => format!("{} k characters", (characters + 500) / 1_000),
        _ => format!(
            "{}.{} M characters",
            characters / 1_000_000,
            characters / 100_000 % 10
        ),
    })
}

/// A text longer than this is folded.
const FOLD_CHARS: usize = 4_000;
