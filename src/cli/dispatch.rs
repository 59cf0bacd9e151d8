//! Hands what was typed to the command that answers.

use clap::CommandFactory as _;

use super::args::{Args, Command};
use crate::command::{CommandError, Context};
use crate::exit::Exit;

/// Runs the command.
pub(super) fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let _ = context;
    let mut out = anstream::stdout().lock();
    match args.command {
        Command::Completions(options) => {
            clap_complete::generate(options.shell, &mut Args::command(), "rewind", &mut out);
            Ok(Exit::Pass)
        }
        _ => Err(CommandError::usage("not wired yet")),
    }
}
