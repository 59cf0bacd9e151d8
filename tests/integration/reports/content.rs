//! How much of what agents, models and providers wrote stands in what a run leaves.

use std::fs;
use std::path::Path;

use super::{AGENT, gate, suite};
use crate::support::{App, Run};

/// Returns everything that the last run left, and what it printed.
fn everything(app: &App, run: &Run) -> Vec<(String, String)> {
    let mut all = vec![
        ("standard output".to_owned(), run.stdout.clone()),
        ("standard error".to_owned(), run.stderr.clone()),
    ];
    collect(&app.folder().join("rewind-report"), &mut all);
    all
}

fn collect(folder: &Path, all: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What is to be accepted is governed by redaction alone.
            if path.file_name().is_none_or(|name| name != "pending") {
                collect(&path, all);
            }
        } else {
            all.push((
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            ));
        }
    }
}

/// Runs the gate as a CI job does.
fn gate_in_ci(app: &App, arguments: &[&str]) -> Run {
    let mut command = app.rewind();
    command.arg("gate").args(arguments).env("CI", "true");
    let output = command.output().unwrap();
    Run::new(&command, output)
}

#[test]
fn in_ci_nothing_that_was_said_is_in_any_output() {
    let app = suite(&[("a", "")]);
    // Markers in the prompt, the answer, standard error and output; the agent fails, too.
    app.write("prompt.txt", "MARKER-prompt: be rude.");
    app.write(
        "model.toml",
        "[[rule]]\nwhen = { system = \"rude\" }\nreply = { text = \"MARKER-answer\" }\n",
    );
    app.write(
        "agent.py",
        &format!(
            "{AGENT}\nsys.stderr.write('MARKER-stderr')\nprint('MARKER-stdout')\nsys.exit(3)\n"
        ),
    );
    let run = gate_in_ci(&app, &[]).exits(1);
    for (place, text) in everything(&app, &run) {
        assert!(!text.contains("MARKER"), "{place}:\n{text}");
    }
    // The same run with leave shows it, so that the test can fail.
    let run = gate_in_ci(&app, &["--content", "full"]).exits(1);
    let shown = everything(&app, &run);
    for format in [
        "rewind-report.json",
        "report.html",
        "report.md",
        "junit.xml",
        "standard output",
    ] {
        let (_place, text) = shown
            .iter()
            .find(|(place, _)| place.ends_with(format))
            .unwrap();
        assert!(text.contains("MARKER-stderr"), "{format}:\n{text}");
    }
}

#[test]
fn what_a_provider_says_is_content() {
    let app = suite(&[("a", "")]);
    app.write("prompt.txt", "Be rude.");
    app.write(
        "model.toml",
        "[[rule]]\nreply = { status = 503, error = \"MARKER-provider\" }\n",
    );
    let run = gate_in_ci(&app, &[]).exits(3);
    for (place, text) in everything(&app, &run) {
        assert!(!text.contains("MARKER"), "{place}:\n{text}");
    }
    assert!(run.stdout.contains("status 503"), "{}", run.stdout);
    let run = gate(&app, &["--content", "excerpt"]).exits(3);
    assert!(run.stdout.contains("MARKER-provider"), "{}", run.stdout);
}

#[test]
fn the_configuration_says_how_much_is_shown() {
    let app = suite(&[("a", "")]);
    app.write("prompt.txt", "Be rude.");
    let config = fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
    app.write(
        "rewind.toml",
        &format!("{config}\n[report]\ncontent = \"none\"\n"),
    );
    gate(&app, &[]).exits(1);
    let report = fs::read_to_string(app.folder().join("rewind-report/rewind-report.json")).unwrap();
    assert!(report.contains("\"content\": \"none\""));
    assert!(!report.contains("No."), "{report}");
}
