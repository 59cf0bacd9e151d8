//! Baselines are made, listed, shown, checked and removed.

use super::{create, gate_with, read, record, repository};
use crate::support::{App, Run};

#[test]
fn a_recorded_session_becomes_a_baseline_that_the_unchanged_agent_passes() {
    let app = repository("loop", "\"MODE\", \"PROMPT\"");
    record(&app, "loop", "survey", &[]);
    let made = create(&app, "survey", &["--tag", "smoke"]).exits(0);
    assert!(
        made.stdout
            .contains("stable: 3 of 3 replays equal, at 0 tokens"),
        "{}",
        made.stdout
    );
    let text = read(&app, "baselines/survey/baseline.toml");
    for part in [
        "forks = [\"last\", \"auto\"]",
        "kind = \"trajectory\"",
        "forbidden = [\"delete_*\"",
        "equals = \"The survey is complete",
        "kind = \"no_error\"",
        "expect = [\"gpt-4o-mini\"]",
        "tokens = \"1.5x\"",
        "tags = [\"smoke\"]",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    gate_with(&app, &[], &["--offline"]).exits(0);
    let again = create(&app, "survey", &[]).exits(2);
    assert!(
        again.stderr.contains("is there already"),
        "{}",
        again.stderr
    );
    for mode in ["stop:5", "silent", "crash"] {
        let gate = gate_with(&app, &[("MODE", mode)], &["--offline"]);
        assert_ne!(gate.code, Some(0), "{mode}: {}", gate.stdout);
    }
    let listed = app.run(["baseline", "list", "--json"]).exits(0).json();
    assert_eq!(listed[0]["name"], "survey");
    assert_eq!(listed[0]["steps"], 29);
    assert_eq!(listed[0]["models"][0], "gpt-4o-mini");
    let stale = app.run(["baseline", "list", "--stale"]).exits(0);
    assert!(
        // Its model may have been retired by the time that this runs.
        !stale.stdout.contains("days ago: ") && !stale.stdout.contains("nothing was accepted"),
        "{}",
        stale.stdout
    );
    let shown = app.run(["baseline", "show", "survey"]).exits(0);
    assert!(
        shown
            .stdout
            .contains("check trajectory: passed auto 1/1, last 1/1"),
        "{}",
        shown.stdout
    );
    app.run(["baseline", "check", "--replay", "--data"])
        .exits(0);
    app.run(["baseline", "rm", "survey"]).exits(0);
    app.run(["gate"]).exits(5);
}

#[test]
fn fork_points_and_names_that_are_none_are_refused_with_what_there_is() {
    let app = repository("loop", "");
    record(&app, "loop", "survey", &[]);
    for (more, part) in [
        (["--from", "99"], "its steps are 1 to 29"),
        (["--from", "tool:nothing"], "its tools are lookup"),
        (["--reference", "fixed"], "its timelines are main"),
    ] {
        let run = create(&app, "survey", &more).exits(2);
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    for name in ["../x", "/x", "", "a//b", ".hidden", "a b"] {
        let run = app
            .run(["baseline", "create", "survey", "--name", name])
            .exits(2);
        assert!(
            run.stderr.contains("is no name for a baseline"),
            "{}",
            run.stderr
        );
    }
    assert!(!app.folder().join("baselines/mixed").exists());
    create(
        &app,
        "survey",
        &["--from", "tool:lookup#3", "--from", "start"],
    )
    .exits(0);
    let text = read(&app, "baselines/survey/baseline.toml");
    assert!(
        text.contains("forks = [\"tool:lookup#3\", \"start\"]"),
        "{text}"
    );
}

#[test]
fn a_recording_may_be_shared_by_several_baselines() {
    let app = repository("loop", "\"MODE\"");
    record(&app, "loop", "survey", &[]);
    let shared = ["--recording", "recordings/survey", "--stability", "1"];
    app.run(
        [
            &["baseline", "create", "survey", "--name", "a/one"],
            &shared[..],
        ]
        .concat(),
    )
    .exits(0);
    app.run(
        [
            &["baseline", "create", "survey", "--name", "two"],
            &shared[..],
        ]
        .concat(),
    )
    .exits(0);
    assert!(app.folder().join("recordings/survey/steps.jsonl").is_file());
    assert!(!app.folder().join("baselines/two/session").exists());
    let text = read(&app, "baselines/a/one/baseline.toml");
    assert!(
        text.contains("recording = \"../../../recordings/survey\""),
        "{text}"
    );
    gate_with(&app, &[], &["--offline"]).exits(0);
    app.run(["baseline", "rm", "two"]).exits(0);
    assert!(app.folder().join("recordings/survey/steps.jsonl").is_file());
    record(&app, "loop", "other", &[]);
    let run = app
        .run([
            "baseline",
            "create",
            "other",
            "--name",
            "three",
            "--recording",
            "recordings/survey",
        ])
        .exits(2);
    assert!(
        run.stderr.contains("holds another recording"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_baseline_that_could_not_fail_is_a_mistake() {
    let app = repository("loop", "");
    record(&app, "loop", "survey", &[]);
    create(&app, "survey", &["--stability", "1"]).exits(0);
    app.write(
        "baselines/survey/baseline.toml",
        "[[check]]\nkind = \"no_error\"\nseverity = \"warn\"\n",
    );
    let run = gate_with(&app, &[], &["--offline"]).exits(2);
    assert!(
        run.stderr.contains("has no check that gates"),
        "{}",
        run.stderr
    );
    app.run(["baseline", "check"]).exits(1);
}

/// Asks once for a whole answer and once for a stream, which says nothing of tokens; may hang.
const MIXED: &str = r#"
import json, os, time, urllib.request

def ask(text, **more):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
    return urllib.request.urlopen(request, timeout=60).read()

ask("one")
if os.environ.get("MODE") == "hang":
    time.sleep(600)
ask("two", stream=True)
"#;

fn mixed() -> App {
    let app = App::new();
    app.write("agent.py", MIXED);
    app.write(
        "rules.toml",
        "[[rule]]\nreply = { text = \"An answer.\" }\n",
    );
    app.write(
        "rewind.toml",
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\nenv = [\"MODE\"]\ntimeout = \"3s\"\n\n\
         [upstream]\nscripted = \"rules.toml\"\n",
    );
    app.run(["record", "--name", "mixed", "--", "python3", "agent.py"])
        .exits(0);
    app
}

#[test]
fn tokens_are_budgeted_only_where_every_call_says_how_many_it_took() {
    let app = mixed();
    create(&app, "mixed", &[]).exits(0);
    let drafted = read(&app, "baselines/mixed/baseline.toml");
    assert!(drafted.contains("steps = \"1.5x\""), "{drafted}");
    assert!(!drafted.contains("tokens ="), "{drafted}");
    app.run(["gate", "--offline"]).exits(0);
}

#[test]
fn a_replay_that_is_cut_off_says_so_before_what_it_did_not_come_to() {
    let app = mixed();
    let mut command = app.rewind();
    command
        .args(["baseline", "create", "mixed", "--name", "mixed"])
        .env("MODE", "hang");
    let output = command.output().unwrap();
    let said = Run::new(&command, output).exits(1).stderr;
    assert!(
        said.contains("differs: the agent ran longer than 3 s and was ended; "),
        "{said}"
    );
    assert!(!app.folder().join("baselines/mixed").exists());
}
