//! `rewind baseline accept`: what a gate run left becomes the accepted evidence.

use std::fs;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

use super::place::unwritable;
use super::{Place, all, directory, named, notes};
use crate::baseline::{Evidence, read_session, recording_id, write_session_over};
use crate::command::output::written;
use crate::command::{CommandError, Context, load_config};
use crate::exit::Exit;

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct AcceptOptions {
    /// Where the configuration and the baselines are.
    pub place: Place,
    /// The baselines; all pending ones where none is named.
    pub names: Vec<String>,
    /// The directory that a gate run wrote.
    pub from: Utf8PathBuf,
    /// Why.
    pub reason: Option<String>,
    /// Whether the pending run becomes the recording.
    pub rerecord: bool,
}

/// What waits to be accepted for one baseline.
#[derive(Debug)]
pub(super) struct Pending {
    /// The baseline's name.
    pub(super) name: String,
    /// The baseline's folder.
    pub(super) baseline: Utf8PathBuf,
    /// The folder of its recording.
    recording: Utf8PathBuf,
    /// The pending folder.
    dir: Utf8PathBuf,
    /// What was seen.
    pub(super) evidence: Evidence,
}

impl Pending {
    /// Returns whether a live run is there that may become the recording.
    pub(super) fn has_session(&self) -> bool {
        self.dir.join("session").exists()
    }

    /// Removes it.
    ///
    /// # Errors
    /// It can't be removed.
    pub(super) fn forget(&self) -> Result<(), CommandError> {
        fs::remove_dir_all(&self.dir).map_err(|error| unwritable(&self.dir, &error))
    }
}

/// Returns what waits in the directory of a gate run, sorted by name.
///
/// # Errors
/// There are no baselines, or a file can't be read.
pub(super) fn pending(out: &Utf8Path, root: &Utf8Path) -> Result<Vec<Pending>, CommandError> {
    let baselines = all(root)?;
    let mut found = Vec::new();
    for baseline in &baselines {
        let dir = out.join("pending").join(&baseline.name);
        if let Some(evidence) = Evidence::read(&dir).map_err(CommandError::usage)? {
            found.push(Pending {
                name: baseline.name.clone(),
                baseline: baseline.dir.clone(),
                recording: baseline.recording_dir(),
                dir,
                evidence,
            });
        }
    }
    Ok(found)
}

/// Accepts what is pending.
///
/// # Errors
/// Nothing is pending for a name; evidence of another recording; a file that can't be written.
pub fn accept(
    options: &AcceptOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(options.place.config.as_deref(), context)?;
    let root = directory(options.place.baselines.as_deref(), &config, context);
    let from = context.cwd.join(&options.from);
    let waiting = pending(&from, &root)?;
    let baselines = all(&root)?;
    let mut chosen = Vec::new();
    for name in &options.names {
        let known = named(&baselines, name, &root)?;
        let one = waiting.iter().find(|one| one.name == known.name).ok_or_else(|| {
            CommandError::usage(format!("nothing is pending for baseline `{name}` in {}", options.from))
                .help("run rewind gate first: it leaves there what differs from the accepted evidence")
        })?;
        chosen.push(one);
    }
    if options.names.is_empty() {
        chosen.extend(&waiting);
    }
    if chosen.is_empty() {
        return written(writeln!(out, "nothing is pending in {}", options.from));
    }
    let reason = options.reason.as_deref().unwrap_or("accepted");
    for one in chosen {
        accept_one(one, reason, options.rerecord, context)?;
        let what = if options.rerecord {
            "accepted and recorded anew"
        } else {
            "accepted"
        };
        written(writeln!(out, "{what}: {}", one.name))?;
    }
    Ok(Exit::Pass)
}

/// Makes pending evidence the accepted one.
///
/// # Errors
/// It belongs to another recording, what was accepted is not what it adds to, or a file can't be written.
pub(super) fn accept_one(
    one: &Pending,
    reason: &str,
    rerecord: bool,
    context: &Context,
) -> Result<(), CommandError> {
    let before = Evidence::read(&one.baseline).map_err(CommandError::usage)?;
    let mut evidence = one.evidence.clone();
    let now = recording_id(&one.recording).map_err(CommandError::usage)?;
    if evidence.recording != now {
        return Err(CommandError::usage(format!(
            "the recording of baseline `{}` was changed since that run",
            one.name
        ))
        .help("run rewind gate again"));
    }
    if evidence.provenance.replaces != before.as_ref().map(Evidence::id) {
        return Err(CommandError::usage(format!(
            "the accepted evidence of baseline `{}` was changed since that run, and what was added to it would be lost",
            one.name
        ))
        .help("run rewind gate again"));
    }
    if rerecord {
        record_anew(one)?;
        evidence.recording = recording_id(&one.recording).map_err(CommandError::usage)?;
    }
    evidence.prune();
    evidence.provenance = notes::replacing(before.as_ref(), reason, context);
    if rerecord {
        // Nobody has looked at the new one.
        evidence.provenance.reviewed_by = None;
    }
    evidence.write(&one.baseline).map_err(CommandError::usage)?;
    one.forget()
}

/// Makes the pending run the recording.
fn record_anew(one: &Pending) -> Result<(), CommandError> {
    if !one.has_session() {
        return Err(CommandError::usage(format!(
            "no whole live run of baseline `{}` is pending, so there is nothing to record",
            one.name
        ))
        .help("run rewind gate --live first"));
    }
    if !one.recording.starts_with(&one.baseline) {
        return Err(CommandError::usage(format!(
            "the recording of baseline `{}` is shared: {}",
            one.name, one.recording
        ))
        .help("recording it anew would change other baselines; make a new one with rewind baseline create"));
    }
    let session = read_session(&one.dir.join("session")).map_err(CommandError::usage)?;
    write_session_over(&session, &one.recording).map_err(CommandError::usage)
}
