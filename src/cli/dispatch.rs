//! Hands what was typed to the command that answers.

use std::time::Duration;

use clap::CommandFactory as _;
use tokio::runtime::{Builder, Runtime};

use super::args::{Args, Command, Upstream};
use crate::command::record::{self, RecordOptions};
use crate::command::{BackendOptions, CommandError, Context};
use crate::config::Period;
use crate::exit::Exit;

/// Runs the command.
pub(super) fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let mut out = anstream::stdout().lock();
    match args.command {
        Command::Completions(options) => {
            clap_complete::generate(options.shell, &mut Args::command(), "rewind", &mut out);
            Ok(Exit::Pass)
        }
        Command::Record(typed) => {
            let options = RecordOptions {
                store: args.global.store,
                config: args.global.config,
                name: typed.name,
                upstream: backend(typed.upstream),
                live: typed.live,
                timeout: timeout(typed.timeout.as_deref())?,
                command: typed.command,
            };
            let mut err = anstream::stderr();
            drop(out);
            runtime()?.block_on(record::run(&options, context, &mut err))
        }
        _ => Err(CommandError::usage("not wired yet")),
    }
}

fn backend(typed: Upstream) -> BackendOptions {
    BackendOptions {
        overrides: typed.upstream,
        script: typed.scripted,
        key_file: typed.key_file,
    }
}

fn timeout(typed: Option<&str>) -> Result<Option<Duration>, CommandError> {
    typed
        .map(|text| text.parse::<Period>().map(|period| period.0))
        .transpose()
        .map_err(CommandError::usage)
}

fn runtime() -> Result<Runtime, CommandError> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CommandError::usage)
}
