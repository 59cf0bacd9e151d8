//! The grammar of the command line; its doc comments are the help text.

use camino::Utf8PathBuf;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::report_args::{Content, Merge, Only, Profile, Report, SelfTest, Share, Verify, dollars};

/// Regression gate for LLM agents: record a run, fork it at any step, prove the fix
#[derive(Debug, Parser)]
#[command(
    name = "rewind",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Debug, ClapArgs)]
pub(super) struct Global {
    /// Directory of the working store [default: the nearest `.rewind` upwards, else ./.rewind]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub(super) store: Option<Utf8PathBuf>,
    /// Configuration file [default: the nearest `rewind.toml` upwards]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub(super) config: Option<Utf8PathBuf>,
    /// Say on standard error what happens; twice for every detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(super) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a demo session: a research agent whose step 5 hallucinates, and its fix
    Demo(Demo),
    /// Write a first configuration and workflow for this repository
    Init(Init),
    /// Run an agent and record its model and tool calls
    Record(Record),
    /// List the recorded sessions, newest first
    Sessions(Sessions),
    /// Show a session as a tree of agents, model calls and tools
    Show(Show),
    /// Run the agent again: recorded answers before the fork, live ones from it on
    Replay(Replay),
    /// Compare two timelines of a session, step by step
    Diff(Diff),
    /// Replay all committed baselines against the current agent code and judge the result
    Gate(Gate),
    /// Make, list, check, review and accept baselines
    Baseline(super::baseline::Baseline),
    /// Show the result of a gate run again, in any format
    Report(Report),
    /// Put the reports of the parts of a run together
    Merge(Merge),
    /// Seed known regressions into the baselines' recordings and show which their checks notice
    Selftest(SelfTest),
    /// Keep what became of runs, and show what many of them say of each baseline
    History(super::history::History),
    /// Compute the verdicts of a report again from the facts in it; exit 1 where they differ
    Verify(Verify),
    /// Tell on GitHub what a run came to; for jobs of GitHub Actions
    Github(super::github::Github),
    /// Let a judge score what an agent answered
    Eval(super::eval::Eval),
    /// Hold one session against the checks of a baseline
    #[command(subcommand)]
    Assert(Assert),
    /// Write a session as one self-contained HTML file
    Share(Share),
    /// Send a session to a tracing backend
    Export(super::export::Export),
    /// Move sessions between the store and files
    #[command(subcommand)]
    Session(Session),
    /// Make sessions of traces of other tools, or read a session folder into the store
    Import(super::import::Import),
    /// Serve a scripted model: an OpenAI- and Anthropic-compatible endpoint that answers by rules
    Scripted(Scripted),
    /// Stand in for an MCP server, so that its tools are recorded and replayed
    Mcp(Mcp),
    /// Print a completion script for a shell
    Completions(Completions),
}

/// Where model calls go.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Upstream {
    /// Send a provider's calls to this URL, such as openai=http://127.0.0.1:9000/v1 (repeatable)
    #[arg(long = "upstream", value_name = "PROVIDER=URL")]
    pub(super) urls: Vec<String>,
    /// Answer model calls by the rules in this file instead of a provider
    #[arg(long, value_name = "FILE", conflicts_with = "urls")]
    pub(super) scripted: Option<Utf8PathBuf>,
    /// Read provider keys from this file (lines NAME=KEY), or from standard input with `-`
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<Utf8PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Demo {
    /// Directory for the demo agent's files
    #[arg(long, value_name = "DIR", default_value = "rewind-demo")]
    pub(super) dir: Utf8PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Init {
    /// Ask nothing; take what the files of this repository suggest
    #[arg(long)]
    pub(super) yes: bool,
    /// How the agent is started, without its input, such as "python3 agent.py"
    #[arg(long, value_name = "CMD")]
    pub(super) agent_command: Option<String>,
    /// Replace rewind.toml and the workflow where they exist
    #[arg(long)]
    pub(super) force: bool,
}

/// What is captured beside model calls.
#[derive(Debug, ClapArgs)]
pub(super) struct Capture {
    /// Capture all HTTP requests of the agent, as `[capture] proxy = true` does
    #[arg(long)]
    pub(super) proxy: bool,
    /// Capture the tools of known frameworks, as `[capture] auto_tools = true` does
    #[arg(long)]
    pub(super) auto_tools: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Record {
    /// Name of the session [default: the agent's name]
    #[arg(long)]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) capture: Capture,
    #[command(flatten)]
    pub(super) upstream: Upstream,
    /// Allow live model calls although CI is set
    #[arg(long)]
    pub(super) live: bool,
    /// End the agent after this time, such as 90s or 5m
    #[arg(long, value_name = "TIME")]
    pub(super) timeout: Option<String>,
    /// Agent to run, as in `[agents.NAME]` [default: the one that CMD fits, else `[agent]`]
    #[arg(long, value_name = "NAME")]
    pub(super) agent: Option<String>,
    /// What the configured agent is asked; repeat it for the turns of a conversation
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "command"
    )]
    pub(super) input: Vec<String>,
    /// The agent's command and arguments [default: the configured agent]
    #[arg(last = true, value_name = "CMD")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Sessions {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Show {
    /// `latest`, an id, the beginning of an id, or a name
    #[arg(default_value = "latest")]
    pub(super) session: String,
    /// Show only this timeline
    #[arg(long, value_name = "LABEL")]
    pub(super) timeline: Option<String>,
    /// Show this step with its messages
    #[arg(long, value_name = "N")]
    pub(super) step: Option<u32>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// When recorded answers are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Timing {
    /// At once
    Instant,
    /// With the recorded delays
    Recorded,
}

