//! Checks of every kind, in the gate and on a recorded session, through the built program.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{App, Run};

/// The kinds of checks that an unchanged agent passes offline.
const CHECKS: &str = r#"
[[check]]
kind = "trajectory"
mode = "strict"

[[check]]
kind = "tools"
required = ["lookup"]
forbidden = ["delete_*"]
counts = { lookup = { min = 14, max = 14 } }
arguments = { lookup = { required = ["place"] } }
order = ["lookup before publish"]

[[check]]
kind = "answer"
contains = "fourteen places"
similarity = { min = 1.0 }

[[check]]
kind = "output"
of = "file:report.md"
contains = "no surprises"

[[check]]
id = "first-place"
kind = "output"
of = "tool:lookup#1.arguments"
jsonpath = "$.place"
value = "place 0"

[[check]]
kind = "budget"
tokens = "1.0x"
steps = "1.0x"

[[check]]
kind = "exit_status"

[[check]]
kind = "loop"

[[check]]
kind = "model"
expect = "gpt-4o-mini"

[[check]]
kind = "no_error"

[[check]]
kind = "not"
check = { kind = "answer", contains = "sorry" }

[[check]]
kind = "any"
checks = [{ kind = "exit_status", status = 3 }, { kind = "exit_status" }]

[[check]]
kind = "all"
checks = [{ kind = "no_error" }, { kind = "loop" }]

[[check]]
kind = "exec"
command = ["python3", "judge.py"]
timeout = "20s"
with = { steps = 29 }
"#;

/// Judges what it reads and what the agent left in the run's directory.
const JUDGE: &str = r#"
import json, os, sys
run = json.load(sys.stdin)
report = open(os.path.join(os.environ["REWIND_RUN_DIR"], "report.md")).read()
steps = len(run["candidate"]["steps"])
ok = steps == run["with"]["steps"] and report.strip() == run["candidate"]["answer"].strip()
print(json.dumps({"pass": ok, "why": "%d steps" % steps}))
"#;

fn fixture(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests/fixtures/agents").join(name);
    path.to_str().unwrap().to_owned()
}

/// Writes the agent: it surveys, writes its report (`report` is a shell command for that), and prints it.
fn write_agent(app: &App, report: &str) {
    let text = format!(
        "set -e\ntext=$(python3 '{}')\n{report}\necho \"$text\"\n",
        fixture("loop.py")
    );
    app.write("agent.sh", &text);
}

/// Returns a repository whose agent is recorded as the baseline `survey` with these checks.
fn repository(checks: &str) -> App {
    let app = App::new();
    let config = format!(
        "[agent]\nname = \"surveyor\"\ncommand = [\"sh\", \"agent.sh\"]\n\n[upstream]\nscripted = \"{}\"\n\n\
         [replay]\nallow_tools = [\"*\"]\n",
        fixture("loop.toml")
    );
    app.write("rewind.toml", &config);
    app.write("judge.py", JUDGE);
    write_agent(&app, WRITES_REPORT);
    app.run(["record", "--name", "survey", "--", "sh", "agent.sh"])
        .exits(0);
    app.run([
        "session",
        "export",
        "survey",
        "-o",
        "baselines/survey/session",
    ])
    .exits(0);
    app.write("baselines/survey/baseline.toml", checks);
    app
}

const WRITES_REPORT: &str = "echo \"$text\" > \"$REWIND_RUN_DIR/report.md\"";

fn gate(app: &App) -> Run {
    app.run(["gate", "--offline"])
}

/// Returns the outcomes of the checks of the one fork that was judged, by id.
fn outcomes(app: &App) -> Vec<(String, String)> {
    let report = std::fs::read_to_string(app.folder().join("rewind-report/rewind-report.json"));
    let report: Value = serde_json::from_str(&report.unwrap()).unwrap();
    let checks = report["forks"][0]["evidence"]["samples"][0]["checks"].as_array();
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    checks
        .unwrap()
        .iter()
        .map(|check| (text(check, "id"), text(check, "outcome")))
        .collect()
}

#[test]
fn an_unchanged_agent_passes_checks_of_every_kind_offline() {
    let app = repository(CHECKS);
    gate(&app).exits(0);
    let outcomes = outcomes(&app);
    assert_eq!(outcomes.len(), 14, "{outcomes:?}");
    let other: Vec<_> = outcomes
        .iter()
        .filter(|(_id, outcome)| outcome != "passed")
        .collect();
    assert!(other.is_empty(), "{other:?}");
}

#[test]
fn a_file_that_the_agent_wrote_otherwise_or_no_more_fails_the_gate() {
    let app = repository(CHECKS);
    // The requests and the answer are as recorded; only the file differs.
    write_agent(&app, "echo 'all fine' > \"$REWIND_RUN_DIR/report.md\"");
    let run = gate(&app).exits(1);
    assert!(
        run.stdout
            .contains("file `report.md` lacks an expected text"),
        "{}",
        run.stdout
    );
    // One that was there before says nothing of this run.
    let old = app.write("report.md", "no surprises");
    let before = std::time::SystemTime::now() - std::time::Duration::from_mins(1);
    let old = std::fs::File::options().write(true).open(old).unwrap();
    old.set_modified(before).unwrap();
    write_agent(&app, "true");
    let run = gate(&app).exits(1);
    assert!(
        run.stdout.contains("the agent wrote no file `report.md`"),
        "{}",
        run.stdout
    );
    // In the working directory is as good where it is new.
    write_agent(
        &app,
        "echo \"$text\" > report.md; cp report.md \"$REWIND_RUN_DIR/report.md.copy\"",
    );
    app.write("judge.py", "print('{\"pass\": true}')");
    gate(&app).exits(0);
}

