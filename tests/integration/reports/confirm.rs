//! `--base`: what is red is tried again on the code of the base, side by side with that of now.

use std::fs;

use serde_json::Value;

use super::samples::{decision, fail_in};
use super::{AGENT, suite, timeless};
use crate::support::{App, Run};

const CONFIG: &str =
    "[agent]\ncommand = [\"python3\", \"agent.py\"]\n\n[upstream]\nscripted = \"model.toml\"\n";

/// Returns a suite whose agent has another prompt now, with its base, which is set up by this line.
fn changed(setup: &str) -> App {
    let app = suite(&[("a", "")]);
    app.write("base/agent.py", AGENT);
    app.write("base/prompt.txt", "Answer.");
    app.write(
        "base/rewind.toml",
        &CONFIG.replace("[agent]\n", &format!("[agent]\n{setup}\n")),
    );
    app.write("prompt.txt", "Answer at once.");
    app
}

fn gate(app: &App, arguments: &[&str]) -> Run {
    let usual = ["gate", "--live", "--samples", "3..6", "--base", "base"];
    app.run([&usual[..], arguments].concat())
}

/// Returns what came of trying the fork that went live again.
fn tried(app: &App) -> Value {
    let report = timeless(app, "rewind-report");
    let mut forks = report["forks"].as_array().unwrap().iter();
    let fork = forks.find(|fork| fork["evidence"]["fork"] == "last");
    fork.unwrap()["evidence"]["confirmation"].clone()
}

fn verifies(app: &App) {
    app.run(["verify", "rewind-report"]).exits(0);
}

