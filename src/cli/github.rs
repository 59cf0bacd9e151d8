//! The grammar of `rewind github`, and its hand-over to the commands.

use std::io::Write;
use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use tokio::runtime::Runtime;

use crate::command::github::{
    self, AcceptOptions, CheckOptions, CommentOptions, ContextOptions, IssueOptions, LabelOptions,
    OverrideOptions, PendingOptions, ProposeOptions, TellOptions, TrustOptions,
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
        /// Title of the issue [default: says whether the run is red or a baseline has drifted]
        #[arg(long)]
        title: Option<String>,
    },
    /// Commit what a gate left to be accepted, where somebody who may has set the label
    Accept {
        #[command(flatten)]
        pending: Pending,
        /// Label that accepts
        #[arg(long, default_value = "rewind:accept")]
        label: String,
        #[command(flatten)]
        who: Who,
        /// Workflow to start on the new commit, such as gate.yml
        #[arg(long, value_name = "FILE")]
        dispatch: Option<String>,
        /// File for the patch, where the change comes from a fork
        #[arg(long, value_name = "FILE", default_value = "rewind.patch")]
        patch: Utf8PathBuf,
    },
    /// Make the check run of one commit neutral, where somebody who may has set the label and said why
    Override {
        /// Label that overrides
        #[arg(long, default_value = "rewind:override")]
        label: String,
        #[command(flatten)]
        who: Who,
        /// Name in the list of checks
        #[arg(long, default_value = "Rewind")]
        name: String,
    },
    /// Open or refresh the pull request that brings what a run without one left to be accepted
    Propose {
        #[command(flatten)]
        pending: Pending,
        /// Label of the pull request
        #[arg(long, default_value = "rewind:baseline-update")]
        label: String,
        #[command(flatten)]
        who: Who,
        /// Branch of the pull request; it is made anew each time
        #[arg(long, default_value = "rewind/baseline-update")]
        branch: String,
        /// Branch that it is for [default: that of the job]
        #[arg(long)]
        base: Option<String>,
    },
    /// Write which baselines that the change altered were accepted by label, for `rewind gate --trusted`
    Trust {
        /// Base of the change
        #[arg(long, value_name = "REF")]
        policy_from: String,
        /// Directory of the baselines [default: `[gate] baselines`, else baselines]
        #[arg(long, value_name = "DIR")]
        baselines: Option<Utf8PathBuf>,
        /// File to write
        #[arg(
            short,
            long,
            value_name = "FILE",
            default_value = "rewind-trusted.json"
        )]
        output: Utf8PathBuf,
        /// Label that accepts
        #[arg(long, default_value = "rewind:accept")]
        label: String,
        #[command(flatten)]
        who: Who,
    },
}

/// What a gate left, and where the baselines are.
#[derive(Debug, ClapArgs)]
struct Pending {
    /// Folder that the gate wrote
    #[arg(default_value = "rewind-report")]
    from: Utf8PathBuf,
    /// Directory of the baselines [default: `[gate] baselines`, else baselines]
    #[arg(long, value_name = "DIR")]
    baselines: Option<Utf8PathBuf>,
    /// Base of the change, as the gate had it
    #[arg(long, value_name = "REF")]
    policy_from: Option<String>,
}

/// Who speaks.
#[derive(Debug, ClapArgs)]
struct Who {
    /// Which of several gates of the repository speaks
    #[arg(long, default_value = "gate")]
    key: Key,
    /// Who the token is [default: asked for]
    #[arg(long, value_name = "LOGIN")]
    author: Option<String>,
    /// How long to wait for GitHub in all, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    max_wait: u64,
}

/// What all that tell share.
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
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each command, without logic"
)]
pub(super) fn run(
    typed: Github,
    config: Option<Utf8PathBuf>,
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
        Command::Accept {
            pending: typed,
            label,
            who,
            dispatch,
            patch,
        } => {
            let options = AcceptOptions {
                label: labelled(label, who),
                pending: pending(typed, config),
                dispatch,
                patch,
            };
            runtime.block_on(github::accept(&options, context, out))
        }
        Command::Override { label, who, name } => {
            let options = OverrideOptions {
                label: labelled(label, who),
                name,
            };
            runtime.block_on(github::override_run(&options, context, out))
        }
        Command::Propose {
            pending: typed,
            label,
            who,
            branch,
            base,
        } => {
            let options = ProposeOptions {
                label: labelled(label, who),
                pending: pending(typed, config),
                branch,
                base,
            };
            runtime.block_on(github::propose(&options, context, out))
        }
        Command::Trust {
            policy_from,
            baselines,
            output,
            label,
            who,
        } => {
            let options = TrustOptions {
                policy_from,
                config,
                baselines,
                output,
                label,
                author: who.author,
                max_wait: Duration::from_secs(who.max_wait),
            };
            runtime.block_on(github::trust(&options, context, out))
        }
    }
}

fn labelled(label: String, who: Who) -> LabelOptions {
    LabelOptions {
        label,
        key: who.key,
        author: who.author,
        max_wait: Duration::from_secs(who.max_wait),
    }
}

fn pending(typed: Pending, config: Option<Utf8PathBuf>) -> PendingOptions {
    PendingOptions {
        from: typed.from,
        config,
        baselines: typed.baselines,
        policy_from: typed.policy_from,
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
