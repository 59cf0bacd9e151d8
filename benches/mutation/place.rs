//! Copies of the agent with its baselines, and the gate that runs in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::harmless::stamped;
use super::subject::{self, Subject};
use super::table::Outcome;
use super::{Case, Change, rules};

/// Where changes are made and gated.
pub(crate) struct Place {
    repository: PathBuf,
    program: PathBuf,
    /// A copy whose baselines were recorded with an id and a date in each task.
    stamped: TempDir,
    fallback: Vec<toml::Table>,
}

impl Place {
    /// Prepares the copies of a repository's agent, for this program.
    pub(crate) fn new(repository: &Path, program: &Path) -> Self {
        let subjects = subject::all(repository);
        let place = Self {
            repository: repository.to_owned(),
            program: program.to_owned(),
            stamped: tempfile::tempdir().expect("a folder"),
            fallback: rules::fallback(&subjects),
        };
        place.record_stamped(&subjects);
        place
    }

    /// Returns the root of the repository.
    pub(super) fn repository(&self) -> &Path {
        &self.repository
    }

    /// Returns what the gate says of a change.
    pub(crate) fn gate(&self, case: &Case) -> Outcome {
        let folder = tempfile::tempdir().expect("a folder");
        let baselines = if case.change.is_stamped {
            self.stamped.path()
        } else {
            &self.repository
        };
        self.copy(folder.path(), baselines);
        self.apply(folder.path(), &case.change);
        let words = ["gate", "--filter", &case.baseline, "--out", "report"];
        let output = self.rewind(folder.path(), &words);
        let report = fs::read(folder.path().join("report/rewind-report.json"));
        let report = report.unwrap_or_else(|error| panic!("{case:?}: {error}: {output:?}"));
        let report: Value = serde_json::from_slice(&report).expect("JSON");
        let outcome = match report["verdict"].as_str() {
            Some("pass") => Outcome::Pass,
            Some("look") => Outcome::Look,
            Some("not_measured") => Outcome::NotMeasured,
            Some("fail") => Outcome::Red,
            other => panic!("{case:?}: {other:?}"),
        };
        let exit = match outcome {
            Outcome::Pass | Outcome::Look => 0,
            Outcome::Red => 1,
            Outcome::NotMeasured => 3,
        };
        assert_eq!(output.status.code(), Some(exit), "{case:?}: {output:?}");
        outcome
    }

    /// Records each topic with the agent that writes ids and dates into its tasks.
    fn record_stamped(&self, subjects: &[Subject]) {
        let root = self.stamped.path();
        self.copy(root, &self.repository);
        let code = stamped("0");
        self.apply(
            root,
            &Change {
                code,
                ..Change::default()
            },
        );
        for subject in subjects {
            let session = format!("baselines/{}/session", subject.name);
            fs::remove_dir_all(root.join(&session)).expect("a session");
            fs::remove_file(root.join(format!("baselines/{}/accepted.json", subject.name)))
                .expect("evidence");
            let record = ["record", "--name", &subject.name, "--input", &subject.topic];
            let export = ["session", "export", &subject.name, "-o", &session];
            for words in [&record[..], &export[..]] {
                let output = self.rewind(root, words);
                assert!(output.status.success(), "{words:?}: {output:?}");
            }
        }
    }

    /// Copies the agent, and the baselines from there.
    fn copy(&self, to: &Path, baselines: &Path) {
        let agent = "examples/research-agent";
        let parts = [
            (self.repository.join("rewind.toml"), to.join("rewind.toml")),
            (self.repository.join(agent), to.join(agent)),
            (baselines.join("baselines"), to.join("baselines")),
        ];
        fs::create_dir_all(to.join("examples")).expect("a folder");
        for (from, to) in parts {
            let status = Command::new("cp").arg("-r").arg(&from).arg(&to).status();
            assert!(
                status.is_ok_and(|status| status.success()),
                "{} to {}",
                from.display(),
                to.display()
            );
        }
    }

    fn apply(&self, folder: &Path, change: &Change) {
        let agent = folder.join("examples/research-agent");
        edit(&agent.join("agent.py"), |text| {
            let (before, after) = text.split_once("if __name__").expect("a beginning");
            format!("{before}{}\n\nif __name__{after}", change.code)
        });
        edit(&agent.join("model.toml"), |text| {
            format!(
                "{}\n{text}\n{}",
                written(&change.rules),
                written(&self.fallback)
            )
        });
        if let Some((name, sentence)) = &change.prompt {
            let file = agent.join("prompts").join(format!("{name}.txt"));
            edit(&file, |text| format!("{}\n{sentence}\n", text.trim_end()));
        }
    }

    fn rewind(&self, folder: &Path, words: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", folder)
            .stdin(Stdio::null());
        command.output().expect("the program starts")
    }
}

fn edit(file: &Path, change: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(file).expect("a file");
    fs::write(file, change(&text)).expect("a file");
}

fn written(rules: &[toml::Table]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let rules = rules.iter().cloned().map(toml::Value::Table).collect();
    let file: toml::Table = [("rule".to_owned(), toml::Value::Array(rules))]
        .into_iter()
        .collect();
    toml::to_string(&file).expect("TOML")
}
