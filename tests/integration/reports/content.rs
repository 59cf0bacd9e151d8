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

/// Says a marker in every place that a request and a run have; what stands in `word.txt` is a part of each.
const TELLING_AGENT: &str = r#"
import json, os, sys, urllib.request
word = open("word.txt").read()
def mark(place):
    return f"MARKER-{place}-{word}"
schema = {"type": "object", "description": mark("schema"), "properties": {"q": {"type": "string"}}}
body = {
    "model": "gpt-4o-mini", "stop": [mark("stop")], "user": mark("user"), "metadata": {"team": mark("metadata")},
    "tools": [{"type": "function", "function": {"name": "look_up", "description": mark("tool"), "parameters": schema}}],
    "messages": [
        {"role": "system", "content": mark("system")},
        {"role": "user", "name": mark("name"), "content": [{"type": "text", "text": mark("question")}]},
        {"role": "assistant", "content": mark("said"), "tool_calls": [{"id": "call_1", "type": "function",
            "function": {"name": "look_up", "arguments": json.dumps({"q": mark("arguments")})}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": mark("result")},
    ],
}
for turn in range(2):
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
    answer = json.load(urllib.request.urlopen(request, timeout=30))["choices"][0]["message"]
    calls = answer.get("tool_calls") or []
    body["messages"] += [answer] + [{"role": "tool", "tool_call_id": c["id"], "content": mark("late")} for c in calls]
    if not calls:
        break
open(os.path.join(os.environ["REWIND_RUN_DIR"], "note.txt"), "w").write(mark("file"))
print(answer["content"])
sys.stderr.write(mark("stderr"))
sys.exit(int(word == "2"))
"#;

const TELLING_MODEL: &str = r#"
[[rule]]
when = { last_user = "question-1", turn = 1 }
reply = { text = "MARKER-thought-1", tool_calls = [{ name = "look_up", arguments = { q = "MARKER-asked-1" } }] }

[[rule]]
when = { turn = 1 }
reply = { text = "MARKER-thought-2", tool_calls = [{ name = "look_up", arguments = { q = "MARKER-asked-2" } }] }

[[rule]]
when = { last_user = "question-1" }
reply = { text = "MARKER-answer-1" }

[[rule]]
reply = { text = "MARKER-answer-2" }
"#;

/// Checks of every kind that quote.
const TELLING_CHECKS: &str = r#"
forks = ["start"]

[[check]]
kind = "trajectory"

[[check]]
kind = "tools"
arguments = { look_up = { properties = { q = { const = "MARKER-asked-1" } } } }

[[check]]
kind = "answer"
equals = "MARKER-answer-1"
regex = "MARKER-answer-1"
similarity = { min = 0.99 }

[[check]]
id = "file"
kind = "output"
of = "file:note.txt"
contains = "MARKER-file-1"

[[check]]
id = "step"
kind = "output"
of = "tool:look_up#1.result"
equals = "MARKER-late-1"

[[check]]
kind = "exec"
command = ["python3", "judge.py"]

[[check]]
kind = "no_error"

[[check]]
kind = "exit_status"
"#;

const TELLING_JUDGE: &str = r#"
import json, sys
run = json.load(sys.stdin)["candidate"]
is_good = run["answer"] == "MARKER-answer-1"
found = {"message": "it is another one", "expected": "MARKER-judged-1", "found": run["answer"] or ""}
print(json.dumps({"pass": True} if is_good else {"pass": False, "findings": [found]}))
"#;

#[test]
fn what_stands_in_any_place_of_a_run_is_in_no_output_of_it() {
    let app = App::new();
    app.write("agent.py", TELLING_AGENT);
    app.write("judge.py", TELLING_JUDGE);
    app.write("model.toml", TELLING_MODEL);
    app.write("word.txt", "1");
    app.write(
        "rewind.toml",
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\n\n[upstream]\nscripted = \"model.toml\"\n\n\
         [tools.look_up]\neffect = \"read\"\n",
    );
    let record = ["record", "--name", "told", "--", "python3", "agent.py"];
    app.run(record).exits(0);
    let export = ["session", "export", "told", "-o", "baselines/told/session"];
    app.run(export).exits(0);
    app.write("baselines/told/baseline.toml", TELLING_CHECKS);
    for (word, more, code) in [
        ("1", &["--offline"][..], 0),
        ("2", &["--offline"], 1),
        ("2", &[], 1),
    ] {
        app.write("word.txt", word);
        for is_github in [false, true] {
            let outputs = |content: &[&str]| {
                let mut command = app.rewind();
                command
                    .args(["gate", "--shard", "1/1"])
                    .args(more)
                    .args(content)
                    .env("CI", "true");
                if is_github {
                    command.env("GITHUB_ACTIONS", "true");
                }
                let output = command.output().unwrap();
                let run = Run::new(&command, output).exits(code);
                let mut all = everything(&app, &run);
                for format in ["terminal", "markdown", "junit", "json", "html", "github"] {
                    let shown = app.run(["report", "--format", format]).exits(0);
                    all.push((format!("report --format {format}"), shown.stdout));
                }
                let merged = app
                    .run(["merge", "rewind-report", "-o", "merged"])
                    .exits(code);
                collect(&app.folder().join("merged"), &mut all);
                all.push(("merge".to_owned(), merged.stdout + &merged.stderr));
                let verified = app.run(["verify"]).exits(0);
                all.push(("verify".to_owned(), verified.stdout));
                all
            };
            for (place, text) in outputs(&[]) {
                let marker = text.split_once("MARKER").map(|(_before, after)| after);
                assert_eq!(marker, None, "{word} {more:?} {place}");
            }
            if more.is_empty() {
                // With leave each of them is shown by some output, so that the test can fail.
                let all: String = outputs(&["--content", "full"])
                    .into_iter()
                    .map(|(_place, text)| text)
                    .collect();
                for place in ["answer-2", "asked-2", "file-2", "stderr-2", "judged-1"] {
                    assert!(all.contains(&format!("MARKER-{place}")), "{place}");
                }
            }
        }
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
