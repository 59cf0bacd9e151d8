//! What a judge is sent: the frame, the criterion, and the material between boundaries.

use serde_json::{Value, json};

use super::fence::{Section, boundary, fenced};
use super::program;
use super::{Criterion, Scale, Subject};
use crate::model::ContentId;

/// What a judge is sent, whatever it speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The frame and the criterion.
    pub system: String,
    /// The material.
    pub user: String,
    /// The schema of the answer.
    pub schema: Value,
}

impl Prompt {
    /// Returns what is sent to judge a subject by a criterion.
    pub fn new(criterion: &Criterion, subject: &Subject) -> Self {
        if let Some(custom) = &criterion.program {
            // What the program reads.
            return Self {
                system: String::new(),
                user: program::document(&criterion.name, &custom.with, subject),
                schema: Value::Null,
            };
        }
        Self {
            system: system(criterion),
            user: user(criterion, subject),
            schema: schema(criterion),
        }
    }

    /// Returns the prompt that asks once more, since an answer could not be used.
    #[must_use]
    pub(super) fn repaired(&self, why: &str) -> Self {
        Self {
            user: format!(
                "{}\n\nAn earlier answer to this could not be used: {why}. Answer again, with one JSON object in the schema and nothing else.",
                self.user
            ),
            ..self.clone()
        }
    }

    /// Returns the hash of what does not depend on the subject: frame, criterion, schema.
    pub fn hash(criterion: &Criterion) -> ContentId {
        let schema = schema(criterion).to_string();
        let statements = serde_json::to_string(&criterion.statements).unwrap_or_default();
        ContentId::of_parts([
            system(criterion).as_bytes(),
            schema.as_bytes(),
            statements.as_bytes(),
        ])
    }
}

fn system(criterion: &Criterion) -> String {
    let mut text = format!("{FRAME}\n{}\n\n# Statements\n", instructions(criterion));
    for statement in &criterion.statements {
        for piece in ["\n- `", &statement.id, "`: ", &statement.text] {
            text.push_str(piece);
        }
    }
    text.push_str(match criterion.scale {
        Scale::Graded => {
            "\n\n`score` is a number from 0 to 1, `pass` is true for a score of 0.5 and more, and false for one below.\n"
        }
        Scale::Binary => "\n\n`met` is true or false.\n",
    });
    text
}

/// Returns the instructions without the line of their version.
pub(super) fn instructions(criterion: &Criterion) -> &str {
    let text = criterion.instructions.trim();
    match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("<!--") => rest.trim(),
        Some(_) | None => text,
    }
}

fn user(criterion: &Criterion, subject: &Subject) -> String {
    let mut named: Vec<(String, String)> = Vec::new();
    if !subject.question.is_empty() {
        named.push(("question".to_owned(), subject.question.clone()));
    }
    if let Some(expected) = &subject.expected {
        named.push(("expected answer".to_owned(), expected.clone()));
    }
    if criterion.reads_tools {
        for (index, tool) in subject.tools.iter().enumerate() {
            let content = format!("{} {}\n{}", tool.name, tool.arguments, tool.result);
            named.push((format!("tool result {}", index + 1), content));
        }
    }
    named.push(("answer".to_owned(), subject.answer.clone()));
    let sections: Vec<Section<'_>> = named
        .iter()
        .map(|(name, content)| Section { name, content })
        .collect();
    let boundary = boundary(&sections);
    format!(
        "The boundary of this message is {boundary}.\n\n{}",
        fenced(&sections, &boundary)
    )
}

/// Returns the schema of an answer: within what strict structured output of the providers takes, so ranges
/// are left to the reader of the answer.
fn schema(criterion: &Criterion) -> Value {
    let names: Vec<&str> = criterion
        .statements
        .iter()
        .map(|statement| statement.id.as_str())
        .collect();
    let mut properties = json!({
        "statement": {"type": "string", "enum": names},
        "evidence": {"type": "array", "items": {"type": "string"}},
        "reasoning": {"type": "string"},
    });
    let mut required = vec!["statement", "evidence", "reasoning"];
    let decided: &[(&str, &str)] = match criterion.scale {
        Scale::Graded => &[("score", "number"), ("pass", "boolean")],
        Scale::Binary => &[("met", "boolean")],
    };
    if let Some(fields) = properties.as_object_mut() {
        for (name, kind) in decided {
            fields.insert((*name).to_owned(), json!({"type": kind}));
            required.push(name);
        }
    }
    json!({
        "type": "object",
        "properties": {
            "verdicts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                },
            },
        },
        "required": ["verdicts"],
        "additionalProperties": false,
    })
}

const FRAME: &str = include_str!("prompts/frame.md");
