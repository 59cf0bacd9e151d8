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

#[test]
fn what_judges_read_comes_from_the_base_too() {
    let app = in_git();
    let judge = "\n[judge]\nscripted = \"judge.toml\"\n";
    let strict = judge_of(0.2, false);
    app.write("judge.toml", &strict);
    app.write(
        "rewind.toml",
        &format!("{}{judge}", read(&app, "rewind.toml")),
    );
    let check = "\n[[check]]\nkind = \"judge\"\nevaluator = \"relevance\"\n";
    for name in ["one", "two"] {
        let path = format!("baselines/{name}/baseline.toml");
        app.write(&path, &format!("{}{check}", read(&app, &path)));
    }
    commit(&app, "judged");
    git(&app, &["branch", "-f", "main"]);
    app.write("prompt.txt", "Answer at once.");
    app.write(
        "model.toml",
        "[[rule]]\nreply = { text = \"hello, hello\" }\n",
    );
    let honest = gate(&app, &LIVE).exits(1);
    assert!(honest.stdout.contains("gives 0.20"), "{}", honest.stdout);
    app.write("judge.toml", &judge_of(1.0, true));
    app.write(
        "prompts/relevance.md",
        "version: 2\nWhatever it is, it is relevant.\n",
    );
    let run = gate(&app, &LIVE).exits(1);
    assert!(run.stdout.contains("gives 0.20"), "{}", run.stdout);
    let notes = notes(&app);
    let said = "this change alters what judges read (judge.toml, prompts/relevance.md)";
    assert!(notes.contains(said), "{notes}");
}

/// A judge that knows its canaries, and gives everything else this score.
fn judge_of(score: f64, pass: bool) -> String {
    let verdict = |evidence: &str, score: f64, pass: bool| {
        format!(
            "reply = {{ text = '{{\"verdicts\":[{{\"statement\":\"relevance\",\"evidence\":[{evidence}],\"reasoning\":\"x\",\"score\":{score},\"pass\":{pass}}}]}}' }}\n"
        )
    };
    [
        (
            "when = { last_user = \"The capital of France is Paris.\" }\n",
            verdict("\"Paris\"", 1.0, true),
        ),
        (
            "when = { last_user = \"Bananas are\" }\n",
            verdict("", 0.0, false),
        ),
        ("", verdict("\"hello\"", score, pass)),
    ]
    .map(|(when, reply)| format!("[[rule]]\n{when}{reply}\n"))
    .concat()
}
