//! Whole exchanges through a recorder.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::testing::{captured, incoming, streamed};
use super::*;
use crate::model::{Ancillary, Body, Call, Dialect, Rung, Served, StepIndex};
use crate::proxy::{Captured, Incoming};
use crate::redact::{RedactRules, Redactor};
use crate::wire::Parser;

const KEY: &str = "sk-proj-Zx9Qw8Er7Ty6Ui5Op4As3Df2Gh1Jk0LzXcVb";

struct Bench {
    recorder: Arc<Recorder>,
    sink: Arc<MemorySink>,
}

impl Bench {
    fn new() -> Self {
        let sink = Arc::new(MemorySink::default());
        let recorder = recorder(Arc::clone(&sink) as Arc<dyn Sink>);
        Self { recorder, sink }
    }

    fn ask(&self, incoming: &Incoming) -> AskedModel {
        match self.recorder.ask(incoming) {
            Asked::Model(asked) => *asked,
            other @ (Asked::Ancillary(_) | Asked::Telemetry) => panic!("no model call: {other:?}"),
        }
    }

    fn exchange(&self, incoming: &Incoming, captured: Captured) -> Arc<Call> {
        self.recorder.answered(self.ask(incoming), captured)
    }
}

fn recorder(sink: Arc<dyn Sink>) -> Arc<Recorder> {
    let redactor = Arc::new(Redactor::new(&RedactRules::default()).unwrap());
    let parser = Arc::new(Parser::new(Arc::clone(&redactor) as _));
    Arc::new(Recorder::new(parser, redactor, sink))
}

fn chat(messages: &Value) -> Incoming {
    let body = json!({"model": "m", "messages": messages});
    incoming("/v1/chat/completions", &body)
}

fn question(text: &str) -> Incoming {
    chat(&json!([{"role": "user", "content": text}]))
}

fn answer(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m-1",
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": text}}]
    })
}

fn delta(text: &str) -> String {
    let event = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]
    });
    format!("data: {event}\n\n")
}

fn text(call: &Call) -> String {
    let output = call.response.output.as_ref();
    output.map_or_else(String::new, |message| message.plain_text())
}

