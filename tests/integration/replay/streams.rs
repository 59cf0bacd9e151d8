//! Streams, and tries that fail, as the agent sees them when they are replayed.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::App;

/// Asks three providers' streams and prints their bytes as they come.
const STREAMS: &str = r#"
import json, os, sys, urllib.request

def ask(base, path, body):
    key = os.environ["OPENAI_API_KEY"]
    headers = {"content-type": "application/json", "authorization": "Bearer " + key}
    request = urllib.request.Request(base + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        sys.stdout.write(answer.headers["content-type"] + "\n" + answer.read().decode())

question = [{"role": "user", "content": "Tell me a story."}]
openai, anthropic = os.environ["OPENAI_BASE_URL"], os.environ["ANTHROPIC_BASE_URL"]
ask(openai, "/chat/completions", {"model": "gpt-4o-mini", "messages": question, "stream": True,
    "stream_options": {"include_usage": True}})
ask(openai, "/responses", {"model": "gpt-4o-mini", "input": question, "stream": True})
ask(anthropic, "/v1/messages", {"model": "claude-sonnet-4-5", "max_tokens": 99, "messages": question,
    "stream": True})
"#;

const STORY: &str = r#"
[[rule]]
reply = { text = "Once upon a time there was a stream that came in pieces.", event_delay_ms = 20 }
"#;

fn recorded(agent: &str, rules: &str) -> (App, String) {
    let app = App::new();
    app.write("agent.py", agent);
    app.write("rules.toml", rules);
    let record = app.run([
        "record",
        "--name",
        "r",
        "--scripted",
        "rules.toml",
        "--",
        "python3",
        "agent.py",
    ]);
    let said = record.exits(0).stdout;
    (app, said)
}

fn replay(app: &App, options: &[&str]) -> (String, Duration) {
    let command = ["--", "python3", "agent.py"];
    let arguments = [&["replay", "r", "--offline"], options, &command].concat();
    let began = Instant::now();
    let replay = app.run(arguments).exits(0);
    (replay.stdout, began.elapsed())
}

#[test]
fn a_streamed_answer_replays_byte_for_byte() {
    let (app, recorded) = recorded(STREAMS, STORY);
    assert_eq!(recorded.matches("text/event-stream").count(), 3);
    let (replayed, _took) = replay(&app, &[]);
    assert!(
        replayed.starts_with(&recorded),
        "recorded:\n{recorded}\nreplayed:\n{replayed}"
    );
}

#[test]
fn the_recorded_timing_comes_back_where_it_is_asked_for() {
    let (app, recorded) = recorded(STREAMS, STORY);
    let events = recorded.matches("\n\n").count();
    let (replayed, took) = replay(&app, &["--timing", "recorded"]);
    assert!(replayed.starts_with(&recorded));
    // The model waited 20 ms before each event; the clock of a delay may round it down a little.
    let least = Duration::from_millis(15) * u32::try_from(events).unwrap();
    assert!(took >= least, "{took:?} for {events} events");
}

#[test]
fn tries_that_failed_are_not_repeated_in_a_replay() {
    let agent = r#"
import json, os, urllib.error, urllib.request

tries = 0
while True:
    tries += 1
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "q"}]}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"],
         "x-stainless-retry-count": str(tries - 1)})
    try:
        answer = json.load(urllib.request.urlopen(request, timeout=60))
        break
    except urllib.error.HTTPError as error:
        assert error.code == 429, error.code
print(tries, answer["choices"][0]["message"]["content"])
"#;
    let rules = r#"
[[rule]]
reply = { status = 429, times = 2 }

[[rule]]
reply = { text = "at last" }
"#;
    let (app, recorded) = recorded(agent, rules);
    assert_eq!(recorded, "3 at last\n");
    let shown = app.run(["show", "r", "--json"]).exits(0).json();
    let steps = shown["timelines"][0]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 1, "one step: {shown}");
    assert_eq!(steps[0]["failed_attempts"], 2, "{shown}");
    let (replayed, _took) = replay(&app, &[]);
    assert!(replayed.starts_with("1 at last\n"), "{replayed}");
    let json: Value = app
        .run(["show", "r", "--timeline", "fork", "--json"])
        .exits(0)
        .json();
    assert_eq!(json["timelines"][0]["steps"].as_array().unwrap().len(), 1);
}
