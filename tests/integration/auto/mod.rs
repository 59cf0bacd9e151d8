//! Agents of known frameworks with `--auto-tools`: no line of theirs is there for Rewind.

mod clock;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{App, Run, ScriptedModel, repository_path};

/// An agent that was recorded once.
struct Recorded {
    app: App,
    command: Vec<String>,
}

const ANSWER: &str = "You fly with RW1.";

impl Recorded {
    fn new(command: Vec<String>) -> Self {
        let recorded = Self {
            app: App::new(),
            command,
        };
        let model = ScriptedModel::start(
            &recorded.app,
            &PathBuf::from(repository_path("tests/sdk/auto.toml")),
        );
        let upstreams = model.upstreams();
        let mut words = vec!["record", "--name", "travel", "--auto-tools"];
        words.extend(upstreams.iter().map(String::as_str));
        let run = recorded.run(&words, "You are a travel agent.").exits(0);
        assert!(run.stdout.contains(ANSWER), "{}{}", run.stdout, run.stderr);
        assert_eq!(recorded.done(), ["looked at RW1", "booked RW1"]);
        assert_eq!(model.calls(), 3);
        recorded
    }

    fn python(file: &str) -> Self {
        let python = repository_path("target/test-env/py/bin/python");
        Self::new(vec![python, repository_path(&format!("tests/sdk/{file}"))])
    }

    fn run(&self, words: &[&str], prompt: &str) -> Run {
        let mut command = self.app.rewind();
        command.args(words).arg("--").args(&self.command);
        command.env("PROMPT", prompt);
        let output = command.output().unwrap();
        Run::new(&command, output)
    }

    /// Returns what the tools did so far, and forgets it.
    fn done(&self) -> Vec<String> {
        let file = self.app.folder().join("done");
        let text = fs::read_to_string(&file).unwrap_or_default();
        drop(fs::remove_file(file));
        text.lines().map(str::to_owned).collect()
    }

    fn prove(&self) {
        let shown = self.app.run(["show", "travel", "--json"]).exits(0).json();
        let steps = shown["timelines"][0]["steps"].as_array().unwrap().iter();
        let tools: Vec<[&Value; 2]> = steps
            .filter(|step| step["kind"] == "tool")
            .map(|step| ["captured", "called_by"].map(|name| &step[name]))
            .collect();
        let shim = json!("shim");
        let expected = [[&shim, &json!(1)], [&shim, &json!(1)], [&shim, &json!(4)]];
        assert_eq!(tools, expected, "{shown}");

        let offline = ["replay", "travel", "--auto-tools", "--offline", "--json"];
        let replay = self
            .run(&offline, "You are a travel agent.")
            .exits(0)
            .json();
        assert_eq!(replay["unaffected"], true, "{replay}");
        assert_eq!(replay["tools_served"], 3);
        assert_eq!(self.done(), [""; 0]);

        let last = [
            "replay",
            "travel",
            "--auto-tools",
            "--from",
            "last",
            "--scripted",
            &rules(),
            "--json",
        ];
        let replay = self.run(&last, "Be brief.").exits(0).json();
        assert_eq!(replay["answer"], "Booked.", "{replay}");
        assert_eq!(replay["tools_served"], 3);
        assert_eq!(self.done(), [""; 0]);
    }
}

fn rules() -> String {
    repository_path("tests/sdk/auto.toml")
}

#[test]
fn the_tools_of_the_openai_agents_sdk_are_served_without_a_line_of_its_agent() {
    Recorded::python("auto_agents.py").prove();
}

#[test]
fn the_tools_of_langgraph_are_served_without_a_line_of_its_agent() {
    Recorded::python("auto_langgraph.py").prove();
}

#[test]
fn the_tools_of_pydantic_ai_are_served_without_a_line_of_its_agent() {
    Recorded::python("auto_pydantic.py").prove();
}

#[test]
fn the_tools_of_the_vercel_ai_sdk_are_served_without_a_line_of_its_agent() {
    let node = PathBuf::from(repository_path("target/test-env/node"));
    assert!(node.join("stamp").exists(), "run scripts/test-env once");
    // Node looks for packages beside the file that imports them.
    let agent = node.join("auto_ai.mjs");
    fs::copy(repository_path("tests/sdk/auto_ai.mjs"), &agent).unwrap();
    Recorded::new(vec!["node".to_owned(), agent.display().to_string()]).prove();
    // The same package by `require`.
    let text = fs::read_to_string(&agent).unwrap();
    let text = text
        .replace(
            "import { appendFileSync } from \"node:fs\"",
            "const { appendFileSync } = require(\"node:fs\")",
        )
        .replace(
            "import { createOpenAI } from \"@ai-sdk/openai\"",
            "const { createOpenAI } = require(\"@ai-sdk/openai\")",
        )
        .replace(
            "import { generateText, stepCountIs, tool } from \"ai\"",
            "const { generateText, stepCountIs, tool } = require(\"ai\")",
        )
        .replace(
            "import { z } from \"zod\"",
            "const { z } = require(\"zod\")",
        )
        .replace("const { text } = await generateText(", "generateText(")
        .replace(
            "});\nconsole.log(text);",
            "}).then(({ text }) => console.log(text));",
        );
    assert!(!text.contains("import "), "{text}");
    let agent = node.join("auto_ai.cjs");
    fs::write(&agent, text).unwrap();
    Recorded::new(vec!["node".to_owned(), agent.display().to_string()]).prove();
}

