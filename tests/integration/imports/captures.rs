//! What released SDKs wrote is what their agents did: the same agent, on the official client, finds all its calls.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{is_complete, trace};
use crate::support::{App, repository_path};

const QUESTION: &str = "Write a briefing on the 2024 heat pump market.";

/// Returns an app with LangSmith's runs in a file, unpacked.
fn with_runs() -> App {
    let app = App::new();
    let packed = fs::read(trace("langsmith.jsonl.gz")).unwrap();
    let mut text = String::new();
    let mut unpacking = flate2::read::MultiGzDecoder::new(packed.as_slice());
    unpacking.read_to_string(&mut text).unwrap();
    app.write("runs.jsonl", &text);
    app
}

/// Checks the steps, the tools, the tokens and the errors of the team that LangGraph ran.
fn is_the_team(app: &App) {
    let show = app.run(["show", "latest"]).exits(0).stdout;
    let lines = |part: &str| show.lines().filter(|line| line.contains(part)).count();
    assert_eq!(lines("delegate_research(question="), 3, "{show}");
    assert_eq!(lines("web_search(query="), 3, "{show}");
    assert_eq!(lines("fetch_page(url="), 6, "{show}");
    assert_eq!(
        lines("calculator(expression=\"(2.0-2.6)/2.6*100\")"),
        3,
        "{show}"
    );
    assert_eq!(
        lines("error: ERROR HTTP 403 fetching https://paywall"),
        3,
        "{show}"
    );
    assert!(show.contains("18 model calls, 693 in, 214 out"), "{show}");
    assert!(
        show.contains("supervisor") && show.contains("researcher"),
        "{show}"
    );
}

/// Replays an agent in Python against the latest session, and nothing goes live.
fn finds_all_its_calls(app: &App, agent: &str) {
    let python = repository_path("target/test-env/py/bin/python");
    is_proved(app, &python, &trace(agent));
}

/// Replays an agent against the latest session, and nothing goes live.
fn is_proved(app: &App, program: &str, agent: &str) {
    let run = app.run([
        "replay",
        "latest",
        "--offline",
        "--",
        program,
        agent,
        QUESTION,
    ]);
    let run = run.exits(0);
    assert!(run.stdout.contains("18 served, 0 live"), "{}", run.stdout);
    assert!(
        run.stdout.contains("proved   equal to the recording"),
        "{}",
        run.stdout
    );
}

#[test]
fn langgraph_is_served_what_openinference_wrote_of_it() {
    let app = App::new();
    app.run(["import", "otel", "--file", &trace("langgraph.pb.gz")])
        .exits(0);
    is_the_team(&app);
    finds_all_its_calls(&app, "graph_team.py");
}

