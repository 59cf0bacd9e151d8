//! The grammar of `rewind github`, and its hand-over to the commands.

use std::io::Write;
use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use tokio::runtime::Runtime;

use crate::command::github::{
    self, CheckOptions, CommentOptions, ContextOptions, IssueOptions, TellOptions,
};
use crate::command::{CommandError, Context};
use crate::exit::Exit;
use crate::github::Key;
use crate::github::comment::When;

#[derive(Debug, ClapArgs)]
pub(super) struct Github {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what this job is: the change, where it comes from, whether its code may be run
    Context {
        /// Print JSON instead of lines for `$GITHUB_OUTPUT`
        #[arg(long)]
        json: bool,
    },
    /// Write the one comment on the pull request, or bring it up to date
    Comment {
        #[command(flatten)]
        tell: Tell,
        /// When a comment is written
        #[arg(long, value_enum, value_name = "WHEN", default_value_t = Mode::Always)]
        mode: Mode,
        /// Number of the pull request [default: that of the event]
        #[arg(long, value_name = "N")]
        pr: Option<u64>,
    },
    /// Write a check run on the commit, or bring it up to date
    Check {
        #[command(flatten)]
        tell: Tell,
        /// Name in the list of checks
        #[arg(long, default_value = "Rewind")]
        name: String,
    },
    /// Open, update or close the issue about runs that nobody waits for
    Issue {
        #[command(flatten)]
        tell: Tell,
        /// Label of such issues
        #[arg(long, default_value = "rewind:nightly")]
        label: String,
        /// Title of the issue
        #[arg(long, default_value = "Rewind: the nightly run is red")]
        title: String,
    },
}

/// What all of them share.
#[derive(Debug, ClapArgs)]
struct Tell {
    /// Report, or the folder that holds it; where there is none, that is told
    #[arg(default_value = "rewind-report")]
    path: Utf8PathBuf,
    /// Which of several gates of the repository speaks
    #[arg(long, default_value = "gate")]
    key: Key,
    /// Who the token is [default: asked for]
    #[arg(long, value_name = "LOGIN")]
    author: Option<String>,
    /// Page of the whole report, to link to
    #[arg(long, value_name = "URL")]
    report_url: Option<String>,
    /// How long to wait for GitHub in all, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    max_wait: u64,
    /// End with exit 3 where GitHub could not be told
    #[arg(long)]
    strict: bool,
}

/// When a comment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// For each run
    Always,
    /// Where a verdict differs from what the comment says, or from what was accepted
    OnChange,
    /// For a red run; a comment that is there is kept up to date
    OnFailure,
    /// Never
    Never,
}

/// Runs the command.
pub(super) fn run(
    typed: Github,
    context: &Context,
    runtime: &Runtime,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    match typed.command {
        Command::Context { json } => github::context(ContextOptions { json }, context, out),
        Command::Comment { tell, mode, pr } => {
            let options = CommentOptions {
                tell: options(tell),
                when: match mode {
                    Mode::Always => When::Always,
                    Mode::OnChange => When::OnChange,
                    Mode::OnFailure => When::OnFailure,
                    Mode::Never => When::Never,
                },
                pull: pr,
            };
            runtime.block_on(github::comment(&options, context, out))
        }
        Command::Check { tell, name } => {
            let options = CheckOptions {
                tell: options(tell),
                name,
            };
            runtime.block_on(github::check(&options, context, out))
        }
        Command::Issue { tell, label, title } => {
            let options = IssueOptions {
                tell: options(tell),
                label,
                title,
            };
            runtime.block_on(github::issue(&options, context, out))
        }
    }
}

fn options(typed: Tell) -> TellOptions {
    TellOptions {
        path: typed.path,
        key: typed.key,
        author: typed.author,
        report_url: typed.report_url,
        max_wait: Duration::from_secs(typed.max_wait),
        strict: typed.strict,
    }
}
