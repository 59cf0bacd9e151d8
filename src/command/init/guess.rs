//! Guesses from a repository's files how its agent is run.

use camino::Utf8Path;
use serde_json::Value;

use super::look::Found;

/// What an agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing was found.
    Unknown,
    /// A program.
    Command(Vec<String>),
    /// A service: its command and the path that takes questions.
    Service {
        command: Vec<String>,
        path: String,
        field: String,
        ready: Option<String>,
    },
}

/// A provider: its name, how its client is named in code, its key variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Provider {
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    marks: &'static [&'static str],
}

/// How packages are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packages {
    /// Nothing to install.
    None,
    /// `requirements.txt`.
    Pip,
    /// `uv.lock`.
    Uv,
    /// `pyproject.toml` alone.
    PyProject,
    /// `package-lock.json`.
    Npm,
}

/// What the files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    /// What the agent is.
    pub(super) kind: Kind,
    /// How its input reaches it, where that is no argument.
    pub(super) input: Option<&'static str>,
    /// The provider whose client its code names.
    pub(super) provider: Option<Provider>,
    /// How its packages are installed.
    pub(super) packages: Packages,
    /// The folders and files that it is made of.
    pub(super) paths: Vec<String>,
    /// Why, in words.
    pub(super) reasons: Vec<String>,
}

impl Guess {
    /// Takes a command that is known.
    pub(super) fn set_command(&mut self, words: Vec<String>) {
        if self.kind != Kind::Command(words.clone()) {
            self.kind = Kind::Command(words);
            self.input = None;
        }
    }

    /// Returns the command as one line; empty where there is none.
    pub(super) fn line(&self) -> String {
        match &self.kind {
            Kind::Unknown => String::new(),
            Kind::Command(command) | Kind::Service { command, .. } => command.join(" "),
        }
    }
}

/// Guesses.
pub(super) fn guess(found: &Found) -> Guess {
    let packages = packages(found);
    let provider = provider(found);
    let mut guess = Guess {
        kind: Kind::Unknown,
        input: None,
        provider,
        packages,
        paths: paths(found),
        reasons: Vec::new(),
    };
    let best = found
        .files
        .iter()
        .map(|(path, text)| (score(path, text), path, text))
        .filter(|(score, _path, _text)| *score >= ENOUGH)
        // Of equal ones the shortest path, then the first by name.
        .max_by_key(|(score, path, _text)| {
            (
                *score,
                std::cmp::Reverse((path.as_str().len(), (*path).clone())),
            )
        });
    if let Some((_score, path, text)) = best {
        guess
            .reasons
            .push(format!("{path}, the agent by its looks"));
        guess.kind = kind(path, text, found);
        if matches!(guess.kind, Kind::Command(_)) {
            guess.input = input(text);
        }
    } else if let Some((script, command)) = npm_script(found) {
        guess
            .reasons
            .push(format!("the script `{script}` in package.json"));
        guess.kind = Kind::Command(command);
    }
    if let Some(provider) = provider {
        guess
            .reasons
            .push(format!("the client of {}", provider.name));
    }
    if let Some(tests) = ["tests", "test", "evals"].into_iter().find(|folder| {
        found
            .files
            .iter()
            .any(|(path, _text)| path.starts_with(folder))
    }) {
        guess
            .reasons
            .push(format!("tests in {tests}/, which stay as they are"));
    }
    guess
}

/// Returns how much a file looks like the start of an agent.
fn score(path: &Utf8Path, text: &str) -> u32 {
    let name = path.file_name().unwrap_or_default();
    let is_test = path
        .components()
        .any(|part| part.as_str().starts_with("test"))
        || name.ends_with(".test.ts")
        || name.ends_with("_test.py")
        || name == "conftest.py"
        || name == "setup.py";
    if is_test || text.is_empty() || path.extension().is_none() {
        return 0;
    }
    let has = |words: &[&str]| u32::from(words.iter().any(|word| text.contains(word)));
    let stem = path.file_stem().unwrap_or_default();
    let is_usual = u32::from(USUAL.contains(&stem));
    let calls_model = has(&ALL_MARKS);
    let starts = has(&[
        "__main__",
        "sys.argv",
        "argparse",
        "process.argv",
        "click.command",
        "typer",
    ]);
    let serves = has(&["FastAPI(", "Flask(", "express()"]);
    4 * calls_model + 3 * starts + 3 * serves + 2 * is_usual
}

fn kind(path: &Utf8Path, text: &str, found: &Found) -> Kind {
    if let Some(service) = service(path, text, found) {
        return service;
    }
    let file = path.as_str();
    let command: Vec<&str> = match path.extension() {
        Some("py") if found.has("uv.lock") => vec!["uv", "run", "python", file],
        Some("py") => vec!["python3", file],
        Some("ts" | "mts" | "tsx") => vec!["npx", "tsx", file],
        Some(_) | None => vec!["node", file],
    };
    Kind::Command(command.into_iter().map(str::to_owned).collect())
}

