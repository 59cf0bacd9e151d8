//! Traces of Langfuse: from the older API, from rows of the newer one.

use serde_json::{Map, Value};

use super::rows;
use crate::interop::span::structured;
use crate::interop::{ScoreReport, Span, Trace};

/// An observation, read.
#[derive(Debug)]
pub(super) struct Row {
    /// The id of its trace.
    pub(super) trace: Option<String>,
    /// The name of the trace, as rows of the newer API tell it.
    name: Option<String>,
    /// `None` for what is no observation.
    span: Option<Span>,
}

impl Row {
    pub(super) fn of(row: &Value) -> Self {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            trace: text("traceId"),
            name: text("traceName"),
            span: rows::span(row),
        }
    }
}

/// Returns the trace that these observations make; `about` holds its own fields, where there are any.
pub(super) fn trace(id: &str, about: &Map<String, Value>, rows: &[Value]) -> Trace {
    assembled(id, about, rows.iter().map(Row::of).collect())
}

/// Returns the trace that observations make which are read already.
pub(super) fn assembled(id: &str, about: &Map<String, Value>, rows: Vec<Row>) -> Trace {
    let root_name = rows.iter().find_map(|row| row.name.clone());
    let total = rows.len();
    let spans: Vec<Span> = rows.into_iter().filter_map(|row| row.span).collect();
    let mut warnings = Vec::new();
    let unread = total.saturating_sub(spans.len());
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
        name: text("name").or(root_name).filter(|name| !name.is_empty()),
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
