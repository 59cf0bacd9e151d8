//! A tool that changes something never runs because a model said so in a replay.

use std::path::Path;

use crate::support::{App, Run};

/// Asks once in the dialect of `DIALECT`, as a stream where `STREAM` says so, and sends mail the moment
/// that it hears the name of the tool.
const AGENT: &str = r#"
import json, os, sys, urllib.error, urllib.request

DIALECT, STREAM = os.environ.get("DIALECT", "chat"), os.environ.get("STREAM") == "yes"
prompt = open("prompt.txt").read()
schema = {"type": "object", "properties": {"to": {"type": "string"}}}
body = {"model": "m", "stream": STREAM}
if DIALECT == "messages":
    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
    headers = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "anthropic-version": "2023-06-01"}
    tools = [{"name": "send_mail", "input_schema": schema}]
    body.update(max_tokens=99, system=prompt, messages=[{"role": "user", "content": "news?"}])
elif DIALECT == "responses":
    url = os.environ["OPENAI_BASE_URL"] + "/responses"
    headers = {"authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
    tools = [{"type": "function", "name": "send_mail", "parameters": schema}]
    body.update(instructions=prompt, input="news?")
else:
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    headers = {"authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
    tools = [{"type": "function", "function": {"name": "send_mail", "parameters": schema}}]
    body.update(messages=[{"role": "system", "content": prompt}, {"role": "user", "content": "news?"}])
if os.environ.get("TOOLS") != "no":
    body["tools"] = tools
headers["content-type"] = "application/json"
for attempt in range(2):
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            for line in answer:
                # A stream tells the tools of the request, too.
                if b"send_mail" in line and b'"parameters"' not in line:
                    open(os.environ["FIRED"], "a").write("sent\n")
        break
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode(), file=sys.stderr)
else:
    sys.exit(1)
"#;

const MODEL: &str = r#"
[[rule]]
when = { system = "Send" }
reply = { tool_calls = [{ name = "send_mail", arguments = { to = "mia" } }] }

[[rule]]
reply = { text = "Nothing new, and no reason for a letter." }
"#;

const DIALECTS: [&str; 3] = ["chat", "responses", "messages"];

/// Returns a repository with a baseline in which no mail was sent.
fn quiet(variables: &[(&str, &str)]) -> App {
    let app = App::new();
    app.write("agent.py", AGENT);
    app.write("model.toml", MODEL);
    app.write("prompt.txt", "Answer.");
    configure(&app, variables, "");
    run(
        &app,
        &["record", "--name", "news", "--", "python3", "agent.py"],
    )
    .exits(0);
    let create = ["baseline", "create", "news", "--name", "news"];
    run(&app, &[&create[..], &["--stability", "1"]].concat()).exits(0);
    app
}

fn configure(app: &App, variables: &[(&str, &str)], more: &str) {
    let fired = fired(app);
    let fired = [("FIRED", fired.to_str().unwrap())];
    let set: Vec<String> = fired
        .iter()
        .chain(variables)
        .map(|(name, value)| format!("\"{name}={value}\""))
        .collect();
    app.write(
        "rewind.toml",
        &format!(
            "[agent]\ncommand = [\"python3\", \"agent.py\"]\nenv = [{}]\n\n\
             [upstream]\nscripted = \"model.toml\"\n\n[tools.\"send_*\"]\neffect = \"mutating\"\n{more}",
            set.join(", ")
        ),
    );
}

fn fired(app: &App) -> std::path::PathBuf {
    app.folder().join("fired.txt")
}

fn has_fired(app: &App) -> bool {
    Path::new(&fired(app)).exists()
}

fn run(app: &App, words: &[&str]) -> Run {
    app.run(words)
}

fn drop_forbidden(app: &App) {
    let path = app.folder().join("baselines/news/baseline.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("forbidden"));
    let lines = lines.map(|line| line.replace("kind = \"tools\"", "kind = \"exit_status\""));
    std::fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
}

#[test]
fn a_mutating_tool_that_a_live_answer_calls_does_not_run() {
    for dialect in DIALECTS {
        for stream in ["no", "yes"] {
            let what = format!("{dialect}, stream {stream}");
            let app = quiet(&[("DIALECT", dialect), ("STREAM", stream)]);
            app.write("prompt.txt", "Send it.");
            let gated = run(&app, &["gate", "--live", "--samples", "1"]);
            assert!(!has_fired(&app), "{what}: {}", gated.stdout);
            let gated = gated.exits(1);
            let forbidden = "forbidden tool `send_mail` was called";
            assert!(gated.stdout.contains(forbidden), "{what}: {}", gated.stdout);
        }
    }
}

#[test]
fn where_nothing_forbids_it_the_run_is_not_measured_and_says_how_to_allow_it() {
    let variables = [("DIALECT", "chat"), ("STREAM", "yes"), ("TOOLS", "no")];
    let app = quiet(&variables);
    drop_forbidden(&app);
    app.write("prompt.txt", "Send it.");
    let gated = run(&app, &["gate", "--live", "--samples", "2..4"]).exits(3);
    assert!(!has_fired(&app), "{}", gated.stdout);
    for part in [
        "not measured",
        "a live answer calls `send_mail`, a mutating tool: it was kept from the agent",
        "allow_tools = [\"send_mail\"]",
    ] {
        assert!(gated.stdout.contains(part), "{part}\n{}", gated.stdout);
    }
    let log = "rewind_halted";
    assert!(gated.stdout.contains(log), "{}", gated.stdout);
    let replayed = run(
        &app,
        &[
            "replay", "news", "--from", "start", "--live", "--", "python3", "agent.py",
        ],
    );
    assert_eq!(replayed.code, Some(1), "{}", replayed.stdout);
    assert!(!has_fired(&app), "{}", replayed.stdout);
    configure(
        &app,
        &variables,
        "[replay]\nallow_tools = [\"send_mail\"]\n",
    );
    run(&app, &["gate", "--live", "--samples", "1"]);
    assert!(has_fired(&app));
}
