//! Folders of baselines: their names, their sizes, and how one is put in its place.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use crate::command::CommandError;

/// The size of a baseline from which on it is worth a word, in bytes.
pub(super) const LARGE_BASELINE: u64 = 1 << 20;

/// The size that all baselines together may have, in bytes.
pub(super) const LARGEST_SUITE: u64 = 50 << 20;

/// Returns an error for a name that is no path of plain folders.
pub(super) fn check_name(name: &str) -> Result<(), CommandError> {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || "-_.".contains(c))
    };
    if name.split('/').all(is_part) {
        return Ok(());
    }
    Err(
        CommandError::usage(format!("`{name}` is no name for a baseline"))
            .help("use letters, digits, `-`, `_` and `.`; `/` makes folders"),
    )
}

/// A folder that is filled aside and takes its place in one move.
pub(super) struct Aside {
    _temporary: tempfile::TempDir,
    path: Utf8PathBuf,
}

impl Aside {
    /// Makes an empty folder beside `target`, on the same disk.
    pub(super) fn beside(target: &Utf8Path) -> Result<Self, CommandError> {
        let parent = target.parent().unwrap_or_else(|| Utf8Path::new("."));
        let failed = |error: std::io::Error| unwritable(parent, &error);
        fs::create_dir_all(parent).map_err(failed)?;
        let temporary = tempfile::Builder::new()
            .prefix(".rewind-")
            .tempdir_in(parent)
            .map_err(failed)?;
        let path = Utf8Path::from_path(temporary.path())
            .map(|path| path.join("new"))
            .ok_or_else(|| failed(std::io::ErrorKind::InvalidFilename.into()))?;
        fs::create_dir(&path).map_err(failed)?;
        Ok(Self {
            _temporary: temporary,
            path,
        })
    }

    /// Returns the folder.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Writes a file into the folder.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), CommandError> {
        let path = self.path.join(name);
        fs::write(&path, text).map_err(|error| unwritable(&path, &error))
    }

    /// Moves the folder to `target`, where nothing may be.
    pub(super) fn place(self, target: &Utf8Path) -> Result<(), CommandError> {
        if target.exists() {
            return Err(exists(target));
        }
        fs::rename(&self.path, target).map_err(|error| unwritable(target, &error))
    }
}

/// Returns that something is at `target` already.
pub(super) fn exists(target: &Utf8Path) -> CommandError {
    CommandError::usage(format!("{target} is there already")).help(
        "choose another --name, remove it with `rewind baseline rm`, or record it anew with \
         `rewind baseline accept --rerecord`",
    )
}

/// Returns that `path` can't be written.
pub(super) fn unwritable(path: &Utf8Path, error: &std::io::Error) -> CommandError {
    CommandError::usage(format!("cannot write {path}: {error}"))
        .help("make its directory writable; nothing that was there has changed")
}

/// Returns the bytes in all files below `dir`, links not followed.
pub(super) fn size(dir: &Utf8Path) -> u64 {
    let mut sum = 0;
    let mut next = vec![dir.to_owned()];
    while let Some(dir) = next.pop() {
        for entry in dir.read_dir_utf8().into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(known) if known.is_dir() => next.push(entry.path().to_owned()),
                Ok(known) if known.is_file() => sum += known.len(),
                Ok(_) | Err(_) => {}
            }
        }
    }
    sum
}

/// Returns a size as people read it.
pub(super) fn bytes(size: u64) -> String {
    match size {
        0..=9_999 => format!("{size} B"),
        10_000..=9_999_999 => format!("{} KB", size / 1_000),
        _ => format!("{} MB", size / 1_000_000),
    }
}
