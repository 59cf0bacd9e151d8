//! Agents that differ from themselves: found before they are committed, and mended by rules.

use super::{create, gate_with, read, record, repository};

const KINDS: [&str; 11] = [
    "dates-in-the-prompt",
    "dates-in-a-result",
    "unordered-tools",
    "an-unordered-list",
    "shuffled-documents",
    "ids-in-prose",
    "counter-in-the-prompt",
    "counter-in-a-result",
    "trace-in-the-input",
    "documents-in-the-input",
    "lines-in-a-result",
];

#[test]
fn all_but_one_of_the_volatile_agents_become_stable_and_still_notice_a_real_change() {
    let mut unstable = Vec::new();
    for kind in KINDS {
        let app = repository("volatile", "\"FACTS\"");
        record(&app, "volatile", kind, &[kind]);
        let run = create(&app, kind, &["--fix"]);
        if run.code != Some(0) {
            assert_eq!(run.code, Some(1), "{}", run.stderr);
            unstable.push(kind);
            continue;
        }
        let config = read(&app, "rewind.toml");
        assert!(config.starts_with("# Ours.\n[agent]"), "{config}");
        gate_with(&app, &[], &["--offline"]).exits(0);
        // The rules overlook what changes by itself, and nothing else.
        let other = [("FACTS", "nobody lives there any more")];
        let gate = gate_with(&app, &other, &["--offline"]);
        assert_ne!(gate.code, Some(0), "{kind}: {}\n{config}", gate.stdout);
    }
    assert!(unstable.len() <= 1, "{unstable:?}");
    assert!(!unstable.contains(&"lines-in-a-result"));
}

#[test]
fn without_fix_the_difference_is_shown_with_a_rule_and_nothing_is_written() {
    let app = repository("volatile", "");
    let before = read(&app, "rewind.toml");
    record(&app, "volatile", "counter", &["counter-in-a-result"]);
    let run = create(&app, "counter", &[]).exits(1);
    for part in [
        "replay 1 of the unchanged agent differs",
        "the result of tool `lookup` is not the recorded one",
        "pointer: /messages/",
        "recorded: ",
        "found: ",
        "[[replay.normalise]]\npointer = \"/meta/served\"",
        "pointer = \"/meta/took\"",
        "nothing was written; add --fix",
    ] {
        assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
    }
    assert_eq!(read(&app, "rewind.toml"), before);
    assert!(!app.folder().join("baselines/counter").exists());
    let left: Vec<_> = std::fs::read_dir(app.folder().join("baselines"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
    create(&app, "counter", &["--unverified"]).exits(0);
    let check = app.run(["baseline", "check"]).exits(0);
    assert!(check.stdout.contains("ok counter"), "{}", check.stdout);
    let check = app
        .run(["baseline", "check", "--replay", "--stability", "1"])
        .exits(1);
    assert!(check.stdout.contains("/meta/served"), "{}", check.stdout);
}

#[test]
fn a_difference_in_words_has_no_rule() {
    let app = repository("volatile", "\"FACTS\"");
    record(&app, "volatile", "plain", &["plain"]);
    let mut command = app.rewind();
    command
        .args(["baseline", "create", "plain", "--name", "plain", "--fix"])
        .env("FACTS", "nobody lives there any more");
    let output = command.output().unwrap();
    let run = crate::support::Run::new(&command, output).exits(1);
    assert!(
        run.stderr.contains("there is no rule for this"),
        "{}",
        run.stderr
    );
    assert!(!read(&app, "rewind.toml").contains("normalise"));
}
