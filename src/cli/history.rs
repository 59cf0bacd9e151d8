//! The grammar of `rewind history`, and its hand-over to the command.

use std::io::Write;

use camino::Utf8PathBuf;
use clap::{Args as ClapArgs, Subcommand};

use crate::command::history::{self, AddOptions, BranchOptions, FetchOptions, ShowOptions};
use crate::command::{CommandError, Context};
use crate::exit::Exit;

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct History {
    #[command(subcommand)]
    command: Option<Command>,
    /// Show what an enforced gate would have blocked, what became of that, and whether to enforce
    #[arg(long, conflicts_with = "baseline")]
    would_have_blocked: bool,
    #[command(flatten)]
    show: Show,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a run; one that is there already changes nothing
    Add {
        /// Report, or the folder that holds it
        #[arg(long, value_name = "FILE", default_value = "rewind-report")]
        report: Utf8PathBuf,
        /// History to add it to [default: `[report] history`, else history.jsonl]
        #[arg(long, value_name = "FILE")]
        to: Option<Utf8PathBuf>,
        /// Add it on this branch, through git, instead of here; the branch is made where it is not there
        #[arg(long, value_name = "BRANCH")]
        branch: Option<String>,
        /// Remote that the branch is in
        #[arg(
            long,
            value_name = "NAME",
            default_value = "origin",
            requires = "branch"
        )]
        remote: String,
    },
    /// Write the history that a branch holds to a file
    Fetch {
        /// Branch that holds it
        #[arg(long, value_name = "BRANCH")]
        branch: String,
        /// Remote that the branch is in
        #[arg(long, value_name = "NAME", default_value = "origin")]
        remote: String,
        /// File to write; the branch holds one of the same name [default: `[report] history`, else history.jsonl]
        #[arg(long, value_name = "FILE")]
        to: Option<Utf8PathBuf>,
    },
    /// Show the trend of each baseline, how often it contradicts itself, and what has drifted
    Show(Show),
}

#[derive(Debug, ClapArgs)]
struct Show {
    /// History to read [default: `[report] history`, else history.jsonl]
    #[arg(long, value_name = "FILE")]
    file: Option<Utf8PathBuf>,
    /// Only this baseline, run by run
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// Only the last so many runs
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(
    typed: History,
    config: Option<Utf8PathBuf>,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let options = |typed: Show| ShowOptions {
        config: config.clone(),
        file: typed.file,
        baseline: typed.baseline,
        last: typed.last,
        json: typed.json,
    };
    match typed.command {
        Some(Command::Add {
            report,
            to,
            branch,
            remote,
        }) => {
            let branch = branch.map(|name| BranchOptions { name, remote });
            let options = AddOptions {
                config,
                report,
                to,
                branch,
            };
            history::add(&options, context, out)
        }
        Some(Command::Fetch {
            branch: name,
            remote,
            to,
        }) => {
            let branch = BranchOptions { name, remote };
            let options = FetchOptions { config, branch, to };
            history::fetch(&options, context, out)
        }
        Some(Command::Show(typed)) => history::show(&options(typed), context, out),
        None if typed.would_have_blocked => {
            history::would_have_blocked(&options(typed.show), context, out)
        }
        None => history::show(&options(typed.show), context, out),
    }
}
