//! Judges behind real sockets: what they are sent, and what they may do wrong.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json as value};

use super::demo;
use crate::support::upstream::{Piece, Received, Upstream, json, whole};
use crate::support::{App, Run};

/// Returns a verdict on correctness.
pub(super) fn verdict(score: f64, evidence: &[&str]) -> Value {
    value!({"verdicts": [{
        "statement": "correctness", "evidence": evidence, "reasoning": "so", "score": score, "pass": score >= 0.5,
    }]})
}

/// Returns a provider's answer with this text, in the dialect that was asked.
pub(super) fn says(request: &Received, text: &str) -> Vec<Piece> {
    if request.path.ends_with("/messages") {
        let block = match serde_json::from_str::<Value>(text) {
            Ok(input) => {
                value!({"type": "tool_use", "id": "toolu_1", "name": "verdict", "input": input})
            }
            Err(_prose) => value!({"type": "text", "text": text}),
        };
        return json(
            200,
            &value!({"content": [block], "stop_reason": "tool_use", "usage": {"input_tokens": 100, "output_tokens": 10}}),
        );
    }
    json(
        200,
        &value!({
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10},
        }),
    )
}

/// Returns the right answer to a canary; `None` for anything else.
pub(super) fn canary(request: &Received) -> Option<Vec<Piece>> {
    let body = String::from_utf8(request.body.clone()).unwrap();
    if body.contains("The capital of France is Paris.") {
        return Some(says(request, &verdict(1.0, &["Paris"]).to_string()));
    }
    body.contains("Bananas are")
        .then(|| says(request, &verdict(0.0, &[]).to_string()))
}

/// Configures this judge.
pub(super) fn configure(app: &App, upstream: &Upstream, dialect: &str) {
    let text = format!(
        "[judge]\nmodel = \"judge-1\"\nurl = \"{}\"\ndialect = \"{dialect}\"\nkey_env = \"MY_JUDGE\"\n{}timeout = \"700ms\"\n\
         [agent]\ncommand = [\"sh\", \"-c\", \"env > env.txt\"]\nenv = [\"MY_*\"]\n",
        upstream.url(),
        if dialect == "openai" {
            "seed = 7\ntemperature = 0\n"
        } else {
            ""
        }
    );
    app.write("rewind.toml", &text);
}

const KEY: &str = "jk-0123456789abcdefghij";

/// Runs `rewind` with the judge's key.
pub(super) fn run(app: &App, arguments: &[&str]) -> Run {
    let mut command = app.rewind();
    command.args(arguments).env("MY_JUDGE", KEY);
    let output = command.output().unwrap();
    Run::new(&command, output)
}

const SCORE: [&str; 6] = ["eval", "score", "latest", "-e", "correctness", "--json"];