/// Returns how a service with `FastAPI` or Flask is started and asked.
fn service(path: &Utf8Path, text: &str, found: &Found) -> Option<Kind> {
    let is_fast = text.contains("FastAPI(");
    let creates = if is_fast { "FastAPI(" } else { "Flask(" };
    let line = text.lines().find(|line| line.contains(creates))?;
    let app = line.split_once('=')?.0.trim();
    let is_name = !app.is_empty() && app.chars().all(|c| c.is_alphanumeric() || c == '_');
    let module = path.with_extension("").as_str().replace('/', ".");
    let python: &[&str] = if found.has("uv.lock") {
        &["uv", "run", "python"]
    } else {
        &["python3"]
    };
    let rest: Vec<String> = if is_fast {
        let target = format!("{module}:{app}");
        ["-m", "uvicorn", target.as_str(), "--port", "{port}"]
            .map(str::to_owned)
            .into()
    } else {
        [
            "-m",
            "flask",
            "--app",
            module.as_str(),
            "run",
            "--port",
            "{port}",
        ]
        .map(str::to_owned)
        .into()
    };
    let route = |method: &str| {
        let mark = format!("@{app}.{method}(");
        let after = text.split_once(&mark)?.1;
        let quoted = after.trim_start().split(['"', '\'']).nth(1)?;
        quoted.starts_with('/').then(|| quoted.to_owned())
    };
    let post = route("post").or_else(|| route("route"))?;
    let ready = ["/health", "/healthz", "/ready"]
        .into_iter()
        .find(|path| text.contains(path));
    is_name.then(|| Kind::Service {
        command: python
            .iter()
            .map(|word| (*word).to_owned())
            .chain(rest)
            .collect(),
        path: post,
        field: field(text),
        ready: ready.map(str::to_owned),
    })
}

/// Returns the field of the request that holds the question.
fn field(text: &str) -> String {
    let is_declared = |name: &&str| {
        text.contains(&format!("{name}: str")) || text.contains(&format!("[\"{name}\"]"))
    };
    let usual = ["question", "message", "prompt", "query", "text", "input"];
    usual
        .into_iter()
        .find(is_declared)
        .unwrap_or("input")
        .to_owned()
}

/// Returns how the code reads its input, where that is no argument.
fn input(text: &str) -> Option<&'static str> {
    let reads = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if reads(&["sys.argv", "argparse", "process.argv", "click", "typer"]) {
        None
    } else if reads(&["json.load(sys.stdin", "json.loads(sys.stdin"]) {
        Some("json-stdin")
    } else if reads(&["sys.stdin", "input(", "process.stdin"]) {
        Some("stdin")
    } else {
        None
    }
}

/// Returns the script of `package.json` that starts an agent, and its command.
fn npm_script(found: &Found) -> Option<(String, Vec<String>)> {
    let package: Value = serde_json::from_str(found.text("package.json")?).ok()?;
    let scripts = package.get("scripts")?.as_object()?;
    let name = ["agent", "start"]
        .into_iter()
        .find(|name| scripts.contains_key(*name))?;
    let command = ["npm", "run", "--silent", name, "--"]
        .map(str::to_owned)
        .into();
    Some((name.to_owned(), command))
}

fn packages(found: &Found) -> Packages {
    if found.has("uv.lock") {
        Packages::Uv
    } else if found.has("requirements.txt") {
        Packages::Pip
    } else if found.has("package-lock.json") {
        Packages::Npm
    } else if found.has("pyproject.toml") {
        Packages::PyProject
    } else {
        Packages::None
    }
}

fn provider(found: &Found) -> Option<Provider> {
    let names = |provider: &&Provider| {
        found.files.iter().any(|(path, text)| {
            let is_example = path
                .file_name()
                .is_some_and(|name| name.starts_with(".env"));
            text.contains(provider.key) && is_example
                || provider.marks.iter().any(|mark| text.contains(mark))
        })
    };
    PROVIDERS.iter().find(names).copied()
}

/// Returns globs of what the agent is made of: folders with sources or prompts, and lock files.
fn paths(found: &Found) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for (path, _text) in &found.files {
        let Some(first) = path.components().next() else {
            continue;
        };
        let first = first.as_str();
        let is_source = path.extension().is_some_and(|ending| {
            [
                "py", "js", "mjs", "cjs", "ts", "mts", "tsx", "txt", "md", "jinja", "j2",
            ]
            .contains(&ending)
        });
        let is_folder = path.parent().is_some_and(|parent| parent != "");
        let glob = if is_folder {
            format!("{first}/**")
        } else {
            first.to_owned()
        };
        let is_lock = LOCKS.contains(&first);
        let is_page = !is_folder && path.extension() == Some("md");
        let is_aside = ["tests", "test", "docs", "evals", ".github"].contains(&first);
        if (is_source || is_lock) && !is_page && !is_aside && !paths.contains(&glob) {
            paths.push(glob);
        }
    }
    paths.truncate(MOST_PATHS);
    paths
}

