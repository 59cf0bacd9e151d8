//! What counts where a change is gated: the base's rules and baselines.

use std::fs;

use super::{commit, git, in_git};
use crate::reports::gate;
use crate::support::App;

const LIVE: [&str; 3] = ["--live", "--policy-from", "main"];

fn read(app: &App, path: &str) -> String {
    fs::read_to_string(app.folder().join(path)).unwrap()
}

fn notes(app: &App) -> String {
    let text = read(app, "rewind-report/rewind-report.json");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    report["notes"].to_string()
}

#[test]
fn a_change_that_leaves_rules_and_baselines_alone_is_gated_as_ever() {
    let app = in_git();
    let run = gate(&app, &LIVE).exits(0);
    assert!(!run.stdout.contains("main"), "{}", run.stdout);
    app.write("prompt.txt", "Be rude.");
    gate(&app, &LIVE).exits(1);
}

#[test]
fn a_change_cannot_make_its_own_gate_easier() {
    let changes: [fn(&App); 5] = [
        |app| {
            let config = read(app, "rewind.toml");
            app.write(
                "rewind.toml",
                &format!("{config}\n[gate]\nenforce = false\n"),
            );
        },
        |app| {
            for name in ["one", "two"] {
                let path = format!("baselines/{name}/baseline.toml");
                let text = read(app, &path).replace("contains = \"hello\"", "contains = \"N\"");
                app.write(&path, &text);
            }
        },
        |app| fs::remove_dir_all(app.folder().join("baselines/one")).unwrap(),
        |app| {
            let quarantine =
                "\n[quarantine]\nowner = \"eve\"\nreason = \"x\"\nuntil = 2026-12-01\n";
            let path = "baselines/one/baseline.toml";
            app.write(path, &format!("{}{quarantine}", read(app, path)));
        },
        |app| {
            let path = "recordings/hello/messages.jsonl";
            app.write(path, &read(app, path).replace("I heard: hello", "No."));
        },
    ];
    for (nth, change) in changes.into_iter().enumerate() {
        let app = in_git();
        change(&app);
        app.write("prompt.txt", "Be rude.");
        commit(&app, "easier");
        gate(&app, &LIVE).exits(1);
        let text = read(&app, "rewind-report/rewind-report.json");
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut run: Vec<&str> = report["forks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fork| fork["evidence"]["baseline"].as_str().unwrap())
            .collect();
        run.dedup();
        assert_eq!(run, ["one", "two"], "change {nth}");
        assert!(
            notes(&app).contains("main"),
            "change {nth}: {}",
            notes(&app)
        );
    }
}

#[test]
fn a_new_baseline_can_fail_and_covers_nothing_else() {
    let app = in_git();
    for name in ["three", "four"] {
        let text = read(&app, "baselines/one/baseline.toml");
        app.write(&format!("baselines/{name}/baseline.toml"), &text);
    }
    commit(&app, "more");
    gate(&app, &LIVE).exits(0);
    let report = read(&app, "rewind-report/rewind-report.json");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["gating"], 4);
    assert_eq!(report["forks"].as_array().unwrap().len(), 8);
    assert!(
        notes(&app)
            .contains("new in this change (run, and can fail; cover nothing else): four, three")
    );
    app.run(["verify"]).exits(0);
    let text = read(&app, "baselines/three/baseline.toml")
        .replace("contains = \"hello\"", "contains = \"goodbye\"");
    app.write("baselines/three/baseline.toml", &text);
    gate(&app, &LIVE).exits(1);
}

#[test]
fn the_first_run_is_advisory_and_an_unknown_base_is_named() {
    let app = in_git();
    git(&app, &["checkout", "--quiet", "--orphan", "empty"]);
    git(&app, &["rm", "-rq", "--cached", "."]);
    git(
        &app,
        &["commit", "--quiet", "--allow-empty", "--message", "nothing"],
    );
    git(&app, &["checkout", "--quiet", "--force", "change"]);
    app.write("prompt.txt", "Be rude.");
    gate(&app, &["--live", "--policy-from", "empty"]).exits(0);
    assert!(
        notes(&app).contains("empty has no rewind.toml yet"),
        "{}",
        notes(&app)
    );
    let run = gate(&app, &["--policy-from", "origin/main"]).exits(2);
    assert!(
        run.stderr.contains("git knows no commit `origin/main`"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("fetch-depth: 0"), "{}", run.stderr);
}
