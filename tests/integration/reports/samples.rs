//! What goes live runs several times: what is said of a mix, and when it ends.

use serde_json::Value;

use super::{AGENT, gate, suite, timeless};
use crate::support::{App, Run, ScriptedModel};

/// Returns a suite with one baseline, whose agent has another prompt now and fails in these samples.
pub(super) fn failing(samples: &[u32]) -> App {
    let app = suite(&[("a", "")]);
    app.write("prompt.txt", "Answer at once.");
    fail_in(&app, samples);
    app
}

pub(super) fn fail_in(app: &App, samples: &[u32]) {
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

pub(super) fn decision(app: &App) -> (String, String, usize) {
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

/// Returns a model that has to be paid, and the options that lead to it.
pub(super) fn paid(app: &App) -> (ScriptedModel, Vec<String>) {
    let model = ScriptedModel::start(app, &app.folder().join("model.toml"));
    let config = std::fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
    let config = config.replace("[upstream]\nscripted = \"model.toml\"\n", "");
    app.write("rewind.toml", &config);
    let mut arguments = vec!["--live".to_owned()];
    arguments.extend(model.upstreams());
    (model, arguments)
}

pub(super) fn live(app: &App, arguments: &[String], more: &[&str]) -> Run {
    let arguments = arguments.iter().map(String::as_str);
    gate(
        app,
        &arguments.chain(more.iter().copied()).collect::<Vec<_>>(),
    )
}

#[test]
fn what_several_samples_cost_is_said_before_and_capped_without_being_asked() {
    let app = failing(&[]);
    let (model, arguments) = paid(&app);
    let run = live(&app, &arguments, &[]).exits(0);
    let line = "1 live tails in 3 to 12 samples, about 3 calls, ";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    for said in ["p90 $", "(at most $2.00)"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    assert_eq!(model.calls(), 3);
}

fn kept(app: &App) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(app.folder().join("answers")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn a_second_push_pays_only_for_the_requests_that_it_changes() {
    let app = failing(&[]);
    let (model, arguments) = paid(&app);
    let cache = ["--cache-dir", "answers"];
    live(&app, &arguments, &cache).exits(0);
    assert_eq!((model.calls(), kept(&app).len()), (3, 3));
    let paid = |app: &App| {
        let report = timeless(app, "rewind-report");
        report["savings"]["paid"]["calls"].as_u64().unwrap()
    };
    assert_eq!(paid(&app), 3);

    let run = live(&app, &arguments, &cache).exits(0);
    assert_eq!((model.calls(), paid(&app)), (3, 0), "{}", run.stderr);
    let said = "3 live answers from the cache, $0";
    assert!(run.stdout.contains(said), "{}", run.stdout);
    assert_eq!(decision(&app).1, "all checks hold in 3 of 3 samples");
    app.run(["verify"]).exits(0);

    // More samples are new ones, and another prompt is another request.
    live(
        &app,
        &arguments,
        &["--cache-dir", "answers", "--samples", "4"],
    )
    .exits(0);
    assert_eq!((model.calls(), paid(&app)), (4, 1));
    app.write("prompt.txt", "Answer briefly.");
    live(&app, &arguments, &cache).exits(0);
    assert_eq!(model.calls(), 7);
    live(&app, &arguments, &[]).exits(0);
    assert_eq!(
        model.calls(),
        10,
        "nothing is kept where nobody asked for it"
    );
}

#[test]
fn an_answer_that_is_broken_or_a_day_old_is_asked_for_again() {
    let app = failing(&[]);
    let (model, arguments) = paid(&app);
    let cache = ["--cache-dir", "answers", "--samples", "1"];
    live(&app, &arguments, &cache).exits(0);
    let [file] = &kept(&app)[..] else {
        panic!("one sample, one answer: {:?}", kept(&app));
    };
    let good = std::fs::read_to_string(file).unwrap();
    for (number, bad) in [
        (2, good.replace("\"}", "")),
        (3, "{}".to_owned()),
        (4, good.replace("\"kept_at\":\"20", "\"kept_at\":\"19")),
        (5, good.replace("\"kept_at\":\"20", "\"kept_at\":\"29")),
        (6, good.replace("\"format\":\"1\"", "\"format\":\"2\"")),
    ] {
        assert_ne!(bad, good);
        std::fs::write(file, bad).unwrap();
        live(&app, &arguments, &cache).exits(0);
        assert_eq!(model.calls(), number);
    }
    live(&app, &arguments, &cache).exits(0);
    assert_eq!(model.calls(), 6, "what was asked again is kept");
}

#[test]
fn no_secret_of_an_answer_is_kept() {
    let secret = ["ghp", "_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat();
    let app = failing(&[]);
    let rule = format!("[[rule]]\nreply = {{ text = \"hello {secret}\" }}\n");
    app.write("model.toml", &rule);
    let (model, arguments) = paid(&app);
    let cache = ["--cache-dir", "answers", "--samples", "1"];
    for _run in 0..2 {
        live(&app, &arguments, &cache).exits(0);
    }
    assert_eq!(model.calls(), 1);
    let text = std::fs::read_to_string(&kept(&app)[0]).unwrap();
    assert!(text.contains("hello") && !text.contains(&secret), "{text}");
}
