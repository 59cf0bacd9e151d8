//! Scores go along with the spans: to the stand-in for Langfuse, and in the form of Phoenix.

use serde_json::{Value, json};

use super::fake::{FakeLangfuse, Mode, Trouble};
use crate::judge::RULES;
use crate::support::App;
use crate::support::upstream::{Upstream, json as answer};

/// The demo's session, both timelines scored.
fn scored() -> App {
    let app = App::new()
        .env("LANGFUSE_PUBLIC_KEY", "pk-lf-test")
        .env("LANGFUSE_SECRET_KEY", "sk-lf-test");
    app.run(["demo"]).exits(0);
    app.write("judge.toml", RULES);
    let judge = ["--scripted", "judge.toml", "--compare-timelines"];
    let score = ["eval", "score", "latest", "-e", "correctness"];
    app.run(score.iter().chain(&judge)).exits(0);
    app
}

#[test]
fn langfuse_gets_each_score_once_however_often_it_is_sent() {
    let app = scored();
    let fake = FakeLangfuse::start(Mode::V4, Trouble::default());
    let endpoint = format!("{}/api/public/otel", fake.url());
    let send = |more: &[&str]| {
        let export = [
            "export",
            "otel",
            "--all",
            "--protocol",
            "http/json",
            "--endpoint",
        ];
        let export = export.iter().copied().chain([endpoint.as_str()]);
        app.run(export.chain(more.iter().copied())).exits(0).stdout
    };
    let said = send(&[]);
    assert!(said.contains("sent 2 score(s) to http"), "{said}");
    let (spans, scores) = {
        let posted = fake.posted();
        (posted.spans.clone(), posted.scores.clone())
    };
    assert_eq!(scores.len(), 2);
    let values: Vec<&Value> = scores.values().map(|score| &score["value"]).collect();
    assert!(
        values.contains(&&json!(0.2)) && values.contains(&&json!(0.95)),
        "{values:?}"
    );
    for score in scores.values() {
        let trace = &score["traceId"];
        assert!(
            spans.values().any(|span| span["traceId"] == *trace),
            "{score}"
        );
        assert_eq!(score["metadata"]["judge"], "scripted-judge");
        // What a judge says may quote the answer.
        assert_eq!(score["comment"], Value::Null);
    }
    send(&[]);
    {
        let posted = fake.posted();
        assert_eq!(posted.spans, spans);
        assert_eq!(posted.scores, scores);
    }
    send(&["--include-content"]);
    let posted = fake.posted();
    assert_eq!(posted.scores.len(), 2);
    let comments: Vec<&Value> = posted
        .scores
        .values()
        .map(|score| &score["comment"])
        .collect();
    assert!(
        comments.contains(&&json!("The number is made up.")),
        "{comments:?}"
    );
}

#[test]
fn phoenix_gets_annotations_of_the_outermost_span() {
    let app = scored();
    let phoenix = Upstream::start(|_request| answer(200, &json!({"data": []})));
    let endpoint = phoenix.url().trim_end_matches("/v1").to_owned();
    let export = [
        "export",
        "otel",
        "--timeline",
        "main",
        "--endpoint",
        &endpoint,
    ];
    // Any collector may listen there, so nothing is guessed.
    let said = app.run(export).exits(0).stdout;
    assert!(said.contains("1 score(s) stay here"), "{said}");
    let named = export
        .iter()
        .copied()
        .chain(["--scores", "phoenix", "--header", "x-team=a"]);
    app.run(named).exits(0);
    let received = phoenix.received();
    assert_eq!(received.len(), 3);
    let sent = &received[2];
    assert_eq!(sent.path, "/v1/span_annotations");
    assert_eq!(sent.header("x-team"), Some("a"));
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    let one = &body["data"][0];
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
    assert_eq!(one["name"], "correctness");
    assert_eq!(one["annotator_kind"], "CODE");
    assert_eq!(one["result"], json!({"score": 0.2}));
    assert_eq!(one["identifier"].as_str().unwrap().len(), 32);
    let shown = app
        .run(["export", "otel", "--timeline", "main", "--dry-run"])
        .exits(0)
        .json();
    let root = &shown["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(root.get("parentSpanId"), None);
    assert_eq!(one["span_id"], root["spanId"]);
    assert_eq!(shown["scores"][0]["id"], one["identifier"]);
    let none = app
        .run(["export", "otel", "--dry-run", "--scores", "none"])
        .exits(0)
        .json();
    assert_eq!(none.get("scores"), None);
}
