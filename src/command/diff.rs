//! `rewind diff`: two timelines of a session, step by step.

use std::io::Write;

use camino::Utf8PathBuf;

use super::output::{json, written};
use super::rules::prices;
use super::stored::{session, style, timeline};
use super::{CommandError, Context, load_config};
use crate::exit::Exit;
use crate::model::Session;
use crate::report::DiffReport;
use crate::report::terminal::{self, Shown};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct DiffOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The session.
    pub session: String,
    /// The label of the timeline on the left.
    pub left: String,
    /// The label of the timeline on the right; the newest fork where it is not given.
    pub right: Option<String>,
    /// Whether equal steps are shown, too.
    pub all: bool,
    /// Whether to print JSON.
    pub json: bool,
}

/// Writes the difference to `out`.
///
/// # Errors
/// Usage: no such session or timeline; a configuration that can't be read.
pub fn run(
    options: &DiffOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let prices = prices(&load_config(options.config.as_deref(), context)?);
    let session = session(options.store.as_deref(), &options.session, context)?;
    let left = timeline(&session, &options.left)?;
    let right = match &options.right {
        Some(label) => timeline(&session, label)?,
        None => timeline(&session, newest_fork(&session, &options.left)?)?,
    };
    let report = DiffReport::new(session.id, left, right, &prices);
    if options.json {
        return written(json(&report, out));
    }
    let shown = if options.all {
        Shown::All
    } else {
        Shown::Differing
    };
    written(terminal::diff(&report, shown, style(context), out))
}

/// Returns the label of the newest fork that is not the left side itself.
fn newest_fork<'a>(session: &'a Session, left: &str) -> Result<&'a str, CommandError> {
    let mut forks = session
        .timelines
        .iter()
        .rev()
        .filter(|timeline| timeline.forked_from.is_some() && timeline.label != left);
    forks
        .next()
        .map(|timeline| timeline.label.as_str())
        .ok_or_else(|| {
            CommandError::usage(format!(
                "session `{}` has no fork to compare with",
                session.name
            ))
            .help(format!("make one: rewind replay {} --from N", session.name))
        })
}
