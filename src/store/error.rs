//! What can go wrong with the store, said with the path and a remedy.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::ErrorCode;

use crate::model::SessionId;

/// Why the store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or a file in it could not be made.
    #[error(
        "cannot create {path}; make the directory writable, or name another with `--store DIR`"
    )]
    Create {
        /// What was to be made.
        path: Utf8PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// The database could not be opened.
    #[error("cannot open {path}; check its permissions, or name another store with `--store DIR`")]
    Open {
        /// The database.
        path: Utf8PathBuf,
        /// SQLite's reason.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is no SQLite database.
    #[error("{path} is not a SQLite database; move it away, and rewind will make a new one")]
    NotADatabase {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The file is a SQLite database of another program.
    #[error(
        "{path} is a database of another program; move it away, or name another store with `--store DIR`"
    )]
    Foreign {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The database was written by a newer version.
    #[error(
        "{path} has store format {found}, newer than this rewind knows ({known}); update rewind, or name another store with `--store DIR`"
    )]
    Newer {
        /// The database.
        path: Utf8PathBuf,
        /// The format found.
        found: i64,
        /// The newest format known.
        known: i64,
    },
    /// The database is damaged.
    #[error("{path} is damaged ({detail}); keep a copy, and move it away to start anew")]
    Corrupt {
        /// The database.
        path: Utf8PathBuf,
        /// What was found.
        detail: String,
    },
    /// The database may not be written.
    #[error(
        "{path} is read-only; make the file and its directory writable, or name another store with `--store DIR`"
    )]
    ReadOnly {
        /// The database.
        path: Utf8PathBuf,
    },
    /// There is no room left.
    #[error(
        "no space left to write {path}; free some (`rewind session gc`), nothing recorded before is lost"
    )]
    Full {
        /// The database.
        path: Utf8PathBuf,
    },
    /// Another process held the database for too long.
    #[error("{path} is in use by another process for more than 5 s; try again when it has ended")]
    Busy {
        /// The database.
        path: Utf8PathBuf,
    },
    /// Any other failure of SQLite.
    #[error("cannot work with {path}")]
    Sqlite {
        /// The database.
        path: Utf8PathBuf,
        /// SQLite's reason.
        #[source]
        source: rusqlite::Error,
    },
    /// No session has this id, name or beginning of an id.
    #[error("no session `{asked}` in {path}{}", suggestion(.nearest))]
    NoSession {
        /// What was asked for.
        asked: String,
        /// The database.
        path: Utf8PathBuf,
        /// Names that are close to it, nearest first.
        nearest: Vec<String>,
    },
    /// Several sessions have an id with this beginning.
    #[error("`{asked}` is the beginning of {} session ids ({}); add more digits", .ids.len(), list(.ids))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// The ids that fit.
        ids: Vec<SessionId>,
    },
    /// There is no session at all.
    #[error("there is no session in {path}; make one with `rewind record -- CMD`")]
    Empty {
        /// The database.
        path: Utf8PathBuf,
    },
    /// A session with this id is there already.
    #[error("session {id} is already in {path}")]
    Exists {
        /// The session's id.
        id: SessionId,
        /// The database.
        path: Utf8PathBuf,
    },
}

impl StoreError {
    /// Returns the error for a failure of SQLite on the database at `path`.
    pub(super) fn of(path: &Utf8Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt {
                path,
                detail: source.to_string(),
            },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::Open { path, source }
            }
            Some(_) | None => Self::Sqlite { path, source },
        }
    }
}

/// A failure inside the store, before the path is known.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// A row does not make sense.
    Row(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Fault {
    /// Returns the fault of a row that does not make sense: what it is, and why.
    pub(super) fn row(what: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::Row(format!("{what}: {why}"))
    }

    /// Returns the error for people.
    pub(super) fn at(self, path: &Utf8Path) -> StoreError {
        match self {
            Self::Sqlite(source) => StoreError::of(path, source),
            Self::Row(detail) => StoreError::Corrupt {
                path: path.to_owned(),
                detail,
            },
        }
    }
}

fn suggestion(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return "; `rewind sessions` lists them".to_owned();
    }
    let names: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", names.join(" or "))
}

fn list(ids: &[SessionId]) -> String {
    let mut texts: Vec<String> = ids.iter().take(3).map(ToString::to_string).collect();
    if ids.len() > texts.len() {
        texts.push("…".to_owned());
    }
    texts.join(", ")
}