#[test]
fn the_requests_are_those_of_the_providers_sdks() {
    let app = demo();
    let mut lines = String::new();
    for dialect in ["openai", "anthropic"] {
        let upstream = Upstream::start(|request| {
            canary(request)
                .unwrap_or_else(|| says(request, &verdict(0.95, &["14 million"]).to_string()))
        });
        configure(&app, &upstream, dialect);
        let report = run(&app, &[&SCORE[..], &["--fresh"]].concat())
            .exits(0)
            .json();
        assert_eq!(report["scores"][0]["score"], 0.95, "{report}");
        for request in upstream.received() {
            let (name, value) = match dialect {
                "openai" => ("authorization", format!("Bearer {KEY}")),
                _ => ("x-api-key", KEY.to_owned()),
            };
            assert_eq!(request.header(name), Some(value.as_str()));
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            if dialect == "openai" {
                assert_eq!(body["response_format"]["json_schema"]["strict"], true);
                assert_eq!(body["seed"], 7);
            } else {
                assert_eq!(body["tool_choice"]["name"], "verdict");
                assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
            }
            let line = value!({"path": request.path, "body": body});
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut reader = app
        .program(root.join("target/test-env/py/bin/python"))
        .arg(root.join("tests/sdk/judge_request.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = reader.stdin.take().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    drop(input);
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = String::from_utf8(output.stdout).unwrap();
    assert_eq!(read.lines().count(), 6, "{read}");
}

/// How a judge may misbehave: its answer to the nth request, and what is said of it.
pub(super) type Misbehaviour = (&'static str, fn(&Received) -> Vec<Piece>, &'static str);

pub(super) const MISBEHAVIOURS: [Misbehaviour; 13] = [
    (
        "prose",
        |r| says(r, "I would say it is correct: 1.0"),
        "after one repair",
    ),
    (
        "a verdict in prose",
        |r| says(r, &format!("Sure! {}", verdict(1.0, &["14 million"]))),
        "after one repair",
    ),
    (
        "1.7",
        |r| says(r, &verdict(1.7, &["14 million"]).to_string()),
        "from 0 to 1",
    ),
    (
        "a contradiction",
        |r| {
            let text = verdict(0.9, &["14 million"]).to_string();
            says(r, &text.replace("true", "false"))
        },
        "contradicts",
    ),
    (
        "an invented quote",
        |r| says(r, &verdict(1.0, &["15 million"]).to_string()),
        "does not stand in the judged text",
    ),
    (
        "a pass without evidence",
        |r| says(r, &verdict(1.0, &[]).to_string()),
        "without quoting",
    ),
    ("nothing", |r| says(r, "{}"), "after one repair"),
    (
        "half an answer",
        |_r| {
            vec![
                Piece::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"choices\"".to_vec()),
                Piece::Break,
            ]
        },
        "no verdict within",
    ),
    (
        "a limit for a minute",
        |_r| whole(429, &[("retry-after", "60")], b"{}"),
        "429",
    ),
    (
        "a failure",
        |_r| json(500, &value!({"error": {"message": "boom"}})),
        "500",
    ),
    (
        "a wrong key",
        |_r| {
            json(
                401,
                &value!({"error": {"message": format!("wrong key {KEY}\u{1b}[2J")}}),
            )
        },
        "wrong key [redacted:judge-key]",
    ),
    (
        "a refusal",
        |r| {
            let message = value!({"content": null, "refusal": "no"});
            let body = if r.path.ends_with("/messages") {
                value!({"content": [], "stop_reason": "refusal"})
            } else {
                value!({"choices": [{"message": message, "finish_reason": "stop"}]})
            };
            json(200, &body)
        },
        "refused",
    ),
    (
        "no JSON at all",
        |_r| whole(200, &[], b"<html>busy</html>"),
        "no verdict within",
    ),
];

#[test]
fn a_judge_that_misbehaves_is_never_a_score() {
    let app = demo();
    for dialect in ["openai", "anthropic"] {
        for (name, answer, why) in MISBEHAVIOURS {
            let upstream =
                Upstream::start(move |request| canary(request).unwrap_or_else(|| answer(request)));
            configure(&app, &upstream, dialect);
            let run = run(&app, &SCORE).exits(3);
            let score = &run.json()["scores"][0];
            assert_eq!(score["score"], Value::Null, "{dialect}, {name}");
            let said = score["not_measured"].as_str().unwrap();
            assert!(said.contains(why), "{dialect}, {name}: {said}");
            assert!(
                !run.stdout.contains(KEY) && !run.stderr.contains(KEY),
                "{name}"
            );
            if why == "after one repair" {
                // Two canaries, the question and one repair, which says what was wrong.
                let received = upstream.received();
                assert_eq!(received.len(), 4, "{dialect}, {name}");
                let last = String::from_utf8(received[3].body.clone()).unwrap();
                assert!(last.contains("An earlier answer"), "{last}");
            }
        }
    }
}

#[test]
fn an_answer_that_is_repaired_counts() {
    let app = demo();
    let upstream = Upstream::start(|request| {
        canary(request).unwrap_or_else(|| {
            let body = String::from_utf8(request.body.clone()).unwrap();
            if body.contains("An earlier answer") {
                says(request, &verdict(0.75, &["14 million"]).to_string())
            } else {
                says(request, "Let me think.")
            }
        })
    });
    configure(&app, &upstream, "openai");
    let report = run(&app, &SCORE).exits(0).json();
    assert_eq!(report["scores"][0]["score"], 0.75);
}

#[test]
fn a_verdict_is_paid_for_once() {
    let app = demo();
    let upstream = Upstream::start(|request| {
        canary(request)
            .unwrap_or_else(|| says(request, &verdict(0.95, &["14 million"]).to_string()))
    });
    configure(&app, &upstream, "openai");
    let cost = |arguments: &[&str]| {
        let report = run(&app, &[&SCORE[..], arguments].concat()).exits(0).json();
        let cost = &report["judge_cost"];
        assert_eq!(report["scores"][0]["score"], 0.95);
        (
            cost["calls"].as_u64().unwrap(),
            cost["cached_votes"].as_u64().unwrap(),
        )
    };
    assert_eq!(cost(&[]), (3, 0));
    assert_eq!(cost(&[]), (0, 1));
    assert_eq!(upstream.received().len(), 3);
    let words = run(&app, &SCORE[..5]).exits(0).stdout;
    assert!(
        words.contains("1 vote known from before at no cost"),
        "{words}"
    );
    assert_eq!(cost(&["--votes", "3"]), (4, 1));
    assert_eq!(cost(&["--fresh"]), (3, 0));
}

#[test]
fn a_calibration_is_paid_for_once_and_its_askings_stay_apart() {
    let app = demo();
    let upstream = Upstream::start(|request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let text = body["messages"][1]["content"].as_str().unwrap();
        // The second asking has the second seed.
        let said = match (text.contains("moody"), body["seed"].as_u64().unwrap()) {
            (true, 8) => verdict(0.2, &[]),
            (true, _) => verdict(0.9, &["moody"]),
            (false, _) => verdict(0.1, &[]),
        };
        canary(request).unwrap_or_else(|| says(request, &said.to_string()))
    });
    configure(&app, &upstream, "openai");
    let labels = "{\"answer\": \"I am moody.\", \"label\": \"pass\"}\n{\"answer\": \"No.\", \"label\": \"fail\"}\n";
    app.write("labels.jsonl", labels);
    let calibrate = [
        "eval",
        "calibrate",
        "labels.jsonl",
        "-e",
        "correctness",
        "--json",
    ];
    let took = |arguments: &[&str]| {
        let report = run(&app, &[&calibrate[..], arguments].concat())
            .exits(0)
            .json();
        let (cost, flips) = (&report["judge_cost"], &report["record"]["flips"]);
        let number = |value: &Value| value.as_u64().unwrap();
        assert_eq!(number(&flips["flipped"]), 1, "{report}");
        (number(&cost["calls"]), number(&cost["cached_votes"]))
    };
    // Two canaries, and two answers twice.
    assert_eq!(took(&[]), (6, 0));
    assert_eq!(took(&[]), (0, 4));
    assert_eq!(took(&["--repeats", "3"]), (4, 4));
    let record = std::fs::read_to_string(app.folder().join("judges/correctness.json")).unwrap();
    assert!(record.contains("\"model\": \"judge-1\"") && record.contains("\"temperature\": 0.0"));
    assert!(!record.contains(KEY));
}

#[test]
fn the_judges_key_reaches_neither_the_agent_nor_the_store() {
    let app = demo();
    let upstream = Upstream::start(|request| {
        canary(request).unwrap_or_else(|| {
            let mut verdict = verdict(0.95, &["14 million"]);
            verdict["verdicts"][0]["reasoning"] = value!(format!("your key is {KEY}"));
            says(request, &verdict.to_string())
        })
    });
    configure(&app, &upstream, "openai");
    let scored = run(&app, &SCORE).exits(0);
    assert!(
        scored.stdout.contains("[redacted:judge-key]"),
        "{}",
        scored.stdout
    );
    run(&app, &["record", "--input", "x"]);
    let seen = std::fs::read_to_string(app.folder().join("env.txt")).unwrap();
    assert!(seen.contains("PATH="), "{seen}");
    assert!(!seen.contains(KEY), "{seen}");
    for file in std::fs::read_dir(app.folder().join(".rewind")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(KEY), "{}", path.display());
        }
    }
}

