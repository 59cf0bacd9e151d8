//! Removing sessions, and reclaiming what nothing refers to any more.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::Store;
use super::error::{Fault, StoreError};
use super::pool::{self, RowId};
use super::rows::Table;
use super::rows::call::{CallHead, CallRow};
use super::rows::columns::Columns;
use crate::model::SessionId;

/// What a collection gave back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reclaimed {
    /// Number of rows of content that were removed.
    pub rows: usize,
    /// Bytes that the database has become smaller.
    pub bytes: u64,
}

impl Store {
    /// Removes a session with all its timelines; its content goes at the next [`gc`](Self::gc).
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSession`]; failures of the database.
    pub fn remove(&self, id: SessionId) -> Result<(), StoreError> {
        let seq = self.seq(id)?;
        self.write(|connection| {
            let mut statement = connection.prepare("SELECT id FROM timeline WHERE session = ?1")?;
            let timelines: Vec<u32> = statement
                .query_map([seq], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for timeline in timelines {
                for table in Table::ALL {
                    table.clear(connection, timeline)?;
                }
            }
            connection.execute("DELETE FROM session WHERE seq = ?1", params![seq])?;
            Ok(())
        })
    }

    /// Removes all content that nothing refers to, and gives the space back to the file system.
    ///
    /// Verdicts of judges go, too: they quote what they judged, which may be what was to disappear.
    ///
    /// # Errors
    ///
    /// Failures of the database.
    pub fn gc(&self) -> Result<Reclaimed, StoreError> {
        let before = self.size()?;
        let rows = self.write(|connection| {
            connection.execute("DELETE FROM verdict", [])?;
            sweep(connection)
        })?;
        self.connection
            .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
            .map_err(|error| StoreError::of(&self.path, error))?;
        Ok(Reclaimed {
            rows,
            bytes: before.saturating_sub(self.size()?),
        })
    }

    /// Returns the size of the database in bytes, its journal aside.
    fn size(&self) -> Result<u64, StoreError> {
        let bytes: i64 = self
            .connection
            .query_row(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                [],
                |row| row.get(0),
            )
            .map_err(|error| StoreError::of(&self.path, error))?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }
}

/// Removes the rows of content that can't be reached; returns how many.
fn sweep(connection: &Connection) -> Result<usize, Fault> {
    let live = reachable(connection)?;
    let mut statement = connection.prepare("SELECT id FROM content")?;
    let dead: Vec<RowId> = statement
        .query_map([], |row| row.get(0))?
        .filter(|row| row.as_ref().map_or(true, |row| !live.contains(row)))
        .collect::<rusqlite::Result<_>>()?;
    let mut delete = connection.prepare("DELETE FROM content WHERE id = ?1")?;
    for row in &dead {
        delete.execute([row])?;
    }
    Ok(dead.len())
}

fn reachable(connection: &Connection) -> Result<HashSet<RowId>, Fault> {
    let mut live: HashSet<RowId> = HashSet::new();
    for sql in ["SELECT message FROM node", "SELECT content FROM ancillary"] {
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get::<_, RowId>(0))?;
        for row in rows {
            live.insert(row?);
        }
    }
    let mut statement = connection.prepare(Columns::SELECT_ALL)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let columns = Columns::of(row)?;
        let text: String = row.get("body")?;
        let call: CallRow =
            serde_json::from_str(&text).map_err(|error| Fault::row("call", error))?;
        live.extend(call.alternatives);
        live.extend(call.shapes);
        live.extend(columns.output);
        live.extend(columns.from);
        if live.insert(columns.head) {
            let head: CallHead = pool::value(connection, columns.head)?;
            live.extend(head.system);
            live.extend([head.tools, head.settings]);
        }
    }
    Ok(live)
}
