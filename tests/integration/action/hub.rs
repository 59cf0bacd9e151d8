//! A repository on a GitHub with a memory, whose workflows act runs: the action, an agent with two baselines, a branch `change`.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{act, finish, put_action, root};
use crate::reports::suite;
use crate::support::github::FakeGithub;
use crate::support::{App, Run};

/// The repository and what GitHub knows of it.
pub(super) struct Hub {
    pub(super) github: FakeGithub,
    pub(super) app: App,
    run: u64,
    options: Vec<String>,
}

impl Hub {
    /// Returns a GitHub that knows a repository, which is the app's folder.
    pub(super) fn of(app: App) -> Self {
        let github = FakeGithub::start();
        {
            let mut state = github.state();
            state.repository = Some(app.folder().to_owned());
            state.people = vec![("mia".into(), "write"), ("eve".into(), "read")];
        }
        let hub = Self {
            github,
            app,
            run: 500,
            options: Vec::new(),
        };
        hub.git(&["init", "--quiet", "--initial-branch", "main"]);
        hub.git(&["remote", "add", "origin", "https://github.com/acme/agent"]);
        for (name, value) in [("user.name", "dev"), ("user.email", "dev@example.com")] {
            hub.git(&["config", name, value]);
        }
        hub
    }

    /// Gives act more options.
    pub(super) fn option(&mut self, name: &str, value: &str) {
        self.options.extend([name.to_owned(), value.to_owned()]);
    }

    /// Returns a repository whose branch `main` passes; `change` is checked out, and is pull request 7 of this repository.
    pub(super) fn new() -> Self {
        let app = suite(&[("one", ""), ("two", "")]);
        put_action(&app, ".");
        for entry in fs::read_dir(root().join(".github/workflows")).unwrap() {
            let from = entry.unwrap().path();
            let text = fs::read_to_string(&from).unwrap();
            let name = from.file_name().unwrap().to_str().unwrap();
            app.write(&format!(".github/workflows/{name}"), &text);
        }
        app.write(
            ".gitignore",
            ".rewind/\nrewind-report/\n.cache/\n.config/\nuploads/\nevent.json\n",
        );
        let hub = Self::of(app);
        hub.commit("the agent and its baselines");
        hub.git(&["checkout", "--quiet", "-b", "change"]);
        hub.opened_from("acme/agent");
        hub
    }

    /// Commits a prompt that the model answers badly.
    pub(super) fn turn_red(&self) {
        self.app.write("prompt.txt", "Be rude.");
        self.commit("rude");
    }

    pub(super) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Runs git and returns what it prints.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        let mut git = self.app.program("git");
        let run = finish(git.args(arguments)).exits(0);
        run.stdout.trim().to_owned()
    }

    /// Lets pull request 7 end with what is checked out, in this repository or a fork.
    pub(super) fn opened_from(&self, source: &str) {
        self.github.state().pulls = vec![json!({
            "number": 7, "state": "open", "head": self.head(source),
        })];
    }

    fn head(&self, source: &str) -> Value {
        json!({
            "ref": "change", "sha": self.git(&["rev-parse", "HEAD"]),
            "repo": { "full_name": source, "fork": source != "acme/agent" },
        })
    }

    /// Returns the event that something happened to pull request 7.
    pub(super) fn pull_request(&self, source: &str) -> Value {
        json!({
            "action": "synchronize",
            "number": 7,
            "pull_request": {
                "number": 7, "head": self.head(source),
                "base": { "ref": "main", "sha": self.git(&["rev-parse", "main"]) },
            },
            "sender": { "login": "dev" },
        })
    }

    /// Somebody sets a label on pull request 7, and its workflow runs.
    pub(super) fn label(&mut self, who: &str, label: &str) -> Run {
        self.github.label(7, who, label);
        let mut event = self.pull_request("acme/agent");
        event["action"] = json!("labeled");
        event["label"] = json!({ "name": label });
        event["sender"]["login"] = json!(who);
        self.runs("labels.yml", "pull_request", &event)
    }

    /// Runs a workflow for an event, as the next run of this repository.
    pub(super) fn runs(&mut self, workflow: &str, event: &str, payload: &Value) -> Run {
        self.run += 1;
        let mut payload = payload.clone();
        payload["repository"] = json!({
            "default_branch": "main", "full_name": "acme/agent", "fork": false,
        });
        self.app.write("event.json", &payload.to_string());
        let folder = self.app.folder();
        let mut command = act(&self.app, folder, event, workflow);
        let (mut variables, token) = self.github.addresses();
        let server = variables[0].1.clone();
        variables.extend([
            ("GITHUB_SERVER_URL", server),
            ("GITHUB_RUN_ID", self.run.to_string()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("SOURCE", folder.display().to_string()),
        ]);
        for (name, value) in variables {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        let binary = format!("REWIND_BINARY={}", env!("CARGO_BIN_EXE_rewind"));
        let token = format!("GITHUB_TOKEN={token}");
        let login = payload["sender"]["login"]
            .as_str()
            .unwrap_or("dev")
            .to_owned();
        command.args(&self.options);
        command.args(["--no-skip-checkout", "--var", &binary, "-s", &token]);
        finish(command.args(["--actor", &login]))
    }

    /// Returns the folder of the artifacts of the last run.
    pub(super) fn uploads(&self) -> PathBuf {
        self.app.folder().join("uploads")
    }
}
