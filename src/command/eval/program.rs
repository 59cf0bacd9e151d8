//! Programs that judge: run with the agent's environment, which has no key of a judge.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::super::{Context, agent_spec};
use crate::agent::{Ending, Launch, Stdio, launch};
use crate::config::{Config, ExecEvaluator};
use crate::judge::Program;

/// A program that judges.
#[derive(Clone)]
pub(super) struct Ran {
    command: Vec<String>,
    cwd: Utf8PathBuf,
    env: BTreeMap<String, String>,
    timeout: Duration,
}

impl Ran {
    /// Returns the program of an evaluator; it works beside the configuration.
    pub(super) fn new(evaluator: &ExecEvaluator, config: &Config, context: &Context) -> Self {
        let stdio = Stdio::Capture { limit: 0 };
        let agent = agent_spec(config, &[], stdio, context);
        Self {
            command: evaluator.command.clone(),
            cwd: config.judges().to_owned(),
            env: agent.environment.variables,
            timeout: evaluator.timeout.map_or(DEFAULT_TIMEOUT, |time| time.0),
        }
    }

    async fn ended(&self, stdin: String) -> Result<Vec<u8>, String> {
        let run = Launch {
            command: self.command.clone(),
            cwd: self.cwd.clone(),
            env: self.env.clone(),
            stdin: Some(stdin),
            stdio: Stdio::Capture {
                limit: STDOUT_LIMIT,
            },
            on_terminal: false,
            timeout: Some(self.timeout),
        };
        let ended = launch(run, std::future::pending());
        let ended = ended.await.map_err(|error| error.to_string())?;
        match ended.ending {
            Ending::Own => {}
            Ending::TimedOut => {
                let limit = self.timeout.as_secs_f64();
                return Err(format!("it ran longer than {limit} s and was ended"));
            }
            Ending::Cancelled | Ending::Interrupted => return Err("it was interrupted".to_owned()),
        }
        if ended.exit != 0 {
            let stderr = String::from_utf8_lossy(&ended.stderr);
            let last = stderr.lines().rfind(|line| !line.trim().is_empty());
            let said = last.map_or(String::new(), |line| {
                let line: String = line.trim().chars().take(MOST_SAID).collect();
                format!(": {line}")
            });
            return Err(format!("it exited with status {}{said}", ended.exit));
        }
        Ok(ended.stdout.unwrap_or_default())
    }
}

impl Program for Ran {
    fn run(&self, stdin: String) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        self.ended(stdin).boxed()
    }
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values of variables are nobody's business.
        f.debug_struct("Ran")
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

/// How long a program may run where nothing is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// The most bytes of a verdict.
const STDOUT_LIMIT: usize = 1 << 20;

/// The most characters of an error that are shown.
const MOST_SAID: usize = 300;
