//! The command line: what was typed, the world around it, and which command answers.

mod args;
mod baseline;
mod context;
mod dispatch;
mod eval;
mod export;
mod failure;
mod github;
mod history;
mod import;
mod log;
mod report_args;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the program with the arguments and the environment of this process.
pub fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return failure::usage(&error),
    };
    log::init(args.global.verbose);
    let context = context::from_process();
    match dispatch::run(args, &context) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => failure::report(&error),
    }
}
