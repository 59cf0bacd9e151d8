//! The file in which an agent leaves its answer.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;

use camino::{Utf8Path, Utf8PathBuf};

use super::launch::Ended;

/// Puts the content of the answer's file in the place of standard output; a file that the run did not
/// write is no answer.
pub(super) fn with_file(mut ended: Ended, file: Option<(Utf8PathBuf, Option<Stamp>)>) -> Ended {
    if let Some((path, before)) = file {
        let now = Stamp::of(&path);
        let is_new = now.is_some() && now != before;
        let content = if is_new { answer_in(&path) } else { Ok(None) };
        ended.stdout = content.unwrap_or_else(|fault| {
            ended.faults.push(fault);
            None
        });
        if now.is_some() && !is_new {
            ended.faults.push(format!(
                "the agent did not write its answer: {path} is older than this run"
            ));
        }
    }
    ended
}

/// Returns the content of an answer's file, or why it is no answer.
fn answer_in(path: &Utf8Path) -> Result<Option<Vec<u8>>, String> {
    let unreadable = |error: io::Error| format!("the answer in {path} can't be read: {error}");
    let data = fs::metadata(path).map_err(unreadable)?;
    // Opening a pipe would wait for its other end.
    if !data.is_file() {
        return Err(format!("the answer in {path} can't be read: it is no file"));
    }
    let mut content = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(ANSWER_LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(unreadable)?;
    if content.len() as u64 > ANSWER_LIMIT {
        return Err(format!(
            "the answer in {path} is larger than 4 MB, which is more than Rewind reads"
        ));
    }
    Ok(Some(content))
}

/// By what a file that was written can be told from one that was not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Returns the stamp of a file; `None` where there is none.
    pub(super) fn of(path: &Utf8Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        Some(Self {
            inode: data.ino(),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        })
    }
}

/// The most bytes of an answer's file that are read.
const ANSWER_LIMIT: u64 = 4 << 20;
