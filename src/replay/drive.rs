//! Runs an agent against an open replay.

use std::future::Future;
use std::io;

use super::session::{Finished, Left, Replay};
use crate::agent::{AgentError, AgentSpec, Ended, Ending, RunDir};

/// Why an agent could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The agent could not be run.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The directory of the run could not be made.
    #[error("failed to prepare the run's directory")]
    Directory(#[source] io::Error),
}

/// What became of a driven run.
#[derive(Debug)]
pub struct Driven {
    /// What the replay became.
    pub finished: Finished,
    /// How the agent ended.
    pub ended: Ended,
    /// The directory of the run, with what the agent wrote there.
    pub run_dir: RunDir,
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
    let run_dir = RunDir::create().map_err(DriveError::Directory)?;
    let routing = replay.routing();
    let mut ended = match spec.execute(input, &routing, &run_dir, cancel).await {
        Ok(ended) => ended,
        Err(error) => {
            drop(replay.finish(Left::default()).await);
            return Err(error.into());
        }
    };
    ended.faults.extend(replay.cut_off());
    let left = Left {
        exit: Some(ended.exit),
        stdout: ended.stdout.clone(),
        faults: faults(&ended, spec),
    };
    Ok(Driven {
        finished: replay.finish(left).await,
        ended,
        run_dir,
    })
}

fn faults(ended: &Ended, spec: &AgentSpec) -> Vec<String> {
    let ending = match ended.ending {
        Ending::Own => Vec::new(),
        Ending::TimedOut => {
            let limit = spec.timeout.map_or(0, |limit| limit.as_secs());
            vec![format!("the agent ran longer than {limit} s and was ended")]
        }
        Ending::Cancelled => vec!["the run was cancelled".to_owned()],
        Ending::Interrupted => vec!["the run was interrupted by a signal".to_owned()],
    };
    ending.into_iter().chain(ended.faults.clone()).collect()
}
