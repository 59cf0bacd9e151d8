//! `labels.jsonl`: answers that people have judged, one JSON object a line. `docs/judges.md` describes the keys.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::judge::{PASS, Subject, ToolEvidence};
use crate::model::canonical_json;

/// An answer that people have judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The number of its line, from 1.
    pub line: usize,
    /// Its name, where it has one.
    pub id: Option<String>,
    /// What it shares with other items, such as the session.
    pub group: Option<String>,
    /// What is judged.
    pub subject: Subject,
    /// Whether it passes as people see it; `None` where as many say so as say no.
    pub label: Option<bool>,
    /// What each of several people said.
    pub labels: BTreeMap<String, bool>,
}

/// Why labels can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// A line is no item.
    #[error("{path}:{line}: {why}")]
    Line {
        /// The file.
        path: Utf8PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// There is no item.
    #[error("{path} holds no item; write one JSON object a line, with `answer` and `label`")]
    Empty {
        /// The file.
        path: Utf8PathBuf,
    },
}

/// Returns the items in `text`, the content of the file at `path`, in order. Empty lines are overlooked.
///
/// # Errors
/// A line is no item, or is one that stands there twice; there is no item.
pub fn read(path: &Utf8Path, text: &str) -> Result<Vec<Item>, LabelsError> {
    let mut items: Vec<Item> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, written) in text.lines().enumerate() {
        if written.trim().is_empty() {
            continue;
        }
        let line = index + 1;
        let wrong = |why: String| LabelsError::Line {
            path: path.to_owned(),
            line,
            why,
        };
        let item = item(written, line).map_err(wrong)?;
        let content = format!("{:?}", item.subject);
        if let Some(first) = seen.insert(content, line) {
            return Err(wrong(format!(
                "this is the item of line {first} again; an item counts once"
            )));
        }
        items.push(item);
    }
    if items.is_empty() {
        return Err(LabelsError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(items)
}

fn item(text: &str, line: usize) -> Result<Item, String> {
    // A list would be read as well, by the order of the keys.
    if !text.trim_start().starts_with('{') {
        return Err(
            "a line is one JSON object, such as {\"answer\": \"…\", \"label\": \"pass\"}"
                .to_owned(),
        );
    }
    let raw: Raw = serde_json::from_str(text).map_err(|error| shown(&error))?;
    let labels: BTreeMap<String, bool> = raw
        .labels
        .0
        .into_iter()
        .filter_map(|(who, label)| Some((who, label?.0)))
        .collect();
    let label = match raw.label {
        Some(label) => Some(label.0),
        None if labels.is_empty() => {
            return Err("there is no `label`, and nobody's in `labels`".to_owned());
        }
        None => majority(&labels),
    };
    let tools = raw.tools.into_iter().map(|tool| ToolEvidence {
        name: tool.name,
        arguments: if tool.arguments.is_null() {
            "{}".to_owned()
        } else {
            canonical_json(&tool.arguments)
        },
        result: match tool.result.as_str() {
            Some(text) => text.to_owned(),
            None => canonical_json(&tool.result),
        },
    });
    Ok(Item {
        line,
        id: raw.id,
        group: raw.group,
        subject: Subject {
            question: raw.question,
            answer: raw.answer,
            expected: raw.expected,
            tools: tools.collect(),
        },
        label,
        labels,
    })
}

/// Returns what more than half say; `None` where as many say so as say no.
fn majority(labels: &BTreeMap<String, bool>) -> Option<bool> {
    let passed = labels.values().filter(|label| **label).count();
    let failed = labels.len() - passed;
    (passed != failed).then_some(passed > failed)
}

/// Returns what is wrong, with the column in place of a line that is always the first.
fn shown(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(why) if error.column() > 0 => format!("{why} (column {})", error.column()),
        Some(why) => why.to_owned(),
        None => text,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    question: String,
    answer: String,
    #[serde(default)]
    expected: Option<String>,
    #[serde(default)]
    tools: Vec<RawTool>,
    #[serde(default)]
    label: Option<Label>,
    #[serde(default)]
    labels: Labels,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a tool call with `name` and `result`"
)]
struct RawTool {
    name: String,
    #[serde(default)]
    arguments: Value,
    result: Value,
}

/// What somebody said: a score passes where a judge's would.
#[derive(Clone, Copy)]
struct Label(bool);

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        let known = match value.as_str() {
            Some("pass") => Some(true),
            Some("fail") => Some(false),
            Some(_) => None,
            None => value
                .as_f64()
                .filter(|score| (0.0..=1.0).contains(score))
                .map(|score| score >= PASS),
        };
        let wrong = "a label is \"pass\", \"fail\", or a score from 0 to 1";
        known.map(Self).ok_or_else(|| D::Error::custom(wrong))
    }
}

/// What several people said; `null` of who has not looked.
#[derive(Default)]
struct Labels(BTreeMap<String, Option<Label>>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of people and their labels, such as {\"ann\": \"pass\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut labels = BTreeMap::new();
        while let Some((who, label)) = map.next_entry::<String, Option<Label>>()? {
            if labels.contains_key(&who) {
                let why = format!("`{who}` has two labels on one item");
                return Err(A::Error::custom(why));
            }
            labels.insert(who, label);
        }
        Ok(Labels(labels))
    }
}
