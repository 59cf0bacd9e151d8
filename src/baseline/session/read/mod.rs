//! Reading a session folder; whatever is wrong is told with file and line.

mod build;
mod file;
mod wire;

use std::collections::HashMap;
use std::fs;

use camino::Utf8Path;

use super::error::Wrong;
use super::lines::{PoolLine, StepLine};
use super::manifest::{Manifest, TimelineEntry, Version};
use super::pool::PoolReader;
use super::{FormatError, MESSAGES, SESSION, STEPS};
use crate::model::{Session, ThreadInterner, Timeline};
use build::Builder;
use file::File;
use wire::Wire;

/// Reads the session in the folder `dir`.
///
/// # Errors
///
/// [`FormatError::NoSession`] when there is none, [`FormatError::Newer`] for a format that this
/// version does not know, and for everything else that is wrong the file and the line.
pub fn read_session(dir: &Utf8Path) -> Result<Session, FormatError> {
    let path = dir.join(SESSION);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(FormatError::NoSession { path });
        }
        Err(error) => return Err(FormatError::read(&path)(error)),
    };
    let version = Version::parse(&text, &path)?;
    let session = Manifest::parse(&text, &path).and_then(|manifest| read(dir, manifest));
    // What is not understood in a file of a newer minor version is most likely new.
    session.map_err(|error| version.newer(&path).unwrap_or(error))
}

fn read(dir: &Utf8Path, manifest: Manifest) -> Result<Session, FormatError> {
    let mut pool = PoolReader::default();
    let messages = File::open(dir, MESSAGES)?;
    for (number, line) in messages.lines() {
        let line: PoolLine = messages.parse(number, line)?;
        pool.take(line)
            .map_err(|wrong| messages.wrong(number, wrong))?;
    }
    let mut wire = Wire::read(dir, &manifest)?;
    let mut lines = step_lines(dir, &manifest)?;
    let file = File::named(dir, STEPS);
    let mut interner = ThreadInterner::default();
    let started = wire.head.started_at.clone();
    let timelines = manifest
        .timelines
        .into_iter()
        .zip(started)
        .map(|(entry, started_at)| {
            let lines = lines.remove(&entry.label).unwrap_or_default();
            let steps = Builder {
                file: &file,
                label: &entry.label,
                pool: &pool,
                wire: &mut wire,
                interner: &mut interner,
            }
            .steps(lines)?;
            Ok(Timeline {
                ancillary: wire.ancillary.remove(&entry.label).unwrap_or_default(),
                label: entry.label,
                forked_from: entry.forked_from,
                started_at,
                is_complete: entry.complete,
                steps,
                outcome: entry.outcome,
                replay: entry.replay,
            })
        })
        .collect::<Result<_, FormatError>>()?;
    wire.check_empty()?;
    let root_input = manifest.root_input.as_deref().map(serde_json::from_str);
    let root_input = root_input
        .transpose()
        .map_err(|error| FormatError::Manifest {
            path: dir.join(SESSION),
            detail: format!("`root_input` is no JSON: {error}"),
        })?;
    Ok(Session {
        id: wire.head.session,
        name: manifest.name,
        recorded_at: wire.head.recorded_at,
        source: manifest.source,
        command: manifest.command,
        input: manifest.input,
        root_input,
        expected: manifest.expected,
        trace: manifest.trace,
        timelines,
    })
}

/// Returns the lines of the steps by timeline, their numbers checked.
fn step_lines(
    dir: &Utf8Path,
    manifest: &Manifest,
) -> Result<HashMap<String, Vec<(usize, StepLine)>>, FormatError> {
    let file = File::open(dir, STEPS)?;
    let mut lines: HashMap<String, Vec<(usize, StepLine)>> = manifest
        .timelines
        .iter()
        .map(|entry| (entry.label.clone(), Vec::new()))
        .collect();
    for (number, line) in file.lines() {
        let line: StepLine = file.parse(number, line)?;
        let wrong = |detail: String| file.wrong(number, Wrong(detail));
        let Some(known) = lines.get_mut(&line.timeline) else {
            return Err(wrong(format!(
                "`{}` is no timeline of session.toml",
                line.timeline
            )));
        };
        let expected = known.len() + 1;
        if usize::try_from(line.step) != Ok(expected) {
            let (label, found) = (&line.timeline, line.step);
            return Err(wrong(format!(
                "expected step {expected} of `{label}`, found {found}"
            )));
        }
        known.push((number, line));
    }
    for TimelineEntry { label, steps, .. } in &manifest.timelines {
        let found = lines.get(label).map_or(0, Vec::len);
        if found != *steps {
            let last = file.lines().count();
            let detail = format!("`{label}` has {steps} steps in session.toml, but {found} here");
            return Err(file.wrong(last, Wrong(detail)));
        }
    }
    Ok(lines)
}
