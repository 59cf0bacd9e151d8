//! What the rows of the tables hold, as JSON: calls, threads, steps.
//!
//! A row refers to the pool by row ids. What many calls of a timeline have in common is a
//! [`CallHead`](call::CallHead), pooled as well.

pub(super) mod ancillary;
pub(super) mod call;
pub(super) mod columns;
pub(super) mod shape;
pub(super) mod step;
pub(super) mod thread;
pub(super) mod tool;

use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Fault;
use super::key;
use super::pool::PoolWriter;
use shape::ShapeWriter;
use thread::ThreadWriter;

/// What writing the calls of one timeline has to remember.
#[derive(Debug)]
pub(super) struct Pens {
    pub(super) timeline: u32,
    pool: PoolWriter,
    threads: ThreadWriter,
    shapes: ShapeWriter,
}

impl Pens {
    /// Returns pens for a timeline without calls.
    pub(super) fn new(timeline: u32) -> Self {
        Self {
            timeline,
            pool: PoolWriter::default(),
            threads: ThreadWriter::new(timeline),
            shapes: ShapeWriter::default(),
        }
    }

    /// Forgets what may not have been committed.
    pub(super) fn forget(&mut self) {
        self.pool.forget();
        self.threads.forget();
        self.shapes.forget();
    }
}

/// A table whose rows belong to timelines.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    Call,
    Node,
    Ancillary,
    Tool,
}

impl Table {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Call, Self::Node, Self::Ancillary, Self::Tool];

    /// Removes the rows of a timeline.
    pub(super) fn clear(self, connection: &Connection, timeline: u32) -> Result<(), Fault> {
        let statement = match self {
            Self::Call => "DELETE FROM call WHERE id BETWEEN ?1 AND ?2",
            Self::Node => "DELETE FROM node WHERE id BETWEEN ?1 AND ?2",
            Self::Ancillary => "DELETE FROM ancillary WHERE id BETWEEN ?1 AND ?2",
            Self::Tool => "DELETE FROM tool WHERE id BETWEEN ?1 AND ?2",
        };
        connection.execute(statement, [key(timeline, 0), key(timeline, u32::MAX)])?;
        Ok(())
    }
}

/// Returns the JSON of a row.
fn to_text<T: Serialize>(what: &str, row: &T) -> Result<String, Fault> {
    serde_json::to_string(row).map_err(|error| Fault::row(what, error))
}

/// Returns the row that this JSON holds.
fn from_text<T: DeserializeOwned>(what: impl std::fmt::Display, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::row(what, error))
}
