//! Forks of forks, and serving an agent that somebody else starts.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use super::{fixture, run};
use crate::support::{App, Run};

#[test]
fn a_fork_of_a_fork_shares_its_prefix_and_pays_only_its_own_tail() {
    let app = App::new();
    run(&app, &["record", "--name", "loop"], "loop", &[]).exits(0);
    let prompt = ["PROMPT=You are a careful surveyor."];
    let first = [
        "replay", "loop", "--from", "14", "--label", "fixed", "--json",
    ];
    run(&app, &first, "loop", &prompt).exits(0);
    let second = [
        "replay",
        "loop",
        "--timeline",
        "fixed",
        "--from",
        "24",
        "--label",
        "again",
        "--json",
    ];
    let replay = run(&app, &second, "loop", &prompt).exits(0).json();
    // Model calls are the odd steps: 1 to 23 are served from the fork, 25, 27 and 29 are live.
    assert_eq!(
        (&replay["served"], &replay["live"]),
        (&12.into(), &3.into())
    );
    assert_eq!(replay["drift"], serde_json::json!([]), "{replay}");
    let shown = app
        .run(["show", "loop", "--timeline", "again"])
        .exits(0)
        .stdout;
    assert!(shown.contains("fixed"), "it says what it forks: {shown}");
    let diff = app.run(["diff", "loop", "fixed", "again", "--json"]);
    let diff = diff.exits(0).json();
    assert_eq!(diff["is_equal"], true, "{diff}");
    assert_eq!(diff["steps"].as_array().unwrap().len(), 29, "{diff}");
    // A third fork, of `again`, under a label that is taken, gets one of its own.
    let third = ["replay", "loop", "--timeline", "again", "--from", "last"];
    let labelled = [&third[..], &["--label", "fixed"]].concat();
    let third = run(&app, &labelled, "loop", &prompt).exits(0);
    assert!(third.stdout.contains("fixed-2"), "{}", third.stdout);
}

#[test]
fn an_agent_started_elsewhere_is_served_until_ctrl_c() {
    let app = App::new();
    run(&app, &["record", "--name", "loop"], "loop", &[]).exits(0);
    let mut command = app.rewind();
    command
        .args([
            "replay",
            "loop",
            "--serve",
            "--offline",
            "--label",
            "served",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut serving = command.spawn().unwrap();
    let mut said = BufReader::new(serving.stderr.take().unwrap());
    let mut agent = app.program("python3");
    agent.arg(fixture("loop.py"));
    let mut line = String::new();
    let mut exported = 0;
    while exported == 0 || line.starts_with("export ") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended early");
        if let Some((name, value)) = line
            .trim_end()
            .strip_prefix("export ")
            .and_then(|assignment| assignment.split_once('='))
        {
            agent.env(name, value.trim_matches('\''));
            exported += 1;
        }
    }
    let output = agent.output().unwrap();
    let answered = Run::new(&agent, output).exits(0).stdout;
    assert!(answered.contains("The survey is complete"), "{answered}");
    interrupt(serving.id());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    let output = serving.wait_with_output().unwrap();
    let ended = Run::new(&command, output).exits(0);
    assert!(ended.stdout.contains("served"), "{}\n{rest}", ended.stdout);
    let shown = app.run(["show", "loop", "--timeline", "served", "--json"]);
    let shown = shown.exits(0).json();
    assert_eq!(shown["timelines"][0]["is_complete"], true, "{shown}");
}

fn interrupt(process: u32) {
    let status = Command::new("kill")
        .args(["-INT", &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}
