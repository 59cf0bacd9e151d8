//! Recordings that are made anew: what did not change does not change a file.

use std::fs;

use super::{create, read, record, repository};
use crate::support::App;

/// What each survey is about.
const INPUTS: [&str; 5] = ["Oslo", "Rome", "Lima", "Cairo", "Quito"];

fn git(app: &App, arguments: &[&str]) -> String {
    let mut git = app.program("git");
    git.args([
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "gc.auto=0",
    ]);
    let output = git.args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns how many bytes the packed repository has.
fn packed(app: &App) -> u64 {
    git(app, &["gc", "--quiet", "--aggressive", "--prune=now"]);
    let packs = app.folder().join(".git/objects/pack");
    let sizes = fs::read_dir(packs).unwrap().flatten();
    sizes
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "pack"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum()
}

fn commit(app: &App) {
    git(app, &["add", "baselines"]);
    git(app, &["commit", "--quiet", "--allow-empty", "-m", "again"]);
}

#[test]
fn a_repository_does_not_grow_with_recordings_of_an_unchanged_agent() {
    let app = repository("loop", "");
    git(&app, &["init", "--quiet"]);
    for input in INPUTS {
        record(&app, "loop", input, &[input]);
        create(&app, input, &["--stability", "1"]).exits(0);
    }
    commit(&app);
    let before = packed(&app);
    for _again in 0..6 {
        for input in INPUTS {
            record(&app, "loop", input, &[input]);
            let folder = format!("baselines/{input}/session");
            app.run(["session", "export", input, "-o", &folder])
                .exits(0);
        }
        assert_eq!(git(&app, &["status", "--porcelain", "baselines"]), "");
        commit(&app);
    }
    let after = packed(&app);
    assert!(after * 10 <= before * 11, "{before} grew to {after}");
    app.run(["gate", "--offline"]).exits(0);
}

#[test]
fn of_a_recording_that_changed_only_what_changed_is_new() {
    let app = repository("loop", "");
    record(&app, "loop", "Oslo", &["Oslo"]);
    create(&app, "Oslo", &["--stability", "1"]).exits(0);
    let wire = read(&app, "baselines/Oslo/session/wire.jsonl");
    record(&app, "loop", "Rome", &["Rome"]);
    let folder = "baselines/Oslo/session";
    app.run(["session", "export", "Rome", "-o", folder])
        .exits(0);
    let other = read(&app, "baselines/Oslo/session/wire.jsonl");
    assert_ne!(wire.lines().next(), other.lines().next(), "another session");
    app.run(["session", "export", "Oslo", "-o", folder])
        .exits(0);
    app.run(["gate", "--offline"]).exits(0);

    // Outside a baseline a session is written as it is.
    record(&app, "loop", "Oslo", &["Oslo"]);
    app.run(["session", "export", "Oslo", "-o", "plain"])
        .exits(0);
    let plain = read(&app, "plain/wire.jsonl");
    record(&app, "loop", "Oslo", &["Oslo"]);
    app.run(["session", "export", "Oslo", "-o", "plain"])
        .exits(0);
    assert_ne!(read(&app, "plain/wire.jsonl"), plain);
}
