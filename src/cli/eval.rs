//! The grammar of `rewind eval`, and its hand-over to the commands.

use std::io::Write;

use camino::Utf8PathBuf;
use clap::{Args as ClapArgs, Subcommand};
use tokio::runtime::Runtime;

use crate::command::eval::{self, CalibrateOptions, PromptOptions, ScoreOptions};
use crate::command::{CommandError, Context};
use crate::exit::Exit;
use crate::judge::Votes;
use crate::stats::Passes;

#[derive(Debug, ClapArgs)]
pub(super) struct Eval {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Score the final answers of a session's timelines with a judge, and compare them
    Score(Score),
    /// Measure what a judge's verdicts are worth, by answers that people have judged
    Calibrate(Calibrate),
    /// Print what a judge would be sent; nothing goes out
    Prompt(Prompt),
}

#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
struct Score {
    /// `latest`, an id, the beginning of an id, or a name
    #[arg(default_value = "latest")]
    session: String,
    /// By what to score (repeatable): correctness, coherence, relevance, safety, `task_completion`,
    /// groundedness, or the name of a rubric or program in `[judge.rubric.NAME]`, `[judge.exec.NAME]`
    #[arg(short, long = "evaluator", value_name = "NAME", required = true)]
    evaluator: Vec<String>,
    /// The right answer, which correctness is held against [default: that of the imported trace]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    expected: Option<String>,
    /// Timeline to score [default: the newest]
    #[arg(long, value_name = "LABEL", conflicts_with = "compare_timelines")]
    timeline: Option<String>,
    /// Score all timelines, and print what differs from the first
    #[arg(long)]
    compare_timelines: bool,
    /// Show all timelines beside the first, each pair in both orders; one is better only where both orders agree
    #[arg(long, conflicts_with = "timeline")]
    pairwise: bool,
    /// How often each answer is judged, such as 3, or 2..5 to go on only while the votes leave it open; the
    /// score is the mean [default: `[judge] votes`, else 1]
    #[arg(long, value_name = "K")]
    votes: Option<Votes>,
    /// Show the judge the steps too, whatever the evaluator: tool calls, and what they returned
    #[arg(long)]
    steps: bool,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, ClapArgs)]
struct Calibrate {
    /// File with the labels, one JSON object a line
    labels: Utf8PathBuf,
    /// Name of the evaluator
    #[arg(short, long, value_name = "NAME")]
    evaluator: String,
    /// How often each answer is asked about, for the flip rate
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=50))]
    repeats: u32,
    /// How often the judge is asked for one score, such as 3 or 2..5; it is the mean [default: `[judge] votes`,
    /// else 1]
    #[arg(long, value_name = "K")]
    votes: Option<Votes>,
    /// Score that passes [default: 0.5]
    #[arg(long, value_name = "SCORE", value_parser = threshold)]
    threshold: Option<f64>,
    /// Correct this pass rate of the judge, PASSED/ALL, for its errors (repeatable)
    #[arg(long, value_name = "P/N", value_parser = rate)]
    rate: Vec<Passes>,
    /// Write the record to this file [default: judges/NAME.json beside rewind.toml]
    #[arg(long, value_name = "FILE")]
    out: Option<Utf8PathBuf>,
    /// Write no record
    #[arg(long, conflicts_with = "out")]
    dry_run: bool,
    /// Write the record although some answers were not measured
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    asking: Asking,
}

/// How a judge is asked.
#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
struct Asking {
    /// Ask the judge again, whatever it said before
    #[arg(long)]
    fresh: bool,
    /// Allow calls to the judge although CI is set
    #[arg(long)]
    live: bool,
    /// Let the rules in this file judge instead of a model
    #[arg(long, value_name = "FILE")]
    scripted: Option<Utf8PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Prompt {
    /// Name of the evaluator
    name: String,
    /// Session whose material stands in it: `latest`, an id, the beginning of an id, or a name
    session: Option<String>,
    /// Timeline whose answer stands in it [default: the newest]
    #[arg(long, value_name = "LABEL", requires = "session")]
    timeline: Option<String>,
    /// Show the steps too, whatever the evaluator: tool calls, and what they returned
    #[arg(long)]
    steps: bool,
    /// The right answer [default: that of the imported trace]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    expected: Option<String>,
}

/// Returns a score above 0 and up to 1.
fn threshold(text: &str) -> Result<f64, String> {
    let score = text.parse::<f64>().ok();
    score
        .filter(|score| *score > 0.0 && *score <= 1.0)
        .ok_or_else(|| "a score above 0 and up to 1 is expected".to_owned())
}

/// Returns how many of all answers passed.
fn rate(text: &str) -> Result<Passes, String> {
    let numbers = text.split_once('/').and_then(|(passed, all)| {
        let (passed, all) = (passed.trim().parse().ok()?, all.trim().parse::<u32>().ok()?);
        let failed = all.checked_sub(passed)?;
        Some(Passes { passed, failed })
    });
    numbers
        .filter(|runs| runs.total() > 0)
        .ok_or_else(|| "how many passed of how many is expected, such as 84/120".to_owned())
}

/// Runs the command.
pub(super) fn run(
    typed: Eval,
    store: Option<Utf8PathBuf>,
    config: Option<Utf8PathBuf>,
    context: &Context,
    runtime: &Runtime,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    match typed.command {
        Command::Score(typed) => {
            let options = ScoreOptions {
                store,
                config,
                session: typed.session,
                evaluators: typed.evaluator,
                expected: typed.expected,
                timeline: typed.timeline,
                compare_timelines: typed.compare_timelines,
                votes: typed.votes,
                pairwise: typed.pairwise,
                steps: typed.steps,
                fresh: typed.asking.fresh,
                live: typed.asking.live,
                scripted: typed.asking.scripted,
                json: typed.asking.json,
            };
            runtime.block_on(eval::score(&options, context, out))
        }
        Command::Calibrate(typed) => {
            let options = CalibrateOptions {
                store,
                config,
                labels: typed.labels,
                evaluator: typed.evaluator,
                repeats: typed.repeats,
                votes: typed.votes,
                threshold: typed.threshold,
                rates: typed.rate,
                out: typed.out,
                dry_run: typed.dry_run,
                partial: typed.partial,
                fresh: typed.asking.fresh,
                live: typed.asking.live,
                scripted: typed.asking.scripted,
                json: typed.asking.json,
            };
            runtime.block_on(eval::calibrate(&options, context, out))
        }
        Command::Prompt(typed) => {
            let options = PromptOptions {
                store,
                config,
                name: typed.name,
                session: typed.session,
                timeline: typed.timeline,
                steps: typed.steps,
                expected: typed.expected,
            };
            eval::prompt(&options, context, out)
        }
    }
}
