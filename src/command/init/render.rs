//! The text of the files that `init` writes.

use camino::Utf8Path;
use toml::Value;

use super::guess::{Guess, Kind, Packages};

/// Returns a commented `rewind.toml`.
pub(super) fn config(guess: &Guess) -> String {
    let mut lines = vec![
        "# How Rewind runs and gates the agent of this folder. docs/configuration.md of Rewind describes every key."
            .to_owned(),
        String::new(),
        "[agent]".to_owned(),
    ];
    lines.extend(agent(guess));
    let paths = if guess.paths.is_empty() {
        "# paths = [\"src/**\", \"prompts/**\"]".to_owned()
    } else {
        format!("# paths = {}", list(&guess.paths))
    };
    lines.extend([
        "# Variables of yours that the agent needs; NAME=value sets one. Provider keys are never passed on: Rewind".to_owned(),
        "# adds them to the calls itself.".to_owned(),
        "# env = [\"APP_*\", \"SEARCH_API_KEY=placeholder\"]".to_owned(),
        "# The files that the agent is made of; a change of other files does not concern it.".to_owned(),
        paths,
        "timeout = \"5m\"".to_owned(),
    ]);
    if let Some((command, inputs)) = installation(guess.packages) {
        lines.extend([
            "# Runs once before the agent, again when these files change.".to_owned(),
            format!("# setup = {}", text(command)),
            format!("# setup_inputs = {}", list(inputs)),
        ]);
    }
    lines.extend([
        String::new(),
        "[gate]".to_owned(),
        "# false reports everything and fails nothing. Take the line away once you trust what you see.".to_owned(),
        "enforce = false".to_owned(),
        "# \"live\" lets what a change affects go to the model; where CI is set nothing does unless this says so.".to_owned(),
        "# mode = \"live\"".to_owned(),
        "# The most dollars that the live calls of a run may cost. What is beyond is not measured.".to_owned(),
        "max_usd = 2.00".to_owned(),
        String::new(),
        "# Tools of the agent run for real in a replay. Name those that may, and mark those that change something.".to_owned(),
        "# [replay]".to_owned(),
        "# allow_tools = [\"search_*\"]".to_owned(),
        "# [tools.send_mail]".to_owned(),
        "# effect = \"mutating\"".to_owned(),
        String::new(),
    ]);
    lines.join("\n")
}

fn agent(guess: &Guess) -> Vec<String> {
    match &guess.kind {
        Kind::Unknown => vec![
            "# The program and its arguments, without the input. A Python function is `entry = \"app.agent:run\"`.".to_owned(),
            "# command = [\"python3\", \"agent.py\"]".to_owned(),
        ],
        Kind::Command(command) => {
            let mut lines = vec![
                "# The program and its arguments; the input follows as the last one.".to_owned(),
                format!("command = {}", list(command)),
            ];
            if let Some(input) = guess.input {
                lines.push(format!("input = {}", text(input)));
            } else {
                lines.push("# input = \"stdin\"     # or json-stdin, env:NAME, json-file:PATH".to_owned());
            }
            lines.push("# output = \"stdout\"   # the final answer; by default the last message of the model".to_owned());
            lines
        }
        Kind::Service {
            command,
            path,
            field,
            ready,
        } => {
            let ready = match ready {
                Some(ready) => format!("ready = {}", text(ready)),
                None => "# ready = \"/health\"".to_owned(),
            };
            vec![
                "# The service is started for each run, asked, and stopped.".to_owned(),
                format!("serve = {}", list(command)),
                ready,
                "# How it is asked, and where in the reply the answer stands (a JSON pointer; without it, all of it).".to_owned(),
                format!(
                    "request = {{ path = {}, body = {{ {field} = \"{{input}}\" }} }} # answer = \"/answer\"",
                    text(path)
                ),
            ]
        }
    }
}

