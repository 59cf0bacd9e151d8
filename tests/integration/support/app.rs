//! Runs the built `rewind` in a folder and an environment of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder in which `rewind` runs; nothing of the caller's environment but `PATH` is seen.
pub(crate) struct App {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl App {
    /// Returns a runner with an empty folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let environment = vec![
            ("PATH".to_owned(), path.to_str().unwrap().to_owned()),
            (
                "HOME".to_owned(),
                folder.path().to_str().unwrap().to_owned(),
            ),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ];
        Self {
            folder,
            environment,
        }
    }

    /// Returns the folder in which `rewind` runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a variable of the environment for what is run from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _value)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Returns the runner with an environment variable set.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Writes a file below the folder and returns its path.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let file = self.folder().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    /// Returns a command for any program in this folder and environment.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Returns a command for the built `rewind`.
    pub(crate) fn rewind(&self) -> Command {
        self.program(env!("CARGO_BIN_EXE_rewind"))
    }

    /// Runs `rewind` with these arguments to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        let mut command = self.rewind();
        command.args(arguments);
        let output = command.output().unwrap();
        Run::new(&command, output)
    }
}

/// What a finished run left.
pub(crate) struct Run {
    what: String,
    /// The exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Run {
    /// Returns what a command left.
    pub(crate) fn new(command: &Command, output: Output) -> Self {
        Self {
            what: format!("{command:?}"),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Checks the exit code, and shows everything where it is another one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "{}\n--- stdout\n{}\n--- stderr\n{}",
            self.what,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Returns standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.what, self.stdout))
    }
}

/// Returns the text with what changes from run to run replaced: folders, ids, ports, times.
pub(crate) fn stable(text: &str, folder: &Path) -> String {
    let rules = [
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[ID]",
        ),
        (r"127\.0\.0\.1:\d+", "[ADDRESS]"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?", "[DATE]"),
        (r"\b\d+(\.\d+)? ?(us|µs|ms|s|min)\b", "[TIME]"),
    ];
    let text = text.replace(&folder.display().to_string(), "[FOLDER]");
    rules.iter().fold(text, |text, (pattern, replacement)| {
        Regex::new(pattern)
            .unwrap()
            .replace_all(&text, *replacement)
            .into_owned()
    })
}
