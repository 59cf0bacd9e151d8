//! Sessions without wire bytes, as traces have them, and clients that speak another dialect than the one
//! that was recorded: rendered for the released SDKs, which take it for their provider's.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::sdk::{command, folder};
use crate::support::{App, Run, ScriptedModel};

const INPUT: &str = "Compare Rome and Oslo";
const ANSWER: &str = "Both are worth the journey: a long answer that comes in many small pieces.";

/// The clients: file, dialect, and whether its answers come in pieces.
const CLIENTS: [(&str, &str); 5] = [
    ("openai_stream.py", "openai-chat"),
    ("openai_responses.py", "openai-responses"),
    ("anthropic_stream.py", "anthropic-messages"),
    ("gemini_chat.py", "gemini"),
    ("gemini_stream.py", "gemini"),
];

#[test]
fn what_one_client_recorded_is_served_to_every_other() {
    for recorded in ["openai_stream.py", "gemini_chat.py"] {
        let app = App::new();
        record(&app, recorded, "guide.toml", INPUT);
        for (client, dialect) in CLIENTS {
            let steps = serves_all(&app, client);
            for step in &steps {
                let served = &step["served"];
                let is_own = CLIENTS.contains(&(recorded, dialect));
                assert_eq!(served["lossy"] == json!(true), !is_own, "{client}: {step}");
            }
        }
    }
}

#[test]
fn a_session_without_wire_bytes_is_served_to_every_client() {
    let source = App::new();
    record(&source, "openai_stream.py", "guide.toml", INPUT);
    let lost = ["model", "settings", "stream", "dialect", "finish"];
    let app = without_wire(&source, &lost);
    for (client, _dialect) in CLIENTS {
        let steps = serves_all(&app, client);
        for step in &steps {
            assert_eq!(step["served"]["lossy"], json!(true), "{client}: {step}");
        }
    }
    // The very client that was traced differs in nothing that the trace has.
    let steps = serves_all(&app, "openai_stream.py");
    let rungs: Vec<&Value> = steps.iter().map(|step| &step["served"]["rung"]).collect();
    assert_eq!(rungs, [&json!("normalised"), &json!("normalised")]);
}

#[test]
fn thirty_steps_without_wire_bytes_are_served_up_to_the_fork() {
    let source = App::new();
    record(&source, "team.py", "team.toml", "Write about the river");
    let app = without_wire(&source, &["model", "settings", "stream"]);
    let model = ScriptedModel::start(&app, &folder().join("team.toml"));
    let mut arguments = ["replay", "traced", "--label", "forked", "--from", "14"]
        .map(str::to_owned)
        .to_vec();
    arguments.extend(model.upstreams());
    let forked = run(&app, arguments, "team.py", "Write about the river").exits(0);
    let last = "a paragraph about a finding on topic 9 of the river";
    assert!(forked.stdout.contains(last), "{}", forked.stdout);
    assert_eq!(model.calls(), 17, "live calls");
    let steps = steps(&app, "forked");
    assert_eq!(steps.len(), 30);
    for (number, step) in (1..).zip(&steps) {
        assert_eq!(
            step["served"].is_null(),
            number >= 14,
            "step {number}: {step}"
        );
    }
}

#[test]
fn a_model_or_prompt_that_the_trace_has_is_still_compared() {
    let source = App::new();
    record(&source, "team.py", "team.toml", "Write about the river");
    let app = without_wire(&source, &["settings"]);
    let agent = fs::read_to_string(folder().join("team.py")).unwrap();
    let changed = agent.replace("gpt-4o", "gpt-5");
    let file = app.write("changed.py", &changed);
    let [python, _file] = command("team.py");
    let file = file.display().to_string();
    let replay = [
        "replay",
        "traced",
        "--offline",
        "--label",
        "other",
        "--json",
        "--",
    ];
    let words = [&python, &file, "Write about the river"];
    let words: Vec<&str> = words.into_iter().map(|word| word as &str).collect();
    app.run(replay.into_iter().chain(words)).exits(0);
    let steps = steps(&app, "other");
    assert_eq!(steps[0]["served"]["rung"], json!("drift"), "{}", steps[0]);
    assert_eq!(steps[0]["served"]["drift"], json!([{"what": "model"}]));
}

