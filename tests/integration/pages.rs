//! Pages of runs and sessions in a browser: every feature, hostile content, large runs, how they look.
//!
//! `scripts/test-env` installs Chromium and what drives it; the driver is `tests/browser/pages.mjs`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{App, Run};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Uses pages as `pages.mjs` says, in a browser of its own.
#[track_caller]
fn browse(app: &App, scenario: &str, arguments: &[&str]) -> Run {
    let mut command = app.program("node");
    command
        .arg(root().join("tests/browser/pages.mjs"))
        .arg(scenario)
        .args(arguments)
        .env("REWIND_NODE", root().join("target/test-env/browser"));
    for name in ["REWIND_CHROMIUM", "REWIND_UPDATE_IMAGES"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let output = command.output().unwrap();
    Run::new(&command, output).exits(0)
}

fn path(app: &App, file: &str) -> String {
    app.folder().join(file).display().to_string()
}

/// Returns the page of a run of the broken agent, and of the demo's session.
fn pages() -> (App, String, String) {
    let app = App::new();
    let broken = root().join("examples/research-agent-broken/rewind.toml");
    let mut command = app.rewind();
    command
        .args(["gate", "--config", broken.to_str().unwrap(), "--out"])
        .arg(app.folder().join("failed"));
    let output = command.output().unwrap();
    Run::new(&command, output).exits(1);
    app.run(["demo"]).exits(0);
    app.run(["share", "latest", "--include-content", "-o", "demo.html"])
        .exits(0);
    let run = path(&app, "failed/report.html");
    let session = path(&app, "demo.html");
    (app, run, session)
}

#[test]
fn a_failed_run_is_read_by_mouse_and_by_keyboard() {
    let (app, run, _session) = pages();
    browse(&app, "run", &[&run]);
}

#[test]
fn a_session_shows_what_was_said_and_its_addresses_lead_back() {
    let (app, _run, session) = pages();
    browse(&app, "session", &[&session, "main/fixed/5"]);
}

#[test]
fn without_its_script_a_page_holds_everything() {
    let (app, run, session) = pages();
    browse(&app, "plain", &[&run]);
    let size = fs::metadata(session).unwrap().len();
    assert!(size < 300_000, "a session of 30 steps takes {size} bytes");
}

#[test]
fn a_browser_that_cannot_unpack_shows_what_is_packed() {
    let (app, _run, session) = pages();
    browse(&app, "unpack", &[&session, "main/fixed/5"]);
}

#[test]
fn on_paper_every_verdict_and_finding_is_there_and_no_control() {
    let (app, run, session) = pages();
    browse(&app, "print", &[&run, &session]);
}

/// Talks in scripts that are written from right to left or without spaces, and says one thing at great length.
const MANY_SCRIPTS: &str = r#"
import json, os, urllib.request
words = "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645"
messages = [
    {"role": "system", "content": "\u4f60\u662f\u4e00\u500b\u7814\u7a76\u54e1\u3002" * 60},
    {"role": "user", "content": words + " (Tokyo)"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function",
        "function": {"name": "read", "arguments": json.dumps({words: words, "path": "x" * 400})}}]},
    {"role": "tool", "tool_call_id": "1", "content": "0123456789" * 120_000},
]
body = {"model": "gpt-4o-mini", "messages": messages}
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
print(json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"])
"#;

#[test]
fn texts_of_every_script_stand_in_their_direction_and_within_the_page() {
    let app = App::new();
    app.write("agent.py", MANY_SCRIPTS);
    let answer = "\u{05e9}\u{05dc}\u{05d5}\u{05dd} \u{05e2}\u{05d5}\u{05dc}\u{05dd}, 14 million.";
    app.write(
        "model.toml",
        &format!("[[rule]]\nreply = {{ text = '{answer}' }}\n"),
    );
    app.write(
        "rewind.toml",
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\n[upstream]\nscripted = \"model.toml\"\n",
    );
    app.run(["record", "--name", "scripts"]).exits(0);
    let share = [
        "share",
        "scripts",
        "--include-content",
        "-o",
        "scripts.html",
    ];
    app.run(share).exits(0);
    browse(&app, "directions", &[&path(&app, "scripts.html"), answer]);
}

#[test]
fn nothing_keeps_anybody_from_reading_it() {
    let (app, run, session) = pages();
    browse(&app, "axe", &[&run, &session]);
}

#[test]
fn the_pages_look_as_they_did() {
    let (app, run, session) = pages();
    let kept = root().join("tests/fixtures/pages");
    let kept = kept.to_str().unwrap();
    browse(&app, "images", &[kept, &run, &session, "main/fixed/5"]);
}

/// What strangers write to have it run or loaded; each would leave a mark or a request.
const PAYLOADS: [&str; 12] = [
    "<script>window.touched1 = 1</script>",
    "\"><img src=x onerror=\"window.touched2 = 1\">",
    "</script><script>window.touched3 = 1</script>",
    "</style></title></textarea></pre></template><svg onload=window.touched4=1>",
    "<!--<script>",
    "`</code><iframe src=\"https://evil.example/a\"></iframe>",
    "' autofocus onfocus='window.touched5 = 1",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "<a href=\"javascript:window.touched6 = 1\">click</a> [b](https://evil.example/b)",
    "<style>@import url(https://evil.example/c);</style><link rel=stylesheet href=//evil.example/d>",
    "\u{2028}\u{202e}gnp.exe\u{202c}\u{1b}[31m",
    "&lt;img src=x onerror=window.touched7=1&gt; ]]> <base href=//evil.example/>",
];

/// Says them in every place that a request has.
const HOSTILE_AGENT: &str = r#"
import json, os, sys, urllib.request
bad = open("payload.txt").read()
body = {
    "model": bad, "stop": [bad],
    "tools": [{"type": "function", "function": {"name": bad, "description": bad, "parameters": {"description": bad}}}],
    "messages": [
        {"role": "system", "content": "You are " + bad},
        {"role": "user", "name": bad, "content": [{"type": "text", "text": bad}, {"type": "image_url", "image_url": {"url": "https://evil.example/e.png"}}]},
        {"role": "assistant", "content": bad, "tool_calls": [{"id": bad, "type": "function",
            "function": {"name": bad, "arguments": json.dumps({bad: bad, "deep": {bad: [bad]}})}}]},
        {"role": "tool", "tool_call_id": bad, "content": bad + (open("more.txt").read() if os.path.exists("more.txt") else "")},
    ],
}
def ask():
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "rewind-agent": "x<b>y"})
    try:
        return json.load(urllib.request.urlopen(request, timeout=30))["choices"][0]["message"]
    except urllib.error.HTTPError as error:
        return {"role": "assistant", "content": error.read().decode()}
