//! Reports that the job of a fork wrote, told by a job that may write.

use std::fs;

use serde_json::{Value, json};

use super::{HEAD, repository};
use crate::support::App;
use crate::support::github::FakeGithub;

/// What strangers do with a report.
type Change = fn(&App);

/// Returns the event after the run of a fork's change.
fn watched() -> Value {
    json!({
        "action": "completed",
        "workflow_run": {
            "id": 400, "run_attempt": 1, "event": "pull_request", "head_sha": HEAD, "head_branch": "change",
            "head_repository": { "full_name": "eve/agent" },
            "pull_requests": [],
        },
    })
}

fn pull(number: u64, source: &str, head: &str) -> Value {
    json!({
        "number": number, "state": "open",
        "head": { "ref": "change", "sha": head, "repo": { "full_name": source } },
    })
}

/// Returns a job that may write, after the fork's.
fn second_stage(github: &FakeGithub) -> App {
    let mut app = repository(true);
    github.job(&mut app, "workflow_run", &watched());
    github.state().pulls = vec![
        pull(5, "eve/agent", &"3".repeat(40)),
        pull(6, "acme/agent", HEAD),
        pull(7, "eve/agent", HEAD),
    ];
    app
}

#[test]
fn the_pull_request_is_the_one_of_the_branch_whose_head_was_run() {
    let github = FakeGithub::start();
    let app = second_stage(&github);
    app.run(["github", "comment"]).exits(0);
    let body = github.bodies().remove(0);
    assert!(body.contains("run=400.1"), "{body}");
    assert!(body.contains("Rewind: FAIL"), "{body}");
    assert!(body.contains("it is the word of the change"), "{body}");
    assert_eq!(github.count("POST", "/issues/7/comments"), 1);
    github.assert_valid();
    // It has moved on: nobody is told what an older commit came to.
    github.state().pulls = vec![pull(7, "eve/agent", &"4".repeat(40))];
    let run = app.run(["github", "comment"]).exits(0);
    assert!(run.stdout.contains("no comment: "), "{}", run.stdout);
    assert_eq!(github.count("POST", "/comments"), 1);
}

#[test]
fn a_run_that_was_started_by_hand_finds_its_pull_request() {
    let github = FakeGithub::start();
    let mut app = repository(true);
    github.state().pulls = vec![pull(7, "acme/agent", HEAD)];
    github.job(
        &mut app,
        "workflow_dispatch",
        &json!({ "ref": "refs/heads/change" }),
    );
    app.set("GITHUB_REF_NAME", "change");
    app.set("GITHUB_SHA", HEAD);
    app.run(["github", "comment"]).exits(0);
    assert_eq!(github.count("POST", "/issues/7/comments"), 1);
    assert!(!github.bodies()[0].contains("the word of the change"));
}

#[test]
fn a_report_of_strangers_is_believed_only_where_it_follows_from_its_facts() {
    let changes: [(&str, Change); 4] = [
        ("no plain file", |app| {
            let report = app.folder().join("rewind-report/rewind-report.json");
            fs::rename(&report, app.folder().join("elsewhere.json")).unwrap();
            std::os::unix::fs::symlink(app.folder().join("elsewhere.json"), report).unwrap();
        }),
        ("does not follow from its own facts", |app| {
            let path = app.folder().join("rewind-report/rewind-report.json");
            let text = fs::read_to_string(&path).unwrap();
            let text = text.replacen("\"verdict\": \"fail\"", "\"verdict\": \"pass\"", 1);
            fs::write(path, text.replacen("\"exit\": 1", "\"exit\": 0", 1)).unwrap();
        }),
        ("this is no rewind report", |app| {
            app.write(
                "rewind-report/rewind-report.json",
                "{\"format\": \"1.0\", \"extra\": 1}",
            );
        }),
        ("the gate ended without a report", |app| {
            fs::remove_file(app.folder().join("rewind-report/rewind-report.json")).unwrap();
        }),
    ];
    for (why, change) in changes {
        let github = FakeGithub::start();
        let app = second_stage(&github);
        change(&app);
        app.run(["github", "comment"]).exits(0);
        let body = github.bodies().remove(0);
        assert!(body.contains("NOT MEASURED · the gate broke"), "{body}");
        assert!(body.contains(why), "no {why:?} in\n{body}");
    }
}

#[test]
fn nothing_of_a_change_is_run_in_a_job_that_strangers_cause_and_that_holds_secrets() {
    let mut app = repository(false);
    fs::write(app.folder().join("agent.py"), "open('ran', 'w')").unwrap();
    for event in ["pull_request_target", "workflow_run"] {
        app.set("GITHUB_EVENT_NAME", event);
        for command in [
            vec!["gate"],
            vec!["replay", "latest", "--offline"],
            vec!["record", "--", "python3", "agent.py", "hello"],
            vec!["baseline", "create", "latest", "--name", "three"],
            vec!["baseline", "sample", "one", "-n", "1", "--live"],
        ] {
            let run = app.run(&command);
            assert!(
                run.stderr
                    .contains(&format!("a job of the event {event} holds secrets")),
                "{command:?}: {}",
                run.stderr
            );
            assert!(
                run.code.is_some_and(|code| code == 2 || code == 125),
                "{command:?}"
            );
        }
    }
    assert!(!app.folder().join("ran").exists());
}
