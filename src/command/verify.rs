//! `rewind verify`: computes the verdicts of a report again from the facts in it.

use std::io::Write;

use camino::Utf8PathBuf;

use super::report::read;
use super::{CommandError, Context};
use crate::exit::Exit;

/// What was typed.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// A report, or the folder that holds it.
    pub path: Utf8PathBuf,
}

/// Says whether everything in the report follows from its facts; if not, exit 1 and what does not.
///
/// # Errors
/// The report can't be read.
pub fn run(
    options: &VerifyOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let report = read(&options.path, context)?;
    let mismatches = report.mismatches();
    let mut lines: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
    let forks = report.forks.len();
    let outcome = if mismatches.is_empty() {
        format!(
            "verified: {} follows from the facts of {forks} forks, exit {}",
            report.verdict, report.exit
        )
    } else {
        format!(
            "not verified: {} of the report's statements do not follow from its facts",
            mismatches.len()
        )
    };
    lines.push(outcome);
    if let Err(error) = writeln!(out, "{}", lines.join("\n")) {
        tracing::debug!(%error, "standard output is closed");
    }
    Ok(if mismatches.is_empty() {
        Exit::Pass
    } else {
        Exit::Fail
    })
}
