//! Replays of agents that changed, misbehave or run in parallel, through the built program.

mod crash;
mod forks;
mod many;
mod savings;
mod streams;
mod trouble;

use std::path::PathBuf;
use std::thread;

use serde_json::Value;

use crate::support::{App, Run};

fn fixture(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests/fixtures/agents").join(name);
    path.to_str().unwrap().to_owned()
}

/// Runs `rewind` with these options on an agent of `tests/fixtures/agents`, with variables of its own.
fn run(app: &App, options: &[&str], agent: &str, variables: &[&str]) -> Run {
    let (rules, script) = (
        fixture(&format!("{agent}.toml")),
        fixture(&format!("{agent}.py")),
    );
    let (command, rest) = options.split_first().unwrap();
    let mut arguments = vec![*command];
    arguments.extend(rest);
    arguments.extend(["--scripted", &rules, "--", "env"]);
    arguments.extend(variables);
    arguments.extend(["python3", &script]);
    app.run(arguments)
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|item| item[key].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn from_step_14_exactly_the_calls_behind_it_go_live_and_the_rest_is_drift_of_the_prompt() {
    let app = App::new();
    run(&app, &["record", "--name", "loop"], "loop", &[]).exits(0);
    let prompt = ["PROMPT=You are a careful surveyor."];
    let options = [
        "replay", "loop", "--from", "14", "--label", "fixed", "--json",
    ];
    let replay = run(&app, &options, "loop", &prompt).exits(0).json();
    // Odd steps are model calls: 1 to 13 lie before the fork, 15 to 29 behind it.
    assert_eq!((&replay["served"], &replay["live"]), (&7.into(), &8.into()));
    assert_eq!(strings(&replay["drift"], "what"), ["system_prompt"]);
    assert_eq!(replay["divergences"], Value::Array(Vec::new()));
    assert_eq!(replay["first_live"], 14);
    let shown = app
        .run(["show", "loop", "--timeline", "fixed"])
        .exits(0)
        .stdout;
    assert_eq!(
        shown.matches("served (drift: system prompt)").count(),
        7,
        "{shown}"
    );
}

#[test]
fn parallel_workers_replay_right_whatever_their_order() {
    let app = App::new();
    let recorded = run(&app, &["record", "--name", "many"], "parallel", &[]).exits(0);
    let rounds = || {
        for _round in 0..ROUNDS / THREADS {
            let options = ["replay", "many", "--offline", "--json"];
            let replay = run(&app, &options, "parallel", &[]).exits(0).json();
            assert_eq!(replay["unaffected"], true, "{replay}");
            assert_eq!(replay["served"], 17);
            assert_eq!(
                replay["answer"].as_str().unwrap().trim(),
                recorded.stdout.trim()
            );
        }
    };
    thread::scope(|scope| {
        for _thread in 0..THREADS {
            scope.spawn(rounds);
        }
    });
}

#[test]
fn an_agent_that_does_less_or_fails_is_never_unaffected() {
    let app = App::new();
    app.write("rewind.toml", "[agent]\noutput = \"stdout\"\n");
    run(&app, &["record", "--name", "loop"], "loop", &[]).exits(0);
    let stops: Vec<String> = (0..15).map(|turn| format!("MODE=stop:{turn}")).collect();
    let others = ["MODE=silent", "MODE=crash", "MODE=half"].map(str::to_owned);
    for mode in stops.iter().chain(&others) {
        let options = ["replay", "loop", "--offline", "--json"];
        let replay = run(&app, &options, "loop", &[mode]).exits(1).json();
        assert_eq!(replay["unaffected"], false, "{mode}: {replay}");
        assert_ne!(
            replay["divergences"],
            Value::Array(Vec::new()),
            "{mode}: {replay}"
        );
    }
}

#[test]
fn another_argument_is_told_with_the_step_and_the_field() {
    let app = App::new();
    run(&app, &["record", "--name", "loop"], "loop", &[]).exits(0);
    let options = ["replay", "loop", "--offline", "--json"];
    let replay = run(&app, &options, "loop", &["MODE=argument"])
        .exits(1)
        .json();
    let first = &replay["divergences"][0];
    assert_eq!(first["step"], 11, "{replay}");
    assert_eq!(first["pointer"], "/messages/9/parts/0/arguments/place");
    assert_eq!(
        (&first["recorded"], &first["found"]),
        (&"place 4".into(), &"elsewhere".into())
    );
}

/// How often eight workers are replayed in all, and how many replays run at once.
const ROUNDS: usize = 100;
const THREADS: usize = 4;
