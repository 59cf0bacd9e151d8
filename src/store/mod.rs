//! The working store: `.rewind/rewind.db`, a SQLite database with every session that was recorded.
//!
//! [`Store`] opens it, lists, loads and removes sessions; a [`TimelineWriter`] takes the calls of a
//! run one by one, each durable when [`put`](TimelineWriter::put) returns, so a killed run keeps
//! what it had. Content is kept once, whatever refers to it: a context that grows with each step
//! takes linear space. Several processes may write at once.
//!
//! Knows nothing of baselines and their text format. The wire bytes are written by
//! [`wirecodec`](crate::wirecodec). Nothing is compressed, so what is in the store can be searched.

mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod gc;
mod heads;
mod list;
mod load;
mod open;
mod pool;
mod resolve;
mod rows;
mod schema;
mod scores;
#[cfg(test)]
mod tests;
mod verdicts;
mod write;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::Connection;

pub use error::StoreError;
pub use gc::Reclaimed;
pub use heads::{SessionHead, TimelineHead};
pub use list::{SessionSummary, TimelineSummary};
pub use scores::StoredScore;
pub use write::TimelineWriter;

/// An open store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: Utf8PathBuf,
}

impl Store {
    /// Returns the path of the database.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }
}

/// Returns the key of a row of a timeline: all rows of one timeline are one range.
fn key(timeline: u32, ordinal: u32) -> i64 {
    (i64::from(timeline) << 32) | i64::from(ordinal)
}
