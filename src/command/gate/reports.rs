//! Writes the reports of a gate run, each aside first and then renamed.

use std::fs;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

use crate::command::Context;
use crate::report::terminal::{self, Style};
use crate::report::{JunitError, MarkdownError, RunReport, junit, markdown};

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// The file or its directory can't be written.
    #[error("failed to write {path}; name a writable directory with `--out`")]
    Io {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    /// The JUnit file can't be made.
    #[error(transparent)]
    Junit(#[from] JunitError),
    /// The Markdown can't be made.
    #[error(transparent)]
    Markdown(#[from] MarkdownError),
}

/// Writes `rewind-report.json`, `junit.xml` and `report.md` into `dir`.
pub(super) fn write(report: &RunReport, dir: &Utf8Path) -> Result<(), WriteError> {
    let io = |path: &Utf8Path| {
        let path = path.to_owned();
        move |source| WriteError::Io { path, source }
    };
    fs::create_dir_all(dir).map_err(io(dir))?;
    for (name, text) in [
        ("rewind-report.json", report.to_json()),
        ("junit.xml", junit(report)?),
        ("report.md", markdown(report)?),
    ] {
        let path = dir.join(name);
        let aside = dir.join(format!(".{name}.new"));
        fs::write(&aside, text)
            .and_then(|()| fs::rename(&aside, &path))
            .map_err(io(&path))?;
    }
    Ok(())
}

/// Prints the table, and where the reports are.
pub(super) fn print(
    report: &RunReport,
    dir: &Utf8Path,
    context: &Context,
    out: &mut dyn Write,
) -> io::Result<()> {
    // anstream takes the colour out again where it is not wanted.
    terminal::gate(report, Style::Colour, out)?;
    let dir = dir.strip_prefix(&context.cwd).unwrap_or(dir);
    writeln!(
        out,
        "reports: {dir}/rewind-report.json, junit.xml, report.md"
    )
}
