//! `rewind show`: a session as a tree of agents, model calls and tools.

use std::io::Write;

use camino::Utf8PathBuf;

use super::output::{json, written};
use super::rules::prices;
use super::stored::{session, style, timeline};
use super::{CommandError, Context, load_config};
use crate::exit::Exit;
use crate::model::StepIndex;
use crate::report::{SessionReport, terminal};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct ShowOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The session.
    pub session: String,
    /// The only timeline that is shown; all where it is not given.
    pub timeline: Option<String>,
    /// The step that is shown with its messages.
    pub step: Option<u32>,
    /// Whether to print JSON.
    pub json: bool,
}

/// Writes the session to `out`.
///
/// # Errors
/// Usage: no such session, timeline or step; a configuration that can't be read.
pub fn run(
    options: &ShowOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let prices = prices(&load_config(options.config.as_deref(), context)?);
    let session = session(options.store.as_deref(), &options.session, context)?;
    let only = options.timeline.as_deref();
    if let Some(label) = only {
        timeline(&session, label)?;
    }
    let style = style(context);
    if let Some(number) = options.step {
        let timeline = match only.or_else(|| session.timelines.first().map(|t| t.label.as_str())) {
            Some(label) => timeline(&session, label)?,
            None => return Err(CommandError::usage("this session has no timeline")),
        };
        let step = timeline.step(StepIndex(number)).ok_or_else(|| {
            CommandError::usage(format!(
                "timeline `{}` has no step {number}",
                timeline.label
            ))
            .help(format!("its steps are 1 to {}", timeline.steps.len()))
        })?;
        return written(terminal::step(timeline, step, style, out));
    }
    if options.json {
        let report = SessionReport::new(&session, only, &prices);
        return written(json(&report, out));
    }
    written(terminal::show(&session, only, &prices, style, out))
}
