//! The file of the history: one run a line, in the order in which they were added.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::entry::{Entry, FORMAT};

/// A history that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file can't be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file can't be written; it is as it was.
    #[error("failed to write {path}; it is as it was")]
    Write {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is no run.
    #[error("line {line} of {path} is no run; take it out, or restore the file")]
    Line {
        /// The file.
        path: Utf8PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A line has a version that is not known here.
    #[error("line {line} of {path} has format {found}, this rewind reads {FORMAT}; update rewind")]
    Version {
        /// The file.
        path: Utf8PathBuf,
        /// The line, from 1.
        line: usize,
        /// The version.
        found: String,
    },
}

/// What adding a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is the last line now.
    New,
    /// It was there already; nothing was written.
    Known,
}

/// Returns the runs in a text, in the order of its lines; `path` is named where one can't be read.
///
/// # Errors
/// A line is no run, or one of an unknown version.
pub fn parse(text: &str, path: &Utf8Path) -> Result<Vec<Entry>, HistoryError> {
    let lines = text.lines().enumerate();
    let runs = lines.filter(|(_nth, line)| !line.trim().is_empty());
    runs.map(|(nth, line)| entry(line, nth + 1, path)).collect()
}

fn entry(text: &str, line: usize, path: &Utf8Path) -> Result<Entry, HistoryError> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    let no_run = |source| HistoryError::Line {
        path: path.to_owned(),
        line,
        source,
    };
    let Head { format } = serde_json::from_str(text).map_err(no_run)?;
    let other = |found| HistoryError::Version {
        path: path.to_owned(),
        line,
        found,
    };
    let known = version(FORMAT);
    match (version(&format), serde_json::from_str(text)) {
        (found, _) if found.map(|(major, _)| major) != known.map(|(major, _)| major) => {
            Err(other(format))
        }
        (_, Ok(entry)) => Ok(entry),
        // A newer one may hold keys that are not known here.
        (found, Err(_)) if found > known => Err(other(format)),
        (_, Err(source)) => Err(no_run(source)),
    }
}

/// Returns the parts of a version; `None` of what is none.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Returns the runs in a file, in the order of its lines; none where there is no file.
///
/// # Errors
/// The file can't be read, or a line is no run.
pub fn load(path: &Utf8Path) -> Result<Vec<Entry>, HistoryError> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&text, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(HistoryError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Adds a run to a file, or makes the file; the file is written aside and renamed, so it never is half-written. Others that add
/// at the same time wait. A run that is there already changes nothing.
///
/// # Errors
/// The file can't be read or written, or a line of it is no run.
pub fn append(path: &Utf8Path, entry: &Entry) -> Result<Added, HistoryError> {
    let failed = |source| HistoryError::Write {
        path: path.to_owned(),
        source,
    };
    // What a link leads to is replaced, not the link.
    let real = path.canonicalize_utf8();
    let target = real.as_deref().unwrap_or(path);
    let held = hold(target).map_err(failed)?;
    let text = fs::read_to_string(target).map_err(failed)?;
    let Some(text) = with_entry(&text, entry, path)? else {
        return Ok(Added::Known);
    };
    replace(target, &text).map_err(failed)?;
    drop(held);
    Ok(Added::New)
}

/// Returns a history with one more run as its last line; `None` where it is there already. `path` is named where a line can't be
/// read.
///
/// # Errors
/// A line is no run.
pub fn with_entry(
    text: &str,
    entry: &Entry,
    path: &Utf8Path,
) -> Result<Option<String>, HistoryError> {
    let known = parse(text, path)?;
    if known.contains(entry) {
        return Ok(None);
    }
    let line = serde_json::to_string(entry).map_err(|source| HistoryError::Line {
        path: path.to_owned(),
        line: known.len() + 1,
        source,
    })?;
    let join = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    Ok(Some(format!("{text}{join}{line}\n")))
}

/// Waits until nobody else holds the file, and returns it; makes it where it is not there.
fn hold(path: &Utf8Path) -> io::Result<File> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    loop {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).open(path)?;
        file.lock()?;
        // Whoever held it before may have put another file in its place.
        if is_at(&file, path)? {
            return Ok(file);
        }
    }
}

/// Returns whether an open file is the one at a path.
fn is_at(file: &File, path: &Utf8Path) -> io::Result<bool> {
    let found = match rustix::fs::stat(path.as_std_path()) {
        Ok(found) => found,
        Err(rustix::io::Errno::NOENT) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let held = rustix::fs::fstat(file)?;
    Ok((held.st_dev, held.st_ino) == (found.st_dev, found.st_ino))
}

/// Writes a text aside and puts it in the place of the file.
fn replace(path: &Utf8Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    let aside = path.with_file_name(format!(".{name}.new"));
    let mut file = File::create(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let permissions = fs::metadata(path)?.permissions();
    fs::set_permissions(&aside, permissions)?;
    fs::rename(&aside, path)
}
