//! A recorder that is killed, and a disk that is full: what was recorded is there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use super::{fixture, run};
use crate::support::{App, Run};

/// Asks a question for each line on its standard input, or as many as its argument says, and says so.
const TALKER: &str = r#"
import json, os, sys, urllib.request

questions = sys.stdin
if len(sys.argv) > 1:
    questions = ("question %d" % number for number in range(int(sys.argv[1])))
messages = []
for line in questions:
    messages.append({"role": "user", "content": line.strip()})
    body = {"model": "gpt-4o-mini", "messages": messages}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
    try:
        message = json.load(urllib.request.urlopen(request, timeout=60))["choices"][0]["message"]
    except OSError:
        break
    messages.append(message)
    print("answered", flush=True)
"#;

const RULES: &str = "[[rule]]\nreply = { text = \"Answer {{turn}}.\" }\n";

#[test]
fn a_recording_that_is_killed_keeps_every_step_that_was_finished() {
    for finished in [1, 3, 8] {
        let app = App::new();
        app.write("agent.py", TALKER);
        app.write("rules.toml", RULES);
        let mut command = app.rewind();
        command
            .args(["record", "--name", "cut", "--scripted", "rules.toml"])
            .args(["--", "python3", "agent.py"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut recording = command.spawn().unwrap();
        let mut questions = recording.stdin.take().unwrap();
        let mut answers = BufReader::new(recording.stdout.take().unwrap());
        for number in 0..finished {
            writeln!(questions, "question {number}").unwrap();
            let mut line = String::new();
            answers.read_line(&mut line).unwrap();
            assert_eq!(line, "answered\n");
        }
        recording.kill().unwrap();
        recording.wait().unwrap();
        drop(questions);
        let shown = app.run(["show", "cut", "--json"]).exits(0).json();
        let main = &shown["timelines"][0];
        assert_eq!(main["is_complete"], false, "{shown}");
        assert_eq!(main["steps"].as_array().unwrap().len(), finished, "{shown}");
        // What is there can be replayed: an agent that does the same is served all of it.
        let count = finished.to_string();
        let agent = ["--", "python3", "agent.py", &count];
        let replayed = app.run([&["replay", "cut", "--offline", "--json"], &agent[..]].concat());
        let replayed = replayed.json();
        assert_eq!(replayed["served"], finished, "{replayed}");
    }
}

#[test]
fn a_full_disk_never_breaks_the_agent_and_loses_nothing_older() {
    let app = App::new();
    run(&app, &["record", "--name", "older"], "loop", &[]).exits(0);
    let (rules, script) = (fixture("loop.toml"), fixture("loop.py"));
    // No file may grow beyond 36 KB: in the middle of the run writing fails as on a full disk.
    let line = format!(
        "trap '' XFSZ; ulimit -f 36; exec {} record --name newer --scripted {rules} -- python3 {script}",
        env!("CARGO_BIN_EXE_rewind"),
    );
    let mut command = app.program("bash");
    command.args(["-c", &line]);
    let output = command.output().unwrap();
    let recorded = Run::new(&command, output).exits(0);
    assert!(
        recorded.stdout.contains("The survey is complete"),
        "the agent gets its answers: {}",
        recorded.stdout
    );
    assert!(
        recorded.stderr.contains("could not be stored") || recorded.stderr.contains("not stored"),
        "{}",
        recorded.stderr
    );
    let older = app.run(["show", "older", "--json"]).exits(0).json();
    assert_eq!(older["timelines"][0]["is_complete"], true);
    assert_eq!(older["timelines"][0]["steps"].as_array().unwrap().len(), 29);
}
