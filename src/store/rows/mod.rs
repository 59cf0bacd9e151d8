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

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Fault;
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

/// Returns the JSON of a row.
fn to_text<T: Serialize>(what: &str, row: &T) -> Result<String, Fault> {
    serde_json::to_string(row).map_err(|error| Fault::row(what, error))
}

/// Returns the row that this JSON holds.
fn from_text<T: DeserializeOwned>(what: impl std::fmt::Display, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::row(what, error))
}