/// Returns the workflow that gates pull requests; `below` is where the configuration stands in the
/// repository.
pub(super) fn workflow(guess: &Guess, below: &Utf8Path) -> String {
    let folder = if below == "" { "." } else { below.as_str() };
    let mut text = WORKFLOW_HEAD.to_owned();
    let steps = match guess.packages {
        Packages::None => "",
        Packages::Pip => PIP,
        Packages::Uv => UV,
        Packages::PyProject => PYPROJECT,
        Packages::Npm => NPM,
    };
    text.push_str(&steps.replace("FOLDER", &yaml(folder)));
    text.push_str(&WORKFLOW_GATE.replace("FOLDER", &yaml(folder)));
    text
}

fn installation(packages: Packages) -> Option<(&'static str, &'static [&'static str])> {
    match packages {
        Packages::None => None,
        Packages::Pip => Some((
            "python3 -m pip install -r requirements.txt",
            &["requirements.txt"],
        )),
        Packages::Uv => Some(("uv sync --frozen", &["uv.lock"])),
        Packages::PyProject => Some(("python3 -m pip install .", &["pyproject.toml"])),
        Packages::Npm => Some(("npm ci", &["package-lock.json"])),
    }
}

/// Returns a text as TOML.
fn text(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns a list of texts as TOML.
fn list<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<Value> = texts
        .iter()
        .map(|text| Value::from(text.as_ref()))
        .collect();
    Value::Array(texts).to_string()
}

/// Returns a text as YAML.
fn yaml(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

const WORKFLOW_HEAD: &str = "\
# Replays the committed baselines of the agent against every change. Needs no key: nothing goes to a model.
name: Rewind
on:
  pull_request:
  merge_group:
permissions: {}
jobs:
  gate:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    permissions:
      contents: read
      pull-requests: write # the comment
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
";

const PIP: &str =
    "      - run: python3 -m pip install -r requirements.txt\n        working-directory: FOLDER\n";

const PYPROJECT: &str =
    "      - run: python3 -m pip install .\n        working-directory: FOLDER\n";

const UV: &str =
    "      - run: pipx install uv && uv sync --frozen\n        working-directory: FOLDER\n";

const NPM: &str = "      - run: npm ci\n        working-directory: FOLDER\n";

const WORKFLOW_GATE: &str =
    "      - uses: rewind-gate/rewind@main # pin the commit that you have read
        if: hashFiles('**/baselines/**/baseline.toml') != ''
        with:
          working-directory: FOLDER
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn guess(kind: Kind) -> Guess {
        Guess {
            kind,
            input: None,
            provider: None,
            packages: Packages::Npm,
            paths: vec!["src/**".into()],
            reasons: Vec::new(),
        }
    }

    fn read(guess: &Guess) -> Config {
        Config::parse("rewind.toml".into(), &config(guess)).unwrap()
    }

    #[test]
    fn what_is_written_reads_as_meant_even_with_its_comments_taken_away() {
        let command = ["python3", "a \"b\".py", "c\\d"]
            .map(str::to_owned)
            .to_vec();
        let guesses = [
            guess(Kind::Unknown),
            guess(Kind::Command(command.clone())),
            guess(Kind::Service {
                command: vec!["serve".into()],
                path: "/ask".into(),
                field: "q".into(),
                ready: None,
            }),
        ];
        for guess in &guesses {
            assert_eq!(read(guess).gate.enforce, Some(false));
            // Every commented key is one that exists.
            let bare: Vec<String> = config(guess)
                .lines()
                .map(|line| match line.strip_prefix("# ") {
                    Some(key)
                        if key.starts_with('[') || key.contains(" = ") && !key.contains(". ") =>
                    {
                        key.to_owned()
                    }
                    Some(_) | None => line.to_owned(),
                })
                .collect();
            let bare = bare.join("\n");
            Config::parse("rewind.toml".into(), &bare)
                .unwrap_or_else(|error| panic!("{error}\n{bare}"));
        }
        assert_eq!(read(&guesses[1]).agent.command, command);
        assert_eq!(read(&guesses[2]).agent.request.unwrap().path, "/ask");
    }

    #[test]
    fn the_workflow_runs_where_the_configuration_stands() {
        let text = workflow(&guess(Kind::Unknown), "agents/it's".into());
        assert!(text.contains("working-directory: 'agents/it''s'"), "{text}");
        assert!(text.contains("npm ci"), "{text}");
    }
}