/// The worst match that is still served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Require {
    /// Equal requests only
    Exact,
    /// Equal but for volatile values such as dates and ids
    Normalised,
    /// Equal but for the treatment: prompt, tools, model, settings
    Drift,
}

#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
pub(super) struct Replay {
    /// `latest`, an id, the beginning of an id, or a name
    #[arg(default_value = "latest")]
    pub(super) session: String,
    /// First live step: N, tool:NAME#N, agent:NAME, start, last or auto
    #[arg(long, value_name = "POINT", default_value = "auto")]
    pub(super) from: String,
    /// Timeline to replay
    #[arg(long, value_name = "LABEL", default_value = "main")]
    pub(super) timeline: String,
    /// Let nothing go live; exit 1 when something diverged
    #[arg(long, conflicts_with = "live")]
    pub(super) offline: bool,
    /// Allow live model calls although CI is set
    #[arg(long)]
    pub(super) live: bool,
    /// Label of the new timeline [default: fork-N]
    #[arg(long)]
    pub(super) label: Option<String>,
    /// When recorded answers are served
    #[arg(long, value_enum)]
    pub(super) timing: Option<Timing>,
    /// The worst match that is still served
    #[arg(long, value_enum)]
    pub(super) require: Option<Require>,
    /// Print the environment to export and serve until Ctrl-C, instead of running the agent
    #[arg(long, conflicts_with = "command")]
    pub(super) serve: bool,
    /// Listen on this address
    #[arg(long, value_name = "ADDR")]
    pub(super) bind: Option<String>,
    #[command(flatten)]
    pub(super) capture: Capture,
    #[command(flatten)]
    pub(super) upstream: Upstream,
    /// End the agent after this time, such as 90s or 5m
    #[arg(long, value_name = "TIME")]
    pub(super) timeout: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Agent to run, as in `[agents.NAME]` [default: the one that was recorded]
    #[arg(long, value_name = "NAME")]
    pub(super) agent: Option<String>,
    /// The agent's command and arguments [default: `[agent] command` with the recorded input]
    #[arg(last = true, value_name = "CMD")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Diff {
    /// `latest`, an id, the beginning of an id, or a name
    pub(super) session: String,
    /// Timeline on the left
    #[arg(default_value = "main")]
    pub(super) left: String,
    /// Timeline on the right [default: the newest fork]
    pub(super) right: Option<String>,
    /// Show equal steps too
    #[arg(long)]
    pub(super) all: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
pub(super) struct Gate {
    /// Only baselines whose name fits this glob, or `tag:` and a tag (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(super) filter: Vec<String>,
    /// Only baselines that did not pass in the last report in --out
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(super) only: Option<Only>,
    /// Only this part of them, such as 2/8; `rewind merge` puts the reports together
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<crate::gate::Shard>,
    /// End with the first failure
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// How much is run
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Profile::Pr)]
    pub(super) profile: Profile,
    /// Only baselines whose agent's `paths` changed since this commit or branch
    #[arg(long, value_name = "REF")]
    pub(super) changed_since: Option<String>,
    /// Take what counts from this commit or branch, the base of a change: thresholds, judges, rules, and the baselines
    /// that were there; the change says how its agent is run, and may add baselines
    #[arg(long, value_name = "REF")]
    pub(super) policy_from: Option<String>,
    /// Altered baselines that somebody who may has accepted, as `rewind github trust` wrote them
    #[arg(long, value_name = "FILE", requires = "policy_from")]
    pub(super) trusted: Option<Utf8PathBuf>,
    /// Directory of the baselines [default: `[gate] baselines`, else baselines]
    #[arg(long, value_name = "DIR")]
    pub(super) baselines: Option<Utf8PathBuf>,
    /// Directory for the reports
    #[arg(long, value_name = "DIR", default_value = "rewind-report")]
    pub(super) out: Utf8PathBuf,
    /// History of runs that the report looks back on; no verdict follows from it [default: `[report] history`, else
    /// none]
    #[arg(long, value_name = "FILE")]
    pub(super) history: Option<Utf8PathBuf>,
    /// Let nothing go live
    #[arg(long, conflicts_with = "live")]
    pub(super) offline: bool,
    /// Run the tails live
    #[arg(long)]
    pub(super) live: bool,
    /// Exit 0 although forks need a live run
    #[arg(long)]
    pub(super) allow_needs_live: bool,
    /// How many agents run at once [default: the number of cores]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<usize>,
    /// Checkout of the commit that the change starts from: forks that are red are tried again there, and
    /// what fails there too is no failure of the change
    #[arg(long, value_name = "DIR")]
    pub(super) base: Option<Utf8PathBuf>,
    /// Folder that keeps live answers for a day, so that a request which was answered costs nothing again
    /// [default: `[gate] cache_dir`, else none]
    #[arg(long, value_name = "DIR")]
    pub(super) cache_dir: Option<Utf8PathBuf>,
    /// Ask the judge again, also where its verdict on an answer is known
    #[arg(long)]
    pub(super) fresh: bool,
    /// How many samples of each fork run live, such as 5 or 3..12 [default: `[gate] samples`, else 3..12;
    /// 1 with a scripted model]
    #[arg(long, value_name = "N")]
    pub(super) samples: Option<crate::model::SampleRange>,
    /// The most dollars for live calls; what is beyond is not measured [default: `[gate] max_usd`]
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub(super) max_usd: Option<f64>,
    /// The most tokens for live calls; what is beyond is not measured [default: `[gate] max_tokens`]
    #[arg(long, value_name = "N")]
    pub(super) max_tokens: Option<u64>,
    /// How much of what agents and models wrote stands in the reports [default: `[report] content`, else
    /// none in CI and full elsewhere]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(super) content: Option<Content>,
    #[command(flatten)]
    pub(super) capture: Capture,
    #[command(flatten)]
    pub(super) upstream: Upstream,
    /// Print the report as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Assert {
    /// Run the checks of a baseline on a recorded timeline; nothing is replayed
    Check(AssertCheck),
}

