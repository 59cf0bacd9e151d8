//! What a gate run leaves, and which part of it is run: through the built program.

mod compared;
mod confirm;
mod content;
mod control;
mod more;
mod plan;
mod readers;
mod samples;
mod shards;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{App, Run};

/// Asks its model once, with the prompt in a file, and says what it heard.
const AGENT: &str = r#"
import json, os, sys, urllib.request
messages = [{"role": "system", "content": open("prompt.txt").read()}, {"role": "user", "content": sys.argv[1]}]
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions",
    json.dumps({"model": "gpt-4o-mini", "messages": messages}).encode(),
    {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
)
with urllib.request.urlopen(request, timeout=30) as answer:
    print(json.load(answer)["choices"][0]["message"]["content"])
"#;

/// Answers with what it was asked; a prompt that says so makes it answer otherwise.
const MODEL: &str = "[[rule]]\nwhen = { system = \"rude\" }\nreply = { text = \"No.\" }\n\n\
                     [[rule]]\nreply = { text = \"I heard: {{last_user}}\" }\n";

/// Returns a repository with these baselines, each with its tags; all share one recording.
pub(crate) fn suite(baselines: &[(&str, &str)]) -> App {
    let app = App::new();
    app.write("agent.py", AGENT);
    app.write("prompt.txt", "Answer.");
    app.write("model.toml", MODEL);
    app.write(
        "rewind.toml",
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\n\n[upstream]\nscripted = \"model.toml\"\n",
    );
    app.run(["record", "--", "python3", "agent.py", "hello"])
        .exits(0);
    app.run(["session", "export", "latest", "-o", "recordings/hello"])
        .exits(0);
    for (name, tags) in baselines {
        let up = "../".repeat(name.split('/').count() + 1);
        app.write(
            &format!("baselines/{name}/baseline.toml"),
            &format!(
                "input = \"hello\"\nrecording = \"{up}recordings/hello\"\ntags = [{tags}]\n\n\
                 [[check]]\nkind = \"no_error\"\n\n[[check]]\nkind = \"answer\"\ncontains = \"hello\"\n"
            ),
        );
    }
    app
}

pub(crate) fn gate(app: &App, arguments: &[&str]) -> Run {
    app.run(["gate"].iter().chain(arguments))
}

fn read(app: &App, path: impl AsRef<Path>) -> String {
    fs::read_to_string(app.folder().join(path)).unwrap()
}

/// Returns a report without what happened in time.
fn timeless(app: &App, folder: &str) -> Value {
    let text = read(app, format!("{folder}/rewind-report.json"));
    let mut report: Value = serde_json::from_str(&text).unwrap();
    report.as_object_mut().unwrap().remove("timing").unwrap();
    report
}

/// Returns the names of the baselines that a report is about.
fn names(report: &Value) -> Vec<String> {
    let forks = report["forks"].as_array().unwrap().iter();
    let mut names: Vec<String> = forks
        .map(|fork| fork["evidence"]["baseline"].as_str().unwrap().to_owned())
        .collect();
    names.dedup();
    names
}

#[test]
fn a_report_is_shown_again_byte_for_byte() {
    let app = suite(&[("a", ""), ("b", "")]);
    app.write("prompt.txt", "Be rude.");
    let gated = gate(&app, &[]).exits(1);
    for (format, file) in [
        ("json", "rewind-report.json"),
        ("junit", "junit.xml"),
        ("markdown", "report.md"),
        ("html", "report.html"),
    ] {
        let shown = app.run(["report", "--format", format]).exits(0);
        assert_eq!(shown.stdout, read(&app, format!("rewind-report/{file}")));
        let file = format!("again.{format}");
        app.run([
            "report",
            "rewind-report/rewind-report.json",
            "--format",
            format,
            "-o",
            &file,
        ])
        .exits(0);
        assert_eq!(read(&app, &file), shown.stdout);
    }
    let shown = app.run(["report"]).exits(0);
    let table = gated.stdout.split("reports: ").next().unwrap();
    assert_eq!(shown.stdout, table);
}

/// Returns a text with what stands between `from` and `to` left out, everywhere.
fn without(text: &str, from: &str, to: &str) -> String {
    let mut parts = text.split(from);
    let mut kept = parts.next().unwrap().to_owned();
    for part in parts {
        let (_left_out, rest) = part.split_once(to).unwrap();
        kept.push_str(from);
        kept.push_str(to);
        kept.push_str(rest);
    }
    kept
}

