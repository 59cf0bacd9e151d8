//! Agents of the official SDKs with their tools on MCP servers: recorded, replayed without the servers, forked.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{App, Run, ScriptedModel};

const QUESTION: &str = "Get me to Oslo";
const ANSWER: &str = "You fly to Oslo: failed: Error executing tool fail: no seat\n";

#[test]
fn a_python_agent_is_replayed_without_its_server_and_books_once() {
    prove("legacy");
}

#[test]
fn a_python_agent_of_the_newest_protocol_is_replayed_without_its_server_and_books_once() {
    prove("auto");
}

#[test]
fn a_node_client_gets_from_the_recording_all_that_the_reference_servers_said() {
    let app = App::new();
    let model = ScriptedModel::start(&app, &folder().join("mcp_node.toml"));
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-env/node");
    assert!(node.join("stamp").exists(), "run scripts/test-env once");
    // Node looks for packages beside the file that imports them.
    let agent = node.join("mcp_node.mjs");
    fs::copy(folder().join("mcp_node.mjs"), &agent).unwrap();
    let work = app.folder().canonicalize().unwrap();
    let run = |mut arguments: Vec<String>, packages: &str| {
        let own = [
            "--",
            "node",
            agent.to_str().unwrap(),
            env!("CARGO_BIN_EXE_rewind"),
            packages,
        ];
        arguments.extend(own.map(str::to_owned));
        arguments.push(work.display().to_string());
        app.run(arguments).exits(0)
    };
    let mut record = vec!["record".to_owned(), "--name".to_owned(), "all".to_owned()];
    record.extend(model.upstreams());
    let packages = node.join("node_modules").display().to_string();
    let recorded = run(record, &packages);
    for said in [
        "\"one\"",
        "blue",
        "elicitation",
        "All servers work.\n",
        "Echo: zwölf",
    ] {
        assert!(
            recorded.stdout.contains(said),
            "no {said} in {}",
            recorded.stdout
        );
    }
    // The last of two may come after the result, when the client no longer listens.
    let progress = ["progress 1\n", "progress 2\n"];
    assert!(
        progress.iter().any(|said| recorded.stderr.contains(said)),
        "{}",
        recorded.stderr
    );
    assert_eq!(model.calls(), 2);
    fs::remove_file(work.join("a.txt")).unwrap();
    fs::remove_file(work.join("memory.json")).unwrap();

    let offline = run(
        ["replay", "all", "--offline"].map(str::to_owned).into(),
        "-",
    );
    assert!(
        offline.stdout.starts_with(&recorded.stdout),
        "{}",
        offline.stdout
    );
    assert!(
        offline.stdout.contains("equal to the recording"),
        "{}",
        offline.stdout
    );
    assert_eq!(model.calls(), 2, "an offline replay asked the model");
    assert!(!work.join("a.txt").exists(), "a file was written again");
}

#[test]
fn a_baseline_gates_an_agent_whose_server_is_gone() {
    let app = App::new();
    let server = app.write("server.sh", "");
    let command = format!(
        "exec {} {}",
        python(),
        folder().join("mcp_server.py").display()
    );
    fs::write(&server, command).unwrap();
    let agent = folder().join("mcp_agent.py").display().to_string();
    let rewind = env!("CARGO_BIN_EXE_rewind");
    let words = [
        &python(),
        &agent,
        "legacy",
        "{input}",
        rewind,
        "mcp",
        "--name",
        "travel",
        "--",
        "sh",
        "server.sh",
    ];
    let model = folder().join("mcp_agent.toml");
    let config = format!(
        "[agent]\nname = \"clerk\"\ncommand = {words:?}\n\n[upstream]\nscripted = {model:?}\n"
    );
    app.write("rewind.toml", &config);
    app.run(["record", "--name", "fly", "--input", QUESTION])
        .exits(0);
    fs::remove_file(&server).unwrap();
    let made = app
        .run(["baseline", "create", "fly", "--name", "fly"])
        .exits(0);
    assert!(
        made.stdout.contains("3 of 3 replays equal"),
        "{}",
        made.stdout
    );
    let gate = app.run(["gate", "--offline"]).exits(0);
    assert!(gate.stdout.contains("PASS"), "{}", gate.stdout);
    assert_eq!(bookings(&app), "OSLO-7\n");
}

