//! The committed form of a session: a folder of text that a reviewer can read. A format of our own.
//!
//! ```text
//! session/
//!   session.toml     format version; source, name, command, input; timelines and how they ended
//!   messages.jsonl   the pool: every message, tool set, settings and request frame once
//!   steps.jsonl      one step a line: what was asked and answered, by reference
//!   wire.jsonl       what differs with each recording: ids, times, wire bytes
//!   blobs/           binary content by hash
//!   .gitattributes   keeps git from changing line ends, and wire.jsonl out of diffs
//! ```
//!
//! [`write_session`] and [`read_session`] are exact inverses: what is read is what was written, and
//! written again it is the same bytes. Recording an unchanged agent again changes `wire.jsonl` alone.
//! `schemas/session-1.schema.json` describes each file. Does not know `baseline.toml`.

mod blobs;
mod error;
mod lines;
mod manifest;
mod pool;
mod read;
mod steps;
#[cfg(test)]
mod tests;
mod write;

pub use error::FormatError;
pub use read::read_session;
pub use write::write_session;

/// The version of the format that is written for sessions without captured tool calls: 1.0, the first.
const FORMAT: &str = "1.0";
/// The version of the format that is written for sessions with captured tool calls: 1.1 knows `captures`.
const FORMAT_CAPTURED: &str = "1.1";
/// The version of the format that is written for imported sessions, and those with Gemini: 1.2 knows `lost`, `root_input`, `expected` and `trace`, and the
/// dialect of Gemini.
const FORMAT_IMPORTED: &str = "1.2";
/// The major version that can be read.
const MAJOR: u32 = 1;
/// The newest minor version that is known.
const MINOR: u32 = 2;

const SESSION: &str = "session.toml";
const MESSAGES: &str = "messages.jsonl";
const STEPS: &str = "steps.jsonl";
const WIRE: &str = "wire.jsonl";
const BLOBS: &str = "blobs";
const ATTRIBUTES: &str = ".gitattributes";

/// Returns the hash of the recording in the folder `dir` without its volatile side: recording an
/// unchanged agent again does not change it.
///
/// # Errors
/// A file can't be read.
pub fn recording_id(dir: &camino::Utf8Path) -> Result<crate::model::ContentId, FormatError> {
    let read = |name: &str| {
        let path = dir.join(name);
        std::fs::read(&path).map_err(FormatError::read(&path))
    };
    let files = [read(SESSION)?, read(MESSAGES)?, read(STEPS)?];
    Ok(crate::model::ContentId::of_parts(
        files.iter().map(Vec::as_slice),
    ))
}
