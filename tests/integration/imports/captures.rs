//! What released SDKs wrote is what their agents did: the same agent, on the official client, finds all its calls.

use std::fs;
use std::io::Read as _;

use serde_json::Value;

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

/// Replays an agent against the latest session, and nothing goes live.
fn finds_all_its_calls(app: &App, agent: &str) {
    let python = repository_path("target/test-env/py/bin/python");
    let agent = trace(agent);
    let run = app.run([
        "replay",
        "latest",
        "--offline",
        "--",
        &python,
        &agent,
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
