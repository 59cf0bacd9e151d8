//! The issue about runs of the night, and check runs.

use serde_json::{Value, json};

use super::{HEAD, job, repository, run_gate};
use crate::support::App;
use crate::support::github::{BOT, FakeGithub, Fault};

fn night(app: &mut App, github: &FakeGithub, run: u64) -> String {
    github.job(app, "schedule", &json!({ "schedule": "17 3 * * *" }));
    app.set("GITHUB_RUN_ID", &run.to_string());
    app.run(["github", "issue", "--key", "nightly"])
        .exits(0)
        .stdout
}

fn issues(github: &FakeGithub) -> Vec<Value> {
    github.state().issues.clone()
}

#[test]
fn a_red_night_opens_one_issue_and_a_green_one_closes_it() {
    let github = FakeGithub::start();
    let planted = "<!-- rewind:issue key=nightly run=1.1 state=ab -->\nnot ours";
    let label = json!(["rewind:nightly"]);
    github.state().add_issue(
        &json!({ "title": "x", "body": planted, "labels": label }),
        "eve",
    );
    let mut app = repository(false);
    assert!(night(&mut app, &github, 600).contains("no issue is open"));
    run_gate(&app, true);
    assert!(night(&mut app, &github, 601).contains("issue opened"));
    assert!(night(&mut app, &github, 602).contains("issue brought up to date"));
    assert_eq!(github.bodies().len(), 0, "the same news are not told twice");
    assert!(night(&mut app, &github, 601).contains("a newer run has written it"));
    run_gate(&app, false);
    assert!(night(&mut app, &github, 603).contains("issue closed"));
    let told = github.bodies();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("\nPASS · "), "{}", told[0]);
    let all = issues(&github);
    assert_eq!(all.len(), 2);
    assert_eq!(
        (&all[0]["state"], &all[1]["state"]),
        (&json!("open"), &json!("closed"))
    );
    assert_eq!(all[0]["body"], planted);
    run_gate(&app, true);
    assert!(night(&mut app, &github, 604).contains("issue opened"));
    github.assert_valid();
}

#[test]
fn a_drift_opens_the_issue_though_the_night_is_not_red() {
    let github = FakeGithub::start();
    let mut app = repository(false);
    let path = app.folder().join("rewind-report/rewind-report.json");
    let mut report: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let share = json!({ "count": 0, "of": 20, "low": 0.0, "high": 0.2 });
    report["history"] = json!([{
        "baseline": "one", "runs": 20, "points": [],
        "flake": { "repeats": share, "suspect": share },
        "drift": [{
            "fork": "auto", "measure": "checks", "direction": "lower", "before": 0.98, "after": 0.6, "runs": 5,
            "since": "2026-11-25T03:17:00Z",
        }],
    }]);
    std::fs::write(&path, serde_json::to_string_pretty(&report).unwrap()).unwrap();
    assert!(night(&mut app, &github, 600).contains("issue opened"));
    let issue = issues(&github)[0].clone();
    assert_eq!(issue["title"], "Rewind: a baseline has drifted");
    let body = issue["body"].as_str().unwrap();
    assert!(body.contains("checks lower since 2026-11-25"), "{body}");
    assert!(night(&mut app, &github, 601).contains("issue brought up to date"));
    run_gate(&app, false);
    assert!(night(&mut app, &github, 602).contains("issue closed"));
    github.assert_valid();
}

#[test]
fn no_answer_that_is_lost_makes_a_second_issue() {
    for fault in [Fault::DoneButStatus(500), Fault::DoneButLost, Fault::Lost] {
        let github = FakeGithub::start();
        let mut app = repository(true);
        github.plan("POST", "/issues", fault.clone());
        night(&mut app, &github, 600);
        let all = issues(&github);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0]["user"]["login"], BOT);
        run_gate(&app, false);
        github.plan("POST", "/comments", fault.clone());
        github.plan("PATCH", "/issues/", fault);
        assert!(night(&mut app, &github, 601).contains("issue closed"));
        assert_eq!(github.bodies().len(), 1);
        assert_eq!(issues(&github)[0]["state"], "closed");
        github.assert_valid();
    }
}

#[test]
fn a_night_without_a_result_is_told_too() {
    let github = FakeGithub::start();
    let mut app = App::new();
    assert!(night(&mut app, &github, 600).contains("issue opened"));
    let body = issues(&github)[0]["body"].as_str().unwrap().to_owned();
    assert!(body.contains("the gate ended without a report"), "{body}");
}

#[test]
fn a_check_run_stands_on_the_head_and_is_brought_up_to_date() {
    let github = FakeGithub::start();
    let mut app = repository(true);
    job(&mut app, &github, 500);
    app.run(["github", "check"]).exits(0);
    let check = github.state().checks[0].clone();
    assert_eq!(check["head_sha"], HEAD);
    assert_eq!(
        (&check["status"], &check["conclusion"]),
        (&json!("completed"), &json!("failure"))
    );
    let notes = check["output"]["annotations"].as_array().unwrap().clone();
    assert_eq!(notes[0]["annotation_level"], "failure");
    assert_eq!(notes[0]["path"], "baselines/one/baseline.toml");
    // Once more in the same run: the same, and no note twice.
    app.run(["github", "check"]).exits(0);
    run_gate(&app, false);
    app.set("GITHUB_RUN_ATTEMPT", "2");
    app.run(["github", "check"]).exits(0);
    let checks = github.state().checks.clone();
    assert_eq!(checks.len(), 1);
    assert_eq!(checks[0]["conclusion"], "success");
    assert_eq!(
        checks[0]["output"]["annotations"].as_array().unwrap().len(),
        notes.len()
    );
    github.assert_valid();
}

#[test]
fn a_check_run_whose_answer_is_lost_is_not_made_twice() {
    for fault in [Fault::DoneButStatus(502), Fault::DoneButLost, Fault::Lost] {
        let github = FakeGithub::start();
        let mut app = repository(true);
        job(&mut app, &github, 500);
        github.plan("POST", "/check-runs", fault);
        app.run(["github", "check"]).exits(0);
        assert_eq!(github.state().checks.len(), 1);
    }
}

#[test]
fn an_advisory_gate_holds_nobody_up() {
    let github = FakeGithub::start();
    let mut app = repository(false);
    let config = std::fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
    app.write(
        "rewind.toml",
        &format!("{config}\n[gate]\nenforce = false\n"),
    );
    app.write("prompt.txt", "Be rude.");
    crate::reports::gate(&app, &["--live"]).exits(0);
    job(&mut app, &github, 500);
    app.run(["github", "check"]).exits(0);
    assert_eq!(github.state().checks[0]["conclusion"], "neutral");
}
