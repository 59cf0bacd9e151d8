//! A step as it stands in a cell of the table.

use serde::Serialize;

use super::Content;
use crate::model::{Body, Part, Step, StepKind, plain_text};
use crate::report::terminal::words;
use crate::report::units::{duration, tokens};

/// A step.
#[derive(Serialize)]
pub(super) struct Cell {
    number: u32,
    kind: &'static str,
    name: String,
    agent: String,
    facts: String,
    is_live: bool,
    is_failed: bool,
    question: String,
    answer: String,
}

impl Cell {
    /// Returns the cell of a step; `is_fork` says whether its timeline is one.
    pub(super) fn new(step: &Step, is_fork: bool, content: Content) -> Self {
        let (kind, name) = match &step.kind {
            StepKind::Model(call) => ("model", words::model(call)),
            StepKind::Tool(tool) => ("tool", tool.name.clone()),
        };
        let (question, answer) = match content {
            Content::Metadata => (String::new(), String::new()),
            Content::Full => texts(step),
        };
        Self {
            number: step.number.0,
            kind,
            name,
            agent: step.agent.clone(),
            facts: facts(step, is_fork, content),
            is_live: is_fork && step.call().is_some() && step.served().is_none(),
            is_failed: words::is_failed(step),
            question,
            answer,
        }
    }
}

fn facts(step: &Step, is_fork: bool, content: Content) -> String {
    let mut facts = Vec::new();
    if let Some(usage) = step.call().and_then(|call| call.response.usage) {
        facts.push(format!(
            "{} → {} tokens",
            tokens(usage.input),
            tokens(usage.output)
        ));
    }
    facts.extend(step.duration_us().map(duration));
    let marks = match content {
        // What went wrong may quote what was said; that it went wrong does not.
        Content::Metadata if words::is_failed(step) => "error".to_owned(),
        Content::Metadata | Content::Full => words::marks(step, is_fork),
    };
    facts.extend(Some(marks).filter(|marks| !marks.is_empty()));
    facts.join(" · ")
}

/// Returns what was asked last and what was answered.
fn texts(step: &Step) -> (String, String) {
    match &step.kind {
        StepKind::Tool(tool) => (
            tool.arguments.to_string(),
            tool.result.as_deref().map(plain_text).unwrap_or_default(),
        ),
        StepKind::Model(call) => {
            let question = call
                .request
                .thread
                .last()
                .map(|message| parts(&message.parts));
            let output = call
                .response
                .output
                .as_ref()
                .map(|message| parts(&message.parts));
            let error = call
                .response
                .error
                .as_ref()
                .map(|error| error.message.clone());
            let raw = call.exchange.body.as_ref().map(raw);
            (
                question.unwrap_or_default(),
                output.or(error).or(raw).unwrap_or_default(),
            )
        }
    }
}

fn parts(parts: &[Part]) -> String {
    let pieces: Vec<String> = parts
        .iter()
        .map(|part| match part {
            Part::Text { text, .. } | Part::Refusal { text } => text.clone(),
            Part::Reasoning { text, .. } => format!("(reasoning) {text}"),
            Part::ToolCall {
                name, arguments, ..
            } => words::tool_call(name, arguments),
            Part::ToolResult { content, .. } => plain_text(content),
            Part::Media { kind, .. } => format!("({kind})"),
            Part::Other { value } => value.to_string(),
        })
        .collect();
    pieces.join("\n")
}

fn raw(body: &Body) -> String {
    String::from_utf8_lossy(&body.to_bytes()).into_owned()
}
