//! Traces of other tools become sessions: what the released SDKs wrote (tests/traces), from files and over
//! HTTP from a stand-in for Langfuse.

mod captures;
mod fake;
mod hostile;
mod langfuse;
mod otel;
mod scores;

use serde_json::Value;

use crate::support::repository_path;

/// Returns a file of tests/traces.
fn trace(name: &str) -> String {
    repository_path(&format!("tests/traces/{name}"))
}

/// Returns the steps of a report as kind and name, without what differs from source to source.
fn steps(report: &Value) -> Vec<String> {
    let steps = report["steps"].as_array().unwrap().iter();
    steps
        .map(|step| format!("{} {}", step["step"], step["kind"].as_str().unwrap()))
        .collect()
}

/// Checks that each span is accounted for.
fn is_complete(report: &Value) {
    let spans = report["spans"].as_object().unwrap();
    let parts = spans.iter().filter(|(name, _count)| *name != "total");
    let sum: u64 = parts.map(|(_name, count)| count.as_u64().unwrap()).sum();
    assert_eq!(spans["total"], sum, "{spans:?}");
}
