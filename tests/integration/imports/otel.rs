//! OpenTelemetry: what the released instrumentations wrote, and a receiver for what they send.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value;

use super::{is_complete, trace};
use crate::support::App;

fn import(app: &App, file: &str) -> Value {
    let run = app
        .run(["import", "otel", "--file", &trace(file), "--json"])
        .exits(0);
    let report = run.json()["imported"][0].clone();
    is_complete(&report);
    report
}

#[test]
fn every_producer_gives_the_same_team() {
    // File, spans of models, tools and agents, steps, how its calls can be replayed, what was lost of the first one.
    let producers = [
        (
            "langfuse.pb",
            [18, 12, 5],
            34,
            "history",
            "model,settings,finish,stream,dialect",
        ),
        ("openinference.pb", [18, 12, 5], 34, "exact", ""),
        (
            "openllmetry.pb",
            [18, 12, 5],
            34,
            "history",
            "settings,dialect",
        ),
        (
            "openai-v2.pb",
            [18, 12, 5],
            34,
            "history",
            "tools,settings,stream,dialect",
        ),
        (
            "langgraph.pb.gz",
            [18, 16, 0],
            34,
            "history",
            "settings,stream,dialect",
        ),
        (
            "pydantic-ai.pb",
            [17, 16, 4],
            33,
            "history",
            "settings,stream,dialect",
        ),
        (
            "vercel-ai.pb.gz",
            [18, 16, 0],
            34,
            "history",
            "settings,dialect",
        ),
    ];
    for (file, [model, tool, agent], steps, replay, lost) in producers {
        let app = App::new();
        let report = import(&app, file);
        let spans = &report["spans"];
        assert_eq!(spans["model"], model, "{file}");
        assert_eq!(spans["tool"], tool, "{file}");
        assert_eq!(spans["agent"], agent, "{file}");
        assert_eq!(report["steps"].as_array().unwrap().len(), steps, "{file}");
        let first = &report["steps"][0];
        assert_eq!(first["replay"], replay, "{file}");
        let names: Vec<&str> = first["lost"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap())
            .collect();
        assert_eq!(names.join(","), lost, "{file}");
        let show = app.run(["show", "latest"]).exits(0).stdout;
        assert!(
            show.contains("answer   European sales rose 23% to 2.6M units in 2024."),
            "{file}: {show}"
        );
        assert!(
            show.contains("delegate_research(question=\"How many heat pumps were sold"),
            "{file}: {show}"
        );
        assert!(show.contains("web_search("), "{file}: {show}");
        assert!(show.contains("researcher"), "{file}: {show}");
        // What was read is what is written, whatever is missing in it.
        app.run(["session", "export", "latest", "-o", "out"])
            .exits(0);
        app.run(["import", "out"]).exits(0);
    }
}

#[test]
fn spans_over_many_files_and_out_of_order_are_one_trace() {
    let app = App::new();
    let whole = import(&app, "openllmetry.pb");
    let bytes = fs::read(trace("openllmetry.pb")).unwrap();
    // A message is its parts, so each part is a file of its own; the last span, which is the root, first.
    let parts = parts(&bytes);
    assert!(parts.len() > 4, "{}", parts.len());
    let mut arguments = vec!["import".to_owned(), "otel".to_owned(), "--json".to_owned()];
    for (number, part) in parts.iter().rev().enumerate() {
        let name = format!("part-{number}.pb");
        fs::write(app.folder().join(&name), part).unwrap();
        arguments.extend(["--file".to_owned(), name]);
    }
    let run = app.run(&arguments).exits(0);
    let report = &run.json()["imported"][0];
    assert_eq!(report["steps"], whole["steps"]);
    assert_eq!(report["spans"], whole["spans"]);
    // Twice the same spans count once.
    let file = trace("openllmetry.pb");
    let run = app
        .run(["import", "otel", "--json", "--file", &file, "--file", &file])
        .exits(0);
    let report = &run.json()["imported"][0];
    is_complete(report);
    assert_eq!(report["steps"], whole["steps"]);
    assert_eq!(report["spans"]["repeated"], 35);
}

/// Cuts a message into its top-level fields.
fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mut length, mut shift, mut head) = (0_usize, 0, 1);
        loop {
            let byte = usize::from(rest[head]);
            head += 1;
            length |= (byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let (part, behind) = rest.split_at(head + length);
        parts.push(part);
        rest = behind;
    }
    parts
}

#[test]
fn an_exporter_can_send_to_rewind() {
    let app = App::new();
    let mut command = app.rewind();
    command
        .args([
            "import",
            "otel",
            "--listen",
            "127.0.0.1:0",
            "--count",
            "1",
            "--json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .split("http://")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let body = fs::read(trace("pydantic-ai.pb")).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream
        .write_all(&[head.as_bytes(), &body].concat())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let output = process.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["imported"][0]["spans"]["model"], 17);
}

#[test]
fn what_is_no_trace_is_told() {
    let app = App::new();
    app.write("logs.json", "{\"resourceLogs\": []}");
    let error = app
        .run(["import", "otel", "--file", "logs.json"])
        .exits(2)
        .stderr;
    assert!(
        error.contains("logs.json: it holds no spans") && error.contains("`resourceLogs`"),
        "{error}"
    );
    app.write("circle.json", r#"{"spans": [
        {"traceId": "t", "spanId": "a", "parentSpanId": "b", "name": "x", "startTimeUnixNano": 1},
        {"traceId": "t", "spanId": "b", "parentSpanId": "a", "name": "y", "startTimeUnixNano": 2}]}"#);
    let error = app
        .run(["import", "otel", "--file", "circle.json"])
        .exits(2)
        .stderr;
    assert!(error.contains("go in a circle"), "{error}");
    let error = app
        .run(["import", "otel", "--file", "none.json"])
        .exits(2)
        .stderr;
    assert!(error.contains("none.json can't be read"), "{error}");
}

#[test]
fn personal_data_is_replaced_unless_the_configuration_says_no() {
    let app = App::new();
    app.write("mail.json", r#"{"spans": [{"traceId": "t", "spanId": "a", "name": "chat", "startTimeUnixNano": 1000,
        "endTimeUnixNano": 2000, "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
        {"key": "gen_ai.input.messages", "value": {"stringValue":
            "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Write to jane.roe@acme.io\"}]}]"}},
        {"key": "gen_ai.output.messages", "value": {"stringValue":
            "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"Done: jane.roe@acme.io\"}]}]"}}]}]}"#);
    app.run(["import", "otel", "--file", "mail.json"]).exits(0);
    app.run(["session", "export", "latest", "-o", "one"])
        .exits(0);
    let text = fs::read_to_string(app.folder().join("one/messages.jsonl")).unwrap();
    assert!(
        !text.contains("jane.roe") && text.contains("@example.com"),
        "{text}"
    );
    app.write("rewind.toml", "[redact]\npersonal = false\n");
    app.run(["import", "otel", "--file", "mail.json"]).exits(0);
    app.run(["session", "export", "latest", "-o", "two"])
        .exits(0);
    let text = fs::read_to_string(app.folder().join("two/messages.jsonl")).unwrap();
    assert!(text.contains("jane.roe@acme.io"), "{text}");
}
