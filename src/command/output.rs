//! What commands write: results that somebody may stop reading, and words beside them.

use std::io::{self, Write};

use super::CommandError;
use crate::exit::Exit;

/// Writes a value as JSON.
pub(super) fn json(value: &impl serde::Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    writeln!(out, "{text}")
}

/// Returns success for output that was written or that nobody reads any more.
///
/// # Errors
/// The output can't be written.
pub(super) fn written(result: io::Result<()>) -> Result<Exit, CommandError> {
    match result {
        Ok(()) => Ok(Exit::Pass),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Pass),
        Err(error) => Err(CommandError::usage(error)),
    }
}

/// Writes words for the user beside the result; where nobody reads them, the command goes on.
pub(super) fn say(err: &mut dyn Write, text: &str) {
    if let Err(error) = err.write_all(text.as_bytes()).and_then(|()| err.flush()) {
        tracing::debug!(%error, "standard error is closed");
    }
}

/// Returns a text on one line, without characters that steer a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
