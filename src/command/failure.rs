//! The error of a command: what happened, what to do, and the exit code.

use std::error::Error;

use crate::exit::Exit;
use crate::text::with_causes;

/// Why a command could not do its work.
#[derive(Debug)]
pub struct CommandError {
    /// The exit code.
    pub exit: Exit,
    /// What happened; the chain of sources says why.
    pub cause: Box<dyn Error + Send + Sync>,
    /// What the user can do.
    pub help: Option<String>,
}

impl CommandError {
    /// Returns an error of usage or configuration.
    pub fn usage(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            exit: Exit::Usage,
            cause: cause.into(),
            help: None,
        }
    }

    /// Returns the error with a different exit code.
    #[must_use]
    pub fn exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Returns the error with a remedy.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// Returns the message with its causes, joined by colons, without repetition.
    pub fn message(&self) -> String {
        with_causes(self.cause.as_ref())
    }
}
