//! Writes files without losing what is there.

use std::fmt;
use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::CommandError;

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Done {
    /// It is new, or was replaced.
    Wrote(String),
    /// It exists and stays.
    Kept(String),
    /// Lines were added.
    Added(String),
    /// It has all it needs.
    Unchanged(String),
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrote(name) => write!(f, "wrote {name}"),
            Self::Kept(name) => write!(f, "kept {name} as it is; --force replaces it"),
            Self::Added(name) => write!(f, "added lines to {name}"),
            Self::Unchanged(name) => write!(f, "{name} needs nothing"),
        }
    }
}

/// A file that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {path}; is the directory yours?")]
struct WriteError {
    path: Utf8PathBuf,
    #[source]
    source: io::Error,
}

/// Writes a file unless it exists.
pub(super) fn write_new(
    path: &Utf8Path,
    name: &str,
    text: &str,
    force: bool,
) -> Result<Done, CommandError> {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(Done::Unchanged(name.to_owned()));
    }
    if path.symlink_metadata().is_ok() && !force {
        return Ok(Done::Kept(name.to_owned()));
    }
    write(path, text)?;
    Ok(Done::Wrote(name.to_owned()))
}

/// Adds the lines that a file lacks to its end.
pub(super) fn add_lines(path: &Utf8Path, name: &str, lines: &[&str]) -> Result<Done, CommandError> {
    let found = match fs::read_to_string(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => {
            let path = path.to_owned();
            return Err(CommandError::usage(WriteError { path, source }));
        }
    };
    let has = |line: &str| {
        let bare = |text: &str| text.trim().trim_matches('/').to_owned();
        found.lines().any(|own| bare(own) == bare(line))
    };
    let missing: Vec<&str> = lines.iter().copied().filter(|line| !has(line)).collect();
    if missing.is_empty() {
        return Ok(Done::Unchanged(name.to_owned()));
    }
    let end = if found.is_empty() || found.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    write(path, &format!("{found}{end}{}\n", missing.join("\n")))?;
    Ok(if found.is_empty() {
        Done::Wrote(name.to_owned())
    } else {
        Done::Added(name.to_owned())
    })
}

fn write(path: &Utf8Path, text: &str) -> Result<(), CommandError> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text))
        .map_err(|source| {
            let path = path.to_owned();
            CommandError::usage(WriteError { path, source })
        })
}
