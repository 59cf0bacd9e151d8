//! What can be wrong with a session folder, said with the file, the line and a remedy.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

/// Why a session folder can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A file can't be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// A file or folder can't be written.
    #[error("cannot write {path}; make its directory writable, or name another one")]
    Write {
        /// The file or folder.
        path: Utf8PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// There is no session here.
    #[error("{path} is not there, so {} is no session folder; `rewind session export -o DIR` writes one",
        .path.parent().unwrap_or(.path))]
    NoSession {
        /// The `session.toml` that was looked for.
        path: Utf8PathBuf,
    },
    /// The folder to be replaced holds something else.
    #[error(
        "{dir} holds `{entry}`, which is no part of a session; name a new folder or an exported one"
    )]
    Occupied {
        /// The folder.
        dir: Utf8PathBuf,
        /// What does not belong there.
        entry: String,
    },
    /// The format is newer than this version knows.
    #[error("{path}: format {found} is newer than this rewind ({known}); update rewind")]
    Newer {
        /// The `session.toml`.
        path: Utf8PathBuf,
        /// The format found.
        found: String,
        /// What is known, such as `1.x`.
        known: String,
    },
    /// The `session.toml` is malformed.
    #[error("{path}: {detail}")]
    Manifest {
        /// The `session.toml`.
        path: Utf8PathBuf,
        /// Where and what.
        detail: String,
    },
    /// A line of a file is malformed, or refers to what is not there.
    #[error("{path}:{line}: {detail}")]
    Line {
        /// The file.
        path: Utf8PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was expected and what was found.
        detail: String,
    },
    /// The session has something that the format can't hold.
    #[error("the session cannot be written to {dir} without loss")]
    Lossy {
        /// The folder.
        dir: Utf8PathBuf,
        /// What came back instead; `None` where it came back and differs.
        #[source]
        source: Option<Box<FormatError>>,
    },
}

impl FormatError {
    pub(super) fn read(path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Read { path, source }
    }

    pub(super) fn write(path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Write { path, source }
    }
}

/// What is wrong with a line, before file and line are known.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Wrong(pub(super) String);

impl Wrong {
    /// Returns the fault with its place.
    pub(super) fn at(self, path: &Utf8Path, line: usize) -> FormatError {
        FormatError::Line {
            path: path.to_owned(),
            line,
            detail: self.0,
        }
    }
}
