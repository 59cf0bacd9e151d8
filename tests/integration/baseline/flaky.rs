//! An agent that fails now and then: what samples of it tell, and what they may not change.

use std::fs;

use serde_json::Value;

use super::read;
use super::unheard::{AGENT, newsroom};
use crate::support::{App, Run};

/// Fails in nine of ten runs, while there is a file that says so.
const COUNTED: &str = r#"
import os, sys
if os.path.exists("flaky"):
    with open("runs", "ab") as runs:
        runs.write(b".")
        if runs.tell() % 10:
            sys.exit(9)
"#;

const ACCEPTED: &str = "baselines/oslo/accepted.json";

fn sample(app: &App, number: &str) -> Run {
    app.run(["baseline", "sample", "oslo", "-n", number])
}

/// Returns the verdict on the one fork of the last gate run.
fn verdict(app: &App) -> String {
    let report: Value =
        serde_json::from_str(&read(app, "rewind-report/rewind-report.json")).unwrap();
    let decision = &report["forks"][0]["decision"];
    decision["verdict"].as_str().unwrap().to_owned()
}

/// Puts these lines before the last one of the agent, which prints its answer.
fn before_it_prints(app: &App, lines: &str) {
    app.write(
        "agent.py",
        &AGENT.replace("\nprint(", &format!("{lines}\nprint(")),
    );
}

fn live_samples(app: &App) -> usize {
    read(app, ACCEPTED).matches("\"live\": true").count()
}

#[test]
fn nine_of_ten_crashes_from_the_start_on_are_looked_at_and_red_with_two_accepted_samples() {
    let app = newsroom(&["start"]);
    before_it_prints(&app, COUNTED);
    let changed = |app: &App| {
        app.write("writer.txt", "You are the writer. Be brief.");
        app.write("flaky", "");
        app.write("runs", "");
        app.run(["gate", "--live", "--samples", "10", "--jobs", "1"])
    };
    // What `create` accepted is one sample.
    let gated = changed(&app).exits(0);
    assert_eq!(verdict(&app), "suspect", "{}", gated.stdout);
    assert!(gated.stdout.contains("9 of 10"), "{}", gated.stdout);
    assert!(gated.stdout.contains("\nLOOK: "), "{}", gated.stdout);
    assert!(!gated.stdout.contains("PASS"), "{}", gated.stdout);

    app.write("writer.txt", "You are the writer.");
    fs::remove_file(app.folder().join("flaky")).unwrap();
    sample(&app, "2").exits(0);
    let gated = changed(&app).exits(1);
    assert_eq!(verdict(&app), "regressed", "{}", gated.stdout);
    assert!(gated.stdout.contains("\nFAIL: "), "{}", gated.stdout);
}

#[test]
fn samples_that_print_nothing_let_no_half_answer_pass() {
    for failing in ["sys.exit(9)", "sys.exit(0)"] {
        let app = newsroom(&["last"]);
        let lines = format!(
            "\nimport os, sys\nif os.environ[\"REWIND_SAMPLE\"] == \"2\":\n    {failing}\n"
        );
        before_it_prints(&app, &lines);
        sample(&app, "3").exits(0);
        assert_eq!(live_samples(&app), 3);
        app.write("agent.py", AGENT);
        app.run(["gate", "--offline"]).exits(0);
        assert_eq!(verdict(&app), "unaffected");
        let half = AGENT.replace("Oslo\")))", "Oslo\"))[:4])");
        assert_ne!(half, AGENT);
        app.write("agent.py", &half);
        app.run(["gate", "--offline"]);
        assert_ne!(verdict(&app), "unaffected", "{failing}");
    }
}

#[test]
fn a_crash_that_was_accepted_with_the_others_lets_no_half_answer_pass() {
    let app = newsroom(&["last"]);
    app.write("writer.txt", "You are the writer. Be brief.");
    before_it_prints(
        &app,
        "\nimport os, sys\nif os.environ[\"REWIND_SAMPLE\"] == \"2\":\n    sys.exit(9)\n",
    );
    app.run(["gate", "--live", "--samples", "3"]).exits(0);
    app.run(["baseline", "accept", "--rerecord", "oslo"])
        .exits(0);
    app.write("agent.py", &AGENT.replace("Oslo\")))", "Oslo\"))[:4])"));
    app.run(["gate", "--offline"]);
    assert_ne!(verdict(&app), "unaffected");
}

#[test]
fn samples_of_which_none_is_measured_change_nothing() {
    let app = newsroom(&["start", "last"]);
    let before = read(&app, ACCEPTED);
    // A fork that is gone leaves its evidence behind until something is accepted.
    let path = "baselines/oslo/baseline.toml";
    let text = read(&app, path);
    let fewer = text.replace("forks = [\"start\", \"last\"]", "forks = [\"last\"]");
    assert_ne!(fewer, text);
    app.write(path, &fewer);
    let run = app
        .run(["baseline", "sample", "oslo", "-n", "2", "--max-usd", "0"])
        .exits(3);
    assert!(run.stdout.contains("0 of 2 samples"), "{}", run.stdout);
    assert!(!run.stdout.contains("commit "), "{}", run.stdout);
    assert_eq!(read(&app, ACCEPTED), before);
}

#[test]
fn an_agent_that_cannot_be_run_is_not_called_another_one() {
    let app = newsroom(&["last"]);
    let config = read(&app, "rewind.toml");
    app.write(
        "rewind.toml",
        &config.replace("\"python3\"", "\"no-such-python\""),
    );
    let run = sample(&app, "2").exits(3);
    assert!(run.stderr.contains("`no-such-python`"), "{}", run.stderr);
    assert!(!run.stderr.contains("as it was recorded"), "{}", run.stderr);
}

#[test]
fn what_was_added_since_a_run_is_not_lost_when_that_run_is_accepted() {
    let app = newsroom(&["last"]);
    app.write("writer.txt", "You are the writer. Be brief.");
    app.run(["gate", "--live", "--samples", "1"]).exits(0);
    let pending: Value =
        serde_json::from_str(&read(&app, "rewind-report/pending/oslo/accepted.json")).unwrap();
    for empty in ["who", "when", "reason"] {
        assert_eq!(pending["provenance"][empty], "", "{empty}");
    }
    app.write("writer.txt", "You are the writer.");
    sample(&app, "2").exits(0);
    let sampled = read(&app, ACCEPTED);
    let refused = app.run(["baseline", "accept", "oslo"]).exits(2);
    for said in ["was changed since that run", "run rewind gate again"] {
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    assert_eq!(read(&app, ACCEPTED), sampled);

    app.write("writer.txt", "You are the writer. Be brief.");
    app.run(["gate", "--live", "--samples", "1"]).exits(0);
    app.run(["baseline", "accept", "oslo"]).exits(0);
    assert_eq!(live_samples(&app), 3);
}
