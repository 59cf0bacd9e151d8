//! `rewind export otel` against a backend that decodes with the official protobuf classes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::sdk::command;
use crate::support::App;

/// A running backend; it ends with this value.
struct Backend {
    process: Child,
    url: String,
    log: PathBuf,
}

impl Backend {
    fn start(app: &App) -> Self {
        let log = app.folder().join("received.jsonl");
        let [python, file] = command("otlp_receiver.py");
        let mut process = app
            .program(python)
            .arg(file)
            .arg(&log)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        lines.read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://"), "{url:?}");
        Self { process, url, log }
    }

    /// Returns what it has received.
    fn received(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn spans(request: &Value) -> Vec<Value> {
    let spans = &request["resourceSpans"][0]["scopeSpans"][0]["spans"];
    spans.as_array().unwrap().clone()
}

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    let all = span["attributes"].as_array().unwrap();
    let found = all.iter().find(|one| one["key"] == name);
    found.map_or(&Value::Null, |one| &one["value"])
}

#[test]
fn a_session_is_sent_twice_and_is_the_same_trace() {
    let app = App::new();
    app.run(["demo"]).exits(0);
    let backend = Backend::start(&app);
    let export = [
        "export",
        "otel",
        "latest",
        "--all",
        "--endpoint",
        &backend.url,
    ];
    // The backend is busy at first, and that is no failure.
    let first = app.run(export).exits(0);
    assert!(first.stdout.contains("without prompts"), "{}", first.stdout);
    assert!(
        first
            .stdout
            .contains("did not take 1 of them: one is too many"),
        "{}",
        first.stdout
    );
    app.run(export).exits(0);
    let received = backend.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0]["request"], received[1]["request"]);
    assert_eq!(received[0]["path"], "/v1/traces");
    assert_eq!(received[0]["kind"], "application/x-protobuf");

    let spans = spans(&received[0]["request"]);
    let ids: Vec<&Value> = spans.iter().map(|span| &span["spanId"]).collect();
    let parents: Vec<&Value> = spans
        .iter()
        .filter_map(|span| span.get("parentSpanId"))
        .collect();
    assert!(parents.iter().all(|parent| ids.contains(parent)));
    let shown = app.run(["show", "latest", "--json"]).exits(0).json();
    let timelines = shown["timelines"].as_array().unwrap();
    let steps: usize = timelines
        .iter()
        .map(|one| one["steps"].as_array().unwrap().len())
        .sum();
    let stepped = spans
        .iter()
        .filter(|span| !attribute(span, "rewind.step").is_null());
    assert_eq!(stepped.count(), steps);
    let roots = spans.len() - parents.len();
    assert_eq!(roots, timelines.len());
    for content in [
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.tool.call.result",
    ] {
        assert!(
            spans.iter().all(|span| attribute(span, content).is_null()),
            "{content}"
        );
    }
    assert!(
        spans
            .iter()
            .any(|span| attribute(span, "gen_ai.operation.name")["stringValue"] == "chat")
    );
    assert!(
        spans.iter().any(|span| {
            attribute(span, "gen_ai.operation.name")["stringValue"] == "execute_tool"
        })
    );
}

#[test]
fn content_headers_and_compression_are_sent_where_they_are_asked_for() {
    let mut app = App::new();
    app.run(["demo"]).exits(0);
    let backend = Backend::start(&app);
    let traces = format!("{}/else", backend.url);
    app.set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &traces);
    app.set("OTEL_EXPORTER_OTLP_HEADERS", "x-team=a%20b,x-other=c");
    app.set("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    app.run([
        "export",
        "otel",
        "--include-content",
        "--header",
        "x-other=d",
    ])
    .exits(0);
    app.run([
        "export",
        "otel",
        "--include-content",
        "--protocol",
        "http/json",
    ])
    .exits(0);
    let received = backend.received();
    assert_eq!(received[0]["path"], "/else");
    assert_eq!(received[0]["headers"]["x-team"], "a b");
    assert_eq!(received[0]["headers"]["x-other"], "d");
    assert_eq!(received[1]["kind"], "application/json");
    let [binary, text] = [0, 1].map(|at| spans(&received[at]["request"]));
    assert_eq!(binary.len(), text.len());
    let names = |spans: &[Value]| {
        spans
            .iter()
            .map(|span| span["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&binary), names(&text));
    let said = binary.iter().find_map(|span| {
        attribute(span, "gen_ai.output.messages")["stringValue"]
            .as_str()
            .map(str::to_owned)
    });
    let said: Value = serde_json::from_str(&said.unwrap()).unwrap();
    assert_eq!(said[0]["role"], "assistant");
}

#[test]
fn nothing_is_sent_by_a_dry_run_or_to_nowhere() {
    let app = App::new();
    app.run(["demo"]).exits(0);
    let printed = app.run(["export", "otel", "--dry-run"]).exits(0).json();
    let spans = spans(&printed);
    let id = spans[0]["traceId"].as_str().unwrap();
    assert_eq!(
        (id.len(), id.chars().all(|c| c.is_ascii_hexdigit())),
        (32, true)
    );
    assert!(spans[0]["startTimeUnixNano"].is_string());
    let failed = app.run(["export", "otel"]).exits(2);
    assert!(
        failed.stderr.contains("--endpoint URL"),
        "{}",
        failed.stderr
    );
    let refused = ["export", "otel", "--endpoint", "https://cloud.langfuse.com"];
    let failed = app.run(refused).exits(2);
    assert!(
        failed.stderr.contains("LANGFUSE_SECRET_KEY"),
        "{}",
        failed.stderr
    );
    let unknown = app
        .run(["export", "otel", "--timeline", "none", "--dry-run"])
        .exits(2);
    assert!(unknown.stderr.contains("none"), "{}", unknown.stderr);
    assert_eq!(json!(unknown.stdout), "");
}