/// All samples, and the fresh ones after them.
const ALL: [u32; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// A crash of the agent while there is a file `down`, which base and change see alike.
const OUTAGE: &str = "if os.path.exists(os.environ['HOME'] + '/down'): sys.exit(9)\n";

#[test]
fn a_red_that_the_base_does_not_have_is_confirmed() {
    let app = changed("setup = \"echo done > ready\"");
    fail_in(&app, &ALL);
    let run = gate(&app, &[]).exits(1);
    let (verdict, why, samples) = decision(&app);
    assert_eq!((verdict.as_str(), samples), ("broken", 6));
    let confirmed = "; confirmed against base: 3 of 3 against 0 of 3";
    assert!(why.ends_with(confirmed), "{why}");
    assert!(
        run.stderr.contains("1 fork is red and is tried again"),
        "{}",
        run.stderr
    );
    assert!(app.folder().join("base/ready").exists());
    for file in ["report.md", "report.html", "junit.xml"] {
        let path = app.folder().join("rewind-report").join(file);
        let text = fs::read_to_string(path).unwrap();
        assert!(
            text.contains("confirmed against base: 3 of 3"),
            "{file}\n{text}"
        );
    }
    verifies(&app);
    // What the base came to is a fact of the report: another one gives another verdict.
    let path = app.folder().join("rewind-report/rewind-report.json");
    let mut report: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    for fork in report["forks"].as_array_mut().unwrap() {
        let tried = &mut fork["evidence"]["confirmation"];
        if tried.is_object() {
            tried["base"] = tried["candidate"].clone();
        }
    }
    fs::write(&path, report.to_string()).unwrap();
    app.run(["verify", "rewind-report"]).exits(1);
}

#[test]
fn what_fails_at_the_base_too_was_there_before() {
    let app = changed("setup = []");
    for agent in ["agent.py", "base/agent.py"] {
        app.write(agent, &format!("{AGENT}{OUTAGE}"));
    }
    gate(&app, &[]).exits(0);
    assert_eq!(tried(&app), Value::Null, "nothing was red");
    app.write("down", "");
    gate(&app, &[]).exits(0);
    let (verdict, why, _samples) = decision(&app);
    assert_eq!(verdict, "pre_existing", "{why}");
    let said = "; not confirmed against base: 3 of 3 against 3 of 3";
    assert!(why.ends_with(said), "{why}");
    verifies(&app);
}

#[test]
fn a_failure_that_does_not_come_again_was_chance() {
    let app = changed("setup = []");
    // Only the samples of the first pass.
    fail_in(&app, &[1, 2, 3, 4, 5, 6]);
    gate(&app, &["--fail-fast"]).exits(0);
    let (verdict, why, _samples) = decision(&app);
    assert_eq!(verdict, "pre_existing", "{why}");
    assert!(why.contains("all checks hold in 3 of 3 samples"), "{why}");
    verifies(&app);
}

#[test]
fn what_may_be_chance_is_tried_more_often() {
    let app = changed("setup = []");
    // Of the fresh ones first one of three, then four of six.
    fail_in(&app, &[1, 2, 3, 4, 5, 6, 7, 10, 11, 12]);
    gate(&app, &[]).exits(1);
    let (_verdict, why, _samples) = decision(&app);
    assert!(why.ends_with("4 of 6 against 0 of 6"), "{why}");
    verifies(&app);
}

#[test]
fn a_base_that_can_not_be_run_clears_nothing() {
    type Spoil = fn(&App);
    let cases: [(&str, Spoil, &str); 3] = [
        ("setup = \"exit 7\"", |_app| {}, "setup"),
        (
            "setup = []",
            |app| fs::remove_file(app.folder().join("base/agent.py")).unwrap(),
            "`agent.py` does not exist",
        ),
        (
            "setup = []",
            |app| {
                let broken = CONFIG.replace("[agent]\n", "[agent]\nsetup = []\n");
                app.write(
                    "base/rewind.toml",
                    &broken.replace("python3", "no-such-python"),
                );
            },
            "no-such-python",
        ),
    ];
    for (setup, spoil, why) in cases {
        let app = changed(setup);
        spoil(&app);
        app.write(
            "rewind.toml",
            &format!("{CONFIG}\n[gate]\nmin_coverage = 0.0\n"),
        );
        fail_in(&app, &ALL);
        // However little has to be covered, a red that may be one is no pass.
        let run = gate(&app, &[]).exits(3);
        let (verdict, said, _samples) = decision(&app);
        assert_eq!(verdict, "not_measured", "{said}");
        assert!(said.contains(why), "{said}");
        assert!(run.stdout.contains("NOT MEASURED"), "{}", run.stdout);
        verifies(&app);
    }
}

#[test]
fn a_base_needs_a_word_on_how_it_is_made_ready() {
    let app = changed("");
    let run = gate(&app, &[]).exits(2);
    for said in ["`[agent] setup`", "setup = []"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    let nowhere = app.run(["gate", "--base", "nowhere"]).exits(2);
    assert!(
        nowhere.stderr.contains("no such folder"),
        "{}",
        nowhere.stderr
    );
}

#[test]
fn what_a_cap_leaves_no_room_for_confirms_nothing() {
    let app = changed("setup = []");
    fail_in(&app, &ALL);
    let run = gate(&app, &[]).exits(1);
    assert!(run.stdout.contains("paid: 12 calls"), "{}", run.stdout);
    let spent = run.stdout.split("paid: 12 calls, ").nth(1).unwrap();
    let spent: u32 = spent.split(' ').next().unwrap().parse().unwrap();
    let cap = (spent / 12 * 7).to_string();
    let run = gate(&app, &["--max-tokens", &cap]).exits(3);
    let (verdict, why, _samples) = decision(&app);
    assert_eq!(verdict, "not_measured", "{}", run.stdout);
    assert!(why.contains("max_tokens"), "{why}");
    verifies(&app);
}

#[test]
fn one_sample_is_too_few_to_confirm_anything_so_more_are_run() {
    let app = changed("setup = []");
    fail_in(&app, &ALL);
    let one = ["gate", "--live", "--samples", "1", "--base", "base"];
    app.run(one).exits(1);
    let (verdict, why, _samples) = decision(&app);
    assert_eq!(verdict, "broken", "{why}");
    let confirmed = "; confirmed against base: 2 of 2 against 0 of 2";
    assert!(why.ends_with(confirmed), "{why}");
    verifies(&app);
}

#[test]
fn the_change_itself_is_no_base() {
    let app = changed("setup = []");
    let run = app.run(["gate", "--live", "--base", "."]).exits(2);
    assert!(
        run.stderr.contains("--base . is the change itself"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("git worktree add"), "{}", run.stderr);
}
