//! Commands around the agent: `setup` once for a checkout, `before` and `after` every run.

use std::collections::BTreeMap;
use std::fs;
use std::future::pending;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::AgentError;
use super::launch::{Launch, Stdio, launch};
use super::watch::Ending;

/// A command around the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The longest time it may take.
    pub timeout: Duration,
}

impl Hook {
    /// Runs the command to its end. `name` is the key of the configuration.
    ///
    /// # Errors
    /// It can't be run, ends with another status than 0, or takes too long.
    pub async fn run(
        &self,
        name: &'static str,
        cwd: &Utf8Path,
        env: &BTreeMap<String, String>,
    ) -> Result<(), AgentError> {
        let plan = Launch {
            command: self.command.clone(),
            cwd: cwd.to_owned(),
            env: env.clone(),
            stdin: None,
            stdio: Stdio::Capture { limit: KEPT },
            on_terminal: false,
            timeout: Some(self.timeout),
        };
        let ended = launch(plan, pending()).await;
        let ended = ended.map_err(|error| AgentError::HookNotRun {
            name,
            source: Box::new(error),
        })?;
        if ended.exit == 0 && ended.ending != Ending::TimedOut {
            return Ok(());
        }
        let said = [ended.stdout.unwrap_or_default(), ended.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let skip = said.trim_end().chars().count().saturating_sub(SHOWN);
        let said = said.trim_end().chars().skip(skip).collect();
        let command = self.command.join(" ");
        Err(match ended.ending {
            Ending::TimedOut => AgentError::HookTimedOut {
                name,
                command,
                seconds: self.timeout.as_secs(),
                said,
            },
            Ending::Own | Ending::Cancelled | Ending::Interrupted => AgentError::Hook {
                name,
                command,
                exit: ended.exit,
                said,
            },
        })
    }
}

/// What has to be done once before an agent can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The command.
    pub hook: Hook,
    /// Where it runs.
    pub cwd: Utf8PathBuf,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// The files that its result depends on. With them it is skipped as long as they and the command
    /// are what they were when it last succeeded; without, it always runs.
    pub inputs: Vec<Utf8PathBuf>,
    /// The folder in which its successes are noted.
    pub notes: Utf8PathBuf,
}

impl Setup {
    /// Returns whether it would change nothing.
    pub fn is_done(&self) -> bool {
        self.note().is_some_and(|note| note.is_file())
    }

    /// Runs the command unless it would change nothing.
    ///
    /// # Errors
    /// As [`Hook::run`].
    pub async fn run(&self) -> Result<(), AgentError> {
        if self.is_done() {
            return Ok(());
        }
        let note = self.note();
        self.hook.run("setup", &self.cwd, &self.env).await?;
        if let Some(note) = note {
            let written = fs::create_dir_all(&self.notes).and_then(|()| fs::write(&note, ""));
            if let Err(error) = written {
                tracing::debug!(%error, "the success of setup could not be noted in {note}");
            }
        }
        Ok(())
    }

    /// Returns the file that stands for a success with these inputs; `None` where it depends on none, or
    /// one can't be read.
    fn note(&self) -> Option<Utf8PathBuf> {
        if self.inputs.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        let mut add = |part: &[u8]| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        add(self.cwd.as_str().as_bytes());
        for word in &self.hook.command {
            add(word.as_bytes());
        }
        for input in &self.inputs {
            add(input.as_str().as_bytes());
            add(&fs::read(self.cwd.join(input)).ok()?);
        }
        let name: String = hasher.finalize().to_hex().chars().take(32).collect();
        Some(self.notes.join(name))
    }
}

/// The most bytes of output that are kept.
const KEPT: usize = 64 * 1024;

/// The most characters of output that an error shows.
const SHOWN: usize = 1_500;

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(dir: &Utf8Path, script: &str, inputs: &[&str]) -> Setup {
        Setup {
            hook: Hook {
                command: ["sh", "-c", script].map(str::to_owned).into(),
                timeout: Duration::from_mins(1),
            },
            cwd: dir.to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            inputs: inputs.iter().map(Utf8PathBuf::from).collect(),
            notes: dir.join("notes"),
        }
    }

    #[tokio::test]
    async fn setup_runs_again_only_when_what_it_depends_on_changed() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        fs::write(dir.join("lock"), "1").unwrap();
        let cached = setup(dir, "echo x >> ran", &["lock"]);
        let ran = || fs::read_to_string(dir.join("ran")).unwrap().lines().count();
        cached.run().await.unwrap();
        cached.run().await.unwrap();
        assert_eq!(ran(), 1);
        fs::write(dir.join("lock"), "2").unwrap();
        cached.run().await.unwrap();
        assert_eq!(ran(), 2);
        let always = setup(dir, "echo x >> ran", &[]);
        always.run().await.unwrap();
        always.run().await.unwrap();
        assert_eq!(ran(), 4);
    }

    #[tokio::test]
    async fn a_setup_that_fails_says_what_it_printed_and_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        fs::write(dir.join("lock"), "1").unwrap();
        let failing = setup(dir, "echo no such package >&2; exit 3", &["lock"]);
        for _time in 0..2 {
            let message = failing.run().await.unwrap_err().to_string();
            assert!(message.contains("`setup`"), "{message}");
            assert!(message.contains("status 3"), "{message}");
            assert!(message.contains("no such package"), "{message}");
        }
    }
}
