//! Traces of Langfuse: from the older API, from rows of the newer one, from files.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::rows;
use crate::interop::span::structured;
use crate::interop::{ImportError, ScoreReport, Span, Trace};

/// Returns the trace that these observations make; `about` holds its own fields, where there are any.
pub(super) fn trace(id: &str, about: &Map<String, Value>, rows: &[Value]) -> Trace {
    let spans: Vec<Span> = rows.iter().filter_map(rows::span).collect();
    let mut warnings = Vec::new();
    let unread = rows.len().saturating_sub(spans.len());
    if unread > 0 {
        warnings.push(format!(
            "{unread} observation(s) have no id or no time and are left out"
        ));
    }
    let text = |name: &str| about.get(name).and_then(Value::as_str).map(str::to_owned);
    let json = |name: &str| about.get(name).cloned().map(structured);
    let metadata = json("metadata").unwrap_or_default();
    let expected = ["expected_output", "expectedOutput", "expected"]
        .into_iter()
        .find_map(|name| metadata.get(name).cloned());
    let scores = about.get("scores").and_then(Value::as_array);
    Trace {
        source: "langfuse".to_owned(),
        id: id.to_owned(),
        name: text("name")
            .or_else(|| root_name(rows))
            .filter(|name| !name.is_empty()),
        url: None,
        input: json("input"),
        output: json("output"),
        expected: expected.or_else(|| experiment(&spans)),
        scores: scores
            .map(|all| all.iter().filter_map(score).collect())
            .unwrap_or_default(),
        spans,
        warnings,
    }
}

/// Returns the name of the trace as rows of the newer API tell it.
fn root_name(rows: &[Value]) -> Option<String> {
    let named = rows.iter().find_map(|row| row.get("traceName")?.as_str());
    named.map(str::to_owned)
}

/// Returns the answer that an experiment holds to be right.
fn experiment(spans: &[Span]) -> Option<Value> {
    let names = ["langfuse.experiment.item.expected_output"];
    spans.iter().find_map(|span| span.json(&names))
}

/// Returns a score.
pub(super) fn score(value: &Value) -> Option<ScoreReport> {
    Some(ScoreReport {
        name: value.get("name")?.as_str()?.to_owned(),
        value: value
            .get("value")
            .filter(|value| !value.is_null())
            .or_else(|| value.get("stringValue"))
            .cloned()
            .unwrap_or_default(),
        comment: value
            .get("comment")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}

/// Returns the traces in a file: an answer of either API, pages of one, an export, or observations.
///
/// # Errors
/// JSON that holds no observations.
pub fn read_langfuse_file(value: Value) -> Result<Vec<Trace>, ImportError> {
    let mut found = File::default();
    found.take(value, 0);
    let traces: Vec<Trace> = found
        .rows
        .into_iter()
        .map(|(id, rows)| {
            let about = found.about.remove(&id).unwrap_or_default();
            trace(&id, &about, &rows)
        })
        .collect();
    if traces.is_empty() {
        return Err(ImportError::Malformed(
            "the file holds no observations of Langfuse; export the trace as JSON, or save what \
             /api/public/traces/ID answers"
                .to_owned(),
        ));
    }
    Ok(traces)
}

/// What a file holds.
#[derive(Debug, Default)]
struct File {
    about: BTreeMap<String, Map<String, Value>>,
    rows: BTreeMap<String, Vec<Value>>,
}

/// Pages in a list in a field: no file is deeper.
const MAX_DEPTH: usize = 4;

impl File {
    fn take(&mut self, value: Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(items) => {
                for item in items {
                    self.take(item, depth.saturating_add(1));
                }
            }
            Value::Object(mut fields) => {
                if let Some(Value::Array(rows)) = fields.remove("observations") {
                    // The user interface writes the trace apart from its observations.
                    let about = match fields.remove("trace") {
                        Some(Value::Object(about)) => about,
                        Some(_) | None => fields,
                    };
                    let id = about.get("id").and_then(Value::as_str).map(str::to_owned);
                    for row in rows {
                        self.row(row, id.as_deref());
                    }
                    if let Some(id) = id {
                        self.about.insert(id, about);
                    }
                } else if let Some(inner) = fields.remove("data") {
                    self.take(inner, depth.saturating_add(1));
                } else if fields.contains_key("startTime") {
                    self.row(Value::Object(fields), None);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn row(&mut self, row: Value, trace: Option<&str>) {
        let id = row.get("traceId").and_then(Value::as_str).or(trace);
        let id = id.unwrap_or_default().to_owned();
        self.rows.entry(id).or_default().push(row);
    }
}
