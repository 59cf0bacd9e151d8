//! More samples of what was accepted: what a test can tell depends on them.

use serde_json::Value;

use super::samples::{decision, fail_in, failing, live, paid};
use super::{gate, read, suite};
use crate::support::App;

fn accepted(app: &App) -> Value {
    serde_json::from_str(&read(app, "baselines/a/accepted.json")).unwrap()
}

/// Returns how many samples of the fork `last` were accepted.
fn count(app: &App) -> usize {
    accepted(app)["forks"]["last"]["samples"]
        .as_array()
        .unwrap()
        .len()
}

fn has_evidence(app: &App) -> bool {
    app.folder().join("baselines/a/accepted.json").exists()
}

#[test]
fn with_samples_that_were_accepted_nine_of_ten_that_crash_are_red() {
    let app = suite(&[("a", "")]);
    let sample = ["baseline", "sample", "a", "-n", "3", "--reason", "nightly"];
    let run = app.run(sample).exits(0);
    let said = "a@last: 3 of 3 samples measured, 3 passed, 0 failed; 3 accepted in all";
    assert!(run.stdout.contains(said), "{}", run.stdout);
    let before = accepted(&app);
    assert_eq!(before["provenance"]["reason"], "nightly");
    assert_eq!(before["forks"]["last"]["samples"][2]["live"], true);

    // They add up, and what they replace is said.
    let run = app.run(sample).exits(0);
    let said = "3 passed, 0 failed; 6 accepted in all";
    assert!(run.stdout.contains(said), "{}", run.stdout);
    assert_eq!(count(&app), 6);
    assert!(accepted(&app)["provenance"]["replaces"].is_string());
    gate(&app, &[]).exits(0);

    app.write("prompt.txt", "Answer at once.");
    fail_in(&app, &[1, 2, 3, 4, 5, 6, 8, 9, 10]);
    let run = gate(&app, &["--samples", "10"]).exits(1);
    let (verdict, why, samples) = decision(&app);
    assert_eq!((verdict.as_str(), samples), ("regressed", 10), "{why}");
    assert!(why.contains("9 of 10 samples fail"), "{why}");
    assert!(why.contains("0 of 6 did"), "{why}");
    assert!(run.stdout.contains("FAIL"), "{}", run.stdout);
}

#[test]
fn two_accepted_samples_are_enough_against_nine_of_ten_that_crash() {
    let app = suite(&[("a", "")]);
    app.run(["baseline", "sample", "a", "-n", "2"]).exits(0);
    app.write("prompt.txt", "Answer at once.");
    fail_in(&app, &[1, 2, 3, 4, 5, 6, 8, 9, 10]);
    gate(&app, &["--samples", "10"]).exits(1);
    let (verdict, why, _samples) = decision(&app);
    assert_eq!(verdict, "regressed", "{why}");
}

#[test]
fn an_agent_that_fails_now_and_then_is_accepted_as_it_is() {
    let app = suite(&[("a", "")]);
    fail_in(&app, &[2]);
    let run = app.run(["baseline", "sample", "a", "-n", "4"]).exits(0);
    let said = "4 of 4 samples measured, 3 passed, 1 failed; 4 accepted in all";
    assert!(run.stdout.contains(said), "{}", run.stdout);
}

#[test]
fn what_would_be_no_evidence_is_refused_and_nothing_is_written() {
    let app = suite(&[("a", "")]);
    let (model, arguments) = paid(&app);
    let sample = |more: &[&str]| {
        let words = ["baseline", "sample", "a", "-n", "2"];
        app.run(words.iter().chain(more))
    };
    let unasked = sample(&[]).exits(2);
    assert!(unasked.stderr.contains("add --live"), "{}", unasked.stderr);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    let fork = sample(&[&arguments[..], &["--from", "7"]].concat()).exits(2);
    for said in ["no fork `7`", "it has last", "`nightly_forks`"] {
        assert!(fork.stderr.contains(said), "{}", fork.stderr);
    }
    app.run(["baseline", "sample", "b", "-n", "2", "--live"])
        .exits(5);
    app.run(["baseline", "sample", "a", "-n", "0", "--live"])
        .exits(2);

    let poor = sample(&[&arguments[..], &["--max-usd", "0"]].concat()).exits(3);
    assert!(poor.stdout.contains("not measured: "), "{}", poor.stdout);
    assert!(poor.stdout.contains("0 of 2 samples"), "{}", poor.stdout);

    app.write("prompt.txt", "Answer at once.");
    let changed = sample(&arguments).exits(2);
    let said = "the agent is not as it was recorded";
    assert!(changed.stderr.contains(said), "{}", changed.stderr);
    assert!(
        changed.stderr.contains("system prompt"),
        "{}",
        changed.stderr
    );

    app.write("prompt.txt", "Answer.");
    app.write(
        "baselines/a/baseline.toml",
        &read(&app, "baselines/a/baseline.toml").replacen("tags", "forks = [\"auto\"]\ntags", 1),
    );
    let automatic = sample(&arguments).exits(2);
    let said = "`auto` goes live only where something changed";
    assert!(automatic.stderr.contains(said), "{}", automatic.stderr);
    assert_eq!(model.calls(), 0, "nothing was paid for");
    assert!(!has_evidence(&app));
}

#[test]
fn what_was_accepted_once_is_not_accepted_again_out_of_the_cache() {
    let app = failing(&[]);
    let (model, arguments) = paid(&app);
    let cache = ["--cache-dir", "answers"];
    let accept = ["baseline", "accept", "a", "--reason", "shorter"];
    live(&app, &arguments, &cache).exits(0);
    // Heard before, but never accepted: a second push may be the one that is.
    live(&app, &arguments, &cache).exits(0);
    assert_eq!(model.calls(), 3);
    app.run(accept).exits(0);
    assert_eq!(count(&app), 3);

    live(&app, &arguments, &cache).exits(0);
    assert_eq!(model.calls(), 3);
    let none = app.run(accept).exits(2);
    assert!(
        none.stderr.contains("nothing is pending"),
        "{}",
        none.stderr
    );

    let four = ["--cache-dir", "answers", "--samples", "4"];
    live(&app, &arguments, &four).exits(0);
    app.run(accept).exits(0);
    assert_eq!((model.calls(), count(&app)), (4, 4));

    // A night asks anew, and so does who samples.
    live(
        &app,
        &arguments,
        &["--cache-dir", "answers", "--profile", "nightly"],
    )
    .exits(0);
    assert_eq!(model.calls(), 7);
}