#[test]
fn a_program_that_does_not_judge_is_never_a_pass() {
    let exec =
        "[[check]]\nkind = \"exec\"\ncommand = [\"python3\", \"judge.py\"]\ntimeout = \"2s\"\n";
    let negated = "[[check]]\nkind = \"not\"\ncheck = { kind = \"exec\", command = [\"python3\", \"judge.py\"], timeout = \"2s\" }\n";
    let app = repository(exec);
    for (program, word) in [
        ("raise SystemExit('no licence')", "no licence"),
        ("print('looks good')", "no verdict"),
        ("import time; time.sleep(1000)", "longer than 2 s"),
    ] {
        app.write("judge.py", program);
        for checks in [exec, negated] {
            app.write("baselines/survey/baseline.toml", checks);
            let run = gate(&app).exits(3);
            assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
        }
    }
    app.write(
        "judge.py",
        "print('{\"pass\": false, \"why\": \"the tone is harsh\"}')",
    );
    app.write("baselines/survey/baseline.toml", exec);
    let run = gate(&app).exits(1);
    assert!(run.stdout.contains("the tone is harsh"), "{}", run.stdout);
    app.write("baselines/survey/baseline.toml", negated);
    gate(&app).exits(0);
}

#[test]
fn a_session_is_held_against_a_baseline_and_the_assertion_that_fails_is_named() {
    let checks = "[[check]]\nkind = \"trajectory\"\n\n[[check]]\nkind = \"tools\"\nforbidden = [\"delete_*\"]\n\n\
                  [[check]]\nkind = \"budget\"\nsteps = \"1.5x\"\n";
    let app = repository(checks);
    let good = app
        .run(["assert", "check", "survey", "--against", "survey"])
        .exits(0);
    assert_eq!(
        good.stdout,
        "16 of 16 assertions passed: session survey, timeline main, against baseline survey\n"
    );
    let rules = "[[rule]]\nwhen = { turn = 14 }\nreply = { text = \"The survey is complete.\" }\n\n\
                 [[rule]]\nwhen = { turn = 3 }\n\
                 reply = { tool_calls = [{ name = \"lookup\", arguments = { place = \"Atlantis\" } }] }\n\n\
                 [[rule]]\nreply = { tool_calls = [{ name = \"lookup\", arguments = { place = \"place {{turn}}\" } }] }\n";
    app.write("other.toml", rules);
    app.run([
        "record",
        "--name",
        "other",
        "--scripted",
        "other.toml",
        "--",
        "sh",
        "agent.sh",
    ])
    .exits(0);
    let bad = app
        .run(["assert", "check", "other", "--against", "baselines/survey"])
        .exits(1);
    assert_eq!(
        bad.stdout,
        "15 of 16 assertions passed: session other, timeline main, against baseline survey\n  \
         failed trajectory: tool `lookup` was called with other arguments: /place (step 8, recorded step 8)\n    \
         expected: /place = \"place 3\"\n    found: /place = \"Atlantis\"\n"
    );
    let json = app
        .run(["assert", "check", "other", "--against", "survey", "--json"])
        .exits(1)
        .json();
    assert_eq!(
        (&json["assertions"], &json["passed"]),
        (&16.into(), &15.into())
    );
    assert_eq!(json["checks"][0]["findings"][0]["step"], 8);
    // What can't be seen in a recorded session is said, and is no pass.
    app.write(
        "baselines/survey/baseline.toml",
        "[[check]]\nkind = \"output\"\nof = \"file:report.md\"\ncontains = \"x\"\n",
    );
    let open = app
        .run(["assert", "check", "survey", "--against", "survey"])
        .exits(3);
    assert!(
        open.stdout
            .contains("not checked output: files of this run were not kept"),
        "{}",
        open.stdout
    );
}

#[test]
fn an_assertion_without_a_baseline_or_checks_is_a_wrong_use() {
    let app = repository("");
    let empty = app
        .run(["assert", "check", "survey", "--against", "survey"])
        .exits(2);
    assert!(empty.stderr.contains("checks nothing"), "{}", empty.stderr);
    let unknown = app
        .run(["assert", "check", "survey", "--against", "surwey"])
        .exits(2);
    assert!(unknown.stderr.contains("are survey"), "{}", unknown.stderr);
    app.write(
        "baselines/survey/baseline.toml",
        "[[check]]\nkind = \"budgte\"\nsteps = 1\n",
    );
    let wrong = app
        .run(["assert", "check", "survey", "--against", "survey"])
        .exits(2);
    assert!(
        wrong.stderr.contains("did you mean `budget`?"),
        "{}",
        wrong.stderr
    );
    assert!(
        wrong.stderr.contains("2 | kind = \"budgte\""),
        "{}",
        wrong.stderr
    );
}
