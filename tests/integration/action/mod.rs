//! The action and the workflows of this repository, run by act on this machine; only GitHub's own actions are stand-ins.

mod gate;
mod hub;
mod install;
mod newcomer;
mod workflows;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{App, Run};

/// GitHub's own actions, as the workflows name them, and what stands in for each.
const STAND_INS: [(&str, &str); 4] = [
    (
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1",
        "checkout",
    ),
    (
        "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
        "download-artifact",
    ),
    (
        "actions/cache@668228422ae6a00e4ad889ee87cd7109ec5666a7",
        "cache",
    ),
    (
        "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
        "upload-artifact",
    ),
];

/// A workflow that uses the action once and prints its outputs.
const ONE_GATE: &str = "
on: pull_request
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - id: gate
        continue-on-error: true
        uses: ./
        with:
          binary: fake-rewind
      - env:
          SEEN: outcome=${{ steps.gate.outcome }} verdict=${{ steps.gate.outputs.verdict }} code=${{ steps.gate.outputs.exit-code }} counts=${{ steps.gate.outputs.counts }}
        run: echo \"seen $SEEN\"
";

/// Writes a report as the gate does; its arguments are the word shown and the exit code.
const REPORT: &str = r#"
case "$1" in report | github) exit 0 ;; esac
while [ "$1" != --out ]; do shift; done
mkdir -p "$2"
printf '{\n  "format": "1.0",\n  "verdict": "WORD"\n}\n' >"$2/rewind-report.json"
echo '# the report' >"$2/report.md"
"#;

/// A repository of its own, below `repository`.
struct Repository {
    app: App,
}

impl Repository {
    /// Returns a repository with the action, one workflow, and a program in place of `rewind`.
    fn with_fake(script: &str) -> Self {
        let app = App::new();
        put_action(&app, "repository");
        app.write("repository/.github/workflows/one.yml", ONE_GATE);
        put_program(
            &app.folder().join("repository/fake-rewind"),
            &format!("#!/bin/sh\n{script}\n"),
        );
        let repository = Self { app };
        repository.commit();
        repository
    }

    fn folder(&self) -> PathBuf {
        self.app.folder().join("repository")
    }

    fn commit(&self) {
        for arguments in [
            "init --quiet --initial-branch main",
            "remote add origin https://github.com/acme/agent",
            "add --all",
            "-c user.name=x -c user.email=x@example.com commit --quiet --message x",
        ] {
            let mut git = self.app.program("git");
            git.current_dir(self.folder()).args(arguments.split(' '));
            finish(&mut git).exits(0);
        }
    }

    /// Runs a workflow for an event.
    fn act(&self, event: &str, workflow: &str) -> Run {
        finish(&mut self.command(event, workflow))
    }

    /// Returns the command that runs a workflow for an event.
    fn command(&self, event: &str, workflow: &str) -> Command {
        self.app.write(
            "event.json",
            r#"{"number": 7, "pull_request": {"number": 7, "head": {"ref": "change"}, "base": {"ref": "main"}}}"#,
        );
        act(&self.app, &self.folder(), event, workflow)
    }
}

/// Returns the command that runs a workflow of a repository for the event in `event.json`.
fn act(app: &App, repository: &Path, event: &str, workflow: &str) -> Command {
    let mut act = app.program(tools().join("act"));
    act.current_dir(repository)
        .arg(event)
        .args(["-P", "ubuntu-latest=-self-hosted", "--action-offline-mode"])
        .args(["-W", &format!(".github/workflows/{workflow}")])
        .arg("-e")
        .arg(app.folder().join("event.json"))
        .arg("--env")
        .arg(format!(
            "UPLOADS={}",
            app.folder().join("uploads").display()
        ));
    for (action, stand_in) in STAND_INS {
        let path = root().join("tests/github").join(stand_in);
        act.arg("--local-repository")
            .arg(format!("{action}={}", path.display()));
    }
    act
}

/// Copies the action into a folder of the app.
fn put_action(app: &App, folder: &str) {
    let mut files = vec![PathBuf::from("action.yml"), PathBuf::from("Cargo.lock")];
    for entry in fs::read_dir(root().join("action")).unwrap() {
        files.push(Path::new("action").join(entry.unwrap().file_name()));
    }
    for file in files {
        let to = app.folder().join(folder).join(&file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join(&file), to).unwrap();
    }
}

/// Writes a program.
fn put_program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs a command to its end.
fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run::new(command, output)
}

/// Returns the folder of the tools that `scripts/test-env` installs.
fn tools() -> PathBuf {
    let folder = root().join("target/test-env/py/bin");
    assert!(
        folder.join("act").exists(),
        "act is missing: run scripts/test-env once"
    );
    folder
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