fn whole(call: &Call) -> String {
    let body = call.exchange.body.as_ref().unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn an_answer_without_secrets_is_kept_byte_for_byte() {
    let bench = Bench::new();
    let body = "{ \"id\":\"x\", \"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n";
    let captured = Captured {
        body: Body::Whole(Bytes::from(body)),
        ..captured(200, &Value::Null)
    };
    let call = bench.exchange(&question("q"), captured);
    assert_eq!(whole(&call), body);
    assert_eq!(text(&call), "hi");
    assert_eq!(bench.sink.calls(), [Arc::clone(&call)]);
    assert_eq!(bench.recorder.finish().calls, [call]);
}

#[test]
fn a_retry_takes_over_the_step_that_it_tries_again() {
    let bench = Bench::new();
    let error = json!({"error": {"message": "slow down", "type": "rate_limit"}});
    bench.exchange(&question("q"), captured(429, &error));
    let again = bench.ask(&question("q"));
    assert!(again.is_retry);
    let call = bench.recorder.answered(again, captured(200, &answer("hi")));
    assert_eq!((call.ordinal, call.attempts.len()), (0, 1));
    let finished = bench.recorder.finish();
    assert_eq!(finished.calls, [call]);
    // The sink saw the failure first: nothing is lost if the run is killed in between.
    assert_eq!(bench.sink.calls().len(), 2);
}

#[test]
fn a_refused_request_is_no_retry() {
    let bench = Bench::new();
    let error = json!({"error": {"message": "bad", "type": "invalid_request_error"}});
    bench.exchange(&question("q"), captured(400, &error));
    assert!(!bench.ask(&question("q")).is_retry);
}

#[test]
fn a_client_that_leaves_behind_the_last_event_has_the_whole_answer() {
    let bench = Bench::new();
    let last = "data: [DONE]\n\n";
    let gone = |events: &[&str]| Captured {
        truncated: true,
        client_gone: true,
        ..streamed(events)
    };
    let whole = bench.exchange(&question("q"), gone(&[&delta("hi"), last]));
    assert!(!whole.exchange.truncated);
    let partial = bench.exchange(&question("other"), gone(&[&delta("hi")]));
    assert!(partial.exchange.truncated);
    assert_eq!(text(&partial), "hi");
}

#[test]
fn a_secret_in_an_answer_is_kept_nowhere() {
    let bench = Bench::new();
    let escaped = json!({ "token": KEY }).to_string();
    let mut captured = captured(200, &answer(&format!("take {KEY} and {escaped}")));
    captured.headers.push(("x-request-id".into(), KEY.into()));
    let mut request = question(KEY);
    request.path = format!("/v1/chat/completions?key={KEY}");
    let call = bench.exchange(&request, captured);
    let everything = format!("{call:?} {}", whole(&call));
    assert!(!everything.contains(KEY), "{everything}");
    assert!(text(&call).contains("[redacted"));
    assert!(serde_json::from_str::<Value>(&whole(&call)).is_ok());
}

#[test]
fn a_secret_in_the_pieces_of_a_stream_is_kept_nowhere() {
    let bench = Bench::new();
    let pieces: Vec<String> = KEY
        .as_bytes()
        .chunks(6)
        .map(|piece| delta(std::str::from_utf8(piece).unwrap()))
        .collect();
    let mut events: Vec<&str> = pieces.iter().map(String::as_str).collect();
    events.push("data: [DONE]\n\n");
    let call = bench.exchange(&question("q"), streamed(&events));
    let read = crate::wire::parse_response(
        Dialect::OpenaiChat,
        200,
        call.exchange.body.as_ref().unwrap(),
    );
    assert_eq!(read.unwrap().output, call.response.output);
    assert!(text(&call).starts_with("[redacted"), "{}", text(&call));
    assert!(!whole(&call).contains("Zx9Qw8"), "{}", whole(&call));
}

#[test]
fn the_next_request_continues_the_scrubbed_answer() {
    let bench = Bench::new();
    let said = format!("the key is {KEY}");
    let first = bench.exchange(&question("q"), captured(200, &answer(&said)));
    let next = bench.ask(&chat(&json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": said},
        {"role": "user", "content": "thanks"}
    ])));
    let history = next.request.thread.parent();
    assert_eq!(history.last(), first.response.output.as_ref());
    assert_eq!(history.parent(), first.request.thread);
}

#[test]
fn previous_response_id_stands_for_the_conversation() {
    let bench = Bench::new();
    let ask = |input: Value, previous: Option<&str>| {
        let mut body = json!({"model": "m", "input": input});
        if let Some(previous) = previous {
            body["previous_response_id"] = previous.into();
        }
        incoming("/v1/responses", &body)
    };
    let reply = json!({
        "id": "resp_1", "object": "response", "status": "completed", "model": "m-1",
        "output": [{"type": "function_call", "id": "fc_1", "call_id": "call_1",
                    "name": "search", "arguments": "{}", "status": "completed"}]
    });
    let first = ask(json!("find it"), None);
    let second = ask(
        json!([{"type": "function_call_output", "call_id": "call_1", "output": "found"}]),
        Some("resp_1"),
    );
    let asked = bench.ask(&first);
    // The next request may come before the end of the answer was noticed.
    let early = bench.ask(&second);
    bench.recorder.answered(asked, captured(200, &reply));
    let late = bench.ask(&second);
    assert_eq!(late.request.thread.len(), 3);
    let call = bench.recorder.answered(early, captured(200, &reply));
    assert_eq!(call.request.thread, late.request.thread);
}