#[test]
fn two_runs_on_the_same_evidence_differ_in_one_field() {
    let app = suite(&[("a", ""), ("b", ""), ("c", "")]);
    gate(&app, &[]).exits(0);
    app.run(["baseline", "accept", "--reason", "right"])
        .exits(0);
    app.write("prompt.txt", "Be rude.");
    // The second one runs its agents one after the other.
    gate(&app, &["--out", "one", "--jobs", "3"]).exits(1);
    gate(&app, &["--out", "two", "--jobs", "1"]).exits(1);
    let report = |out: &str| read(&app, format!("{out}/rewind-report.json"));

    // With the time of the one, the other is the same file, and so is everything that is made of it.
    let timing = |out: &str| {
        let report: Value = serde_json::from_str(&report(out)).unwrap();
        report["timing"].clone()
    };
    assert_ne!(timing("one"), timing("two"));
    let begin = "\n  \"timing\": {";
    let (facts, _timing) = report("two").split_once(begin).map(own).unwrap();
    let (same, timing) = report("one").split_once(begin).map(own).unwrap();
    assert_eq!(facts, same);
    app.write("two/rewind-report.json", &format!("{facts}{begin}{timing}"));
    let told = |out: &str| read(&app, format!("{out}/timelines.json"));
    assert_eq!(timeless_steps(&told("one")), timeless_steps(&told("two")));
    app.write("two/timelines.json", &told("one"));
    for (format, file) in [
        ("junit", "junit.xml"),
        ("markdown", "report.md"),
        ("html", "report.html"),
    ] {
        let again = app.run(["report", "two", "--format", format]).exits(0);
        assert_eq!(again.stdout, read(&app, format!("one/{file}")), "{file}");
    }

    // As they were written: the comment has no clock, JUnit what its readers ask for.
    let written = |file: &str| ["one", "two"].map(|out| read(&app, format!("{out}/{file}")));
    let [one, two] = written("report.md");
    assert_eq!(one, two);
    let [one, two] = written("junit.xml").map(|xml| {
        let xml = without(&xml, " time=\"", "\"");
        without(&xml, " timestamp=\"", "\"")
    });
    assert_eq!(one, two);
}

/// Returns timelines without when their steps began and how long they took.
fn timeless_steps(text: &str) -> Value {
    fn forget(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _value| name != "began_us" && name != "took_us");
                fields.values_mut().for_each(forget);
            }
            Value::Array(items) => items.iter_mut().for_each(forget),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut timelines = serde_json::from_str(text).unwrap();
    forget(&mut timelines);
    timelines
}

fn own((a, b): (&str, &str)) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

#[test]
fn a_report_that_was_changed_does_not_verify() {
    let app = suite(&[("a", "")]);
    app.write("prompt.txt", "Be rude.");
    gate(&app, &[]).exits(1);
    let verified = app.run(["verify"]).exits(0);
    assert!(
        verified.stdout.starts_with("verified: FAIL"),
        "{}",
        verified.stdout
    );
    let forged = read(&app, "rewind-report/rewind-report.json")
        .replace("\"verdict\": \"fail\"", "\"verdict\": \"pass\"")
        .replace("\"exit\": 1,\n  \"policy\"", "\"exit\": 0,\n  \"policy\"");
    app.write("forged.json", &forged);
    let refused = app.run(["verify", "forged.json"]).exits(1);
    for said in [
        "verdict: the report says PASS, its facts say FAIL",
        "exit: the report says 0",
    ] {
        assert!(refused.stdout.contains(said), "{}", refused.stdout);
    }
    app.write("newer.json", &forged.replace("\"1.0\"", "\"2.0\""));
    let newer = app.run(["verify", "newer.json"]).exits(2);
    assert!(newer.stderr.contains("update rewind"), "{}", newer.stderr);
}

#[test]
fn a_job_on_github_annotates_the_check_that_failed() {
    let app = suite(&[("a", "")]);
    app.write("prompt.txt", "Be rude.");
    let mut command = app.rewind();
    command
        .args(["gate"])
        .env("GITHUB_ACTIONS", "true")
        .env("CI", "true");
    let output = command.output().unwrap();
    let run = Run::new(&command, output).exits(1);
    let annotations: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("::error "))
        .collect();
    // The check on the answer stands in line 8.
    assert!(
        annotations[0].contains("line=8,title=FAIL%3A a@"),
        "{}",
        run.stdout
    );
    assert!(
        annotations[0].contains("file=baselines/a/baseline.toml"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.starts_with("::group::rewind gate: FAIL"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_page_verifies_without_the_files_that_it_was_made_with() {
    let app = suite(&[("a", "")]);
    app.write("prompt.txt", "Be rude.");
    gate(&app, &[]).exits(1);
    let page = read(&app, "rewind-report/report.html");
    app.write("sent/by-mail.html", &page);
    let verified = app.run(["verify", "sent/by-mail.html"]).exits(0);
    assert!(
        verified.stdout.starts_with("verified: FAIL"),
        "{}",
        verified.stdout
    );
    // It can be made again from itself.
    let again = app.run(["report", "sent/by-mail.html", "--format", "html"]);
    assert_eq!(again.exits(0).stdout, page);
    app.write("other.html", "<p>hello</p>");
    let refused = app.run(["verify", "other.html"]).exits(2);
    assert!(
        refused.stderr.contains("no page of a run"),
        "{}",
        refused.stderr
    );
}
