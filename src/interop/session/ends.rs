//! What the whole run was asked, and what it answered.

use serde_json::{Map, Value};

use super::tree::Tree;
use crate::interop::shape::conversation;
use crate::interop::span::{plain, structured};

/// Both ends of a run.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) input: Option<String>,
    /// The whole input, where it is more than a text.
    pub(super) root_input: Option<Value>,
    pub(super) answer: Option<String>,
    /// What the run ended with, where it failed.
    pub(super) fault: Option<String>,
}

/// Returns both ends: of the trace where its source has them, else of its outermost span.
pub(super) fn of(tree: &Tree, input: Option<&Value>, output: Option<&Value>) -> Ends {
    let root = tree.root();
    let attribute = |names: &[&str]| root.and_then(|root| root.any(names)).cloned();
    let input = input.cloned().filter(|value| !value.is_null()).or_else(|| {
        attribute(&[
            "langfuse.trace.input",
            "langfuse.observation.input",
            "input.value",
            "mlflow.spanInputs",
            "traceloop.entity.input",
            "gen_ai.input.messages",
            "pydantic_ai.all_messages",
            "all_messages_events",
            "ai.prompt",
            "gen_ai.prompt",
        ])
    });
    let output = output
        .cloned()
        .filter(|value| !value.is_null())
        .or_else(|| {
            attribute(&[
                "langfuse.trace.output",
                "langfuse.observation.output",
                "output.value",
                "mlflow.spanOutputs",
                "traceloop.entity.output",
                "final_result",
                "gen_ai.output.messages",
                "ai.response.text",
                "ai.response.object",
                "gen_ai.completion",
            ])
        });
    let failed = root.and_then(|root| root.error.as_deref());
    let input = input.map(structured);
    let is_whole = |value: &Value| value.is_object() || value.is_array();
    Ends {
        input: input.as_ref().and_then(question),
        root_input: input.filter(is_whole),
        answer: output
            .as_ref()
            .map(text_of)
            .filter(|text| !text.trim().is_empty()),
        fault: failed.map(|message| match message {
            "" => "the run that was traced failed".to_owned(),
            message => format!("the run that was traced failed: {message}"),
        }),
    }
}

/// Returns an answer as a text: a text, what a message says, or JSON.
pub(super) fn text_of(value: &Value) -> String {
    let value = structured(value.clone());
    said(&value, "assistant").unwrap_or_else(|| plain(&value))
}

/// Returns a question as a text: what a function was called with, or what a user says.
fn question(value: &Value) -> Option<String> {
    let value = structured(value.clone());
    let found = match &value {
        Value::Object(fields) => called_with(fields).or_else(|| only_text(fields)),
        Value::Null => return None,
        Value::Array(_) | Value::String(_) | Value::Bool(_) | Value::Number(_) => None,
    };
    let text = found.or_else(|| said(&value, "user"));
    Some(text.unwrap_or_else(|| plain(&value))).filter(|text| !text.is_empty())
}

/// Returns the one text that a function was called with, or its arguments as JSON.
fn called_with(fields: &Map<String, Value>) -> Option<String> {
    let (args, kwargs) = (
        fields.get("args")?.as_array()?,
        fields.get("kwargs")?.as_object()?,
    );
    match (args.as_slice(), kwargs.len()) {
        ([only], 0) => Some(question(only).unwrap_or_else(|| plain(only))),
        ([], 1) => kwargs.values().next().map(plain),
        ([], _) => Some(Value::Object(kwargs.clone()).to_string()),
        (_, _) => Some(Value::Object(fields.clone()).to_string()),
    }
}

/// Returns the text of an object that has no other field.
fn only_text(fields: &Map<String, Value>) -> Option<String> {
    let names = ["input", "question", "query", "prompt", "text", "content"];
    let mut values = fields.iter();
    match (values.next(), values.next()) {
        (Some((name, Value::String(text))), None) if names.contains(&name.as_str()) => {
            Some(text.clone())
        }
        (_, _) => None,
    }
}

/// Returns the last that a role says in what holds messages.
fn said(value: &Value, role: &str) -> Option<String> {
    let holds = |fields: &Map<String, Value>| {
        [
            "role",
            "messages",
            "content",
            "parts",
            "kwargs",
            "choices",
            "generations",
        ]
        .iter()
        .any(|name| fields.contains_key(*name))
    };
    let is_list = match value {
        Value::Array(items) => items.iter().all(|item| item.as_object().is_some_and(holds)),
        Value::Object(fields) => holds(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if !is_list {
        return None;
    }
    if let Some(message) = value.pointer("/choices/0/message") {
        return said(message, role);
    }
    let messages = conversation(value.clone(), role).messages;
    let mut of_role = messages
        .iter()
        .rev()
        .filter(|message| message.get("role").and_then(Value::as_str) == Some(role));
    of_role.find_map(|message| {
        let text = match message.get("content")? {
            Value::String(text) => text.clone(),
            Value::Array(pieces) => pieces
                .iter()
                .filter_map(|piece| piece.get("text")?.as_str())
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
        };
        Some(text).filter(|text| !text.trim().is_empty())
    })
}
