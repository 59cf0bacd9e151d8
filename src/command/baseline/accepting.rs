//! Accepting by label: what a job that ran the code of a change left, taken up by one that runs none of it.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::accept::{Pending, pending};
use super::{notes, review};
use crate::baseline::{ACCEPTED, Baseline, Baselines, Evidence, folder_id, recording_id};
use crate::command::{CommandError, Context};

/// A baseline that was accepted, in the working tree.
#[derive(Debug, Clone)]
pub(in crate::command) struct Taken {
    /// The baseline's name.
    pub(in crate::command) name: String,
    /// The file that was written.
    pub(in crate::command) file: Utf8PathBuf,
    /// Its text.
    pub(in crate::command) text: String,
    /// What is different now, for people; it holds names that the change chose.
    pub(in crate::command) difference: String,
    /// The hash of what the baseline became.
    pub(in crate::command) id: String,
}

/// Takes up everything that waits in `from`, as accepted by `who` for this reason. What it replaces has to be what the
/// change or its base has. Only evidence is taken up: strictly read, from plain files of a sensible size.
///
/// # Errors
/// What waits is not what it should be, belongs to another recording, or replaces something else.
pub(in crate::command) fn take_up(
    (from, root): (&Utf8Path, &Utf8Path),
    base: &Baselines,
    (who, reason): (&str, &str),
    context: &Context,
) -> Result<Vec<Taken>, CommandError> {
    let baselines = Baselines::discover(root).map_err(CommandError::usage)?;
    for baseline in &baselines {
        check_plain(from, &format!("pending/{}/{ACCEPTED}", baseline.name))?;
    }
    let mut taken = Vec::new();
    for one in pending(from, root)? {
        let find = |all: &Baselines| all.iter().find(|known| known.name == one.name).cloned();
        let Some(baseline) = find(&baselines) else {
            continue;
        };
        taken.push(take_one(
            &one,
            &baseline,
            find(base).as_ref(),
            (who, reason),
            context,
        )?);
    }
    Ok(taken)
}

fn take_one(
    one: &Pending,
    baseline: &Baseline,
    base: Option<&Baseline>,
    (who, reason): (&str, &str),
    context: &Context,
) -> Result<Taken, CommandError> {
    let read = |dir: &Utf8Path| Evidence::read(dir).map_err(CommandError::usage);
    let now = read(&baseline.dir)?;
    let before = match base {
        Some(base) => read(&base.dir)?,
        None => now.clone(),
    };
    let changed = |what: &str| {
        CommandError::usage(format!(
            "{what} of baseline `{}` is not the one of that run",
            one.name
        ))
        .help("run rewind gate again, and set the label again")
    };
    let recording = recording_id(&baseline.recording_dir()).map_err(CommandError::usage)?;
    if one.evidence.recording != recording {
        return Err(changed("the recording"));
    }
    let wanted = one.evidence.provenance.replaces;
    let found = [&now, &before]
        .into_iter()
        .find(|known| known.as_ref().map(Evidence::id) == wanted);
    let Some(replaced) = found else {
        return Err(changed("the accepted evidence"));
    };
    let mut evidence = one.evidence.clone();
    evidence.provenance = notes::replacing(replaced.as_ref(), reason, context);
    who.clone_into(&mut evidence.provenance.who);
    evidence.write(&baseline.dir).map_err(CommandError::usage)?;
    let id = folder_id(baseline).map_err(CommandError::usage)?;
    Ok(Taken {
        name: one.name.clone(),
        file: baseline.dir.join(ACCEPTED),
        text: evidence.to_json(),
        difference: review::difference(one, replaced.as_ref()),
        id: id.to_string(),
    })
}

/// Refuses links and files that are too long, in what a job of strangers may have left.
fn check_plain(from: &Utf8Path, below: &str) -> Result<(), CommandError> {
    let mut path = from.to_owned();
    for part in below.split('/') {
        path.push(part);
        let Ok(about) = fs::symlink_metadata(&path) else {
            return Ok(());
        };
        if about.is_symlink() || about.len() > MAX_BYTES {
            return Err(CommandError::usage(format!(
                "{path} is a link, or longer than {} MB",
                MAX_BYTES >> 20
            )));
        }
    }
    Ok(())
}

/// How long accepted evidence may be, in bytes.
const MAX_BYTES: u64 = 8 << 20;
