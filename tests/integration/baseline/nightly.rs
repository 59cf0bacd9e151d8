//! What runs at night only, and what of it is kept by day.

use serde_json::Value;

use super::read;
use super::unheard::{live, newsroom};
use crate::support::App;

fn with_nightly_start(app: &App) {
    let path = "baselines/oslo/baseline.toml";
    let text = read(app, path);
    app.write(path, &format!("nightly_forks = [\"start\"]\n{text}"));
}

/// Returns the forks of which evidence was accepted.
fn accepted(app: &App) -> Vec<String> {
    let text = read(app, "baselines/oslo/accepted.json");
    let evidence: Value = serde_json::from_str(&text).unwrap();
    let forks = evidence["forks"].as_object().unwrap();
    forks.keys().cloned().collect()
}

fn nightly(app: &App) -> crate::support::Run {
    app.run(["gate", "--live", "--samples", "1", "--profile", "nightly"])
}

#[test]
fn a_nightly_fork_runs_at_night_and_its_evidence_stays_by_day() {
    let app = newsroom(&["last"]);
    with_nightly_start(&app);
    app.write("writer.txt", "You are the writer. Be brief.");
    let day = live(&app).exits(0);
    assert!(!day.stdout.contains("oslo@start"), "{}", day.stdout);
    let night = nightly(&app).exits(0);
    for fork in ["oslo@last", "oslo@start"] {
        assert!(night.stdout.contains(fork), "{}", night.stdout);
    }
    app.run(["baseline", "accept", "oslo"]).exits(0);
    assert_eq!(accepted(&app), ["last", "start"]);

    app.write("writer.txt", "You are the writer. Be long.");
    live(&app).exits(0);
    app.run(["baseline", "accept", "oslo"]).exits(0);
    assert_eq!(accepted(&app), ["last", "start"]);

    // What breaks before the usual fork is found by the nightly one.
    app.write("planner.txt", "You are the planner. Hurry.");
    let night = nightly(&app).exits(1);
    assert!(night.stdout.contains("oslo@start"), "{}", night.stdout);
}

#[test]
fn at_night_everything_runs_whatever_changed() {
    let app = newsroom(&["last"]);
    let words = ["gate", "--offline", "--changed-since", "no-such-commit"];
    app.run(words).exits(2);
    let night = app.run(words.iter().chain(&["--profile", "nightly"]));
    assert!(night.exits(0).stdout.contains("1 unaffected"));
}

#[test]
fn parts_of_a_night_and_of_a_day_are_not_put_together() {
    let app = newsroom(&["last"]);
    let part = |part: &str, profile: &str| {
        let out = format!("{profile}-{}", part.replace('/', "-of-"));
        app.run(["gate", "--shard", part, "--out", &out, "--profile", profile])
            .exits(0);
        out
    };
    let (first, second) = (part("1/2", "pr"), part("2/2", "pr"));
    app.run(["merge", &first, &second]).exits(0);
    let night = part("2/2", "nightly");
    let merged = app.run(["merge", &first, &night]).exits(2);
    assert!(merged.stderr.contains("error: "), "{}", merged.stderr);
}

#[test]
fn a_drafted_baseline_begins_at_the_start_at_night_unless_told_where() {
    let text = |app: &App| read(app, "baselines/oslo/baseline.toml");
    let app = newsroom(&[]);
    let drafted = "nightly_forks = [\"start\"]";
    assert!(text(&app).contains(drafted), "{}", text(&app));
    let shown = app.run(["baseline", "show", "oslo"]).exits(0).stdout;
    assert!(shown.contains("at night also: start (step 1)"), "{shown}");
    let shown = app.run(["baseline", "show", "oslo", "--json"]).json();
    assert_eq!(shown["nightly_forks"][0], "start (step 1)", "{shown}");
    app.write("planner.txt", "You are the planner. Hurry.");
    let night = nightly(&app).exits(1);
    assert!(night.stdout.contains("oslo@start"), "{}", night.stdout);

    let told = text(&newsroom(&["last"]));
    assert!(!told.contains("nightly"), "{told}");
}

#[test]
fn nightly_forks_are_sampled_with_the_others() {
    let app = newsroom(&["last"]);
    with_nightly_start(&app);
    let run = app.run(["baseline", "sample", "oslo", "-n", "2"]).exits(0);
    for said in ["oslo@last: 2 of 2", "oslo@start: 2 of 2"] {
        assert!(run.stdout.contains(said), "{}", run.stdout);
    }
    assert_eq!(accepted(&app), ["last", "start"]);
    let one = ["baseline", "sample", "oslo", "-n", "1", "--from", "start"];
    let run = app.run(one).exits(0);
    assert!(run.stdout.contains("oslo@start: 1 of 1"), "{}", run.stdout);
    assert!(!run.stdout.contains("oslo@last"), "{}", run.stdout);
}