#[test]
fn what_can_not_be_parsed_is_kept_verbatim_with_a_fault() {
    let bench = Bench::new();
    let mut rubbish = question("q");
    rubbish.body = Bytes::from_static(b"{\"messages\": 7");
    let answer = Captured {
        body: Body::Whole(Bytes::from_static(b"<html>")),
        ..captured(200, &Value::Null)
    };
    let call = bench.exchange(&rubbish, answer);
    assert_eq!(call.request.dialect, Dialect::Opaque);
    let faults = bench.recorder.finish().faults;
    assert!(
        faults[0].contains("POST /v1/chat/completions"),
        "{faults:?}"
    );
    let answer = Captured {
        body: Body::Whole(Bytes::from_static(b"<html>")),
        ..captured(200, &Value::Null)
    };
    let call = bench.exchange(&question("q"), answer);
    assert_eq!(whole(&call), "<html>");
    assert_eq!(bench.recorder.finish().faults.len(), 2);
}

#[test]
fn traffic_that_is_no_model_call_has_no_ordinal() {
    let bench = Bench::new();
    let mut models = incoming("/v1/models", &Value::Null);
    models.method = http::Method::GET;
    models.body = Bytes::new();
    let Asked::Ancillary(asked) = bench.recorder.ask(&models) else {
        panic!("a model call");
    };
    bench
        .recorder
        .answered_ancillary(asked, captured(200, &json!({"data": []})));
    let finished = bench.recorder.finish();
    assert!(finished.calls.is_empty());
    assert_eq!(finished.ancillary[0].exchange.path, "/v1/models");
    assert_eq!(bench.sink.ancillary_traffic(), finished.ancillary);
}

/// The first step, served as it was recorded.
fn served() -> Served {
    Served {
        step: StepIndex(1),
        rung: Rung::Exact,
        drift: Vec::new(),
        lossy: false,
    }
}

#[test]
fn a_served_call_is_kept_as_it_was_recorded() {
    let recorded = Bench::new().exchange(&question("q"), captured(200, &answer("hi")));
    let bench = Bench::new();
    let served = served();
    let asked = bench.ask(&question("q"));
    let call = bench
        .recorder
        .served(asked, &recorded, served.clone(), Instant::now());
    assert_eq!(call.served, Some(served));
    assert_eq!(call.response, recorded.response);
    assert_eq!(call.exchange, recorded.exchange);
}

#[test]
fn a_served_call_ended_when_it_was_sent_not_when_it_was_noted() {
    let recorded = Bench::new().exchange(&question("q"), captured(200, &answer("hi")));
    let bench = Bench::new();
    let served = served();
    let (first, second) = (bench.ask(&question("q")), bench.ask(&question("q")));
    let earlier = Instant::now();
    let later = earlier + Duration::from_millis(7);
    let second = bench
        .recorder
        .served(second, &recorded, served.clone(), later);
    let first = bench.recorder.served(first, &recorded, served, earlier);
    assert_eq!(second.ended_us - first.ended_us, 7000);
}

#[tokio::test]
async fn a_request_that_nobody_answers_is_a_partial_step() {
    let bench = Bench::new();
    let asked = bench.ask(&question("q"));
    drop(Awaited::new(Arc::clone(&bench.recorder), asked));
    bench.recorder.drained().await;
    let calls = bench.recorder.finish().calls;
    assert!(calls[0].exchange.truncated);
    let mut retry = question("q");
    retry.headers.insert(
        HeaderName::from_static("x-stainless-retry-count"),
        HeaderValue::from_static("1"),
    );
    assert!(bench.ask(&retry).is_retry);
}

/// A disk that is full.
struct Full;

impl Sink for Full {
    fn call(&self, _call: &Arc<Call>) -> Result<(), SinkError> {
        Err(SinkError::plain("the disk is full"))
    }

    fn ancillary(&self, _ancillary: &Ancillary) -> Result<(), SinkError> {
        Err(SinkError::plain("the disk is full"))
    }
}

#[test]
fn a_store_that_fails_loses_nothing_in_memory() {
    let recorder = recorder(Arc::new(Full));
    for name in ["a", "b"] {
        let Asked::Model(asked) = recorder.ask(&question(name)) else {
            panic!("no model call");
        };
        recorder.answered(*asked, captured(200, &answer("hi")));
    }
    let finished = recorder.finish();
    assert_eq!(finished.calls.len(), 2);
    assert!(
        finished.faults[0].contains("the disk is full"),
        "{:?}",
        finished.faults
    );
}
