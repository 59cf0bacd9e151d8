//! Files that are good for a day: what was paid for, for the next run of the same request.
//!
//! A file that can't be read is as good as none.

use std::fs;

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What stands in such a file.
pub(super) trait Daily: Serialize + DeserializeOwned {
    /// The version of the files; another one is not read.
    const FORMAT: &'static str;

    /// What the names of the files begin with.
    const PREFIX: &'static str;

    /// Returns the version of this file.
    fn format(&self) -> &str;

    /// Returns when it was written.
    fn kept_at(&self) -> Timestamp;
}

/// Removes the files in `dir` that are too old.
pub(super) fn tidy<T: Daily>(dir: &Utf8Path) {
    for entry in dir.read_dir_utf8().into_iter().flatten().flatten() {
        let is_ours = entry.file_name().starts_with(T::PREFIX);
        if is_ours && read::<T>(entry.path()).is_ok_and(|kept| is_old(&kept)) {
            remove(entry.path());
        }
    }
}

/// Returns what is in a file, if it is good and not too old.
pub(super) fn find<T: Daily>(path: &Utf8Path) -> Option<T> {
    match read::<T>(path) {
        Ok(kept) if is_old(&kept) => {
            remove(path);
            None
        }
        Ok(kept) => Some(kept),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(%path, %error, "what was kept can't be read and is not used");
            None
        }
    }
}

/// Writes a file below `dir`, aside first and then renamed.
pub(super) fn keep<T: Daily>(dir: &Utf8Path, path: &Utf8Path, kept: &T) {
    let aside = path.with_extension(format!("{}.new", std::process::id()));
    let written = serde_json::to_vec(kept)
        .map_err(std::io::Error::from)
        .and_then(|text| {
            fs::create_dir_all(dir)?;
            fs::write(&aside, text)?;
            fs::rename(&aside, path)
        });
    if let Err(error) = written {
        tracing::warn!(%path, %error, "what was paid for could not be kept");
    }
}

fn read<T: Daily>(path: &Utf8Path) -> std::io::Result<T> {
    let kept: T = serde_json::from_slice(&fs::read(path)?)?;
    if kept.format() == T::FORMAT {
        Ok(kept)
    } else {
        let format = kept.format();
        Err(std::io::Error::other(format!("it has format {format}")))
    }
}

/// Returns whether it is too old, or from the future.
fn is_old<T: Daily>(kept: &T) -> bool {
    let age = Timestamp::now().duration_since(kept.kept_at());
    age > SignedDuration::from_hours(HOURS) || age < SignedDuration::ZERO
}

fn remove(path: &Utf8Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!(%path, %error, "an old file could not be removed");
    }
}

/// How long a file is good for.
const HOURS: i64 = 24;
