//! The scripted model as a server of its own, with a log that counts what reached it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::App;

/// A running `rewind scripted`; it ends with this value.
pub(crate) struct ScriptedModel {
    process: Child,
    url: String,
    log: PathBuf,
}

impl ScriptedModel {
    /// Starts the model with these rules.
    pub(crate) fn start(app: &App, rules: &Path) -> Self {
        let log = app.folder().join("scripted.log");
        let mut process = app
            .rewind()
            .arg("scripted")
            .arg(rules)
            .arg("--log")
            .arg(&log)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        let url = url.trim().to_owned();
        assert!(
            url.starts_with("http://127.0.0.1:"),
            "no URL on the first line: {url:?}"
        );
        Self { process, url, log }
    }

    /// Returns where it listens, such as `http://127.0.0.1:4321`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the options that send every provider's calls here.
    pub(crate) fn upstreams(&self) -> [String; 6] {
        let flag = || "--upstream".to_owned();
        [
            flag(),
            format!("openai={}/v1", self.url),
            flag(),
            format!("anthropic={}", self.url),
            flag(),
            format!("google={}", self.url),
        ]
    }

    /// Returns how many model calls have reached the model.
    pub(crate) fn calls(&self) -> usize {
        fs::read_to_string(&self.log)
            .unwrap_or_default()
            .lines()
            .count()
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
