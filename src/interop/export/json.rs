//! `ExportTraceServiceRequest` in JSON: ids in hexadecimal digits, 64-bit integers as texts.

use serde_json::{Value, json};

use super::protobuf::{STATUS_ERROR, kind};
use super::span::{Attribute, Span, hex};

/// Returns the request with these spans.
pub fn to_json(spans: &[Span]) -> Value {
    let service = Attribute::Text("rewind".to_owned());
    let resource = json!({"attributes": [attribute("service.name", &service)]});
    let scope = json!({"name": "rewind", "version": env!("CARGO_PKG_VERSION")});
    let spans: Vec<Value> = spans.iter().map(span_value).collect();
    json!({"resourceSpans": [{
        "resource": resource,
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }]})
}

fn span_value(span: &Span) -> Value {
    let attributes: Vec<Value> = span
        .attributes
        .iter()
        .map(|(name, value)| attribute(name, value))
        .collect();
    let mut value = json!({
        "traceId": hex(&span.trace),
        "spanId": hex(&span.id),
        "name": span.name,
        "kind": kind(span.kind),
        "startTimeUnixNano": span.began_ns.to_string(),
        "endTimeUnixNano": span.ended_ns.to_string(),
        "attributes": attributes,
    });
    if let Value::Object(fields) = &mut value {
        if let Some(parent) = &span.parent {
            fields.insert("parentSpanId".to_owned(), Value::from(hex(parent)));
        }
        if let Some(error) = &span.error {
            let status = json!({"code": STATUS_ERROR, "message": error});
            fields.insert("status".to_owned(), status);
        }
    }
    value
}

fn attribute(name: &str, value: &Attribute) -> Value {
    json!({"key": name, "value": any(value)})
}

fn any(value: &Attribute) -> Value {
    match value {
        Attribute::Text(text) => json!({"stringValue": text}),
        Attribute::Truth(truth) => json!({"boolValue": truth}),
        Attribute::Integer(number) => json!({"intValue": number.to_string()}),
        Attribute::Number(number) => json!({"doubleValue": number}),
        Attribute::Texts(texts) => {
            let values: Vec<Value> = texts
                .iter()
                .map(|text| json!({"stringValue": text}))
                .collect();
            json!({"arrayValue": {"values": values}})
        }
    }
}
