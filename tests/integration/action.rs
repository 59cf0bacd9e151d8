//! The action and the workflows of this repository, run by act on this machine; only the upload is a stand-in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{App, Run, checkout};

const UPLOAD: &str = "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a";

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
          SEEN: outcome=${{ steps.gate.outcome }} verdict=${{ steps.gate.outputs.verdict }} code=${{ steps.gate.outputs.exit-code }}
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

#[test]
fn the_action_passes_on_what_the_gate_said() {
    for (word, code, outcome) in [
        ("pass", 0, "success"),
        ("fail", 1, "failure"),
        ("not_measured", 3, "failure"),
    ] {
        let repository =
            Repository::with_fake(&format!("{}\nexit {code}", REPORT.replace("WORD", word)));
        let run = repository.act("pull_request", "one.yml").exits(0);
        let seen = format!("seen outcome={outcome} verdict={word} code={code}");
        assert!(run.stdout.contains(&seen), "no {seen:?} in\n{}", run.stdout);
        let uploaded = repository
            .app
            .folder()
            .join("uploads/rewind-report/report.md");
        assert!(uploaded.exists(), "the report was not uploaded");
    }
}

#[test]
fn a_gate_that_breaks_is_never_a_pass() {
    for (script, code) in [
        ("kill -9 $$", 137),
        ("exit 0", 3),
        ("echo '::set-output name=exit-code::0'; exit 2", 2),
    ] {
        let repository = Repository::with_fake(script);
        let run = repository.act("pull_request", "one.yml").exits(0);
        let seen = format!("seen outcome=failure verdict=error code={code}");
        assert!(
            run.stdout.contains(&seen),
            "{script}: no {seen:?} in\n{}",
            run.stdout
        );
    }
}

#[test]
fn an_event_with_secrets_never_runs_the_agent() {
    let repository = Repository::with_fake("touch \"$GITHUB_WORKSPACE/ran\"; exit 0");
    repository.app.write(
        "repository/.github/workflows/one.yml",
        &ONE_GATE.replace("on: pull_request", "on: pull_request_target"),
    );
    let run = repository.act("pull_request_target", "one.yml").exits(0);
    assert!(
        run.stdout
            .contains("seen outcome=failure verdict=error code=2"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("refuses the event pull_request_target"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_the_agent_prints_is_no_command_of_the_runner() {
    // What tells GitHub of a run prints nothing of the agent.
    let mask = "if [ \"$1\" = gate ]; then echo '::add-mask::outcome'; fi";
    let repository = Repository::with_fake(&format!("{mask}\n{}", REPORT.replace("WORD", "pass")));
    let run = repository.act("pull_request", "one.yml").exits(0);
    assert!(
        run.stdout.contains("seen outcome=success"),
        "the mask was taken:\n{}",
        run.stdout
    );
}

#[test]
fn the_pull_request_workflow_is_green_where_it_must_be_and_red_where_it_must_be() {
    let app = App::new();
    checkout(&app, "repository");
    let repository = Repository { app };
    repository.commit();
    let binary = format!("REWIND_BINARY={}", env!("CARGO_BIN_EXE_rewind"));
    let mut act = repository.command("pull_request", "pull-request.yml");
    act.args(["--var", &binary]);
    finish(&mut act).exits(0);
    for report in ["report-green", "report-red"] {
        for file in ["report.md", "junit.xml", "rewind-report.json"] {
            let path = repository
                .app
                .folder()
                .join("uploads")
                .join(report)
                .join(file);
            assert!(path.exists(), "{} was not uploaded", path.display());
        }
    }
}

/// A repository of its own.
struct Repository {
    app: App,
}

impl Repository {
    /// Returns a repository with the action and a program in place of `rewind`.
    fn with_fake(script: &str) -> Self {
        let app = App::new();
        for file in [
            "action.yml",
            "action/install.sh",
            "action/run.sh",
            "action/tell.sh",
        ] {
            copy(
                &root().join(file),
                &app.folder().join("repository").join(file),
            );
        }
        app.write("repository/.github/workflows/one.yml", ONE_GATE);
        let program = app.write("repository/fake-rewind", &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
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
        let payload = self.app.write(
            "event.json",
            r#"{"number": 7, "pull_request": {"number": 7, "head": {"ref": "change"}, "base": {"ref": "main"}}}"#,
        );
        let uploads = self.app.folder().join("uploads");
        let mut act = self.app.program(tools().join("act"));
        act.current_dir(self.folder())
            .arg(event)
            .args(["-P", "ubuntu-latest=-self-hosted", "--action-offline-mode"])
            .args(["-W", &format!(".github/workflows/{workflow}")])
            .arg("-e")
            .arg(payload)
            .arg("--env")
            .arg(format!("UPLOADS={}", uploads.display()))
            .arg("--local-repository")
            .arg(format!(
                "{UPLOAD}={}",
                root().join("tests/github/upload-artifact").display()
            ));
        act
    }
}

/// Runs a command to its end.
fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run::new(command, output)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
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
