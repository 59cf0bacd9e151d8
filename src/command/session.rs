//! `rewind sessions` and `rewind session …`: list, export, import, rename, remove, collect.

mod scrub;
mod table;
#[cfg(test)]
mod tests;

pub(super) use scrub::redacted;
pub use scrub::scrub;

use std::fmt;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use super::output::printable;
use super::setup::redact_rules;
use super::{CommandError, Context, load_config, store_dir};
use crate::baseline::{read_session, write_session, write_session_over};
use crate::exit::Exit;
use crate::model::{Session, SessionId};
use crate::redact::Redactor;
use crate::store::{SessionSummary, Store, StoreError};

/// A session in `rewind sessions --json`.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    summary: &'a SessionSummary,
    is_complete: bool,
}

/// Lists the sessions, newest first, as a table or as JSON.
///
/// # Errors
/// The store can't be opened or read, or `out` not written.
pub fn list(
    store: Option<&Utf8Path>,
    json: bool,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let sessions = open(store, context)?.list().map_err(CommandError::usage)?;
    let text = if json {
        let listed: Vec<Listed<'_>> = sessions
            .iter()
            .map(|summary| Listed {
                summary,
                is_complete: summary.is_complete(),
            })
            .collect();
        serde_json::to_string_pretty(&listed).map_err(CommandError::usage)?
    } else if sessions.is_empty() {
        "no sessions yet; make one with `rewind record -- CMD` or `rewind demo`".to_owned()
    } else {
        table::lines(&sessions).join("\n")
    };
    say(out, text)
}

/// Writes a session as a folder of text; without `output` into one of the session's name.
///
/// # Errors
/// No such session, a damaged store, a folder that can't be written or holds something else.
pub fn export(
    store: Option<&Utf8Path>,
    session: &str,
    output: Option<&Utf8Path>,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let store = open(store, context)?;
    let id = store.resolve(session).map_err(CommandError::usage)?;
    let session = store.load(id).map_err(CommandError::usage)?;
    let shown = output.map_or_else(
        || Utf8PathBuf::from(folder_name(&session)),
        Utf8Path::to_owned,
    );
    let folder = context.cwd.join(&shown);
    let is_recording = folder
        .parent()
        .is_some_and(|baseline| baseline.join("baseline.toml").exists());
    let exported = if is_recording {
        write_session_over(&session, &folder)
    } else {
        write_session(&session, &folder)
    };
    exported.map_err(CommandError::usage)?;
    let steps: usize = session
        .timelines
        .iter()
        .map(|timeline| timeline.steps.len())
        .sum();
    say(
        out,
        format_args!("{} exported to {shown} ({steps} steps)", Named(&session)),
    )
}

/// Reads a session folder into the store; a different session with its id gets a new one.
///
/// # Errors
/// A folder that is no session or damaged; a store that can't be written.
pub fn import(
    store: Option<&Utf8Path>,
    dir: &Utf8Path,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let session = read_session(&context.cwd.join(dir)).map_err(CommandError::usage)?;
    let config = load_config(None, context)?;
    let redactor = Redactor::new(&redact_rules(&config)).map_err(CommandError::usage)?;
    let session = redacted(&redactor, session)?;
    let store = open(store, context)?;
    match store.insert(&session) {
        Ok(()) => say(out, format_args!("{} imported from {dir}", Named(&session))),
        Err(StoreError::Exists { .. }) => {
            let known = store.load(session.id).map_err(CommandError::usage)?;
            if known == session {
                return say(
                    out,
                    format_args!("{} is in the store already", Named(&session)),
                );
            }
            let copy = Session {
                id: SessionId::generate(),
                ..session
            };
            store.insert(&copy).map_err(CommandError::usage)?;
            say(
                out,
                format_args!(
                    "{} imported from {dir}; the store has another session {}, so it got a new id",
                    Named(&copy),
                    known.id
                ),
            )
        }
        Err(error) => Err(CommandError::usage(error)),
    }
}

/// Removes a session from the store. Baselines are files of their own and stay.
///
/// # Errors
/// No such session; a store that can't be written.
pub fn remove(
    store: Option<&Utf8Path>,
    session: &str,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let store = open(store, context)?;
    let id = store.resolve(session).map_err(CommandError::usage)?;
    store.remove(id).map_err(CommandError::usage)?;
    say(
        out,
        format_args!("session {id} removed; `rewind session gc` reclaims its space"),
    )
}

/// Removes every session that was recorded longer ago than `span`, or only lists them. Baselines are
/// files of their own and stay.
///
/// # Errors
/// A span that reaches behind the beginning of time; a store that can't be read or written.
pub fn remove_older(
    store: Option<&Utf8Path>,
    span: jiff::Span,
    dry_run: bool,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let limit = jiff::Zoned::now()
        .checked_sub(span.abs())
        .map_err(|_error| CommandError::usage(format!("--older-than {span:#} is too long ago")))?
        .timestamp();
    let store = open(store, context)?;
    let sessions = store.list().map_err(CommandError::usage)?;
    let old = sessions.iter().filter(|one| one.recorded_at < limit);
    let mut count: usize = 0;
    for session in old {
        if !dry_run {
            store.remove(session.id).map_err(CommandError::usage)?;
        }
        count += 1;
        let verb = if dry_run {
            "would be removed"
        } else {
            "removed"
        };
        let name = printable(&session.name);
        say(out, format_args!("session {} ({name}) {verb}", session.id))?;
    }
    let kept = sessions.len().saturating_sub(count);
    say(
        out,
        format_args!(
            "{count} of {} sessions older than {span:#}; {kept} kept",
            sessions.len()
        ),
    )
}

/// Reclaims the space of removed sessions.
///
/// # Errors
/// A store that can't be written.
pub fn gc(
    store: Option<&Utf8Path>,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let reclaimed = open(store, context)?.gc().map_err(CommandError::usage)?;
    let kilobytes = reclaimed.bytes.div_ceil(1024);
    say(
        out,
        format_args!(
            "{kilobytes} KB reclaimed ({} values nothing refers to)",
            reclaimed.rows
        ),
    )
}

/// Gives a session another name.
///
/// # Errors
/// No such session, an empty name, a store that can't be written.
pub fn rename(
    store: Option<&Utf8Path>,
    session: &str,
    name: &str,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    if name.trim().is_empty() {
        return Err(CommandError::usage(
            "a session needs a name that is not empty",
        ));
    }
    let store = open(store, context)?;
    let id = store.resolve(session).map_err(CommandError::usage)?;
    store.set_name(id, name).map_err(CommandError::usage)?;
    say(out, format_args!("session {id} is named `{name}`"))
}

fn open(store: Option<&Utf8Path>, context: &Context) -> Result<Store, CommandError> {
    Store::open(&store_dir(store, context)).map_err(CommandError::usage)
}

/// Writes a line; a reader that has gone away is no failure.
fn say(out: &mut dyn Write, line: impl fmt::Display) -> Result<Exit, CommandError> {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::usage(error)),
        Ok(()) | Err(_) => Ok(Exit::Pass),
    }
}

/// A session as it is spoken of.
struct Named<'a>(&'a Session);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {} ({})", self.0.id, printable(&self.0.name))
    }
}

/// Returns the session's name as the name of a folder.
fn folder_name(session: &Session) -> String {
    let name: String = session
        .name
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() || "-_.".contains(letter) {
                letter
            } else {
                '-'
            }
        })
        .collect();
    let name = name.trim_matches(['.', '-']);
    if name.is_empty() {
        session.id.to_string()
    } else {
        name.to_owned()
    }
}