answer = ask()
body["messages"] += [answer] + [{"role": "tool", "tool_call_id": call["id"], "content": bad} for call in answer.get("tool_calls") or []]
body["messages"].append({"role": "user", "content": "again " + bad})
answer = ask()
print(answer["content"])
sys.stderr.write(bad)
sys.exit(3 if os.path.exists("more.txt") else 0)
"#;

#[test]
fn what_strangers_wrote_runs_and_loads_nothing() {
    let app = App::new();
    let bad = PAYLOADS.join(" ");
    app.write("payload.txt", &bad);
    app.write("agent.py", HOSTILE_AGENT);
    let quoted = toml_text(&bad);
    app.write(
        "model.toml",
        &format!(
            "[[rule]]\nwhen = {{ turn = 1 }}\nreply = {{ text = {quoted}, tool_calls = [{{ name = {quoted}, arguments = {{ q = {quoted} }} }}] }}\n\n\
             [[rule]]\nwhen = {{ last_user = \"again\" }}\nreply = {{ status = 500, error = {quoted} }}\n\n\
             [[rule]]\nreply = {{ text = {quoted} }}\n"
        ),
    );
    app.write(
        "rewind.toml",
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\n\n[upstream]\nscripted = \"model.toml\"\n\n\
         [replay]\nallow_tools = [\"*\"]\n",
    );
    let record = ["record", "--name", "bad", "--", "python3", "agent.py"];
    app.run(record.iter().copied().chain([bad.as_str()]))
        .exits(0);
    let export = ["session", "export", "bad", "-o", "baselines/bad/session"];
    app.run(export).exits(0);
    app.write(
        "baselines/bad/baseline.toml",
        &format!(
            "forks = [\"start\", \"auto\"]\n\n[[check]]\nkind = \"answer\"\nequals = {quoted}\n\n\
             [[check]]\nkind = \"trajectory\"\n\n[[check]]\nkind = \"no_error\"\n\n[[check]]\nkind = \"exit_status\"\n"
        ),
    );
    app.write("more.txt", &format!("more {bad}"));
    let gated = app.run(["gate", "--content", "full"]);
    assert_ne!(gated.code, Some(0), "{}", gated.stdout);
    let replay = ["replay", "bad", "--from", "start", "--label", "other"];
    app.run(replay);
    let share = ["share", "bad", "--include-content", "-o", "bad.html"];
    app.run(share).exits(0);
    told(
        &app.folder().join("rewind-report"),
        &app.folder().join("told"),
        &bad,
    );
    app.run(["report", "told", "--format", "html", "-o", "told.html"])
        .exits(0);
    let files = ["rewind-report/report.html", "bad.html", "told.html"];
    let pages = files.map(|file| path(&app, file));
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        assert!(text.contains("window.touched1"), "{page} shows it");
    }
    browse(&app, "hostile", &pages.each_ref().map(String::as_str));
}

