//! What was accepted beside what a run came to.

use std::fs;

use serde_json::{Value, json};

use super::{gate, read, suite, timeless};

/// Returns the line of a table that is about a fork.
fn line(markdown: &str, fork: &str) -> String {
    let table = markdown.split("Base and head").nth(1).unwrap();
    let line = table.lines().find(|line| line.contains(fork));
    line.unwrap_or_else(|| panic!("no {fork} in {table}"))
        .to_owned()
}

#[test]
fn every_report_shows_what_was_accepted_beside_what_is() {
    let app = suite(&[("a", ""), ("b", "")]);
    gate(&app, &[]).exits(0);
    let first = read(&app, "rewind-report/report.md");
    assert!(line(&first, "`a@last`").ends_with("| new |"), "{first}");
    app.run(["baseline", "accept", "a", "--reason", "it is right"])
        .exits(0);
    gate(&app, &[]).exits(0);
    let same = line(&read(&app, "rewind-report/report.md"), "`a@last`");
    assert!(same.contains("| 2/2 → 2/2 (0) |"), "{same}");
    assert!(same.ends_with("| as recorded |"), "{same}");

    app.write("prompt.txt", "Be rude.");
    gate(&app, &[]).exits(1);
    let markdown = read(&app, "rewind-report/report.md");
    let worse = line(&markdown, "`a@last`");
    assert!(worse.contains("| 2/2 → 1/2 (−50 pp) |"), "{worse}");
    assert!(worse.ends_with("| not testable (n=1) |"), "{worse}");
    assert!(
        line(&markdown, "`b@last`").ends_with("| new |"),
        "{markdown}"
    );

    let report = timeless(&app, "rewind-report");
    let forks = report["forks"].as_array().unwrap().iter();
    let compared = |name: &str| -> Value {
        let mut forks = forks.clone().filter(|fork| {
            fork["evidence"]["baseline"] == name && fork["evidence"]["fork"] == "last"
        });
        forks.next().unwrap()["comparison"].clone()
    };
    assert_eq!(compared("a")["base"][0]["held"], 2);
    assert_eq!(compared("a")["head"][0]["held"], 1);
    assert_eq!(compared("b")["base"], json!([]));

    // It is shown again where there is no repository any more.
    let page = read(&app, "rewind-report/report.html");
    let table = app.run(["report"]).exits(0).stdout;
    assert!(
        table.contains("accepted → now: checks 2/2 → 1/2 (−50 pp)"),
        "{table}"
    );
    for gone in ["baselines", "recordings"] {
        fs::remove_dir_all(app.folder().join(gone)).unwrap();
    }
    fs::remove_file(app.folder().join("rewind.toml")).unwrap();
    for (format, text) in [("markdown", markdown), ("html", page), ("terminal", table)] {
        let again = app.run(["report", "--format", format]).exits(0);
        assert_eq!(again.stdout, text, "{format}");
    }
}

#[test]
fn a_comparison_that_was_changed_does_not_verify() {
    let app = suite(&[("a", "")]);
    gate(&app, &[]).exits(0);
    let forged =
        read(&app, "rewind-report/rewind-report.json").replace("\"held\": 2", "\"held\": 1");
    app.write("forged.json", &forged);
    let refused = app.run(["verify", "forged.json"]).exits(1);
    assert!(
        refused.stdout.contains("a@last: comparison"),
        "{}",
        refused.stdout
    );
}
