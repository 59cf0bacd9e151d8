//! The history of runs: through the built program.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::reports::{gate, suite};
use crate::support::{App, Run, checkout, run_blocks, stable};

/// Runs the gate on a commit, with a prompt, and adds the run to the history.
fn run(app: &mut App, commit: &str, prompt: &str, arguments: &[&str]) -> Run {
    app.set("GITHUB_SHA", commit);
    app.set("GITHUB_REF", "refs/heads/main");
    app.write("prompt.txt", prompt);
    let arguments = [&["--live"], arguments].concat();
    let exit = i32::from(prompt != GOOD);
    let gated = gate(app, &arguments).exits(exit);
    app.run(["history", "add"]).exits(0);
    gated
}

fn lines(app: &App) -> Vec<Value> {
    let text = fs::read_to_string(app.folder().join("history.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Writes a history of so many nights, with a change of each: its number, and the line.
fn nights(app: &App, count: u32, change: impl Fn(u32, &mut Value)) {
    let night = |nth| {
        let day = nth % 28 + 1;
        let month = nth / 28 + 1;
        let mut line = json!({
            "format": "1.0",
            "started_at": format!("2026-{month:02}-{day:02}T03:17:00Z"),
            "generator": "rewind 0.1.0",
            "commit": commit(nth),
            "ref": "refs/heads/main",
            "profile": "nightly",
            "config": "b3:c",
            "baselines": "b3:b",
            "policy": { "min_coverage": 0.95, "allow_needs_live": false, "is_enforced": false },
            "verdict": "pass",
            "forks": [{
                "baseline": "refund", "fork": "auto", "verdict": "stable", "is_gating": true, "mode": "live",
                "evidence": format!("b3:{}", "0".repeat(64)), "samples": 5, "passed": 5,
                "scores": { "correctness": { "mean": 0.9, "samples": 5 } },
                "cost_micro_usd": 1200, "served_tokens": 900, "live_tokens": 300, "models": ["gpt-a"],
            }],
        });
        change(nth, &mut line);
        format!("{line}\n")
    };
    let text: String = (0..count).map(night).collect();
    app.write("history.jsonl", &text);
}

/// Returns the commit of a night.
fn commit(nth: u32) -> String {
    format!("{nth:02}{}", "ab".repeat(19))
}

/// Makes a night red.
fn make_red(line: &mut Value) {
    line["verdict"] = json!("fail");
    line["forks"][0]["verdict"] = json!("broken");
    line["forks"][0]["passed"] = json!(0);
}

const GOOD: &str = "Answer.";
const RUDE: &str = "Be rude.";

#[test]
fn a_run_is_kept_once_with_what_became_of_it() {
    let mut app = suite(&[("one", ""), ("two", "")]);
    run(&mut app, "aaaaaaa1", GOOD, &["--profile", "nightly"]);
    let again = app.run(["history", "add"]).exits(0);
    assert!(again.stdout.contains("already"), "{}", again.stdout);
    run(&mut app, "aaaaaaa2", RUDE, &[]);
    let kept = lines(&app);
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[0]["profile"], "nightly");
    let second = &kept[1];
    assert_eq!(
        (&second["commit"], &second["ref"], &second["verdict"]),
        (
            &json!("aaaaaaa2"),
            &json!("refs/heads/main"),
            &json!("fail")
        )
    );
    let fork = &second["forks"][0];
    assert_eq!(
        (&fork["baseline"], &fork["verdict"], &fork["mode"]),
        (&json!("one"), &json!("broken"), &json!("live"))
    );
    assert_eq!(
        (&fork["samples"], &fork["passed"]),
        (&fork["samples"], &json!(0))
    );
    assert!(fork["samples"].as_u64().unwrap() > 0, "{fork}");
    assert_eq!(fork["models"], json!(["gpt-4o-mini"]));
    assert!(fork["live_tokens"].as_u64().unwrap() > 0, "{fork}");
    // Nothing that the model said is kept.
    let text = fs::read_to_string(app.folder().join("history.jsonl")).unwrap();
    assert!(!text.contains("heard") && !text.contains("hello"), "{text}");
}

#[test]
fn a_part_of_a_run_and_a_forged_report_are_not_added() {
    let app = suite(&[("one", ""), ("two", "")]);
    gate(&app, &["--shard", "1/2"]).exits(0);
    let part = app.run(["history", "add"]).exits(2);
    assert!(part.stderr.contains("rewind merge"), "{}", part.stderr);
    gate(&app, &[]).exits(0);
    let path = app.folder().join("rewind-report/rewind-report.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"pass\"", "\"fail\"", 1)).unwrap();
    let forged = app.run(["history", "add"]).exits(2);
    assert!(forged.stderr.contains("rewind verify"), "{}", forged.stderr);
    assert!(!app.folder().join("history.jsonl").exists());
}

#[test]
fn an_unknown_version_and_a_broken_line_are_refused_and_left() {
    let app = suite(&[("one", "")]);
    gate(&app, &[]).exits(0);
    nights(&app, 3, |nth, line| {
        if nth == 1 {
            line["format"] = json!("2.0");
        }
    });
    let before = fs::read(app.folder().join("history.jsonl")).unwrap();
    for arguments in [
        &["history", "add"][..],
        &["history"],
        &["history", "--would-have-blocked"],
    ] {
        let refused = app.run(arguments).exits(2);
        let said = "line 2 of";
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
        assert!(refused.stderr.contains("format 2.0"), "{}", refused.stderr);
    }
    assert_eq!(
        fs::read(app.folder().join("history.jsonl")).unwrap(),
        before
    );
    app.write("history.jsonl", "{\"format\":\"1.0\",\"half\n");
    let broken = app.run(["history"]).exits(2);
    assert!(broken.stderr.contains("line 1 of"), "{}", broken.stderr);
    let none = app
        .run(["history", "show", "--file", "nowhere.jsonl"])
        .exits(2);
    assert!(
        none.stderr.contains("no runs in nowhere.jsonl"),
        "{}",
        none.stderr
    );
    // For the gate it is a note.
    let noted = gate(&app, &["--history", "history.jsonl"]).exits(0);
    assert!(
        noted.stdout.contains("note: there is no history"),
        "{}",
        noted.stdout
    );
}

/// A history in which the score slips, and the checks fail more often after the model has changed.
fn drifted(app: &App) {
    nights(app, 40, |nth, line| {
        line["forks"][0]["scores"]["correctness"]["mean"] = json!(match nth {
            0..20 => 0.88 + f64::from(nth % 3) * 0.02,
            _ => 0.84,
        });
        if nth >= 32 {
            line["forks"][0]["passed"] = json!(2 + nth % 2);
            line["forks"][0]["verdict"] = json!("suspect");
            line["verdict"] = json!("look");
            line["forks"][0]["models"] = json!(["gpt-b"]);
        }
    });
}

#[test]
fn the_trend_the_contradictions_and_the_drift_of_each_baseline_are_shown() {
    let app = App::new();
    drifted(&app);
    let shown = app.run(["history"]).exits(0).stdout;
    insta::assert_snapshot!(shown);
    let detailed = app.run(["history", "show", "--baseline", "refund", "--last", "4"]);
    insta::assert_snapshot!(detailed.exits(0).stdout);
    let report = app.run(["history", "--json"]).exits(0).json();
    let drift = report["baselines"][0]["drift"].as_array().unwrap();
    let measures: Vec<&Value> = drift.iter().map(|one| &one["measure"]).collect();
    assert_eq!(measures, ["checks", "correctness"]);
    assert_eq!(drift[0]["models_after"], json!(["gpt-b"]));
    let unknown = app.run(["history", "show", "--baseline", "x"]).exits(2);
    assert!(unknown.stderr.contains("no run in"), "{}", unknown.stderr);
}

#[test]
fn an_advisory_team_is_told_what_would_have_been_blocked_and_whether_to_enforce() {
    let app = App::new();
    nights(&app, 24, |nth, line| {
        match nth {
            // One mended and one accepted by the next commit.
            4 | 9 => make_red(line),
            // Another run of the same commit is not red.
            14 => {
                make_red(line);
                line["commit"] = json!(commit(13));
            }
            _ => {}
        }
        if nth >= 10 {
            line["forks"][0]["evidence"] = json!(format!("b3:{}", "1".repeat(64)));
        }
    });
    let shown = app.run(["history", "--would-have-blocked"]).exits(0).stdout;
    insta::assert_snapshot!(shown);
    let report = app
        .run(["history", "--would-have-blocked", "--json"])
        .exits(0)
        .json();
    assert_eq!(report["advice"]["is"], "wait");
    assert_eq!(
        report["outcomes"],
        json!({ "fixed": 1, "accepted": 1, "cleared": 1 })
    );
    nights(&app, 30, |_nth, _line| {});
    let shown = app.run(["history", "--would-have-blocked"]).exits(0).stdout;
    insta::assert_snapshot!(shown);
}

#[test]
fn the_reports_look_back_and_no_verdict_changes() {
    let mut app = suite(&[("refund", ""), ("other", "")]);
    drifted(&app);
    app.set("GITHUB_REF", "refs/heads/main");
    gate(&app, &["--live", "--out", "plain"]).exits(0);
    let gated = gate(&app, &["--live", "--history", "history.jsonl"]).exits(0);
    let report = |folder: &str| -> Value {
        let path = app.folder().join(folder).join("rewind-report.json");
        let mut report: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        report.as_object_mut().unwrap().remove("timing").unwrap();
        report
    };
    let (plain, mut looked) = (report("plain"), report("rewind-report"));
    let history = looked.as_object_mut().unwrap().remove("history").unwrap();
    assert_eq!(looked, plain);
    let names: Vec<&Value> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|past| &past["baseline"])
        .collect();
    assert_eq!(names, ["other", "refund"]);
    assert_eq!(history[1]["runs"], 41);
    app.run(["verify"]).exits(0);
    let page = app.folder().join("rewind-report/report.html");
    app.run(["verify", page.to_str().unwrap()]).exits(0);
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains("aria-label=\"passed in the last 20 runs: "),
        "no line"
    );
    // The evidence of this run is another, so nothing has drifted since.
    assert!(!gated.stdout.contains("history: "), "{}", gated.stdout);

    // The line is not in the history until it is added.
    assert_eq!(lines(&app).len(), 40);
    app.run(["history", "add"]).exits(0);
    assert_eq!(lines(&app).len(), 41);
    let config = fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
    app.write(
        "rewind.toml",
        &format!("{config}\n[report]\nhistory = \"past/runs.jsonl\"\n"),
    );
    let added = app.run(["history", "add"]).exits(0);
    assert!(
        added.stdout.contains("to past/runs.jsonl"),
        "{}",
        added.stdout
    );
    let again = gate(&app, &["--live"]).exits(0);
    assert!(again.stdout.contains("PASS"), "{}", again.stdout);
    assert_eq!(report("rewind-report")["history"][1]["runs"], 2);
}

