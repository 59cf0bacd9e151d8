//! Runs an agent against an open replay.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::session::{Left, Replay};
use crate::agent::{
    AgentError, Ended, Ending, Environment, InputMode, Launch, Routing, Stdio, launch, prepare,
};
use crate::model::Timeline;

/// How an agent is run, whatever its input.
#[derive(Debug, Clone)]
pub struct AgentSpec {
    /// The command and its arguments, without the input.
    pub command: Vec<String>,
    /// The working directory.
    pub cwd: Utf8PathBuf,
    /// The environment, before anything of the run is added.
    pub environment: Environment,
    /// How the input reaches the agent.
    pub input: InputMode,
    /// The longest time it may run.
    pub timeout: Option<Duration>,
    /// Where its standard streams lead.
    pub stdio: Stdio,
    /// Whether Rewind's own standard input is a terminal.
    pub on_terminal: bool,
}

/// Why an agent could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The agent could not be run.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The directory or the input file of the run could not be made.
    #[error("failed to prepare the run's directory")]
    Directory(#[source] io::Error),
}

/// What became of a driven run.
#[derive(Debug)]
pub struct Driven {
    /// The finished timeline.
    pub timeline: Timeline,
    /// How the agent ended.
    pub ended: Ended,
}

/// Runs the agent against `replay` and finishes the timeline.
///
/// # Errors
/// The agent could not be run; the replay is closed all the same.
pub async fn drive(
    replay: Replay,
    spec: &AgentSpec,
    input: Option<&str>,
    cancel: impl Future<Output = ()>,
) -> Result<Driven, DriveError> {
    let run_dir = tempfile::Builder::new()
        .prefix("rewind-run-")
        .tempdir()
        .map_err(DriveError::Directory)?;
    let path = Utf8Path::from_path(run_dir.path())
        .ok_or_else(|| DriveError::Directory(io::ErrorKind::InvalidFilename.into()))?;
    let run = prepared(spec, input, path, &replay).map_err(DriveError::Directory)?;
    let ended = match launch(run, cancel).await {
        Ok(ended) => ended,
        Err(error) => {
            drop(replay.finish(Left::default()).await);
            return Err(error.into());
        }
    };
    let left = Left {
        exit: Some(ended.exit),
        stdout: ended.stdout.clone(),
        faults: faults(&ended, spec),
    };
    Ok(Driven { timeline: replay.finish(left).await, ended })
}

fn prepared(
    spec: &AgentSpec,
    input: Option<&str>,
    run_dir: &Utf8Path,
    replay: &Replay,
) -> io::Result<Launch> {
    let prepared = prepare(&spec.command, &spec.input, input);
    let mut environment = spec.environment.clone();
    let routing = Routing {
        base: replay.proxy().base(),
        placeholder: replay.proxy().placeholder_key(),
    };
    routing.apply(&mut environment);
    let own: BTreeMap<String, String> = [
        ("TMPDIR".to_owned(), run_dir.to_string()),
        ("REWIND_RUN_DIR".to_owned(), run_dir.to_string()),
    ]
    .into();
    environment.set(own);
    environment.set(prepared.variables);
    if let Some((path, content)) = prepared.file {
        std::fs::write(run_dir.join(path), content)?;
    }
    Ok(Launch {
        command: prepared.command,
        cwd: spec.cwd.clone(),
        env: environment.variables,
        stdin: prepared.stdin,
        stdio: spec.stdio,
        on_terminal: spec.on_terminal,
        timeout: spec.timeout,
    })
}

fn faults(ended: &Ended, spec: &AgentSpec) -> Vec<String> {
    match ended.ending {
        Ending::Own => Vec::new(),
        Ending::TimedOut => {
            let limit = spec.timeout.map_or(0, |limit| limit.as_secs());
            vec![format!("the agent ran longer than {limit} s and was ended")]
        }
        Ending::Cancelled => vec!["the run was cancelled".to_owned()],
        Ending::Interrupted => vec!["the run was interrupted by a signal".to_owned()],
    }
}
