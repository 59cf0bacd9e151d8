//! Observations of Langfuse as spans: those of the older API with their JSON read, those of the newer one as
//! text and with flattened metadata, and those of files that hold either.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::interop::span::{Span, structured};

/// Returns the span that an observation is; `None` for what is no observation.
pub(super) fn span(row: &Value) -> Option<Span> {
    let fields = row.as_object()?;
    let text = |name: &str| {
        let text = fields.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let began_us = time(fields.get("startTime"))?;
    let kind = text("type").unwrap_or("SPAN").to_lowercase();
    let is_point = kind == "event";
    let ended_us = time(fields.get("endTime")).or_else(|| is_point.then_some(began_us));
    let is_error = text("level") == Some("ERROR");
    let mut span = Span {
        trace: text("traceId").unwrap_or_default().to_owned(),
        id: text("id")?.to_owned(),
        parent: text("parentObservationId").map(str::to_owned),
        name: text("name").unwrap_or_default().to_owned(),
        began_us,
        ended_us,
        error: is_error.then(|| text("statusMessage").unwrap_or_default().to_owned()),
        ..Span::default()
    };
    metadata(fields.get("metadata"), &mut span);
    let mut own = |name: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            let name = format!("langfuse.observation.{name}");
            span.attributes.insert(name, value);
        }
    };
    let json = |name: &str| fields.get(name).cloned().map(structured);
    let named = text("model").or_else(|| text("providedModelName"));
    own("type", Some(Value::from(kind)));
    own("input", json("input"));
    own("output", json("output"));
    own("model.name", named.map(Value::from));
    own("model.parameters", json("modelParameters"));
    own("usage_details", usage(fields));
    own("cost_details", json("costDetails"));
    own(
        "completion_start_time",
        text("completionStartTime").map(Value::from),
    );
    if let Some(environment) = text("environment") {
        let name = "langfuse.environment".to_owned();
        span.attributes.insert(name, Value::from(environment));
    }
    Some(span)
}

/// Returns the tokens; those of older servers stand under `usage`.
fn usage(fields: &Map<String, Value>) -> Option<Value> {
    ["usageDetails", "usage"].into_iter().find_map(|name| {
        let value = structured(fields.get(name)?.clone());
        let counts = value.as_object()?.iter();
        let counts: Map<String, Value> = counts
            .filter(|(_name, value)| value.is_number())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        (!counts.is_empty()).then_some(Value::Object(counts))
    })
}

/// Takes what OpenTelemetry's attributes became, and the rest under the name that the SDK has for it.
fn metadata(value: Option<&Value>, span: &mut Span) {
    let Some(Value::Object(fields)) = value.cloned().map(structured) else {
        return;
    };
    let mut resource = Map::new();
    for (name, value) in fields {
        match name.split_once('.').unwrap_or((name.as_str(), "")) {
            ("attributes", "") => span.attributes.extend(inner(value)),
            ("attributes", rest) => {
                span.attributes.insert(rest.to_owned(), value);
            }
            ("resourceAttributes", "") => resource.extend(inner(value)),
            ("resourceAttributes", rest) => {
                resource.insert(rest.to_owned(), value);
            }
            ("scope", "") => {
                let name = inner(value).remove("name");
                span.scope = name
                    .and_then(|name| name.as_str().map(str::to_owned))
                    .unwrap_or_default();
            }
            ("scope", "name") => value
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut span.scope),
            ("scope", _) => {}
            (_, _) => {
                let name = format!("langfuse.observation.metadata.{name}");
                span.attributes.insert(name, value);
            }
        }
    }
    span.resource = Arc::new(resource);
}

fn inner(value: Value) -> Map<String, Value> {
    match structured(value) {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

/// Returns a time in microseconds since 1970.
pub(super) fn time(value: Option<&Value>) -> Option<i64> {
    let time: jiff::Timestamp = value?.as_str()?.parse().ok()?;
    Some(time.as_microsecond())
}
