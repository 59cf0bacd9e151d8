//! Why a server could not be stood in for.

use std::io;

/// Why a server could not be stood in for.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// The server's command can't be started.
    #[error("the MCP server `{command}` can't be started; is it installed, and on PATH?")]
    Start {
        /// The first word of its command.
        command: String,
        /// The system's answer.
        source: io::Error,
    },
    /// There is no command.
    #[error("no server was given; write its command after `--`")]
    NoCommand,
    /// The client's or the server's stream is broken.
    #[error("the {whose} stream broke")]
    Stream {
        /// Whose it is.
        whose: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The server's stream is none, or does not say where messages go.
    #[error(
        "the MCP server was recorded with a stream of events, and now answers with status {} \
         and no such stream",
        .0.as_u16()
    )]
    NoStream(http::StatusCode),
    /// The server can't be reached.
    #[error("the MCP server can't be reached")]
    Unreachable(#[source] crate::proxy::BackendError),
    /// Signals can't be waited for.
    #[error("signals can't be waited for")]
    Signals(#[source] io::Error),
}

impl McpError {
    /// Returns the exit status that a shell would give.
    pub fn status(&self) -> u8 {
        match self {
            Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            Self::Start { .. } => 126,
            Self::NoCommand
            | Self::Stream { .. }
            | Self::NoStream(_)
            | Self::Unreachable(_)
            | Self::Signals(_) => 125,
        }
    }
}
