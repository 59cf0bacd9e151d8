//! What passes between agent and provider, and what of it is kept.

use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::{Mutex, mpsc};

use flate2::Compression;
use flate2::write::GzEncoder;
use rewind_gate::model::Body;
use serde_json::json;

use super::{Bench, answer, delta, output_text, spawn, stop, text};
use crate::support::upstream::{Piece, Received, Upstream, json, last_chunk, stream_head, whole};

#[test]
fn events_are_passed_on_as_they_arrive() {
    let (go, gate) = mpsc::channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_request| {
        let gate = gate.lock().unwrap().take().unwrap();
        vec![
            stream_head(),
            delta("14 "),
            Piece::Await(gate),
            delta("million"),
            stop(),
            last_chunk(),
        ]
    });
    let bench = Bench::new(
        r#"
for line in ask("q", stream=True):
    if line.startswith(b"data: "):
        print(line.decode().strip(), flush=True)
"#,
    );
    let mut child = spawn(&mut bench.rewind(&upstream, &[], &["python3", "agent.py"]));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The second event is not sent before the first one was read.
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("14 "), "{first}");
    go.send(()).unwrap();
    let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
    assert_eq!(rest.last().map(String::as_str), Some("data: [DONE]"));
    assert!(child.wait().unwrap().success());
    let calls = bench.calls();
    assert_eq!(output_text(&calls[0]), "14 million");
    let Some(Body::Events(events)) = &calls[0].exchange.body else {
        panic!("not kept as events: {:?}", calls[0].exchange.body);
    };
    assert_eq!(events.len(), 4);
    assert!(!calls[0].exchange.truncated);
}

#[test]
fn a_compressed_answer_reaches_the_agent_as_it_was_sent() {
    let upstream = Upstream::start(|_request| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(answer("packed").to_string().as_bytes())
            .unwrap();
        let body = encoder.finish().unwrap();
        let headers = [
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
        ];
        whole(200, &headers, &body)
    });
    let bench = Bench::new(
        r#"
import gzip
reply = ask("q", headers={"Accept-Encoding": "gzip"})
body = reply.read()
print(reply.headers["content-encoding"], json.loads(gzip.decompress(body))["id"])
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "gzip chatcmpl-1\n", "{output:?}");
    assert_eq!(
        upstream.received()[0].header("accept-encoding"),
        Some("gzip")
    );
    assert_eq!(output_text(&bench.calls()[0]), "packed");
}

#[test]
fn big_bodies_pass_in_both_directions() {
    const SIZE: usize = 10 << 20;
    let upstream =
        Upstream::start(|request: &Received| json(200, &answer(&"y".repeat(request.body.len()))));
    let bench = Bench::new(
        r#"
reply = json.loads(ask("x" * (10 << 20)).read())
print(len(reply["choices"][0]["message"]["content"]))
"#,
    );
    let output = bench.record(&upstream);
    let length: usize = text(&output.stdout).trim().parse().unwrap();
    assert!(length > SIZE, "{output:?}");
    assert_eq!(output_text(&bench.calls()[0]).len(), length);
}

#[test]
fn traffic_that_is_no_model_call_is_no_step() {
    let upstream = Upstream::start(|request| match request.method.as_str() {
        "GET" => json(200, &json!({"object": "list", "data": []})),
        _ => json(200, &answer("hi")),
    });
    let bench = Bench::new(
        r#"
print(ask("", method="GET", path="/models?limit=2").status)
ask("q").read()
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "200\n", "{output:?}");
    assert_eq!(upstream.received()[0].path, "/v1/models?limit=2");
    assert_eq!(bench.calls().len(), 1);
    let ancillary = bench.session().timelines[0].ancillary.clone();
    assert_eq!(ancillary.len(), 1);
    assert_eq!(ancillary[0].exchange.path, "/v1/models?limit=2");
}

#[test]
fn an_answer_is_passed_on_and_kept() {
    let upstream = Upstream::start(|_request| json(200, &answer("14 million")));
    let bench = Bench::new(
        r#"
reply = json.loads(ask("How many live in Tokyo?").read())
print(reply["choices"][0]["message"]["content"], KEY.startswith("rewind-"))
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "14 million True\n", "{output:?}");
    assert_eq!(output.status.code(), Some(0));
    let request = &upstream.received()[0];
    assert_eq!(request.path, "/v1/chat/completions");
    // The key in the environment was given for the provider's own host, not for this one.
    assert_eq!(request.header("authorization"), None);
    let calls = bench.calls();
    assert_eq!(output_text(&calls[0]), "14 million");
    assert_eq!(calls[0].response.usage.map(|usage| usage.input), Some(10));
    let outcome = bench.session().timelines[0].outcome.clone();
    assert_eq!((outcome.exit, outcome.faults), (Some(0), Vec::new()));
    assert_eq!(outcome.answer.as_deref(), Some("14 million"));
    let said = text(&output.stderr);
    assert!(said.contains("rewind show latest"), "{said}");
    assert!(said.contains("1 model call"), "{said}");
}