#[test]
fn an_answer_full_of_orders_reaches_the_judge_between_boundaries_that_it_does_not_contain() {
    let app = demo();
    let corpus = include_str!("../../fixtures/injections.json");
    let injections: Vec<String> = serde_json::from_str(corpus).unwrap();
    let text = injections.join("\n").replace(['\0', '\u{1b}', '\u{7}'], "");
    app.write("answer.txt", &text);
    let upstream = Upstream::start(|request| {
        canary(request).unwrap_or_else(|| says(request, &verdict(0.0, &[]).to_string()))
    });
    configure(&app, &upstream, "openai");
    let config = app.folder().join("rewind.toml");
    let settings = std::fs::read_to_string(&config).unwrap();
    let agent = "command = [\"cat\", \"answer.txt\"]\noutput = \"stdout\"\n#";
    app.write("rewind.toml", &settings.replace("command = ", agent));
    run(
        &app,
        &["record", "--name", "hostile", "--", "cat", "answer.txt"],
    );
    let arguments = ["eval", "score", "hostile", "-e", "correctness", "--json"];
    let report = run(&app, &arguments).exits(0).json();
    assert_eq!(report["scores"][0]["score"], 0.0, "{report}");
    let last = upstream.received().pop().unwrap();
    let body: Value = serde_json::from_slice(&last.body).unwrap();
    let user = body["messages"][1]["content"].as_str().unwrap();
    let boundary = user
        .split_whitespace()
        .nth(6)
        .unwrap()
        .trim_end_matches('.');
    let inside = user
        .split(&format!("[[BEGIN answer {boundary}]]\n"))
        .nth(1)
        .unwrap()
        .split(&format!("\n[[END answer {boundary}]]"))
        .next()
        .unwrap();
    assert_eq!(inside.trim_end(), text.trim_end());
    assert!(!inside.contains(boundary));
}

