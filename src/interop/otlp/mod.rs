//! Spans of OpenTelemetry: files in any form that its collectors and exporters write, and a receiver.

mod file;
mod json;
mod protobuf;
mod receiver;
mod stream;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;

use super::{Span, Trace};

pub use file::{OtlpError, read_otlp};

pub use super::bounded::MAX_BYTES;
pub use receiver::OtlpReceiver;

/// Puts spans together by their traces, in the order in which the traces began.
pub fn traces(spans: Vec<Span>) -> Vec<Trace> {
    let mut by_trace: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for span in spans {
        by_trace.entry(span.trace.clone()).or_default().push(span);
    }
    let mut traces: Vec<Trace> = by_trace
        .into_iter()
        .map(|(id, spans)| {
            let named = spans
                .iter()
                .find_map(|span| span.text(&["langfuse.trace.name"]));
            Trace {
                source: "otel".to_owned(),
                name: named.map(str::to_owned),
                id,
                spans,
                ..Trace::default()
            }
        })
        .collect();
    traces.sort_by_key(|trace| trace.spans.iter().map(|span| span.began_us).min());
    traces
}
