//! Requests of Helicone, which is a proxy and keeps the bodies as they went over the wire: dumps, or its API.

mod api;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::span::{number, structured};
use super::{ImportError, Span, Trace};

pub use api::{HeliconePlace, helicone_trace};

/// Returns the traces in a dump: what the API answers, a list, or one request a document.
///
/// # Errors
/// A file without requests that have their bodies.
pub fn read_helicone(documents: Vec<Value>) -> Result<Vec<Trace>, ImportError> {
    let mut requests = Vec::new();
    for document in documents {
        match document {
            Value::Array(items) => requests.extend(items),
            Value::Object(mut fields) => match fields.remove("data") {
                Some(Value::Array(items)) => requests.extend(items),
                Some(other) => requests.push(other),
                None => requests.push(Value::Object(fields)),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let traces = traces(&requests);
    if traces.is_empty() {
        return Err(ImportError::Malformed(
            "the file holds no requests of Helicone with their bodies".to_owned(),
        ));
    }
    Ok(traces)
}

/// Returns requests by their sessions; one without a session is a trace of its own.
fn traces(requests: &[Value]) -> Vec<Trace> {
    let mut by_session: BTreeMap<String, Trace> = BTreeMap::new();
    for request in requests {
        let Some(span) = span(request) else { continue };
        let trace = by_session
            .entry(span.trace.clone())
            .or_insert_with(|| Trace {
                source: "helicone".to_owned(),
                id: span.trace.clone(),
                name: property(request, "Helicone-Session-Name").map(str::to_owned),
                ..Trace::default()
            });
        trace.spans.push(span);
    }
    by_session.into_values().collect()
}

fn property<'r>(request: &'r Value, name: &str) -> Option<&'r str> {
    let properties = ["request_properties", "properties"]
        .into_iter()
        .find_map(|field| request.get(field)?.as_object())?;
    let mut properties = properties.iter();
    let found = properties.find(|(own, _value)| own.eq_ignore_ascii_case(name));
    found?.1.as_str().filter(|text| !text.is_empty())
}

fn span(request: &Value) -> Option<Span> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let asked = structured(request.get("request_body")?.clone());
    let asked = asked.as_object().filter(|body| !body.is_empty())?;
    let answered = request
        .get("response_body")
        .cloned()
        .map(structured)
        .unwrap_or_default();
    let created: jiff::Timestamp = text("request_created_at")?.parse().ok()?;
    let began_us = created.as_microsecond();
    let millis = |name: &str| {
        request
            .get(name)
            .and_then(number)
            .map(|millis| micros(began_us, millis))
    };
    let status = request
        .get("response_status")
        .and_then(Value::as_i64)
        .unwrap_or(200);
    let mut attributes = Map::new();
    let mut own = |name: &str, value: Value| {
        attributes.insert(name.to_owned(), value);
    };
    if asked.get("_type").is_some_and(|kind| kind == "tool") {
        own("gen_ai.operation.name", json!("execute_tool"));
        own(
            "gen_ai.tool.name",
            asked.get("toolName").cloned().unwrap_or_default(),
        );
        own(
            "gen_ai.tool.call.arguments",
            asked.get("input").cloned().unwrap_or_default(),
        );
        let result = answered.get("output").or_else(|| answered.get("results"));
        own(
            "gen_ai.tool.call.result",
            result.cloned().unwrap_or(answered.clone()),
        );
    } else {
        own("openinference.span.kind", json!("LLM"));
        own("input.value", Value::Object(asked.clone()));
        if status < 400 {
            own("output.value", answered.clone());
        }
        own("http.response.status_code", json!(status));
        if let Some(provider) = text("provider") {
            own("llm.provider", json!(provider.to_lowercase()));
        }
        if let Some(first_us) = millis("time_to_first_token") {
            #[expect(
                clippy::cast_precision_loss,
                reason = "an answer takes less than a century"
            )]
            let seconds = first_us.saturating_sub(began_us) as f64 / 1e6;
            own("gen_ai.response.time_to_first_chunk", json!(seconds));
        }
    }
    let path = property(request, "Helicone-Session-Path");
    if let Some(agent) = path.and_then(|path| path.rsplit('/').find(|name| !name.is_empty())) {
        own("helicone.session.agent", json!(agent));
    }
    let error = answered.pointer("/error/message").and_then(Value::as_str);
    let id = text("request_id")?.to_owned();
    Some(Span {
        trace: property(request, "Helicone-Session-Id")
            .unwrap_or(&id)
            .to_owned(),
        id,
        name: text("request_path")
            .or_else(|| text("request_model"))
            .unwrap_or_default()
            .to_owned(),
        scope: "helicone".to_owned(),
        began_us,
        ended_us: millis("delay_ms").or(Some(began_us)),
        error: (status >= 400).then(|| error.unwrap_or_default().to_owned()),
        attributes,
        ..Span::default()
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float that is too large becomes the largest number"
)]
fn micros(began_us: i64, millis: f64) -> i64 {
    began_us.saturating_add((millis * 1e3) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::session;
    use crate::model::Fidelity;

    #[test]
    fn requests_of_a_session_are_one_trace_that_lost_nothing() {
        let request = |id: &str, second: u32, status: u16, response: Value| {
            json!({"request_id": id, "request_created_at": format!("2026-11-30T12:00:0{second}Z"),
                "delay_ms": 500, "response_status": status, "provider": "OPENAI", "request_path": "/v1/chat/completions",
                "request_properties": {"Helicone-Session-Id": "s-1", "Helicone-Session-Path": "/team/writer",
                    "Helicone-Session-Name": "team"},
                "request_body": {"model": "gpt-4o", "messages": [{"role": "user", "content": format!("hi {id}")}]},
                "response_body": response})
        };
        let answer = json!({"id": "x", "choices": [{"message": {"role": "assistant", "content": "yes"},
            "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
        let dump = json!({"data": [
            request("a", 1, 200, answer),
            request("b", 2, 429, json!({"error": {"message": "slow down"}})),
        ], "error": null});
        let mut traces = read_helicone(vec![dump]).unwrap();
        assert_eq!((traces.len(), traces[0].id.as_str()), (1, "s-1"));
        let (session, report) = session(traces.remove(0)).unwrap();
        assert_eq!(session.name, "team");
        assert_eq!(report.count(Fidelity::Exact), 2);
        let steps = &session.timelines[0].steps;
        assert_eq!(steps[0].agent, "writer");
        assert_eq!(steps[0].duration_us(), Some(500_000));
        let failed = steps[1].call().unwrap();
        assert_eq!(failed.exchange.status, 429);
        assert_eq!(failed.response.error.as_ref().unwrap().message, "slow down");
        assert!(read_helicone(vec![json!({"data": []})]).is_err());
    }
}
