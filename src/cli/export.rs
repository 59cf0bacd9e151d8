//! The grammar of `rewind export`, and its hand-over to the command.

use std::io::Write;

use camino::Utf8PathBuf;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use tokio::runtime::Runtime;

use crate::command::export::{self, ExportOptions, Scores};
use crate::command::{CommandError, Context};
use crate::exit::Exit;
use crate::interop::export::ScoreApi;

#[derive(Debug, ClapArgs)]
pub(super) struct Export {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a session to a backend that takes OpenTelemetry spans, such as Langfuse, Phoenix or MLflow
    Otel(Otel),
}

#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
struct Otel {
    /// `latest`, an id, the beginning of an id, or a name
    #[arg(default_value = "latest")]
    session: String,
    /// Timeline to send [default: the newest]
    #[arg(long, value_name = "LABEL", conflicts_with = "all")]
    timeline: Option<String>,
    /// Send all timelines, each as a trace of its own
    #[arg(long)]
    all: bool,
    /// Where to send; `/v1/traces` is added, and the path of Langfuse [default: `OTEL_EXPORTER_OTLP_ENDPOINT`]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// How to encode: http/protobuf or http/json [default: `OTEL_EXPORTER_OTLP_PROTOCOL`, else http/protobuf]
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<String>,
    /// Send this header along (repeatable)
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// Send prompts, answers and tool content along
    #[arg(long)]
    include_content: bool,
    /// Where scores of `eval score` go along: langfuse, phoenix or none [default: found by the endpoint]
    #[arg(long, value_name = "BACKEND")]
    scores: Option<ScoresTo>,
    /// Print the spans and scores as JSON and send nothing
    #[arg(long)]
    dry_run: bool,
}

/// Whose way of taking scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScoresTo {
    Langfuse,
    Phoenix,
    None,
}

/// Runs what was typed.
pub(super) fn run(
    typed: Export,
    store: Option<Utf8PathBuf>,
    context: &Context,
    runtime: &Runtime,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let Command::Otel(typed) = typed.command;
    let options = ExportOptions {
        store,
        session: typed.session,
        timeline: typed.timeline,
        all: typed.all,
        endpoint: typed.endpoint,
        protocol: typed.protocol,
        headers: typed.headers,
        include_content: typed.include_content,
        scores: match typed.scores {
            None => Scores::Automatic,
            Some(ScoresTo::Langfuse) => Scores::To(ScoreApi::Langfuse),
            Some(ScoresTo::Phoenix) => Scores::To(ScoreApi::Phoenix),
            Some(ScoresTo::None) => Scores::Stay,
        },
        dry_run: typed.dry_run,
    };
    runtime.block_on(export::run(&options, context, out))
}
