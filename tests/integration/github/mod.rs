//! What is told on GitHub: through the built program, to a GitHub with a memory.

mod accept;
mod comment;
mod foreign;
mod nightly;
mod policy;

use serde_json::{Value, json};

use crate::reports::{gate, suite};
use crate::support::App;
use crate::support::github::FakeGithub;

/// The commit that the pull request ends with.
const HEAD: &str = "1111111111111111111111111111111111111111";

/// Returns a repository whose gate has run: green, or red where the model answers otherwise.
fn repository(is_red: bool) -> App {
    let app = suite(&[("one", ""), ("two", "")]);
    run_gate(&app, is_red);
    app
}

/// Runs the gate, red or green, live with the scripted model.
fn run_gate(app: &App, is_red: bool) {
    app.write("prompt.txt", if is_red { "Be rude." } else { "Answer." });
    gate(app, &["--live"]).exits(i32::from(is_red));
}

/// Returns a repository in git, whose branch `main` passes and which has the branch `change` checked out.
fn in_git() -> App {
    let app = suite(&[("one", ""), ("two", "")]);
    app.write(
        ".gitignore",
        ".rewind/\nrewind-report/\n*.json\n!accepted.json\n",
    );
    git(&app, &["init", "--quiet", "--initial-branch", "main"]);
    for (name, value) in [("user.name", "dev"), ("user.email", "dev@example.com")] {
        git(&app, &["config", name, value]);
    }
    commit(&app, "the agent and its baselines");
    git(&app, &["checkout", "--quiet", "-b", "change"]);
    app
}

/// Commits everything and returns the commit.
fn commit(app: &App, message: &str) -> String {
    git(app, &["add", "--all"]);
    git(app, &["commit", "--quiet", "--message", message]);
    git(app, &["rev-parse", "HEAD"])
}

/// Runs git and returns what it prints.
fn git(app: &App, arguments: &[&str]) -> String {
    let mut command = app.program("git");
    let output = command.args(arguments).output().unwrap();
    crate::support::Run::new(&command, output)
        .exits(0)
        .stdout
        .trim()
        .to_owned()
}

/// Returns the event of a pull request from this repository.
fn pull_request(source: &str) -> Value {
    json!({
        "action": "synchronize",
        "number": 7,
        "pull_request": {
            "number": 7,
            "head": { "ref": "change", "sha": HEAD, "repo": { "full_name": source } },
            "base": { "ref": "main", "sha": "2".repeat(40) },
        },
        "sender": { "login": "dev" },
    })
}

/// Gives the app a job of pull request 7 in this run.
fn job(app: &mut App, github: &FakeGithub, run: u64) {
    github.job(app, "pull_request", &pull_request("acme/agent"));
    app.set("GITHUB_RUN_ID", &run.to_string());
}