/// Writes a run's report again in which tags, judges and what they quote say this, too.
fn told(from: &Path, to: &Path, bad: &str) {
    let text = fs::read_to_string(from.join("rewind-report.json")).unwrap();
    let mut report: Value = serde_json::from_str(&text).unwrap();
    let said = json!({"statement": bad, "score": 0.2, "quotes": [bad, bad], "reasoning": bad});
    let votes = json!([
        {"judge": bad, "score": 0.2, "statements": [said]},
        {"judge": bad, "why": bad},
    ]);
    for fork in report["forks"].as_array_mut().unwrap() {
        fork["tags"] = json!([bad, "smoke"]);
        let sample = &mut fork["evidence"]["samples"][0];
        sample["checks"][0]["score"] = json!({"evaluator": bad, "value": 0.2, "votes": votes});
        sample["checks"][1]["score"] = json!({"evaluator": bad, "value": 0.8, "votes": votes});
    }
    fs::create_dir_all(to).unwrap();
    fs::write(to.join("rewind-report.json"), report.to_string()).unwrap();
    fs::copy(from.join("timelines.json"), to.join("timelines.json")).unwrap();
}

/// Returns a text as TOML writes it.
fn toml_text(text: &str) -> String {
    json!(text)
        .to_string()
        .replace('\u{2028}', "\\u2028")
        .replace('\u{202e}', "\\u202e")
        .replace('\u{202c}', "\\u202c")
}

/// Writes a report of so many forks, each of so many steps, made of the first one of a run.
fn enlarge(from: &Path, to: &Path, forks: usize, steps: usize) {
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(from.join(name)).unwrap()).unwrap()
    };
    let (mut report, mut traces) = (read("rewind-report.json"), read("timelines.json"));
    let fork = report["forks"][0].clone();
    let trace = traces["forks"].as_object().unwrap().values().next();
    let mut trace = trace.unwrap().clone();
    let rows = trace["rows"].as_array().unwrap().clone();
    let more = rows.iter().cycle().take(steps).zip(1..);
    trace["rows"] = more
        .map(|(row, number)| {
            let mut row = row.clone();
            for side in ["left", "right"] {
                if row[side].is_object() {
                    row[side]["number"] = json!(number);
                }
            }
            row
        })
        .collect();
    traces["forks"] = json!({});
    report["forks"] = (0..forks)
        .map(|number| {
            let mut fork = fork.clone();
            let name = format!("baseline-{number:03}");
            fork["evidence"]["baseline"] = json!(name);
            fork["tags"] = json!([if number % 2 == 0 { "even" } else { "odd" }, "smoke"]);
            let address = fork["evidence"]["fork"].as_str().unwrap();
            // No two are the same.
            trace["left"]["steps"] = json!(number);
            traces["forks"][format!("{name}@{address}")] = trace.clone();
            fork
        })
        .collect();
    fs::create_dir_all(to).unwrap();
    fs::write(to.join("rewind-report.json"), report.to_string()).unwrap();
    fs::write(to.join("timelines.json"), traces.to_string()).unwrap();
}

#[test]
fn large_runs_fit_and_open() {
    let (app, run, _session) = pages();
    let failed = PathBuf::from(run).parent().unwrap().to_owned();
    let passed = app.folder().join("passed");
    let mut command = app.rewind();
    command
        .args(["gate", "--config"])
        .arg(root().join("rewind.toml"));
    let output = command.arg("--out").arg(&passed).output().unwrap();
    Run::new(&command, output).exits(0);
    let mut files = Vec::new();
    for (name, from, forks, steps) in [("many", &passed, 200, 30), ("long", &failed, 1, 10_000)] {
        enlarge(from, &app.folder().join(name), forks, steps);
        let file = format!("{name}.html");
        app.run(["report", name, "--format", "html", "-o", &file])
            .exits(0);
        files.push(path(&app, &file));
    }
    browse(&app, "filter", &[&files[0]]);
    let size = fs::metadata(&files[0]).unwrap().len();
    assert!(
        size < 5_000_000,
        "200 baselines of 30 steps take {size} bytes"
    );
    browse(
        &app,
        "large",
        &files.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}
