//! Captured tool calls as rows: JSON, one a call.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::{from_text, to_text};
use crate::model::ToolCapture;
use crate::store::error::Fault;
use crate::store::key;

/// Writes a captured call; an earlier one with the same ordinal gives way.
pub(in crate::store) fn put(
    connection: &Connection,
    timeline: u32,
    tool: &ToolCapture,
) -> Result<(), Fault> {
    connection.execute(
        "INSERT OR REPLACE INTO tool (id, body) VALUES (?1, ?2)",
        params![key(timeline, tool.ordinal), to_text("tool call", tool)?],
    )?;
    Ok(())
}

/// Returns the captured calls of a timeline by ordinal.
pub(in crate::store) fn load(
    connection: &Connection,
    timeline: u32,
) -> Result<Vec<Arc<ToolCapture>>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT body FROM tool WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut rows = statement.query([key(timeline, 0), key(timeline, u32::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        found.push(Arc::new(from_text("tool call", &text)?));
    }
    Ok(found)
}
