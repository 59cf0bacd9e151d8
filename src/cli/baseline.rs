//! The grammar of `rewind baseline`, and its hand-over to the commands.

use std::io::Write;

use camino::Utf8PathBuf;
use clap::{Args as ClapArgs, Subcommand};
use tokio::runtime::Runtime;

use super::args::Upstream;
use super::dispatch::backend;
use super::report_args::dollars;
use crate::command::baseline::{
    self, AcceptOptions, CheckOptions, CreateOptions, ListOptions, Place, ReviewOptions,
    SampleOptions,
};
use crate::command::{CommandError, Context};
use crate::exit::Exit;

#[derive(Debug, ClapArgs)]
pub(super) struct Baseline {
    /// Directory of the baselines [default: `[gate] baselines`, else baselines]
    #[arg(long, value_name = "DIR", global = true)]
    baselines: Option<Utf8PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a baseline from a recorded session, with drafted checks, and prove that it is stable
    Create(Create),
    /// List the baselines
    List {
        /// Only those that want to be looked at, and why
        #[arg(long)]
        stale: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a baseline: forks, checks, and what was accepted
    Show {
        /// The baseline
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Validate all baselines; nothing goes live
    Check(Check),
    /// Show what the last gate run left to be accepted; on a terminal, accept or reject it
    Review {
        /// Directory that the gate wrote
        #[arg(long, value_name = "DIR", default_value = "rewind-report")]
        from: Utf8PathBuf,
    },
    /// Run the unchanged agent live some times more, and add what it came to, to the accepted evidence
    Sample(Sample),
    /// Accept what the last gate run left: it becomes the evidence that runs are compared with
    Accept(Accept),
    /// Remove a baseline
    Rm {
        /// The baseline
        name: String,
    },
}

#[derive(Debug, ClapArgs)]
struct Create {
    /// `latest`, an id, the beginning of an id, or a name
    #[arg(default_value = "latest")]
    session: String,
    /// Name of the baseline
    #[arg(long)]
    name: String,
    /// Where a live run begins: N, tool:NAME#N, agent:NAME, start, last or auto (repeatable)
    /// [default: the fork point of the reference, else last; and auto]
    #[arg(long, value_name = "POINT")]
    from: Vec<String>,
    /// Timeline that is held up as right [default: main, or the newest fork where main failed]
    #[arg(long, value_name = "LABEL")]
    reference: Option<String>,
    /// A word to select baselines by (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Folder for the recording that several baselines share, such as recordings/tokyo
    #[arg(long, value_name = "DIR")]
    recording: Option<Utf8PathBuf>,
    /// How often the unchanged agent is replayed, offline
    #[arg(
        long,
        value_name = "N",
        default_value_t = 3,
        conflicts_with = "unverified"
    )]
    stability: u32,
    /// Add the rules that make the replays equal to rewind.toml
    #[arg(long, conflicts_with = "unverified")]
    fix: bool,
    /// Don't replay the agent
    #[arg(long)]
    unverified: bool,
    /// Who has looked at the personal data in the recording and lets it stay
    #[arg(long, value_name = "WHO")]
    reviewed_by: Option<String>,
    /// Why, for the record
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
struct Check {
    /// Only baselines whose name fits this glob (repeatable)
    #[arg(long, value_name = "GLOB")]
    filter: Vec<String>,
    /// Replay the unchanged agent of each, offline
    #[arg(long)]
    replay: bool,
    /// How often
    #[arg(long, value_name = "N", default_value_t = 3)]
    stability: u32,
    /// Fail where a recording has personal data that nobody has looked at
    #[arg(long)]
    data: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Sample {
    /// The baseline
    name: String,
    /// How many samples of each fork
    #[arg(short, long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1000))]
    number: u32,
    /// Ask the model, which costs money
    #[arg(long)]
    live: bool,
    /// Only this fork (repeatable) [default: all of the baseline but auto]
    #[arg(long, value_name = "POINT")]
    from: Vec<String>,
    /// How many agents run at once [default: the number of cores]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// The most dollars for live calls [default: `[gate] max_usd`, else 2.00]
    #[arg(long, value_name = "USD", value_parser = dollars)]
    max_usd: Option<f64>,
    /// Why, for the record
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    upstream: Upstream,
}

#[derive(Debug, ClapArgs)]
struct Accept {
    /// The baselines [default: all that are pending]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Directory that the gate wrote
    #[arg(long, value_name = "DIR", default_value = "rewind-report")]
    from: Utf8PathBuf,
    /// Why, for the record
    #[arg(long)]
    reason: Option<String>,
    /// Make the pending live run the recording, too
    #[arg(long)]
    rerecord: bool,
}

/// Runs `rewind baseline …`.
pub(super) fn run(
    typed: Baseline,
    store: Option<Utf8PathBuf>,
    config: Option<Utf8PathBuf>,
    context: &Context,
    runtime: &Runtime,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let place = Place {
        store,
        config,
        baselines: typed.baselines,
    };
    let mut err = anstream::stderr();
    match typed.command {
        Command::Create(typed) => {
            let options = CreateOptions {
                place,
                session: typed.session,
                name: typed.name,
                from: typed.from,
                reference: typed.reference,
                tags: typed.tags,
                recording: typed.recording,
                stability: typed.stability,
                fix: typed.fix,
                unverified: typed.unverified,
                reviewed_by: typed.reviewed_by,
                reason: typed.reason,
            };
            runtime.block_on(baseline::create(&options, context, out, &mut err))
        }
        Command::List { stale, json } => {
            baseline::list(&ListOptions { place, stale, json }, context, out)
        }
        Command::Show { name, json } => baseline::show(&place, &name, json, context, out),
        Command::Check(typed) => {
            let options = CheckOptions {
                place,
                filter: typed.filter,
                replay: typed.replay,
                stability: typed.stability,
                data: typed.data,
                json: typed.json,
            };
            runtime.block_on(baseline::check(&options, context, out, &mut err))
        }
        Command::Review { from } => baseline::review(&ReviewOptions { place, from }, context, out),
        Command::Sample(typed) => {
            let options = SampleOptions {
                place,
                name: typed.name,
                number: typed.number,
                live: typed.live,
                from: typed.from,
                jobs: typed.jobs,
                max_usd: typed.max_usd,
                reason: typed.reason,
                upstream: backend(typed.upstream),
            };
            runtime.block_on(baseline::sample(&options, context, out, &mut err))
        }
        Command::Accept(typed) => {
            let options = AcceptOptions {
                place,
                names: typed.names,
                from: typed.from,
                reason: typed.reason,
                rerecord: typed.rerecord,
            };
            baseline::accept(&options, context, out)
        }
        Command::Rm { name } => baseline::remove(&place, &name, context, out),
    }
}
