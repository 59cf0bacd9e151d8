//! Writes the reports of a gate run, each aside first and then renamed.

use std::fs;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::pending::Pending;
use super::{GateOptions, traces};
use crate::command::{CommandError, Context};
use crate::report::terminal::{self, Style};
use crate::report::{Format, RenderError, RunReport, Traces, github};

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The file or its directory can't be written.
    #[error("failed to write {path}; name a writable directory with `--out`")]
    Io {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    /// A report can't be made.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// Writes the run with what may be accepted of it, and prints its table or its JSON.
///
/// # Errors
/// A file can't be written.
pub(super) fn hand_over(
    report: &RunReport,
    traces: &Traces,
    pending: &Pending,
    options: &GateOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let dir = context.cwd.join(&options.out);
    write(report, traces, &dir).map_err(CommandError::usage)?;
    pending.write(&dir)?;
    let written = if options.json {
        out.write_all(report.to_json().as_bytes())
    } else {
        print(report, &dir, context, out).and_then(|()| pending.print(out))
    };
    if let Err(error) = written {
        tracing::debug!(%error, "the table could not be written");
    }
    Ok(())
}

/// Writes the run in each of [`Format::FILES`] into `dir`, and the timelines that its page shows.
pub(crate) fn write(report: &RunReport, traces: &Traces, dir: &Utf8Path) -> Result<(), WriteError> {
    fs::create_dir_all(dir).map_err(|source| WriteError::Io {
        path: dir.to_owned(),
        source,
    })?;
    for (format, name) in Format::FILES {
        write_aside(dir, name, &format.render(report, traces)?)?;
    }
    write_aside(dir, traces::FILE_NAME, &traces.to_json())
}

fn write_aside(dir: &Utf8Path, name: &str, text: &str) -> Result<(), WriteError> {
    let path = dir.join(name);
    let aside = dir.join(format!(".{name}.new"));
    let written = fs::write(&aside, text).and_then(|()| fs::rename(&aside, &path));
    written.map_err(|source| WriteError::Io { path, source })
}

/// Prints the table, as the log of a job on GitHub shows it in such a job, and where the reports are.
pub(crate) fn print(
    report: &RunReport,
    dir: &Utf8Path,
    context: &Context,
    out: &mut dyn Write,
) -> io::Result<()> {
    if context.var("GITHUB_ACTIONS") == Some("true") {
        out.write_all(github(report).as_bytes())?;
    } else {
        // anstream takes the colour out again where it is not wanted.
        terminal::gate(report, Style::Colour, out)?;
    }
    let dir = dir.strip_prefix(&context.cwd).unwrap_or(dir);
    let names: Vec<&str> = Format::FILES.iter().map(|(_format, name)| *name).collect();
    writeln!(out, "reports: {dir}/{}", names.join(", "))
}
