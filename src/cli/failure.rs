//! Tells the user what went wrong.

use std::io::Write as _;
use std::process::ExitCode;

use crate::command::CommandError;
use crate::exit::Exit;

/// Prints clap's message (help and version go to standard output) and returns its exit code.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // A closed pipe is no failure.
    drop(error.print());
    if error.use_stderr() {
        ExitCode::from(Exit::Usage.code())
    } else {
        ExitCode::SUCCESS
    }
}

/// Prints a command's error with its causes and remedy, and returns its exit code.
pub(super) fn report(error: &CommandError) -> ExitCode {
    let mut stderr = anstream::stderr().lock();
    let mut text = format!("error: {}\n", error.message());
    if let Some(help) = &error.help {
        text.push_str("help: ");
        text.push_str(help);
        text.push('\n');
    }
    drop(stderr.write_all(text.as_bytes()));
    ExitCode::from(error.exit.code())
}