#[test]
fn a_judge_that_dies_half_way_has_measured_only_what_it_answered() {
    let app = demo();
    let upstream = Upstream::start(|request| {
        canary(request).unwrap_or_else(|| {
            let body = String::from_utf8(request.body.clone()).unwrap();
            if body.contains("14 million inhabitants") {
                vec![Piece::Break]
            } else {
                says(request, &verdict(0.2, &["37 million"]).to_string())
            }
        })
    });
    configure(&app, &upstream, "openai");
    let arguments = [&SCORE[..5], &["--compare-timelines"]].concat();
    let half = run(&app, &arguments).exits(3);
    assert!(half.stdout.contains("0.200"), "{}", half.stdout);
    let delta = "Delta (fixed vs main): not measured\n";
    assert!(half.stdout.contains(delta), "{}", half.stdout);
    let why = "not measured fixed, correctness: the judge had no verdict within";
    assert!(half.stdout.contains(why), "{}", half.stdout);
}

#[test]
fn no_more_calls_go_out_in_a_minute_than_allowed() {
    let app = demo();
    let upstream = Upstream::start(|request| canary(request).unwrap());
    configure(&app, &upstream, "openai");
    let path = app.folder().join("rewind.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let limited = text.replace("[judge]\n", "[judge]\nrequests_per_minute = 1\n");
    app.write("rewind.toml", &limited);
    let run = run(&app, &SCORE).exits(3);
    let report = run.json();
    let said = report["scores"][0]["not_measured"].as_str().unwrap();
    assert!(said.contains("no verdict within"), "{said}");
    // The second may go out a minute later, when its time is long over.
    assert_eq!(upstream.received().len(), 1);
}