/// Files that name the versions of what is installed.
const LOCKS: [&str; 5] = [
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "package.json",
    "package-lock.json",
];

/// The most globs that are written.
const MOST_PATHS: usize = 12;

/// The least score of a file that is taken for an agent.
const ENOUGH: u32 = 5;

/// Names that agents usually have.
const USUAL: [&str; 6] = ["agent", "main", "app", "bot", "server", "index"];

/// The providers, the likeliest first.
const PROVIDERS: [Provider; 4] = [
    Provider {
        name: "OpenAI",
        key: "OPENAI_API_KEY",
        marks: &[
            "import openai",
            "from openai",
            "from \"openai\"",
            "from 'openai'",
            "OPENAI_BASE_URL",
            "langchain_openai",
            "from agents import",
        ],
    },
    Provider {
        name: "Anthropic",
        key: "ANTHROPIC_API_KEY",
        marks: &[
            "import anthropic",
            "from anthropic",
            "@anthropic-ai/sdk",
            "ANTHROPIC_BASE_URL",
            "langchain_anthropic",
        ],
    },
    Provider {
        name: "Google",
        key: "GEMINI_API_KEY",
        marks: &[
            "from google import genai",
            "google.generativeai",
            "@google/genai",
        ],
    },
    Provider {
        name: "Mistral",
        key: "MISTRAL_API_KEY",
        marks: &["from mistralai", "@mistralai/mistralai"],
    },
];

/// What code that calls a model has in it.
const ALL_MARKS: [&str; 18] = [
    "import openai",
    "from openai",
    "from \"openai\"",
    "from 'openai'",
    "OPENAI_BASE_URL",
    "import anthropic",
    "from anthropic",
    "@anthropic-ai/sdk",
    "ANTHROPIC_BASE_URL",
    "from google import genai",
    "@google/genai",
    "mistralai",
    "litellm",
    "langchain",
    "langgraph",
    "pydantic_ai",
    "from agents import",
    "crewai",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(files: &[(&str, &str)]) -> Guess {
        let mut files: Vec<_> = files
            .iter()
            .map(|(path, text)| ((*path).into(), (*text).to_owned()))
            .collect();
        files.sort();
        guess(&Found { files })
    }

    #[test]
    fn the_agent_is_the_program_that_calls_a_model() {
        let found = guessed(&[
            (
                "src/agent.py",
                "from openai import OpenAI\nimport sys\nprint(sys.argv[1])",
            ),
            ("src/util.py", "import os"),
            (
                "tests/test_agent.py",
                "from openai import OpenAI\nif __name__ == '__main__': pass",
            ),
            ("requirements.txt", "openai"),
            ("README.md", "text"),
        ]);
        assert_eq!(found.line(), "python3 src/agent.py");
        assert_eq!(found.input, None);
        assert_eq!(found.packages, Packages::Pip);
        assert_eq!(found.provider.unwrap().key, "OPENAI_API_KEY");
        assert_eq!(found.paths, ["requirements.txt", "src/**"]);
        let reasons = found.reasons.join("\n");
        assert!(reasons.contains("tests/"), "{reasons}");
    }

    #[test]
    fn a_service_is_asked_where_it_takes_questions() {
        let app = "from anthropic import Anthropic\nfrom fastapi import FastAPI\nweb = FastAPI()\n\
                   class Ask:\n    message: str\n@web.get(\"/health\")\n@web.post(\"/chat\")\n";
        let found = guessed(&[("svc/main.py", app), ("uv.lock", "")]);
        let Kind::Service {
            command,
            path,
            field,
            ready,
        } = found.kind
        else {
            panic!("{found:?}");
        };
        assert_eq!(
            command.join(" "),
            "uv run python -m uvicorn svc.main:web --port {port}"
        );
        assert_eq!((path.as_str(), field.as_str()), ("/chat", "message"));
        assert_eq!(ready.as_deref(), Some("/health"));
    }

    #[test]
    fn scripts_of_node_and_input_by_other_ways_are_seen() {
        let found = guessed(&[("package.json", r#"{"scripts": {"start": "tsx src/go.ts"}}"#)]);
        assert_eq!(found.line(), "npm run --silent start --");
        let found = guessed(&[(
            "bot.py",
            "import anthropic, json, sys\nq = json.load(sys.stdin)",
        )]);
        assert_eq!(found.input, Some("json-stdin"));
        let found = guessed(&[("main.mjs", "import OpenAI from \"openai\"; process.argv[2]")]);
        assert_eq!(found.line(), "node main.mjs");
        assert_eq!(guessed(&[("a.py", "print(1)")]).kind, Kind::Unknown);
    }
}