#[derive(Debug, ClapArgs)]
pub(super) struct AssertCheck {
    /// `latest`, an id, the beginning of an id, or a name
    #[arg(default_value = "latest")]
    pub(super) session: String,
    /// Timeline to check [default: the newest]
    #[arg(long, value_name = "LABEL")]
    pub(super) timeline: Option<String>,
    /// Name or directory of the baseline
    #[arg(long, value_name = "BASELINE")]
    pub(super) against: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Session {
    /// Write a session as a folder of reviewable text
    Export {
        /// `latest`, an id, the beginning of an id, or a name
        #[arg(default_value = "latest")]
        session: String,
        /// Folder to write [default: the session's name]
        #[arg(short, long, value_name = "DIR")]
        output: Option<Utf8PathBuf>,
    },
    /// Read a session folder into the store
    Import(Import),
    /// Remove sessions from the store; baselines stay
    Rm {
        /// An id, the beginning of an id, or a name
        #[arg(required_unless_present = "older_than", conflicts_with = "older_than")]
        session: Option<String>,
        #[command(flatten)]
        age: Age,
    },
    /// Replace texts everywhere in a session, such as names and addresses of people
    Scrub {
        /// `latest`, an id, the beginning of an id, or a name
        session: String,
        /// What stands there and what is to stand in its place (repeatable)
        #[arg(long, value_name = "OLD=NEW", required = true)]
        replace: Vec<String>,
    },
    /// Reclaim the space of removed sessions
    Gc {
        #[command(flatten)]
        age: Age,
    },
    /// Rename a session
    Rename {
        /// `latest`, an id, the beginning of an id, or a name
        session: String,
        /// The new name
        name: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct Age {
    /// Remove every session recorded longer ago than this, such as `12h`, `30d` or `2w`
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(super) older_than: Option<jiff::Span>,
    /// Only list what would be removed
    #[arg(long, requires = "older_than")]
    pub(super) dry_run: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Import {
    /// Folder of the session
    pub(super) dir: Utf8PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Scripted {
    /// The rules file
    pub(super) file: Utf8PathBuf,
    /// Listen on this address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(super) addr: String,
    /// Append one JSON line for each model call to this file
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<Utf8PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Mcp {
    /// Name of the server in recordings [default: that of its package or script]
    #[arg(long, value_name = "SERVER")]
    pub(super) name: Option<String>,
    /// The server's command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// Reads a span of time such as `30d`.
fn span(text: &str) -> Result<jiff::Span, String> {
    let hint = |_error| "write a number and a unit, such as 12h, 30d or 2w".to_owned();
    text.parse().map_err(hint)
}