/// Records an agent as session `sdk`.
fn record(app: &App, agent: &str, rules: &str, input: &str) {
    let model = ScriptedModel::start(app, &folder().join(rules));
    let mut arguments = ["record", "--name", "sdk"].map(str::to_owned).to_vec();
    arguments.extend(model.upstreams());
    run(app, arguments, agent, input).exits(0);
}

/// Returns a place with the session as `traced`, without its wire bytes and ids, and without these fields.
fn without_wire(source: &App, lost: &[&str]) -> App {
    source
        .run(["session", "export", "sdk", "-o", "traced"])
        .exits(0);
    let place = source.folder().join("traced");
    let edit = |file: &str, change: &dyn Fn(Value) -> Value| {
        let path = place.join(file);
        let text = fs::read_to_string(&path).unwrap();
        let lines = text
            .lines()
            .map(|line| change(serde_json::from_str(line).unwrap()).to_string());
        fs::write(path, lines.map(|line| line + "\n").collect::<String>()).unwrap();
    };
    edit("wire.jsonl", &|mut line| {
        if let Some(call) = line.get_mut("call").and_then(Value::as_object_mut) {
            call.retain(|name, _value| {
                !["id", "call_ids", "volatile", "no_ops"].contains(&&**name)
            });
            let exchange = call["exchange"].as_object_mut().unwrap();
            exchange.retain(|name, _value| ["method", "path", "status"].contains(&&**name));
        }
        line
    });
    edit("steps.jsonl", &|mut line| {
        if let Some(model) = line.get_mut("model") {
            model["lost"] = json!(lost);
        }
        line
    });
    let manifest = place.join("session.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text
        .replace("format = \"1.0\"", "format = \"1.2\"")
        .replace("\"sdk\"", "\"traced\"");
    fs::write(manifest, text).unwrap();
    let app = App::new();
    let folder = place.display().to_string();
    app.run(["session", "import", &folder]).exits(0);
    app
}

/// Replays the session with a client, offline; returns the model steps, all of them served.
fn serves_all(app: &App, client: &str) -> Vec<Value> {
    let name = if app.folder().join("traced").exists() {
        "traced"
    } else {
        "latest"
    };
    let label = client.replace(['_', '.'], "-");
    let replay = ["replay", name, "--offline", "--label", &label];
    let replay = replay.map(str::to_owned).to_vec();
    let ended = run(app, replay, client, INPUT);
    assert!(
        ended.stdout.contains(ANSWER),
        "{client}\n{}\n{}",
        ended.stdout,
        ended.stderr
    );
    let steps = steps(app, &label);
    assert_eq!(steps.len(), 2, "{client}: {steps:?}");
    assert!(
        steps.iter().all(|step| !step["served"].is_null()),
        "{steps:?}"
    );
    steps
}

/// Returns the model steps of a timeline of the newest session; of several runs of a label those of the last.
fn steps(app: &App, label: &str) -> Vec<Value> {
    let shown = app.run(["show", "latest", "--json"]).exits(0).json();
    let timelines = shown["timelines"].as_array().unwrap();
    let timeline = timelines.iter().rfind(|one| {
        one["label"]
            .as_str()
            .is_some_and(|found| found.starts_with(label))
    });
    let steps = timeline.unwrap_or_else(|| panic!("no {label} in {shown}"))["steps"].as_array();
    let steps = steps.unwrap().iter().filter(|step| step["kind"] == "model");
    steps.cloned().collect()
}

fn run(app: &App, mut arguments: Vec<String>, agent: &str, input: &str) -> Run {
    arguments.push("--".to_owned());
    arguments.extend(command(agent));
    arguments.push(input.to_owned());
    assert!(Path::new(&arguments[arguments.len() - 2]).exists());
    app.run(arguments)
}
