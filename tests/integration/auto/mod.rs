//! Agents of known frameworks with `--auto-tools`: no line of theirs is there for Rewind.

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