#[test]
fn mcp_servers_of_python_clients_need_no_command_of_ours() {
    let app = App::new();
    let server = fs::read_to_string(repository_path("tests/sdk/mcp_server.py")).unwrap();
    let server = app.write("travel_server.py", &server);
    let python = repository_path("target/test-env/py/bin/python");
    let agent = repository_path("tests/sdk/mcp_agent.py");
    let rules = repository_path("tests/sdk/mcp_agent.toml");
    let command = [
        &python,
        &agent,
        "legacy",
        "Get me to Oslo",
        &python,
        "travel_server.py",
    ];
    let run = |words: &[&str]| {
        let words = words.iter().copied().chain(["--"]).chain(command);
        app.run(words).exits(0)
    };
    let recorded = run(&[
        "record",
        "--name",
        "fly",
        "--auto-tools",
        "--scripted",
        &rules,
    ]);
    assert!(
        recorded.stdout.starts_with("You fly to Oslo"),
        "{}",
        recorded.stdout
    );
    let shown = app.run(["show", "fly"]).exits(0).stdout;
    assert!(shown.contains("find_flight"), "{shown}");
    fs::remove_file(server).unwrap();
    fs::remove_file(app.folder().join("bookings.txt")).unwrap();
    let replay = run(&["replay", "fly", "--auto-tools", "--offline", "--json"]).json();
    assert_eq!(replay["unaffected"], true, "{replay}");
    assert!(!app.folder().join("bookings.txt").exists());
}

/// An agent whose tool gives what no recording can give back, and whose machine has a `sitecustomize`.
const CONTROL: &str = r#"
import json, os, sys
from langchain_core.tools import tool
from langgraph.types import Command

@tool
def hand_over(to: str) -> Command:
    """Hands over."""
    print("handing over to " + to)
    return Command(goto=to)

@tool
def search(text: str) -> str:
    """Searches."""
    print("searching " + text)
    return "found"

print(hand_over.invoke({"to": "anna"}).goto, search.invoke({"text": "x"}), sys.modules["sitecustomize"].OWN)
"#;

#[test]
fn what_can_t_be_kept_runs_again_and_the_machines_own_sitecustomize_runs_too() {
    let app = App::new();
    app.write("agent.py", CONTROL);
    app.write("own/sitecustomize.py", "OWN = 'own'\n");
    let python = repository_path("target/test-env/py/bin/python");
    let run = |words: &[&str]| {
        let mut command = app.rewind();
        command.args(words).args(["--", &python, "agent.py"]);
        command.env("PYTHONPATH", app.folder().join("own"));
        let output = command.output().unwrap();
        Run::new(&command, output)
    };
    let recorded = run(&["record", "--name", "control", "--auto-tools"]);
    let said = "handing over to anna\nsearching x\nanna found own\n";
    assert!(
        recorded.stdout.starts_with(said),
        "{}{}",
        recorded.stdout,
        recorded.stderr
    );
    let told =
        "the tool `hand_over` gave a Command, which can't be recorded; it runs in replays, too";
    assert!(recorded.stderr.contains(told), "{}", recorded.stderr);
    let replay = run(&["replay", "control", "--auto-tools", "--offline"]);
    assert!(
        replay
            .stdout
            .contains("handing over to anna\nanna found own\n"),
        "{}{}",
        replay.stdout,
        replay.stderr
    );
    // Without the switch nothing is asked.
    let plain = run(&["record", "--name", "plain"]);
    assert!(plain.stdout.starts_with(said), "{}", plain.stdout);
    let shown = app.run(["show", "plain", "--json"]).json();
    assert_eq!(shown["timelines"][0]["steps"], json!([]));
}

#[test]
fn an_unknown_version_of_a_framework_is_told_and_goes_on() {
    let app = App::new();
    app.write("pydantic_ai/__init__.py", "");
    app.write("pydantic_ai/toolsets/__init__.py", "");
    app.write(
        "pydantic_ai/toolsets/function.py",
        "def other():\n    return 'other'\n",
    );
    app.write(
        "agent.py",
        "from pydantic_ai.toolsets.function import other\nprint(other())\n",
    );
    let run = app.run([
        "record",
        "--name",
        "x",
        "--auto-tools",
        "--",
        "python3",
        "agent.py",
    ]);
    assert!(
        run.stdout.starts_with("other\n"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let told = "the tools of this version of `pydantic_ai.toolsets.function` are not recorded by --auto-tools";
    assert!(run.stderr.contains(told), "{}", run.stderr);
}

#[test]
fn mcp_servers_of_node_clients_need_no_command_of_ours() {
    let app = App::new();
    let node = PathBuf::from(repository_path("target/test-env/node"));
    let agent = node.join("auto_mcp.mjs");
    fs::copy(repository_path("tests/sdk/auto_mcp.mjs"), &agent).unwrap();
    app.write("model.toml", "[[rule]]\nreply = { text = \"noted\" }\n");
    let server = node.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let link = app.folder().join("server.mjs");
    std::os::unix::fs::symlink(&server, &link).unwrap();
    let agent = agent.display().to_string();
    let run = |words: &[&str]| {
        let command = ["--", "node", &agent, "node", "server.mjs"];
        app.run(words.iter().copied().chain(command)).exits(0)
    };
    let recorded = run(&[
        "record",
        "--name",
        "sum",
        "--auto-tools",
        "--scripted",
        "model.toml",
    ]);
    let said = "The sum of 2 and 3 is 5. noted\n";
    assert!(
        recorded.stdout.starts_with(said),
        "{}{}",
        recorded.stdout,
        recorded.stderr
    );
    fs::remove_file(link).unwrap();
    let replay = run(&["replay", "sum", "--auto-tools", "--offline", "--json"]).json();
    assert_eq!(
        (&replay["unaffected"], &replay["tools_served"]),
        (&json!(true), &json!(1)),
        "{replay}"
    );
}
