//! `rewind selftest`: what the checks of a suite notice, and what they don't.

use std::fs;

use crate::support::{App, repository_path};

#[test]
fn the_checks_of_this_repository_miss_nothing_that_a_check_can_know() {
    let app = App::new();
    let baselines = repository_path("baselines");
    let words = ["selftest", "--baselines", &baselines];
    let run = app.run(words).exits(0);
    assert!(
        run.stdout.contains("0        3   false alarms"),
        "{}",
        run.stdout
    );
    let report = app.run(words.iter().chain(&["--json"])).exits(0).json();
    assert_eq!(
        (
            report["false_alarms"].as_u64(),
            report["unchanged"].as_u64()
        ),
        (Some(0), Some(3))
    );
    let missed: Vec<&str> = report["regressions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["caught_by"].as_array().unwrap().is_empty())
        .map(|one| one["regression"].as_str().unwrap())
        .collect();
    // What an answer means is for a judge; all else a check can know.
    assert!(
        missed.iter().all(|kind| *kind == "negated_answer"),
        "{missed:?} were missed: {}",
        run.stdout
    );
    assert!(report["seeded"].as_u64().unwrap() > 50, "{}", run.stdout);
}

#[test]
fn a_suite_that_checks_little_is_told_what_it_misses() {
    let app = App::new();
    let copied = app
        .program("cp")
        .args(["-r", &repository_path("baselines"), "."])
        .status();
    assert!(copied.unwrap().success());
    for folder in fs::read_dir(app.folder().join("baselines")).unwrap() {
        let file = folder.unwrap().path().join("baseline.toml");
        let text = fs::read_to_string(&file).unwrap();
        let head = text.split("[[check]]").next().unwrap();
        fs::write(&file, format!("{head}\n[[check]]\nkind = \"no_error\"\n")).unwrap();
    }
    let run = app.run(["selftest", "--min", "0.9"]).exits(1);
    assert!(
        run.stdout.contains("no gating check notices:"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("the answer of another baseline"),
        "{}",
        run.stdout
    );
    app.run(["selftest"]).exits(0);
    app.run(["selftest", "--min", "2"]).exits(2);
    app.run(["selftest", "--baselines", "nowhere"]).exits(5);
}
