//! Traffic without a number as rows; equal exchanges are pooled.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Ancillary, ContentId, Exchange};
use crate::store::error::Fault;
use crate::store::key;
use crate::store::pool::{self, RowId};
use crate::wirecodec::{self, Known};

#[derive(Debug, Serialize, Deserialize)]
struct AncillaryRow {
    provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<ContentId>,
    method: String,
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<ContentId>,
    status: u16,
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wire: Option<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// Writes an exchange under this key.
pub(in crate::store) fn put(
    connection: &Connection,
    key: i64,
    ancillary: &Ancillary,
) -> Result<(), Fault> {
    let exchange = &ancillary.exchange;
    let row = AncillaryRow {
        provider: ancillary.provider.clone(),
        body: ancillary.body,
        method: exchange.method.clone(),
        path: exchange.path.clone(),
        fingerprint: exchange.fingerprint,
        status: exchange.status,
        headers: exchange.headers.clone(),
        wire: exchange
            .body
            .as_ref()
            .map(|body| wirecodec::encode(body, Known::default())),
        truncated: exchange.truncated,
    };
    let content = pool::put_value(connection, &row)?;
    connection.execute(
        "INSERT OR REPLACE INTO ancillary (id, content) VALUES (?1, ?2)",
        params![key, content],
    )?;
    Ok(())
}

/// Returns the exchanges of a timeline in order.
pub(in crate::store) fn load(
    connection: &Connection,
    timeline: u32,
) -> Result<Vec<Ancillary>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT content FROM ancillary WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut rows = statement.query([key(timeline, 0), key(timeline, u32::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let content: RowId = row.get(0)?;
        let row: AncillaryRow = pool::value(connection, content)?;
        let body = row
            .wire
            .as_ref()
            .map(|wire| wirecodec::decode(wire, Known::default()))
            .transpose()
            .map_err(|error| Fault::row(format!("content {content}"), error))?;
        found.push(Ancillary {
            provider: row.provider,
            body: row.body,
            exchange: Exchange {
                method: row.method,
                path: row.path,
                fingerprint: row.fingerprint,
                status: row.status,
                headers: row.headers,
                body,
                truncated: row.truncated,
            },
        });
    }
    Ok(found)
}
