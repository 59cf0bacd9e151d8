//! `rewind report`: shows the result of a run again, in any format.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

use super::{CommandError, Context};
use crate::exit::Exit;
use crate::report::{Format, ReportError, RunReport};

/// What was typed.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// A report, or the folder that holds it.
    pub path: Utf8PathBuf,
    /// The format.
    pub format: Format,
    /// The file to write; standard output where it is not given.
    pub output: Option<Utf8PathBuf>,
}

/// A report that can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("failed to read {path}")]
    Read {
        path: Utf8PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} can't be used")]
    Report {
        path: Utf8PathBuf,
        #[source]
        source: ReportError,
    },
}

#[derive(Debug, thiserror::Error)]
#[error("failed to write {path}; name a place that is writable with `-o`")]
struct WriteError {
    path: Utf8PathBuf,
    #[source]
    source: std::io::Error,
}

/// Writes the report to the file or to `out`.
///
/// # Errors
/// The report can't be read or shown, the file not written.
pub fn run(
    options: &ReportOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let report = read(&options.path, context)?;
    let text = options
        .format
        .render(&report)
        .map_err(CommandError::usage)?;
    match &options.output {
        Some(output) => {
            let path = context.cwd.join(output);
            std::fs::write(&path, text)
                .map_err(|source| CommandError::usage(WriteError { path, source }))?;
        }
        None => {
            if let Err(error) = out.write_all(text.as_bytes()) {
                tracing::debug!(%error, "standard output is closed");
            }
        }
    }
    Ok(Exit::Pass)
}

/// Returns the report in a file, or in a folder that a run wrote.
pub(super) fn read(path: &Utf8Path, context: &Context) -> Result<RunReport, CommandError> {
    let mut path = context.cwd.join(path);
    if path.is_dir() {
        path = path.join(FILE_NAME);
    }
    read_file(&path).map_err(|error| {
        CommandError::usage(error).help("`rewind gate` writes a report; name its folder or file")
    })
}

/// Returns the report in a file.
pub(super) fn read_file(path: &Utf8Path) -> Result<RunReport, ReadError> {
    let text = std::fs::read_to_string(path).map_err(|source| ReadError::Read {
        path: path.to_owned(),
        source,
    })?;
    RunReport::parse(&text).map_err(|source| ReadError::Report {
        path: path.to_owned(),
        source,
    })
}

/// The name of a run's result.
pub(super) const FILE_NAME: &str = "rewind-report.json";