#[test]
fn a_baseline_that_contradicts_itself_is_named_in_the_table_and_the_comment() {
    let app = suite(&[("one", "")]);
    nights(&app, 5, |nth, line| {
        line["commit"] = json!(commit(0));
        line["forks"][0]["baseline"] = json!("one");
        if nth % 2 == 1 {
            make_red(line);
        }
    });
    let gated = gate(&app, &["--live", "--history", "history.jsonl"]).exits(0);
    let said = "history: one contradicts itself in 4 of 4 repeats (51 to 100 %)";
    let log = app.run(["report"]).exits(0).stdout;
    assert!(log.contains(said), "{}\n{log}", gated.stdout);
    let markdown = app.run(["report", "--format", "markdown"]).exits(0).stdout;
    assert!(
        markdown.contains("History: one contradicts itself in 4 of 4 repeats (51 to 100 %)"),
        "{markdown}"
    );
}

#[test]
fn what_the_document_on_history_shows_is_what_is_printed() {
    let app = App::new();
    checkout(&app, "clone");
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/history.md");
    let ran = run_blocks(&app, &document, &app.folder().join("clone"));
    assert_eq!(ran, 3);
    let kept = fs::read_to_string(app.folder().join("clone/history.jsonl")).unwrap();
    assert!(!stable(&kept, app.folder()).contains("FOLDER"), "{kept}");
}

