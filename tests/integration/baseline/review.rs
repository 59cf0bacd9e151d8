//! What a gate run left is reviewed, on a terminal and elsewhere.

use super::{fixture, gate_with, read, record, repository};
use crate::support::{App, Run};

/// Returns a repository in which something is pending for three baselines.
fn pending() -> App {
    let app = repository("loop", "\"PROMPT\"");
    record(&app, "loop", "a", &[]);
    for name in ["a", "b", "c"] {
        let words = ["baseline", "create", "a", "--name", name, "--unverified"];
        app.run(words).exits(0);
    }
    let changed = [("PROMPT", "You are a surveyor. Be brief.")];
    gate_with(&app, &changed, &["--live", "--samples", "1"]).exits(0);
    app
}

/// Returns which baselines were accepted anew, and for which something is still pending.
fn state(app: &App) -> [Vec<&'static str>; 2] {
    let names = ["a", "b", "c"].into_iter();
    let is_reviewed = |name: &&str| {
        let accepted = read(app, &format!("baselines/{name}/accepted.json"));
        accepted.contains("\"reviewed\"")
    };
    let is_pending = |name: &&str| {
        let folder = app.folder().join("rewind-report/pending").join(name);
        folder.exists()
    };
    [
        names.clone().filter(is_reviewed).collect(),
        names.filter(is_pending).collect(),
    ]
}

/// Reviews on a terminal with these answers.
fn review(app: &App, answers: &str) -> Run {
    let mut command = app.program("python3");
    command
        .arg(fixture("../terminal/answer.py"))
        .args([answers, env!("CARGO_BIN_EXE_rewind"), "baseline", "review"])
        .env("TERM", "dumb");
    let output = command.output().unwrap();
    Run::new(&command, output)
}

#[test]
fn on_a_terminal_each_is_accepted_forgotten_or_left() {
    let app = pending();
    // What is no answer is asked again.
    let run = review(&app, "y,what?,n,s").exits(0);
    assert_eq!(run.stdout.matches("accept b?").count(), 2, "{}", run.stdout);
    assert!(run.stdout.contains("accepted\n"), "{}", run.stdout);
    assert!(run.stdout.contains("forgotten\n"), "{}", run.stdout);
    assert_eq!(state(&app), [vec!["a"], vec!["c"]]);
    assert_eq!(
        review(&app, "Yes")
            .exits(0)
            .stdout
            .matches("accept ")
            .count(),
        1
    );
    let run = review(&app, "").exits(0);
    assert_eq!(run.stdout, "nothing is pending in rewind-report\n");
}

#[test]
fn a_review_can_be_left_at_any_question_and_keeps_what_was_decided() {
    for (end, code) in [("q", 0), ("^D", 0), ("^C", 130)] {
        let app = pending();
        let run = review(&app, &format!("y,{end}")).exits(code);
        assert!(!run.stdout.contains("accept c?"), "{end}: {}", run.stdout);
        assert_eq!(state(&app), [vec!["a"], vec!["b", "c"]], "{end}");
    }
}

#[test]
fn elsewhere_nothing_is_asked_and_the_command_that_accepts_is_named() {
    let app = pending();
    let run = app.run(["baseline", "review"]).exits(0);
    assert!(!run.stdout.contains("[y]es"), "{}", run.stdout);
    assert!(
        run.stdout
            .ends_with("\naccept: rewind baseline accept a b c --reason \"…\"\n"),
        "{}",
        run.stdout
    );
    assert_eq!(state(&app), [vec![], vec!["a", "b", "c"]]);
}
