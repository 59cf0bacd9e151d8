//! `rewind merge`: puts the reports of the parts of a run together.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

use super::gate::{reports, traces};
use super::report::{FILE_NAME, read_file};
use super::{CommandError, Context};
use crate::exit::Exit;
use crate::report::{MergeError, Traces, merge};

/// What was typed.
#[derive(Debug, Clone)]
pub struct MergeOptions {
    /// Reports, or folders that hold one or more.
    pub paths: Vec<Utf8PathBuf>,
    /// The folder for the merged reports.
    pub output: Utf8PathBuf,
}

/// Writes the reports of the whole run, and prints its table; ends as the whole run would have.
///
/// # Errors
/// A part can't be read or is missing (exit 3), or the parts are not of one run (exit 2).
pub fn run(
    options: &MergeOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let mut parts = Vec::new();
    let mut told = Vec::new();
    for path in &options.paths {
        for file in files(&context.cwd.join(path))? {
            let part = read_file(&file).map_err(CommandError::usage)?;
            let place = file.strip_prefix(&context.cwd).unwrap_or(&file);
            parts.push((place.to_string(), part));
            told.push(traces::read(&file));
        }
    }
    let whole = merge(parts).map_err(|error| {
        let exit = match error {
            MergeError::Nothing | MergeError::Missing { .. } => Exit::NotMeasured,
            MergeError::Whole(_) | MergeError::Different { .. } | MergeError::Twice { .. } => {
                Exit::Usage
            }
        };
        CommandError::usage(error).exit(exit)
    })?;
    let dir = context.cwd.join(&options.output);
    let told = Traces::merged(told, whole.content);
    reports::write(&whole, &told, &dir).map_err(CommandError::usage)?;
    if let Err(error) = reports::print(&whole, &dir, context, out) {
        tracing::debug!(%error, "standard output is closed");
    }
    Ok(super::gate::exit(&whole))
}

/// Returns the reports at a path: the file, the one in the folder, else all below it.
fn files(path: &Utf8Path) -> Result<Vec<Utf8PathBuf>, CommandError> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if !path.exists() {
        let missing = CommandError::usage(format!("{path} is not there"));
        return Err(missing.exit(Exit::NotMeasured).help(DOWNLOADED));
    }
    let own = path.join(FILE_NAME);
    if own.is_file() {
        return Ok(vec![own]);
    }
    let pattern = format!("{}/**/{FILE_NAME}", glob::Pattern::escape(path.as_str()));
    let found: Vec<Utf8PathBuf> = glob::glob(&pattern)
        .map_err(CommandError::usage)?
        .filter_map(Result::ok)
        .filter_map(|file| Utf8PathBuf::from_path_buf(file).ok())
        .collect();
    if found.is_empty() {
        return Err(
            CommandError::usage(format!("there is no {FILE_NAME} in {path}"))
                .exit(Exit::NotMeasured)
                .help(DOWNLOADED),
        );
    }
    Ok(found)
}

const DOWNLOADED: &str =
    "each part of the run writes a folder with rewind-report.json; was its artifact downloaded?";
