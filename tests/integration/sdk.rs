//! Real SDKs, as released, against the scripted model: recorded, replayed offline, forked in the middle.
//!
//! `scripts/test-env` installs them; the agents and their models are in `tests/sdk`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{App, Run, ScriptedModel};

/// One agent and what is known of its run.
struct Agent {
    file: &'static str,
    model: &'static str,
    input: &'static str,
    /// A part of the final answer.
    answer: &'static str,
    /// How many model calls a whole run makes.
    calls: usize,
}

#[test]
fn openai_python_sync() {
    prove(&Agent {
        file: "openai_sync.py",
        model: "openai_sync.toml",
        input: "How warm is it in Paris?",
        answer: "It is 68 F there.",
        calls: 3,
    });
}

#[test]
fn openai_python_async_with_three_workers_at_once() {
    prove(&Agent {
        file: "openai_async.py",
        model: "workers.toml",
        input: "rome oslo lima",
        answer: "Report on facts of lima",
        calls: 7,
    });
}

#[test]
fn openai_python_streaming() {
    let events = prove(&Agent {
        file: "openai_stream.py",
        model: "guide.toml",
        input: "Compare Rome and Oslo",
        answer: "Both are worth the journey: a long answer that comes in many small pieces.",
        calls: 2,
    });
    assert!(events > 10, "the answers came in {events} chunks");
}

#[test]
fn anthropic_python_streaming() {
    let events = prove(&Agent {
        file: "anthropic_stream.py",
        model: "guide.toml",
        input: "Compare Rome and Oslo",
        answer: "Both are worth the journey: a long answer that comes in many small pieces.",
        calls: 2,
    });
    assert!(events > 20, "the answers came in {events} events");
}

#[test]
fn google_genai_python() {
    prove(&Agent {
        file: "gemini_chat.py",
        model: "guide.toml",
        input: "Compare Rome and Oslo",
        answer: "STOP Both are worth the journey: a long answer that comes in many small pieces.",
        calls: 2,
    });
}

#[test]
fn google_genai_python_streaming_with_automatic_function_calls() {
    let events = prove(&Agent {
        file: "gemini_stream.py",
        model: "guide.toml",
        input: "Compare Rome and Oslo",
        answer: "Both are worth the journey: a long answer that comes in many small pieces.",
        calls: 2,
    });
    assert!(events > 4, "the answers came in {events} chunks");
}

#[test]
fn openai_node() {
    let events = prove(&Agent {
        file: "openai_node.mjs",
        model: "guide.toml",
        input: "Compare Rome and Oslo",
        answer: "Both are worth the journey: a long answer that comes in many small pieces.",
        calls: 2,
    });
    assert!(events > 4, "the answer came in {events} chunks");
}

#[test]
fn openai_agents_sdk_with_a_handoff() {
    prove(&Agent {
        file: "agents_handoff.py",
        model: "agents_handoff.toml",
        input: "Where is my refund for order A17?",
        answer: "Good news: the refund of A17 was sent on Monday.",
        calls: 3,
    });
}

#[test]
fn langgraph_with_parallel_branches() {
    prove(&Agent {
        file: "langgraph_parallel.py",
        model: "langgraph_parallel.toml",
        input: "Lima",
        answer: "A note on history.",
        calls: 4,
    });
}

#[test]
fn pydantic_ai_with_parallel_branches() {
    prove(&Agent {
        file: "pydantic_parallel.py",
        model: "workers.toml",
        input: "rome oslo lima",
        answer: "Report on facts of lima",
        calls: 7,
    });
}

/// Records the agent, replays it offline without one call, forks it in the middle with exactly the calls of
/// the tail. Returns how many events of streams the agent printed.
fn prove(agent: &Agent) -> usize {
    let app = App::new();
    let model = ScriptedModel::start(&app, &folder().join(agent.model));

    let mut arguments = vec!["record".to_owned(), "--name".to_owned(), "sdk".to_owned()];
    arguments.extend(model.upstreams());
    let recorded = run(&app, arguments, agent).exits(0);
    assert!(
        recorded.stdout.contains(agent.answer),
        "{}",
        recorded.stdout
    );
    assert_eq!(model.calls(), agent.calls, "calls while recording");

    let replay = ["replay", "sdk", "--offline", "--label", "again"]
        .map(str::to_owned)
        .to_vec();
    let offline = run(&app, replay, agent).exits(0);
    assert_eq!(
        model.calls(),
        agent.calls,
        "an offline replay went upstream"
    );
    assert_eq!(
        events(&offline),
        events(&recorded),
        "the stream is another one"
    );
    assert!(offline.stdout.contains(agent.answer), "{}", offline.stdout);

    let numbers = model_steps(&app.run(["show", "sdk", "--json"]).exits(0).json());
    assert_eq!(numbers.len(), agent.calls, "model steps: {numbers:?}");
    let middle = numbers.len() / 2;
    let mut arguments = ["replay", "sdk", "--label", "forked", "--from"]
        .map(str::to_owned)
        .to_vec();
    arguments.push(numbers[middle].to_string());
    arguments.extend(model.upstreams());
    let forked = run(&app, arguments, agent).exits(0);
    assert!(forked.stdout.contains(agent.answer), "{}", forked.stdout);
    let live = numbers.len() - middle;
    assert_eq!(
        model.calls(),
        agent.calls + live,
        "live calls from step {}",
        numbers[middle]
    );
    events(&recorded).len()
}

/// Runs `rewind` with these arguments on the agent.
fn run(app: &App, mut arguments: Vec<String>, agent: &Agent) -> Run {
    arguments.push("--".to_owned());
    arguments.extend(command(agent.file));
    arguments.push(agent.input.to_owned());
    app.run(arguments)
}

/// Returns the lines in which the agent printed what its SDK handed over.
fn events(run: &Run) -> Vec<&str> {
    run.stdout
        .lines()
        .filter(|line| line.starts_with("event "))
        .collect()
}

/// Returns the numbers of the model steps on `main`, in order.
fn model_steps(shown: &Value) -> Vec<u64> {
    shown["timelines"][0]["steps"]
        .as_array()
        .unwrap_or_else(|| panic!("no steps in {shown}"))
        .iter()
        .filter(|step| step["kind"] == "model")
        .map(|step| step["number"].as_u64().unwrap())
        .collect()
}

/// Returns the command of an agent in `tests/sdk`.
pub(crate) fn command(file: &str) -> [String; 2] {
    let environment = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-env");
    let is_python = Path::new(file)
        .extension()
        .is_some_and(|suffix| suffix == "py");
    let stamp = environment.join(if is_python { "py/stamp" } else { "node/stamp" });
    assert!(
        stamp.exists(),
        "{} is missing: run scripts/test-env once",
        stamp.display()
    );
    let source = folder().join(file);
    let (program, file) = if is_python {
        (environment.join("py/bin/python"), source)
    } else {
        // Node looks for packages beside the file that imports them.
        let copy = environment.join("node").join(file);
        fs::copy(source, &copy).unwrap();
        ("node".into(), copy)
    };
    [program.display().to_string(), file.display().to_string()]
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk")
}
