//! `rewind assert check`: holds one timeline against the checks of a baseline; nothing is replayed.

use std::io::Write;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use tokio::runtime::Handle;

use super::output::{json, written};
use super::rules::prices;
use super::stored::{session, style, timeline};
use super::{BackendOptions, CommandError, Context, agent_spec, load_config, redactor, way_out};
use crate::agent::Stdio;
use crate::baseline::{Baseline, Baselines, read_session};
use crate::check::{CheckContext, Severity};
use crate::command::judging::{RunJudge, check_evaluators};
use crate::config::Config;
use crate::exit::Exit;
use crate::gate::{Surroundings, reference};
use crate::report::{AssertReport, terminal};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct AssertOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The session.
    pub session: String,
    /// The label of the timeline; the newest where it is not given.
    pub timeline: Option<String>,
    /// The name or the directory of the baseline.
    pub against: String,
    /// Whether to print JSON.
    pub json: bool,
}

/// Runs the checks and writes what they found to `out`; programs run on `runtime`.
///
/// # Errors
/// Usage: no such session, timeline or baseline; a configuration or definition that can't be read; a
/// baseline without checks.
pub fn check(
    options: &AssertOptions,
    context: &Context,
    runtime: &Handle,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(options.config.as_deref(), context)?;
    let session = session(options.store.as_deref(), &options.session, context)?;
    let candidate = match &options.timeline {
        Some(label) => timeline(&session, label)?,
        None => session
            .timelines
            .last()
            .ok_or_else(|| CommandError::usage("this session has no timeline"))?,
    };
    let baseline = baseline(&options.against, &config, context)?;
    let definitions = &baseline.definition.checks;
    if definitions
        .iter()
        .all(|check| check.severity == Severity::Off)
    {
        let path = baseline.dir.join("baseline.toml");
        return Err(
            CommandError::usage(format!("baseline `{}` checks nothing", baseline.name)).help(
                format!("write checks into {path}, such as [[check]] and kind = \"no_error\""),
            ),
        );
    }
    check_evaluators(&baseline, &config)?;
    let recorded = read_session(&baseline.recording_dir()).map_err(CommandError::usage)?;
    let reference = reference(&recorded, &baseline).ok_or_else(|| {
        CommandError::usage(format!("baseline `{}` has no such timeline", baseline.name))
            .help("name one of the recording's timelines with `timeline = \"…\"` in baseline.toml")
    })?;
    let agent = agent_spec(&config, &[], Stdio::Capture { limit: 0 }, context);
    let secrets = way_out(&BackendOptions::default(), &config, context)?;
    let judge = RunJudge::new(&config, false, false, context, runtime.clone());
    let outside = Surroundings::new(&agent, redactor(&config, &secrets)?, runtime.clone())
        .with_judges(Arc::new(judge));
    let prices = prices(&config);
    let replay = candidate.replay.as_ref();
    let checked = CheckContext {
        is_complete: candidate.is_complete && replay.is_none_or(|replay| replay.refused == 0),
        prices: &prices,
        outside: &outside,
        ..CheckContext::new(reference, candidate)
    };
    let report = AssertReport::new(definitions, &checked, &session.name, &baseline.name);
    let is_written = if options.json {
        json(&report, out)
    } else {
        terminal::assertions(&report, style(context), out)
    };
    written(is_written)?;
    Ok(match report.exit {
        0 => Exit::Pass,
        1 => Exit::Fail,
        _ => Exit::NotMeasured,
    })
}

/// Returns the baseline with this name, or in this directory.
fn baseline(asked: &str, config: &Config, context: &Context) -> Result<Baseline, CommandError> {
    let dir = context.cwd.join(asked);
    let is_path = dir.join("baseline.toml").is_file();
    let root = if is_path {
        dir.clone()
    } else {
        let configured = config.gate.baselines.as_deref();
        config.resolve(configured.unwrap_or(Utf8Path::new("baselines")))
    };
    let name = if is_path {
        dir.file_name().unwrap_or(asked)
    } else {
        asked
    };
    let all = Baselines::discover(&root).map_err(CommandError::usage)?;
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    let found = all.iter().find(|one| one.name == name).cloned();
    found.ok_or_else(|| {
        let help = if names.is_empty() {
            format!("there are no baselines in {root}")
        } else {
            format!("the baselines in {root} are {}", names.join(", "))
        };
        CommandError::usage(format!("there is no baseline `{asked}`")).help(help)
    })
}
