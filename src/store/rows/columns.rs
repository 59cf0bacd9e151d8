//! The columns of a call: what is small and has the same form in every call.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, Row, ToSql, params};

use super::thread::NodeNumber;
use crate::model::{ContentId, Usage};
use crate::store::error::Fault;
use crate::store::pool::RowId;

/// The columns of a row of `call`, but its key and its body.
#[derive(Debug)]
pub(in crate::store) struct Columns {
    /// The row of the head.
    pub(in crate::store) head: RowId,
    /// The node of the history.
    pub(in crate::store) node: NodeNumber,
    /// The row of the answer.
    pub(in crate::store) output: Option<RowId>,
    /// The row of the wire body's sources.
    pub(in crate::store) from: Option<RowId>,
    /// Beginning, first byte, end.
    pub(super) us: [u64; 3],
    pub(super) usage: Option<Usage>,
    pub(super) fingerprint: Option<ContentId>,
}

impl Columns {
    /// Selects the columns of all calls of a timeline, given the range of their keys.
    pub(super) const SELECT: &str = "SELECT id & 4294967295 AS ordinal, * FROM call
         WHERE id BETWEEN ?1 AND ?2 ORDER BY id";

    /// Selects the columns of all calls.
    pub(in crate::store) const SELECT_ALL: &str = "SELECT * FROM call";

    /// Returns the columns of a row.
    pub(in crate::store) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = |name: &str| row.get::<_, i64>(name).map(i64::cast_unsigned);
        let input: Option<i64> = row.get("usage_input")?;
        let usage = input.map(|input| {
            Ok::<_, rusqlite::Error>(Usage {
                input: input.cast_unsigned(),
                cached_input: number("usage_cached_input")?,
                cache_write: number("usage_cache_write")?,
                output: number("usage_output")?,
                reasoning: number("usage_reasoning")?,
            })
        });
        let began = number("began_us")?;
        let fingerprint: Option<[u8; 32]> = row.get("fingerprint")?;
        Ok(Self {
            head: row.get("head")?,
            node: row.get("node")?,
            output: row.get("output")?,
            from: row.get("wire_from")?,
            us: [
                began,
                began.wrapping_add(number("wait_us")?),
                began.wrapping_add(number("took_us")?),
            ],
            usage: usage.transpose()?,
            fingerprint: fingerprint.map(ContentId::from_bytes),
        })
    }

    /// Writes the row of a call.
    pub(super) fn insert(
        &self,
        connection: &Connection,
        key: i64,
        body: &str,
    ) -> Result<(), Fault> {
        let [began, first_byte, ended] = self.us;
        let usage = |field: fn(Usage) -> u64| self.usage.map(field).map(Number);
        let fingerprint = self.fingerprint.as_ref().map(ContentId::as_bytes);
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO call VALUES
                 (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute(params![
                key,
                self.head,
                self.node,
                self.output,
                self.from,
                Number(began),
                Number(first_byte.wrapping_sub(began)),
                Number(ended.wrapping_sub(began)),
                usage(|usage| usage.input),
                usage(|usage| usage.cached_input),
                usage(|usage| usage.cache_write),
                usage(|usage| usage.output),
                usage(|usage| usage.reasoning),
                fingerprint.map(<[u8; 32]>::as_slice),
                body
            ])?;
        Ok(())
    }
}

/// An unsigned number in SQLite's signed integers, bit for bit.
struct Number(u64);

impl ToSql for Number {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.cast_signed()))
    }
}
