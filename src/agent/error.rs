//! Why an agent could not be run.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::io::Errno;

use super::missing::command_hint;

/// Why an agent could not be run.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is no command.
    #[error("no command was given; write it after `--`, or as `[agent] command` in rewind.toml")]
    NoCommand,
    /// The command, or the interpreter that its first line names, does not exist.
    #[error("the agent's command `{command}` was not found{hint}")]
    NotFound {
        /// The command's first word.
        command: String,
        /// What was probably meant, and what to do.
        hint: String,
    },
    /// The interpreter is there, the script is not.
    #[error("the agent's script `{script}` does not exist in {cwd}{hint}")]
    NoScript {
        /// The script.
        script: String,
        /// The working directory.
        cwd: Utf8PathBuf,
        /// What was probably meant.
        hint: String,
    },
    /// A command around the agent failed.
    #[error("`{name}` of the agent ended with status {exit}: {command}\n{said}")]
    Hook {
        /// Its key in the configuration.
        name: &'static str,
        /// The command.
        command: String,
        /// Its exit status.
        exit: i32,
        /// The end of what it printed.
        said: String,
    },
    /// A command around the agent could not be run.
    #[error("`{name}` of the agent could not be run: {source}")]
    HookNotRun {
        /// Its key in the configuration.
        name: &'static str,
        /// Why not.
        source: Box<AgentError>,
    },
    /// A command around the agent ran too long.
    #[error("`{name}` of the agent ran longer than {seconds} s and was ended: {command}\n{said}")]
    HookTimedOut {
        /// Its key in the configuration.
        name: &'static str,
        /// The command.
        command: String,
        /// The longest time that it may take.
        seconds: u64,
        /// The end of what it printed.
        said: String,
    },
    /// The input does not fit into a command line or a variable.
    #[error(
        "the agent's command `{command}` could not be started: the system takes no argument or variable as large as its input; \
         let the agent read it with `input = \"stdin\"` or `input = \"json-file:PATH\"` in [agent] of rewind.toml"
    )]
    InputTooLarge {
        /// The command's first word.
        command: String,
    },
    /// The directory of the run, its port, or its input file could not be made.
    #[error("failed to prepare the run's directory: {0}")]
    Directory(#[source] io::Error),
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
    #[error(
        "the agent's working directory {path} does not exist; make it, or write another `cwd` into [agent] of rewind.toml"
    )]
    NoDirectory {
        /// The directory.
        path: Utf8PathBuf,
    },
    /// The system refused a process, a signal handler or a wait.
    #[error("the agent's command `{command}` could not be {what}: {source}")]
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
            Self::NotFound { .. } | Self::NoScript { .. } => 127,
            Self::NotExecutable { .. } => 126,
            Self::NoCommand
            | Self::NoDirectory { .. }
            | Self::Hook { .. }
            | Self::HookNotRun { .. }
            | Self::HookTimedOut { .. }
            | Self::InputTooLarge { .. }
            | Self::Directory(_)
            | Self::System { .. } => 125,
        }
    }
}

/// Returns the error for a command that did not start.
pub(super) fn not_started(
    program: &str,
    cwd: &Utf8Path,
    path: Option<&str>,
    source: io::Error,
) -> AgentError {
    let command = program.to_owned();
    match source.raw_os_error() {
        Some(code) if code == Errno::NOENT.raw_os_error() => AgentError::NotFound {
            hint: command_hint(program, cwd, path),
            command,
        },
        Some(code)
            if NOT_EXECUTABLE
                .iter()
                .any(|errno| errno.raw_os_error() == code) =>
        {
            AgentError::NotExecutable { command, source }
        }
        Some(code) if code == Errno::TOOBIG.raw_os_error() => AgentError::InputTooLarge { command },
        Some(_) | None => AgentError::System {
            command,
            what: "started",
            source,
        },
    }
}

/// What the system answers for files that are no programs.
const NOT_EXECUTABLE: [Errno; 3] = [Errno::ACCESS, Errno::NOEXEC, Errno::ISDIR];
