//! The error of a command: what happened, what to do, and the exit code.

use std::error::Error;

use crate::exit::Exit;

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
        let mut message = self.cause.to_string();
        let mut source = self.cause.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            source = cause.source();
        }
        message
    }
}
