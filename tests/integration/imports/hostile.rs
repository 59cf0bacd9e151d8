//! Files that nobody means well with end with an error that says what and where, through the built binary.

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use super::is_complete;
use crate::support::{App, Run};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packing.write_all(bytes).unwrap();
    packing.finish().unwrap()
}

fn import(app: &App, kind: &str, bytes: &[u8]) -> Run {
    fs::write(app.folder().join("hostile"), bytes).unwrap();
    app.run(["import", kind, "--file", "hostile", "--json"])
}

/// Returns a span of a model call in OTLP.
fn span(id: &str, parent: Option<&str>, said: &str) -> Value {
    let text = |key: &str, text: &str| json!({"key": key, "value": {"stringValue": text}});
    json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": id, "parentSpanId": parent, "name": "chat",
        "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000",
        "attributes": [text("gen_ai.operation.name", "chat"), text("gen_ai.request.model", "gpt-4o"),
            text("gen_ai.input.messages", "[{\"role\":\"user\",\"content\":\"hi\"}]"),
            text("gen_ai.output.messages", &json!([{"role": "assistant", "content": said}]).to_string())]})
}

fn document(spans: &[Value]) -> Vec<u8> {
    let document = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
    document.to_string().into_bytes()
}

fn id(number: usize) -> String {
    format!("{:016x}", number + 1)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of files")]
fn what_is_nested_packed_or_cut_without_end_is_told() {
    let spaces = vec![b' '; 24 << 20];
    let bombs = [
        gzip(&spaces),
        zstd::encode_all(spaces.as_slice(), 1).unwrap(),
    ];
    let nested = [
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"spanId\":\"a\",\"attributes\":"
            .to_owned(),
        "[".repeat(200_000),
    ];
    let span = document(&[span(&id(0), None, "yes")]);
    let framed = [
        &u32::try_from(span.len()).unwrap().to_be_bytes(),
        span.as_slice(),
    ]
    .concat();
    let cut = [framed.as_slice(), &framed[..framed.len() - 9]].concat();
    let line = [span.as_slice(), b"\n", &span[..span.len() / 2]].concat();
    for (kind, bytes, said) in [
        (
            "otel",
            bombs[0].clone(),
            "unpacks to more than 500 times its size",
        ),
        (
            "otel",
            bombs[1].clone(),
            "unpacks to more than 500 times its size",
        ),
        (
            "otel",
            gzip(&bombs[0]),
            "unpacks to more than 500 times its size",
        ),
        (
            "from-langfuse",
            bombs[0].clone(),
            "unpacks to more than 500 times its size",
        ),
        (
            "from-langsmith",
            bombs[1].clone(),
            "unpacks to more than 500 times its size",
        ),
        (
            "otel",
            nested.concat().into_bytes(),
            "recursion limit exceeded at line 1 column",
        ),
        (
            "otel",
            "[".repeat(200_000).into_bytes(),
            "line 1 column 200000",
        ),
        (
            "from-langfuse",
            "{\"a\":".repeat(200_000).into_bytes(),
            "recursion limit exceeded at line 1 column",
        ),
        (
            "from-langsmith",
            "[".repeat(200_000).into_bytes(),
            "recursion limit exceeded at line 1 column",
        ),
        (
            "from-helicone",
            "[".repeat(200_000).into_bytes(),
            "recursion limit exceeded at line 1 column",
        ),
        ("otel", cut, "breaks off in message 2"),
        ("otel", line, "at line 2 column"),
        ("otel", gzip(&span)[..40].to_vec(), "can't be read"),
        (
            "from-langfuse",
            b"{\"observations\": [{\"id\": 1]}".to_vec(),
            "at line 1 column",
        ),
    ] {
        let run = import(&App::new(), kind, &bytes).exits(2);
        assert!(run.stderr.contains(said), "{kind}: {}", run.stderr);
        assert!(run.stderr.contains("hostile"), "{kind}: {}", run.stderr);
    }
}

#[test]
fn parents_in_a_circle_are_told_with_the_span() {
    let circle = vec![
        span(&id(1), Some(&id(2)), "yes"),
        span(&id(2), Some(&id(3)), "yes"),
        span(&id(3), Some(&id(1)), "yes"),
    ];
    let run = import(&App::new(), "otel", &document(&circle)).exits(2);
    let said = "the parents of span `0000000000000002` go in a circle";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let row = |id: &str, parent: &str| {
        json!({"id": id, "traceId": "t", "parentObservationId": parent, "type": "GENERATION",
            "startTime": "2026-11-30T12:00:00.000Z", "endTime": "2026-11-30T12:00:01.000Z", "input": "hi", "output": "yes"})
    };
    let rows = json!([row("a", "b"), row("b", "a")]).to_string();
    let run = import(&App::new(), "from-langfuse", rows.as_bytes()).exits(2);
    assert!(run.stderr.contains("go in a circle"), "{}", run.stderr);
}

#[test]
fn many_equal_ids_lost_parents_and_huge_texts_are_no_trouble() {
    let equal = (0..5_000).map(|number| span(&id(0), None, &number.to_string()));
    let run = import(&App::new(), "otel", &document(&equal.collect::<Vec<_>>())).exits(0);
    let report = &run.json()["imported"][0];
    is_complete(report);
    assert_eq!(report["spans"]["repeated"], 4_999);
    // Spans that nothing is made of, each below one that never came.
    let lost = (0..20_000).map(|number| {
        json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": id(number), "parentSpanId": "ffffffffffffffff",
            "name": "x", "startTimeUnixNano": "1544712660000000000"})
    });
    let lost: Vec<Value> = lost.chain([span(&id(100_000), None, "yes")]).collect();
    let run = import(&App::new(), "otel", &document(&lost)).exits(0);
    let report = &run.json()["imported"][0];
    is_complete(report);
    assert_eq!(report["spans"]["total"], 20_001);
    let huge = "long ".repeat(1 << 19);
    let run = import(&App::new(), "otel", &document(&[span(&id(0), None, &huge)])).exits(0);
    is_complete(&run.json()["imported"][0]);
}
