//! `rewind baseline …`: baselines from recorded sessions, and what becomes of them.

mod accept;
mod accepting;
mod check;
mod create;
mod data;
mod draft;
mod list;
mod notes;
mod place;
mod propose;
mod retired;
mod review;
mod rule;
mod sample;
mod show;
mod shuffled;
mod stability;

pub use accept::{AcceptOptions, accept};
pub(super) use accepting::{Taken, take_up};
pub use check::{CheckOptions, check};
pub use create::{CreateOptions, create};
pub use list::{ListOptions, list};
pub(super) use notes::commit;
pub use review::{ReviewOptions, review};
pub use sample::{SampleOptions, sample};
pub use show::{remove, show};

use camino::{Utf8Path, Utf8PathBuf};

use super::{CommandError, Context};
use crate::baseline::{Baseline, Baselines};
use crate::config::Config;
use crate::exit::Exit;

/// Where baselines are found, as typed.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The directory of the baselines; as configured where it is not given.
    pub baselines: Option<Utf8PathBuf>,
}

/// Returns the directory of the baselines.
pub(super) fn directory(
    typed: Option<&Utf8Path>,
    config: &Config,
    context: &Context,
) -> Utf8PathBuf {
    match (typed, &config.gate.baselines) {
        (Some(typed), _) => context.cwd.join(typed),
        (None, Some(configured)) => config.resolve(configured),
        (None, None) => config.root.join("baselines"),
    }
}

/// Returns all baselines in `dir`.
///
/// # Errors
/// A definition that can't be read; exit 5 where there is none.
pub(super) fn all(dir: &Utf8Path) -> Result<Baselines, CommandError> {
    let all = Baselines::discover(dir).map_err(CommandError::usage)?;
    if all.is_empty() {
        return Err(none(dir));
    }
    Ok(all)
}

fn none(dir: &Utf8Path) -> CommandError {
    CommandError::usage(format!("there are no baselines in {dir}"))
        .exit(Exit::NoBaseline)
        .help(
            "`rewind init` writes a configuration; then make a baseline: rewind record -- CMD, then \
             rewind baseline create latest --name NAME",
        )
}

/// Returns those baselines in `dir` that fit one of the filters; all where there is none.
///
/// # Errors
/// As [`all`]; a filter that can't be read; exit 4 where none fits.
pub(super) fn fitting(dir: &Utf8Path, filter: &[String]) -> Result<Baselines, CommandError> {
    chosen(all(dir)?, dir, filter)
}

/// Returns those of the baselines that fit one of the filters; all where there is none. `dir` is for messages.
///
/// # Errors
/// As [`fitting`].
pub(super) fn chosen(
    all: Baselines,
    dir: &Utf8Path,
    filter: &[String],
) -> Result<Baselines, CommandError> {
    if all.is_empty() {
        return Err(none(dir));
    }
    let selected = all.select(filter).map_err(CommandError::usage)?;
    if selected.is_empty() {
        let filters = filter.join(", ");
        return Err(
            CommandError::usage(format!("no baseline in {dir} fits {filters}"))
                .exit(Exit::NothingSelected)
                .help("a filter is a name with `*`, or `tag:` and a tag"),
        );
    }
    Ok(selected)
}

/// Returns the baseline with this name.
///
/// # Errors
/// There is none; the help names those that there are.
fn named<'a>(all: &'a Baselines, name: &str, dir: &Utf8Path) -> Result<&'a Baseline, CommandError> {
    let name = name.trim_end_matches('/');
    all.iter().find(|one| one.name == name).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        CommandError::usage(format!("there is no baseline `{name}` in {dir}"))
            .exit(Exit::NoBaseline)
            .help(format!("its baselines are {}", names.join(", ")))
    })
}

/// Returns a path as people see it from where they are.
fn shown<'a>(path: &'a Utf8Path, context: &Context) -> &'a Utf8Path {
    path.strip_prefix(&context.cwd).unwrap_or(path)
}
