//! The result that is told: read with care where strangers wrote it.

use std::fs;
use std::io;

use camino::Utf8Path;

use crate::command::Context;
use crate::command::report::FILE_NAME;
use crate::github::{Broken, Subject};
use crate::report::RunReport;
use crate::text::with_causes;

/// Returns what a report says; where there is none that can be used, that and why.
///
/// A report that strangers wrote has to be a plain file of a sensible size whose verdicts follow from its facts.
pub(super) fn subject(path: &Utf8Path, is_foreign: bool, context: &Context) -> Subject {
    let mut path = context.cwd.join(path);
    if path.is_dir() {
        path = path.join(FILE_NAME);
    }
    match read(&path, is_foreign) {
        Ok(report) => Subject::Report(Box::new(report)),
        Err(why) => Subject::Broken(Broken { why }),
    }
}

fn read(path: &Utf8Path, is_foreign: bool) -> Result<RunReport, String> {
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("the gate ended without a report".to_owned());
        }
        Err(error) => return Err(format!("the report can't be read: {error}")),
    };
    if is_foreign && !about.is_file() {
        return Err("the report is no plain file".to_owned());
    }
    if is_foreign && about.len() > MAX_FOREIGN {
        return Err(format!(
            "the report is longer than {} MB",
            MAX_FOREIGN >> 20
        ));
    }
    let text =
        fs::read_to_string(path).map_err(|error| format!("the report can't be read: {error}"))?;
    let report = RunReport::parse(&text).map_err(|error| with_causes(&error))?;
    if is_foreign && let Some(first) = report.mismatches().first() {
        return Err(format!(
            "the report does not follow from its own facts: {first}"
        ));
    }
    Ok(report)
}

/// How long a report of strangers may be, in bytes.
const MAX_FOREIGN: u64 = 32 << 20;
