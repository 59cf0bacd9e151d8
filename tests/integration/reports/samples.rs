//! What goes live runs several times: what is said of a mix, and when it ends.

use serde_json::Value;

use super::{AGENT, gate, suite, timeless};
use crate::support::{App, ScriptedModel};

/// Returns a suite with one baseline, whose agent has another prompt now and fails in these samples.
fn failing(samples: &[u32]) -> App {
    let app = suite(&[("a", "")]);
    app.write("prompt.txt", "Answer at once.");
    fail_in(&app, samples);
    app
}

fn fail_in(app: &App, samples: &[u32]) {
    let crash = format!("if int(os.environ['REWIND_SAMPLE']) in {samples:?}: sys.exit(9)\n");
    app.write("agent.py", &format!("{AGENT}{crash}"));
}

/// Returns the fork that went live.
fn last(app: &App) -> Value {
    let report = timeless(app, "rewind-report");
    let mut forks = report["forks"].as_array().unwrap().iter();
    forks
        .find(|fork| fork["evidence"]["fork"] == "last")
        .unwrap()
        .clone()
}

fn decision(app: &App) -> (String, String, usize) {
    let fork = last(app);
    let said = |key: &str| fork["decision"][key].as_str().unwrap().to_owned();
    let samples = fork["evidence"]["samples"].as_array().unwrap().len();
    (said("verdict"), said("why"), samples)
}

#[test]
fn nine_of_ten_samples_that_crash_are_never_a_pass() {
    let app = failing(&[1, 2, 3, 4, 5, 6, 8, 9, 10]);
    let run = gate(&app, &["--samples", "10"]).exits(0);
    let (verdict, why, samples) = decision(&app);
    assert_eq!((verdict.as_str(), samples), ("suspect", 10), "{why}");
    assert!(why.contains("9 of 10 samples fail"), "{why}");
    assert!(why.contains("status 9"), "{why}");
    assert!(!run.stdout.contains("PASS"), "{}", run.stdout);
    app.run(["verify"]).exits(0);

    // Nothing is left that could be called luck.
    fail_in(&app, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let run = gate(&app, &["--samples", "10"]).exits(1);
    let (verdict, why, _samples) = decision(&app);
    assert_eq!(verdict, "broken");
    assert!(why.contains("10 of 10 samples fail"), "{why}");
    assert!(run.stdout.contains("FAIL"), "{}", run.stdout);
}

#[test]
fn enough_accepted_samples_let_a_mix_be_called_a_regression() {
    let app = failing(&[]);
    gate(&app, &["--samples", "12"]).exits(0);
    assert_eq!(decision(&app).1, "all checks hold in 12 of 12 samples");
    app.run(["baseline", "accept", "a", "--reason", "shorter"])
        .exits(0);

    // Two of three fail; after six it is clear, whatever six more would say.
    fail_in(&app, &[1, 2, 4, 5, 7, 8, 10, 11]);
    let run = gate(&app, &["--samples", "3..12"]).exits(1);
    let (verdict, why, samples) = decision(&app);
    assert_eq!((verdict.as_str(), samples), ("regressed", 6), "{why}");
    assert!(why.contains("4 of 6 samples fail"), "{why}");
    assert!(why.contains("0 of 12 did (p = 0.0"), "{why}");
    assert!(run.stdout.contains("regressed"), "{}", run.stdout);
    app.run(["verify"]).exits(0);

    // One of twelve may be chance, and it is said what would tell.
    fail_in(&app, &[2]);
    gate(&app, &["--samples", "3..12"]).exits(0);
    let (verdict, why, samples) = decision(&app);
    assert_eq!(verdict, "suspect", "{why}");
    assert!(why.contains("that is within 0.1"), "{why}");
    assert!(samples > 3, "{samples} samples can't have decided it");
}

#[test]
fn a_mix_that_no_further_sample_can_decide_ends_at_once() {
    let app = failing(&[2]);
    gate(&app, &["--samples", "3..12"]).exits(0);
    let (verdict, why, samples) = decision(&app);
    assert_eq!((verdict.as_str(), samples), ("suspect", 3), "{why}");
    assert!(why.contains("nothing comparable was accepted"), "{why}");
}

#[test]
fn how_many_samples_run_is_typed_or_written_for_one_baseline_or_all() {
    let app = failing(&[]);
    let count = |arguments: &[&str]| {
        gate(&app, arguments).exits(0);
        decision(&app).2
    };
    assert_eq!(count(&[]), 1, "a scripted model answers the same each time");
    let config = std::fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
    app.write(
        "rewind.toml",
        &format!("{config}\n[gate]\nsamples = {{ min = 2 }}\n"),
    );
    assert_eq!(count(&[]), 2);
    let definition = app.folder().join("baselines/a/baseline.toml");
    let text = std::fs::read_to_string(&definition).unwrap();
    std::fs::write(&definition, format!("samples = {{ min = 4 }}\n{text}")).unwrap();
    assert_eq!(count(&[]), 4);
    assert_eq!(count(&["--samples", "5"]), 5);
    let wrong = gate(&app, &["--samples", "4..3"]).exits(2);
    assert!(wrong.stderr.contains("such as 3..12"), "{}", wrong.stderr);

    // What is equal to its recording is proved by one dry run.
    app.write("prompt.txt", "Answer.");
    assert_eq!(count(&["--samples", "5"]), 1);
}

#[test]
fn what_several_samples_cost_is_said_before_and_capped_without_being_asked() {
    let app = failing(&[]);
    let model = ScriptedModel::start(&app, &app.folder().join("model.toml"));
    let config = std::fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
    let config = config.replace("[upstream]\nscripted = \"model.toml\"\n", "");
    app.write("rewind.toml", &config);
    let mut arguments = vec!["--live".to_owned()];
    arguments.extend(model.upstreams());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = gate(&app, &arguments).exits(0);
    let line = "1 live tails in 3 to 12 samples, about 3 calls, ";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    for said in ["p90 $", "(at most $2.00)"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    assert_eq!(model.calls(), 3);
}
