//! A run in parts, and the parts put together.

use std::fs;

use super::{gate, names, read, suite, timeless};

const FIVE: [(&str, &str); 5] = [("a", ""), ("b", ""), ("c", ""), ("d", ""), ("e", "")];

#[test]
fn the_parts_of_a_run_are_put_together_to_the_whole() {
    let app = suite(&FIVE);
    app.write("prompt.txt", "Be rude.");
    gate(&app, &["--out", "whole"]).exits(1);
    let mut seen = Vec::new();
    for part in ["1/3", "2/3", "3/3"] {
        let out = format!("parts/{}", part.replace('/', "-of-"));
        gate(&app, &["--shard", part, "--out", &out]).exits(1);
        let report = timeless(&app, &out);
        assert!((1..=2).contains(&names(&report).len()), "{report}");
        seen.extend(names(&report));
        gate(&app, &["--shard", part, "--out", "again"]).exits(1);
        assert_eq!(timeless(&app, "again"), report, "the same part again");
    }
    seen.sort();
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);

    let merged = app.run(["merge", "parts", "-o", "merged"]).exits(1);
    assert_eq!(timeless(&app, "merged"), timeless(&app, "whole"));
    assert!(merged.stdout.contains("FAIL"), "{}", merged.stdout);
    for file in ["junit.xml", "report.md", "report.html"] {
        assert!(!read(&app, format!("merged/{file}")).is_empty());
    }
    assert_eq!(
        read(&app, "merged/junit.xml")
            .matches("<testsuite ")
            .count(),
        5
    );
    app.run(["verify", "merged"]).exits(0);

    // The order in which they are named does not count.
    app.run([
        "merge",
        "parts/3-of-3",
        "parts/1-of-3",
        "parts/2-of-3",
        "-o",
        "other",
    ])
    .exits(1);
    assert_eq!(
        read(&app, "other/rewind-report.json"),
        read(&app, "merged/rewind-report.json")
    );
}

#[test]
fn a_part_that_is_missing_or_of_another_run_is_an_error() {
    let app = suite(&FIVE);
    for part in ["1/2", "2/2"] {
        gate(&app, &["--shard", part, "--out", &part.replace('/', "-")]).exits(0);
    }
    let missing = app.run(["merge", "1-2"]).exits(3);
    assert!(
        missing.stderr.contains("of 2 parts these are missing: 2"),
        "{}",
        missing.stderr
    );
    assert!(!app.folder().join("rewind-report").exists());
    fs::create_dir(app.folder().join("empty")).unwrap();
    let nothing = app.run(["merge", "1-2", "empty"]).exits(3);
    assert!(nothing.stderr.contains("empty"), "{}", nothing.stderr);

    let nowhere = app.run(["merge", "1-2", "nowhere"]).exits(3);
    for word in ["nowhere is not there", "downloaded"] {
        assert!(nowhere.stderr.contains(word), "{}", nowhere.stderr);
    }

    let config = read(&app, "rewind.toml");
    app.write(
        "rewind.toml",
        &format!("{config}\n[gate]\nmin_coverage = 0.5\n"),
    );
    gate(&app, &["--shard", "2/2", "--out", "2-2"]).exits(0);
    let other = app.run(["merge", "1-2", "2-2"]).exits(2);
    assert!(
        other.stderr.contains("the configuration differs"),
        "{}",
        other.stderr
    );
    gate(&app, &["--out", "whole"]).exits(0);
    let whole = app.run(["merge", "whole"]).exits(2);
    assert!(whole.stderr.contains("--shard"), "{}", whole.stderr);
}

#[test]
fn a_part_that_was_run_again_replaces_its_earlier_attempt() {
    let app = suite(&FIVE);
    app.write("prompt.txt", "Be rude.");
    gate(&app, &["--shard", "1/2", "--out", "first"]).exits(1);
    app.write("prompt.txt", "Answer.");
    gate(&app, &["--shard", "1/2", "--out", "second"]).exits(0);
    gate(&app, &["--shard", "2/2", "--out", "third"]).exits(0);
    app.run(["merge", "second", "third", "first"]).exits(0);
    assert_eq!(timeless(&app, "rewind-report")["counts"]["unaffected"], 10);
}

#[test]
fn a_part_without_a_baseline_is_no_failure() {
    let app = suite(&[("a", "")]);
    for part in ["1/2", "2/2"] {
        gate(&app, &["--shard", part, "--out", &part.replace('/', "-")]).exits(0);
    }
    assert_eq!(names(&timeless(&app, "2-2")), Vec::<String>::new());
    app.run(["merge", "1-2", "2-2"]).exits(0);
    let wrong = gate(&app, &["--shard", "3/2"]).exits(2);
    assert!(wrong.stderr.contains("2/8"), "{}", wrong.stderr);
}

#[test]
fn the_parts_of_a_run_are_held_to_what_the_whole_is_held_to() {
    let app = suite(&FIVE);
    app.write("prompt.txt", "Be rude.");
    let several = ["--live", "--samples", "3..12"];
    gate(&app, &[&several[..], &["--out", "whole"]].concat()).exits(1);
    for part in ["1/3", "2/3", "3/3"] {
        let out = format!("parts/{}", part.replace('/', "-of-"));
        gate(
            &app,
            &[&several[..], &["--shard", part, "--out", &out]].concat(),
        )
        .exits(1);
    }
    // What was enough for a part to be sure is enough for all of them.
    app.run(["merge", "parts", "-o", "merged"]).exits(1);
    assert_eq!(timeless(&app, "merged"), timeless(&app, "whole"));
    app.run(["verify", "merged"]).exits(0);
}