/// Records, replays offline with a server that is not there, and forks before and behind the booking.
fn prove(mode: &str) {
    let app = App::new();
    let model = ScriptedModel::start(&app, &folder().join("mcp_agent.toml"));
    let server = folder().join("mcp_server.py").display().to_string();
    let upstreams: Vec<String> = model.upstreams().into();
    let python = python();
    let real = [python.as_str(), server.as_str()];

    let mut record = vec!["record".to_owned(), "--name".to_owned(), "fly".to_owned()];
    record.extend(upstreams.clone());
    let recorded = run(&app, record, mode, &real).exits(0);
    assert_eq!(recorded.stdout, ANSWER);
    assert_eq!(bookings(&app), "OSLO-7\n");
    let calls = model.calls();

    let shown = app.run(["show", "fly", "--json"]).exits(0).json();
    let tools = tools(&shown);
    let names: Vec<&str> = tools.iter().map(|(name, _number)| name.as_str()).collect();
    let expected = [
        "prompts/get",
        "resources/read",
        "find_flight",
        "book",
        "fail",
    ];
    assert_eq!(names, expected, "{shown:#}");

    let gone = ["no-such-server-anywhere"];
    let replay = |label: &str, more: Vec<String>, server: &[&str]| {
        let mut arguments = ["replay", "fly", "--label", label]
            .map(str::to_owned)
            .to_vec();
        arguments.extend(more);
        run(&app, arguments, mode, server).exits(0)
    };
    let offline = replay("again", vec!["--offline".to_owned()], &gone);
    assert!(offline.stdout.starts_with(ANSWER), "{}", offline.stdout);
    assert_eq!(model.calls(), calls, "an offline replay asked the model");
    assert_eq!(bookings(&app), "OSLO-7\n", "an offline replay booked");

    // Behind the booking nothing is left that needs the server.
    let mut behind = vec!["--from".to_owned(), (tools[3].1 + 1).to_string()];
    behind.extend(upstreams.clone());
    let behind = replay("behind", behind, &gone);
    assert!(behind.stdout.starts_with(ANSWER), "{}", behind.stdout);
    assert!(model.calls() > calls, "nothing was live");
    assert_eq!(
        bookings(&app),
        "OSLO-7\n",
        "a fork behind the booking booked again"
    );

    // What only reads runs live before it, on a server that starts late; the booking does not.
    let mut before = vec!["--from".to_owned(), (tools[2].1 - 1).to_string()];
    before.extend(upstreams);
    let before = replay("before", before, &real);
    assert!(before.stdout.starts_with(ANSWER), "{}", before.stdout);
    assert!(
        before.stderr.contains("the server is up"),
        "{}",
        before.stderr
    );
    assert_eq!(
        bookings(&app),
        "OSLO-7\n",
        "a matching booking was made again"
    );
}

/// Runs `rewind` with these arguments on the agent, which starts its server through `rewind mcp`.
fn run(app: &App, mut arguments: Vec<String>, mode: &str, server: &[&str]) -> Run {
    let agent = folder().join("mcp_agent.py").display().to_string();
    let python = python();
    let rewind = env!("CARGO_BIN_EXE_rewind");
    let own = ["--", &python, &agent, mode, QUESTION];
    arguments.extend(own.map(str::to_owned));
    arguments.extend([rewind, "mcp", "--name", "travel", "--"].map(str::to_owned));
    arguments.extend(server.iter().map(|word| (*word).to_owned()));
    app.run(arguments)
}

/// Returns the names and numbers of the tool steps on `main`, in order.
fn tools(shown: &Value) -> Vec<(String, u64)> {
    let steps = shown["timelines"][0]["steps"].as_array().unwrap();
    let tools = steps.iter().filter(|step| step["kind"] == "tool");
    tools
        .map(|step| {
            let name = step["name"].as_str().unwrap_or_else(|| panic!("{step}"));
            (name.to_owned(), step["number"].as_u64().unwrap())
        })
        .collect()
}

fn bookings(app: &App) -> String {
    fs::read_to_string(app.folder().join("bookings.txt")).unwrap()
}

fn python() -> String {
    let environment = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-env/py");
    assert!(
        environment.join("stamp").exists(),
        "run scripts/test-env once"
    );
    environment.join("bin/python").display().to_string()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk")
}
