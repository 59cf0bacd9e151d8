//! The content pool: every distinct JSON value once, found by its hash.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Fault;
use crate::model::{ContentId, Message, Pooled, canonical_json};

/// The key of a row of `content`.
pub(super) type RowId = i64;

/// Puts values into the pool; remembers which it has put.
///
/// What is remembered is confirmed before it is used: another process may have swept the pool.
#[derive(Debug, Default)]
pub(super) struct PoolWriter {
    known: HashMap<ContentId, RowId>,
}

impl PoolWriter {
    /// Puts a pooled value and returns its row.
    pub(super) fn put<T: Serialize>(
        &mut self,
        connection: &Connection,
        value: &Pooled<T>,
    ) -> Result<RowId, Fault> {
        if let Some(row) = self.confirmed(connection, value.id())? {
            return Ok(row);
        }
        let row = put_text(connection, value.id(), &canonical_json(value.value()))?;
        self.known.insert(value.id(), row);
        Ok(row)
    }

    /// Forgets everything: what was put last may not have been committed.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    fn confirmed(&self, connection: &Connection, id: ContentId) -> Result<Option<RowId>, Fault> {
        let Some(row) = self.known.get(&id) else {
            return Ok(None);
        };
        let mut statement =
            connection.prepare_cached("SELECT 1 FROM content WHERE id = ?1 AND hash = ?2")?;
        let is_there = statement.exists(params![row, hash(id)])?;
        Ok(is_there.then_some(*row))
    }
}

/// Puts a value that is not pooled otherwise, and returns its row.
pub(super) fn put_value<T: Serialize>(connection: &Connection, value: &T) -> Result<RowId, Fault> {
    let text = canonical_json(value);
    put_text(connection, ContentId::of(text.as_bytes()), &text)
}

/// Reads values of the pool; equal messages come back shared.
#[derive(Debug, Default)]
pub(super) struct PoolReader {
    messages: HashMap<RowId, Arc<Pooled<Message>>>,
}

impl PoolReader {
    /// Returns the message in this row.
    pub(super) fn message(
        &mut self,
        connection: &Connection,
        row: RowId,
    ) -> Result<Arc<Pooled<Message>>, Fault> {
        if let Some(message) = self.messages.get(&row) {
            return Ok(Arc::clone(message));
        }
        let message = pooled::<Message>(connection, row)?;
        self.messages.insert(row, Arc::clone(&message));
        Ok(message)
    }
}

/// Returns the pooled value in this row, its hash checked.
pub(super) fn pooled<T: Serialize + DeserializeOwned>(
    connection: &Connection,
    row: RowId,
) -> Result<Arc<Pooled<T>>, Fault> {
    value::<T>(connection, row).map(Pooled::new)
}

/// Returns the value in this row, its hash checked.
pub(super) fn value<T: DeserializeOwned>(connection: &Connection, row: RowId) -> Result<T, Fault> {
    let (expected, text) = read(connection, row)?;
    if hash(ContentId::of(text.as_bytes())) != expected {
        return Err(Fault::row(
            format!("content {row}"),
            "it does not fit its hash",
        ));
    }
    serde_json::from_str(&text).map_err(|error| Fault::row(format!("content {row}"), error))
}

/// Returns whether there is such a row.
pub(super) fn is_there(connection: &Connection, row: RowId) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM content WHERE id = ?1")?;
    Ok(statement.exists([row])?)
}

fn read(connection: &Connection, row: RowId) -> Result<(i64, String), Fault> {
    connection
        .prepare_cached("SELECT hash, body FROM content WHERE id = ?1")?
        .query_row([row], |found| Ok((found.get(0)?, found.get(1)?)))
        .optional()?
        .ok_or_else(|| Fault::row(format!("content {row}"), "it is missing"))
}

fn put_text(connection: &Connection, id: ContentId, text: &str) -> Result<RowId, Fault> {
    let hash = hash(id);
    let found = connection
        .prepare_cached("SELECT id FROM content WHERE hash = ?1 AND body = ?2")?
        .query_row(params![hash, text], |row| row.get(0))
        .optional()?;
    if let Some(row) = found {
        return Ok(row);
    }
    connection
        .prepare_cached("INSERT INTO content (hash, body) VALUES (?1, ?2)")?
        .execute(params![hash, text])?;
    Ok(connection.last_insert_rowid())
}

/// Returns the part of an id that the pool keeps: its first 8 bytes.
fn hash(id: ContentId) -> i64 {
    let (first, _rest) = id
        .as_bytes()
        .split_first_chunk::<8>()
        .unwrap_or((&[0; 8], &[]));
    i64::from_be_bytes(*first)
}
