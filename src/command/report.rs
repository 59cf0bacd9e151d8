//! `rewind report`: shows the result of a run again, in any format.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

use super::{CommandError, Context, gate};
use crate::exit::Exit;
use crate::report::{Format, ReportError, RunReport, Traces, html};

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
    #[error("{path} is no page of a run: it holds no result")]
    NoRun { path: Utf8PathBuf },
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
    let traces = traces(&options.path, context);
    let text = options
        .format
        .render(&report, &traces)
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
    read_file(&file(path, context)).map_err(|error| {
        CommandError::usage(error).help("`rewind gate` writes a report; name its folder or file")
    })
}

fn file(path: &Utf8Path, context: &Context) -> Utf8PathBuf {
    let path = context.cwd.join(path);
    if path.is_dir() {
        path.join(FILE_NAME)
    } else {
        path
    }
}

/// Returns the timelines of a report: those in a page, else those beside the file.
fn traces(path: &Utf8Path, context: &Context) -> Traces {
    let file = file(path, context);
    if is_page(&file) {
        let page = std::fs::read_to_string(&file).unwrap_or_default();
        return html::traces(&page).unwrap_or_default();
    }
    gate::traces::read(&file)
}

fn is_page(file: &Utf8Path) -> bool {
    file.extension() == Some("html")
}

/// Returns the report in a file.
pub(super) fn read_file(path: &Utf8Path) -> Result<RunReport, ReadError> {
    let text = std::fs::read_to_string(path).map_err(|source| ReadError::Read {
        path: path.to_owned(),
        source,
    })?;
    let report = if is_page(path) {
        html::receipt(&text).ok_or_else(|| ReadError::NoRun {
            path: path.to_owned(),
        })?
    } else {
        RunReport::parse(&text)
    };
    report.map_err(|source| ReadError::Report {
        path: path.to_owned(),
        source,
    })
}

/// The name of a run's result.
pub(super) const FILE_NAME: &str = "rewind-report.json";
