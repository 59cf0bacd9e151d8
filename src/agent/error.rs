//! Why an agent could not be run.

use std::io;

use camino::Utf8PathBuf;
use rustix::io::Errno;

/// Why an agent could not be run.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is no command.
    #[error("no command was given; write it after `--`")]
    NoCommand,
    /// The command, or the interpreter that its first line names, does not exist.
    #[error("the agent's command `{command}` was not found; check its spelling and PATH")]
    NotFound {
        /// The command's first word.
        command: String,
    },
    /// The command is no program that may be run.
    #[error(
        "the agent's command `{command}` can't be executed: {source}; is it a program, with the x bit set?"
    )]
    NotExecutable {
        /// The command's first word.
        command: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The working directory is missing.
    #[error("the agent's working directory {path} does not exist")]
    NoDirectory {
        /// The directory.
        path: Utf8PathBuf,
    },
    /// The system refused a process, a signal handler or a wait.
    #[error("the agent's command `{command}` could not be {what}")]
    System {
        /// The command's first word.
        command: String,
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

impl AgentError {
    /// Returns the exit status that a shell would give: 127 not found, 126 not executable, else 125.
    pub fn status(&self) -> u8 {
        match self {
            Self::NotFound { .. } => 127,
            Self::NotExecutable { .. } => 126,
            Self::NoCommand | Self::NoDirectory { .. } | Self::System { .. } => 125,
        }
    }
}

/// Returns the error for a command that did not start.
pub(super) fn not_started(program: &str, source: io::Error) -> AgentError {
    let command = program.to_owned();
    match source.raw_os_error() {
        Some(code) if code == Errno::NOENT.raw_os_error() => AgentError::NotFound { command },
        Some(code)
            if NOT_EXECUTABLE
                .iter()
                .any(|errno| errno.raw_os_error() == code) =>
        {
            AgentError::NotExecutable { command, source }
        }
        Some(_) | None => AgentError::System {
            command,
            what: "started",
            source,
        },
    }
}

/// What the system answers for files that are no programs.
const NOT_EXECUTABLE: [Errno; 3] = [Errno::ACCESS, Errno::NOEXEC, Errno::ISDIR];
