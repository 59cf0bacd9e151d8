//! The agent as a process: status, signals, time, and what a user is told.

use std::io::{BufRead as _, BufReader};
use std::process::Command;

use super::{Bench, answer, output_text, spawn, text};
use crate::support::upstream::{Upstream, json};

#[test]
fn the_status_of_the_agent_is_the_status_of_the_recording() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("ask('q').read(); sys.exit(7)");
    assert_eq!(bench.record(&upstream).status.code(), Some(7));
    assert_eq!(bench.session().timelines[0].outcome.exit, Some(7));
    let missing = bench.rewind(&upstream, &[], &["no-such-agent"]).output();
    let missing = missing.unwrap();
    assert_eq!(missing.status.code(), Some(127));
    assert!(
        text(&missing.stderr).contains("no-such-agent"),
        "{missing:?}"
    );
    let unfit = bench.rewind(&upstream, &[], &["./agent.py"]).output();
    assert_eq!(unfit.unwrap().status.code(), Some(126));
}

#[test]
fn ctrl_c_reaches_the_agent_and_the_session_is_kept() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new(
        r#"
ask("q").read()
print("ready", flush=True)
time.sleep(60)
"#,
    );
    let mut child = spawn(&mut bench.rewind(&upstream, &[], &["python3", "agent.py"]));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let session = bench.session();
    assert_eq!(session.timelines[0].outcome.exit, Some(130));
    assert_eq!(bench.calls().len(), 1);
    let faults = session.timelines[0].outcome.faults.join("\n");
    assert!(faults.contains("interrupted"), "{faults}");
}

#[test]
fn a_hanging_agent_is_ended_after_its_time() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("ask('q').read(); time.sleep(600)");
    let command = ["python3", "agent.py"];
    let output = bench
        .rewind(&upstream, &["--timeout", "2s"], &command)
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(143), "{output:?}");
    assert!(text(&output.stderr).contains("2 s"), "{output:?}");
    assert_eq!(bench.session().timelines[0].outcome.exit, Some(143));
}

#[test]
fn an_agent_without_model_calls_is_told_why_that_may_be() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("");
    let output = bench.record(&upstream);
    let said = text(&output.stderr);
    assert!(said.contains("no model calls"), "{said}");
    assert!(said.contains("OPENAI_BASE_URL"), "{said}");
}

#[test]
fn under_ci_nothing_goes_to_a_provider_unasked() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("ask('q').read()");
    let command = ["python3", "agent.py"];
    let mut rewind = bench.rewind(&upstream, &[], &command);
    let output = rewind.env("CI", "true").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("--live"), "{output:?}");
    assert!(upstream.received().is_empty());
    let mut rewind = bench.rewind(&upstream, &["--live"], &command);
    assert!(rewind.env("CI", "true").status().unwrap().success());
}

#[test]
fn the_scripted_model_needs_neither_key_nor_permission() {
    let bench = Bench::new(
        r#"
print(json.loads(ask("How many live in Tokyo?").read())["choices"][0]["message"]["content"])
"#,
    );
    let rules = "[[rule]]\nwhen = { last_user = \"Tokyo\" }\nreply = { text = \"14 million\" }\n";
    std::fs::write(bench.path().join("model.toml"), rules).unwrap();
    let mut rewind = Command::new(env!("CARGO_BIN_EXE_rewind"));
    let output = rewind
        .current_dir(bench.path())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("CI", "true")
        .args([
            "record",
            "--scripted",
            "model.toml",
            "--",
            "python3",
            "agent.py",
        ])
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "14 million\n", "{output:?}");
    assert_eq!(output_text(&bench.calls()[0]), "14 million");
}

#[test]
fn standard_output_can_be_the_answer() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("ask('q').read(); print('the answer')");
    let config = "[agent]\noutput = \"stdout\"\n";
    std::fs::write(bench.path().join("rewind.toml"), config).unwrap();
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "the answer\n", "{output:?}");
    let found = bench.session().timelines[0].outcome.answer.clone();
    assert_eq!(found.as_deref(), Some("the answer"));
}