#[test]
fn langgraph_is_served_what_langsmith_wrote_of_it() {
    let app = with_runs();
    let import = ["import", "from-langsmith", "--file", "runs.jsonl", "--json"];
    let run = app.run(import).exits(0);
    let report = &run.json()["imported"][0];
    is_complete(report);
    assert_eq!(report["spans"]["model"], 18);
    assert_eq!(report["spans"]["tool"], 16);
    let steps = report["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 34);
    let is_served = |step: &&Value| step["replay"] == "history";
    assert_eq!(steps.iter().filter(is_served).count(), 18);
    is_the_team(&app);
    finds_all_its_calls(&app, "graph_team.py");
    // Packed, it is the same.
    let packed = trace("langsmith.jsonl.gz");
    let run = app
        .run(["import", "from-langsmith", "--file", &packed, "--json"])
        .exits(0);
    assert_eq!(run.json()["imported"][0]["steps"], report["steps"]);
}

/// What MLflow and Phoenix give out of a session that `rewind export otel` sent there.
#[test]
fn a_session_comes_back_from_the_servers_of_others() {
    let shown = |file: &str| {
        let app = App::new();
        let import = ["import", "otel", "--file", &trace(file), "--json"];
        let run = app.run(import).exits(0);
        for report in run.json()["imported"].as_array().unwrap() {
            is_complete(report);
            assert_eq!(report["spans"]["total"], 38, "{file}");
            assert_eq!(report["steps"].as_array().unwrap().len(), 30, "{file}");
        }
        let show = app.run(["show", "latest"]).exits(0).stdout;
        assert!(
            show.contains("18 model calls, 1.7k in, 317 out"),
            "{file}: {show}"
        );
        assert!(
            show.contains("answer   Tokyo has 14 million inhabitants"),
            "{file}: {show}"
        );
        let (_head, tree) = show.split_once("timeline main").unwrap();
        // Without the times, which one of them rounds.
        let line = |line: &str| line.rsplitn(3, ' ').nth(2).map(str::to_owned);
        tree.lines().filter_map(line).collect::<Vec<_>>()
    };
    assert_eq!(shown("mlflow.json.gz"), shown("phoenix.json.gz"));
}

#[test]
fn the_openai_client_is_served_what_the_current_conventions_keep() {
    let app = App::new();
    app.run(["import", "otel", "--file", &trace("openai-v2.pb")])
        .exits(0);
    finds_all_its_calls(&app, "team.py");
}

/// The telemetry of the Vercel AI SDK: `ai.generateText` around each loop, in it the calls of the model and the tools.
#[test]
fn the_telemetry_of_the_vercel_ai_sdk_becomes_the_steps_of_its_agents() {
    let app = App::new();
    let file = trace("vercel-ai.pb.gz");
    let run = app.run(["import", "otel", "--file", &file, "--json"]);
    let run = run.exits(0);
    let report = &run.json()["imported"][0];
    is_complete(report);
    let spans = json!({"total": 39, "model": 18, "tool": 16, "agent": 0, "context": 5, "folded": 0, "repeated": 0});
    assert_eq!(report["spans"], spans);
    assert_eq!(report["warnings"], json!([]));
    for step in report["steps"].as_array().unwrap() {
        let lost = match step["kind"].as_str().unwrap() {
            "model" => json!(["settings", "dialect"]),
            _ => json!([]),
        };
        assert_eq!(step["lost"], lost, "{step}");
    }
    let show = app.run(["show", "latest"]).exits(0).stdout;
    let (_head, tree) = show.split_once("timeline main").unwrap();
    let (tree, total) = tree.split_once("\nanswer").unwrap();
    assert!(total.contains("18 model calls, 925 in, 226 out"), "{show}");
    insta::assert_snapshot!(without_times(tree));
}

/// The messages, the definitions and the settings, in Rewind's own words.
#[test]
fn the_telemetry_of_the_vercel_ai_sdk_has_what_was_said_to_the_models() {
    let app = App::new();
    app.run(["import", "otel", "--file", &trace("vercel-ai.pb.gz")])
        .exits(0);
    app.run(["session", "export", "latest", "-o", "out"])
        .exits(0);
    let text = fs::read_to_string(app.folder().join("out/messages.jsonl")).unwrap();
    let kept: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let has = |field: &str, what: Value| {
        let found = kept.iter().any(|one| one[field] == what);
        assert!(found, "{field}: {what}\n{text}");
    };
    has("settings", json!({"temperature": 0, "tool_choice": "auto"}));
    has(
        "settings",
        json!({"max_tokens": 800, "temperature": 0.1, "tool_choice": "auto"}),
    );
    has(
        "message",
        json!({"role": "system", "parts": [{"type": "text", "text": "You are a researcher. Use tools; cite numbers exactly."}]}),
    );
    has(
        "message",
        json!({"role": "assistant", "parts": [
            {"type": "tool_call", "name": "fetch_page", "arguments": {"url": "https://example.org/1"}},
            {"type": "tool_call", "name": "calculator", "arguments": {"expression": "(2.0-2.6)/2.6*100"}}]}),
    );
    has(
        "message",
        json!({"role": "tool", "parts": [{"type": "tool_result", "content": [
            {"type": "text", "text": "HTTP 403 fetching https://paywall.example.org/report"}]}]}),
    );
    let names = |one: &Value| {
        let tools = one["tools"].as_array()?.iter();
        tools
            .map(|tool| tool["name"].as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    };
    let tools: Vec<Vec<String>> = kept.iter().filter_map(names).collect();
    let all = [
        vec!["delegate_research", "delegate_writing"],
        vec!["web_search", "fetch_page", "calculator"],
        vec![], // the writer
    ];
    assert_eq!(tools, all);
}

#[test]
fn the_vercel_ai_sdk_is_served_what_its_telemetry_keeps() {
    let app = App::new();
    app.run(["import", "otel", "--file", &trace("vercel-ai.pb.gz")])
        .exits(0);
    // Node looks for packages beside the file that imports them.
    let node = PathBuf::from(repository_path("target/test-env/node"));
    assert!(node.join("stamp").exists(), "run scripts/test-env once");
    let agent = node.join("vercel_team.mjs");
    fs::copy(trace("vercel_team.mjs"), &agent).unwrap();
    is_proved(&app, "node", &agent.display().to_string());
}

/// Returns a tree without its column of times.
fn without_times(tree: &str) -> String {
    let time = regex::Regex::new(r" +[0-9.]+ (us|ms|s)( |$)").unwrap();
    let lines = tree.lines().map(|line| time.replace(line, "$2"));
    lines.collect::<Vec<_>>().join("\n")
}
