//! Traces of LangSmith: dumps of runs, or its API.

mod api;
mod runs;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ImportError, Span, Trace};

pub use api::{LangSmithPlace, langsmith_trace};

fn trace(id: String, spans: Vec<Span>) -> Trace {
    Trace {
        source: "langsmith".to_owned(),
        id,
        spans,
        ..Trace::default()
    }
}

/// Returns the traces in a dump of runs: a list, one run a document, or what the API answers.
///
/// # Errors
/// A file without runs.
pub fn read_langsmith(documents: &[Value]) -> Result<Vec<Trace>, ImportError> {
    let mut by_trace: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    let mut take = |run: &Value| {
        if let Some(span) = runs::span(run) {
            by_trace.entry(span.trace.clone()).or_default().push(span);
        }
    };
    for document in documents {
        match document
            .as_array()
            .or_else(|| document.get("runs")?.as_array())
        {
            Some(runs) => runs.iter().for_each(&mut take),
            None => take(document),
        }
    }
    if by_trace.is_empty() {
        return Err(ImportError::Malformed(
            "the file holds no runs of LangSmith: save what client.list_runs() gives as JSON"
                .to_owned(),
        ));
    }
    Ok(by_trace
        .into_iter()
        .map(|(id, spans)| trace(id, spans))
        .collect())
}