/// Runs git in a folder below the app's and returns what it prints.
fn git(app: &App, folder: &str, arguments: &[&str]) -> String {
    let mut git = app.program("git");
    git.current_dir(app.folder().join(folder)).args(arguments);
    let output = git.output().unwrap();
    Run::new(&git, output).exits(0).stdout.trim().to_owned()
}

#[test]
fn a_branch_keeps_the_history_and_what_is_checked_out_is_not_touched() {
    let mut app = suite(&[("one", "")]);
    git(&app, ".", &["init", "--quiet", "--bare", "remote.git"]);
    git(&app, ".", &["init", "--quiet", "--initial-branch", "main"]);
    git(&app, ".", &["remote", "add", "origin", "remote.git"]);
    app.set("GITHUB_SHA", "aaaaaaa1");
    gate(&app, &[]).exits(0);
    let fetch = ["history", "fetch", "--branch", "runs"];
    let none = app.run(fetch).exits(0);
    assert!(
        none.stdout.contains("no branch runs yet"),
        "{}",
        none.stdout
    );
    assert!(!app.folder().join("history.jsonl").exists());

    let before = git(&app, ".", &["status", "--porcelain"]);
    let add = ["history", "add", "--branch", "runs"];
    let added = app.run(add).exits(0);
    assert!(
        added.stdout.contains("to history.jsonl of origin/runs"),
        "{}",
        added.stdout
    );
    assert!(app.run(add).exits(0).stdout.contains("already"));
    assert_eq!(git(&app, ".", &["status", "--porcelain"]), before);

    // What else is on the branch stays, and a second run goes on top.
    git(
        &app,
        ".",
        &[
            "clone",
            "--quiet",
            "--branch",
            "runs",
            "remote.git",
            "clone",
        ],
    );
    app.write("clone/README.md", "The history.\n");
    git(&app, "clone", &["add", "README.md"]);
    let who = ["-c", "user.name=dev", "-c", "user.email=dev@example.com"];
    git(
        &app,
        "clone",
        &[&who[..], &["commit", "--quiet", "-m", "readme"]].concat(),
    );
    git(&app, "clone", &["push", "--quiet"]);
    gate(&app, &[]).exits(0);
    app.run(add).exits(0);
    let files = git(&app, "remote.git", &["ls-tree", "--name-only", "runs"]);
    assert_eq!(files, "README.md\nhistory.jsonl");
    assert_eq!(
        git(&app, "remote.git", &["rev-list", "--count", "runs"]),
        "3"
    );
    let fetched = app.run(fetch).exits(0);
    assert!(
        fetched.stdout.contains("2 runs of origin/runs"),
        "{}",
        fetched.stdout
    );
    assert_eq!(lines(&app).len(), 2);

    // A branch that nobody may write is said, and a name that git would take for an option is none.
    app.write("remote.git/hooks/pre-receive", "#!/bin/sh\nexit 1\n");
    let hook = app.folder().join("remote.git/hooks/pre-receive");
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    gate(&app, &[]).exits(0);
    let refused = app.run(add).exits(2);
    assert!(
        refused.stderr.contains("git push failed"),
        "{}",
        refused.stderr
    );
    app.run(["history", "add", "--branch=--all"]).exits(2);
}

#[test]
fn jobs_that_add_to_a_branch_at_once_lose_no_run() {
    let app = suite(&[("one", "")]);
    git(&app, ".", &["init", "--quiet", "--bare", "remote.git"]);
    let reports: Vec<String> = (0..4)
        .map(|nth| {
            let clone = format!("clone-{nth}");
            git(&app, ".", &["init", "--quiet", &clone]);
            git(&app, &clone, &["remote", "add", "origin", "../remote.git"]);
            gate(&app, &["--out", &format!("{clone}/rewind-report")]).exits(0);
            clone
        })
        .collect();
    let children: Vec<_> = reports
        .iter()
        .map(|clone| {
            let mut add = app.rewind();
            add.current_dir(app.folder().join(clone));
            add.args(["history", "add", "--branch", "runs"])
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let text = git(&app, "remote.git", &["show", "runs:history.jsonl"]);
    assert_eq!(text.lines().count(), 4);
}
