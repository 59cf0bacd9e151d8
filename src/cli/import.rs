//! `rewind import`: the grammar, and the way to the command.

use std::io::Write;
use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use tokio::runtime::Runtime;

use super::args::Global;
use crate::command::import::{
    ImportOptions, LangfuseOptions, OtelOptions, OtherOptions, from_helicone, from_langfuse,
    from_langsmith, from_otel,
};
use crate::command::{CommandError, Context, session};
use crate::config::Period;
use crate::exit::Exit;
use crate::interop::langfuse::LangfuseApi;

/// Where a session comes from.
#[derive(Debug, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
pub(super) struct Import {
    /// Folder of a session that was exported
    #[arg(required = true)]
    dir: Option<Utf8PathBuf>,
    #[command(subcommand)]
    from: Option<From>,
}

#[derive(Debug, Subcommand)]
enum From {
    /// Make sessions of traces in Langfuse
    #[command(name = "from-langfuse")]
    Langfuse(Box<FromLangfuse>),
    /// Make sessions of OpenTelemetry spans: files, or what an exporter sends
    Otel(Otel),
    /// Make sessions of traces in LangSmith
    #[command(name = "from-langsmith")]
    Langsmith(FromLangsmith),
    /// Make sessions of requests in Helicone
    #[command(name = "from-helicone")]
    Helicone(FromHelicone),
}

/// Options of every import.
#[derive(Debug, ClapArgs)]
struct Common {
    /// Name of the session [default: the trace's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Refuse a trace that lost anything of its steps; exit 1
    #[arg(long)]
    strict: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct FromLangfuse {
    /// Address that shows the trace, as pasted from a browser, or its id
    place: Vec<String>,
    /// Id of a trace (repeatable)
    #[arg(long, value_name = "ID")]
    trace: Vec<String>,
    /// All traces of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Traces in this file: what the API answers, or an export (repeatable)
    #[arg(long, value_name = "FILE")]
    file: Vec<Utf8PathBuf>,
    /// The traces that the items of this dataset were made of, with their expected outputs
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Traces with this tag (repeatable)
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Of those only the ones with a score below this
    #[arg(long, value_name = "NUMBER")]
    score_below: Option<f64>,
    /// Name of that score [default: any]
    #[arg(long, value_name = "NAME", requires = "score_below")]
    score: Option<String>,
    /// Traces that began within this time, such as 7d
    #[arg(long, value_name = "SPAN", value_parser = clap::value_parser!(jiff::Span))]
    since: Option<jiff::Span>,
    /// The most traces of a session, dataset or search
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    #[arg(
        long,
        value_name = "URL",
        help = "Address of Langfuse [default: LANGFUSE_BASE_URL, LANGFUSE_HOST, https://cloud.langfuse.com]"
    )]
    host: Option<String>,
    /// Wait so long for a trace that is not there or not whole yet
    #[arg(long, value_name = "TIME", default_value = "0s")]
    wait: String,
    /// Which API to ask
    #[arg(long, value_enum, default_value_t = Api::Auto)]
    api: Api,
    #[command(flatten)]
    common: Common,
}

/// Which API of Langfuse is asked.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Api {
    /// The newer one, else the older one
    Auto,
    /// The one of version 3: /api/public/traces
    V1,
    /// The one of version 4 and the cloud: /api/public/v2/observations
    V2,
}

#[derive(Debug, ClapArgs)]
struct Otel {
    /// File of spans: OTLP in JSON or protobuf, one document or many, packed or not (repeatable)
    #[arg(long, value_name = "FILE")]
    file: Vec<Utf8PathBuf>,
    /// Receive spans at this address until Ctrl-C, such as 127.0.0.1:4318
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// End by itself when so many traces have come
    #[arg(long, value_name = "N", requires = "listen")]
    count: Option<usize>,
    /// Only the trace with this id (repeatable)
    #[arg(long, value_name = "ID")]
    trace: Vec<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, ClapArgs)]
struct FromLangsmith {
    /// Link that shares a trace, address that shows a run, or the id of a run
    place: Vec<String>,
    /// Id of a run of the trace (repeatable)
    #[arg(long, value_name = "ID")]
    run: Vec<String>,
    /// Runs in this file, as JSON or one a line (repeatable)
    #[arg(long, value_name = "FILE")]
    file: Vec<Utf8PathBuf>,
    #[arg(
        long,
        value_name = "URL",
        help = "Address of the API [default: LANGSMITH_ENDPOINT, https://api.smith.langchain.com]"
    )]
    host: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, ClapArgs)]
struct FromHelicone {
    /// Id of a request (repeatable)
    #[arg(long, value_name = "ID")]
    request: Vec<String>,
    /// All requests of this session (repeatable)
    #[arg(long, value_name = "ID")]
    session: Vec<String>,
    /// Requests with their bodies in this file, as JSON or one a line (repeatable)
    #[arg(long, value_name = "FILE")]
    file: Vec<Utf8PathBuf>,
    #[arg(
        long,
        value_name = "URL",
        help = "Address of the API [default: https://api.helicone.ai]"
    )]
    host: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub(super) fn run(
    typed: Import,
    global: Global,
    context: &Context,
    runtime: &Runtime,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let store = global.store.clone();
    match (typed.from, typed.dir) {
        (Some(From::Langfuse(typed)), _) => {
            let options = langfuse(*typed, global)?;
            runtime.block_on(from_langfuse(&options, context, out))
        }
        (Some(From::Otel(typed)), _) => {
            let options = OtelOptions {
                import: common(typed.common, global),
                files: typed.file,
                listen: typed.listen,
                count: typed.count,
                traces: typed.trace,
            };
            let mut err = anstream::stderr();
            runtime.block_on(from_otel(&options, context, out, &mut err))
        }
        (Some(From::Langsmith(typed)), _) => {
            let options = OtherOptions {
                import: common(typed.common, global),
                places: typed.place.into_iter().chain(typed.run).collect(),
                sessions: Vec::new(),
                files: typed.file,
                host: typed.host,
            };
            runtime.block_on(from_langsmith(&options, context, out))
        }
        (Some(From::Helicone(typed)), _) => {
            let options = OtherOptions {
                import: common(typed.common, global),
                places: typed.request,
                sessions: typed.session,
                files: typed.file,
                host: typed.host,
            };
            runtime.block_on(from_helicone(&options, context, out))
        }
        (None, Some(dir)) => session::import(store.as_deref(), &dir, context, out),
        (None, None) => Ok(Exit::Usage),
    }
}

fn common(typed: Common, global: Global) -> ImportOptions {
    ImportOptions {
        store: global.store,
        config: global.config,
        name: typed.name,
        strict: typed.strict,
        json: typed.json,
    }
}

fn langfuse(typed: FromLangfuse, global: Global) -> Result<LangfuseOptions, CommandError> {
    Ok(LangfuseOptions {
        import: common(typed.common, global),
        traces: typed.place.into_iter().chain(typed.trace).collect(),
        session: typed.session,
        files: typed.file,
        dataset: typed.dataset,
        tags: typed.tag,
        score_below: typed.score_below,
        score: typed.score,
        since: typed.since,
        limit: typed.limit,
        host: typed.host,
        wait: wait(&typed.wait)?,
        api: match typed.api {
            Api::Auto => LangfuseApi::Auto,
            Api::V1 => LangfuseApi::V1,
            Api::V2 => LangfuseApi::V2,
        },
    })
}

fn wait(text: &str) -> Result<Duration, CommandError> {
    let period = text.parse::<Period>().map_err(CommandError::usage)?;
    Ok(period.0)
}
