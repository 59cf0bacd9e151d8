//! Reading a session back.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::Store;
use super::error::{Fault, StoreError};
use super::heads::SessionHead;
use super::list::TimelineSummary;
use super::pool::PoolReader;
use super::rows::{ancillary, call, step, tool};
use crate::lineage;
use crate::model::{
    ForkedFrom, Outcome, ReplayReport, Session, SessionId, ThreadInterner, Timeline,
};

/// What is written when a timeline ends, its steps aside.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TimelineResult {
    pub(super) is_complete: bool,
    pub(super) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replay: Option<ReplayReport>,
    pub(super) summary: TimelineSummary,
}

impl TimelineResult {
    pub(super) fn to_text(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(|error| Fault::row("result of the timeline", error))
    }

    pub(super) fn from_text(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|error| Fault::row("result of the timeline", error))
    }
}

/// A row of `timeline`.
pub(super) struct TimelineRow {
    pub(super) id: u32,
    pub(super) label: String,
    forked_from: Option<String>,
    started_at: String,
    pub(super) result: Option<String>,
    steps: Option<String>,
}

impl Store {
    /// Loads a session with all its timelines.
    ///
    /// Finished timelines come back as they were written. One that was never finished (a killed
    /// run) has the calls that were recorded, `is_complete = false`, and a fault that says so.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSession`]; a damaged database.
    pub fn load(&self, id: SessionId) -> Result<Session, StoreError> {
        let seq = self.seq(id)?;
        // One transaction: a run that ends meanwhile can't mix two states.
        let fault = |fault: Fault| fault.at(&self.path);
        let transaction = self
            .connection
            .unchecked_transaction()
            .map_err(|error| fault(error.into()))?;
        load(&transaction, seq).map_err(fault)
    }
}

fn load(connection: &Connection, seq: i64) -> Result<Session, Fault> {
    let (name, head): (String, String) = connection.query_row(
        "SELECT name, head FROM session WHERE seq = ?1",
        [seq],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let head: SessionHead =
        serde_json::from_str(&head).map_err(|error| Fault::row("session", error))?;
    let mut pool = PoolReader::default();
    let mut interner = ThreadInterner::default();
    let timelines: Vec<Timeline> = timeline_rows(connection, seq)?
        .into_iter()
        .map(|row| timeline(connection, row, &mut pool, &mut interner))
        .collect::<Result<_, Fault>>()?;
    Ok(Session {
        id: head.id,
        name,
        recorded_at: head.recorded_at,
        source: head.source,
        command: head.command,
        input: head.input,
        root_input: head.root_input,
        expected: head.expected,
        trace: head.trace,
        timelines,
    })
}

/// Returns the timelines of a session in the order in which they began.
pub(super) fn timeline_rows(connection: &Connection, seq: i64) -> Result<Vec<TimelineRow>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, label, forked_from, started_at, result, steps FROM timeline
         WHERE session = ?1 ORDER BY id",
    )?;
    let rows = statement.query_map([seq], |row| {
        Ok(TimelineRow {
            id: row.get(0)?,
            label: row.get(1)?,
            forked_from: row.get(2)?,
            started_at: row.get(3)?,
            result: row.get(4)?,
            steps: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the timeline of this row.
pub(super) fn timeline(
    connection: &Connection,
    row: TimelineRow,
    pool: &mut PoolReader,
    interner: &mut ThreadInterner,
) -> Result<Timeline, Fault> {
    let what = |field: &str| format!("{field} of timeline {}", row.label);
    let calls = call::load(connection, row.id, pool, interner)?;
    let tools = tool::load(connection, row.id)?;
    let forked_from: Option<ForkedFrom> = row
        .forked_from
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(|error| Fault::row(what("fork"), error))?;
    let started_at = row
        .started_at
        .parse()
        .map_err(|error| Fault::row(what("beginning"), error))?;
    let (steps, result) = match (&row.steps, &row.result) {
        (Some(steps), Some(result)) => (
            step::decode(steps, &calls, &tools)?,
            TimelineResult::from_text(result)?,
        ),
        (None | Some(_), None | Some(_)) => {
            (lineage::assemble(&calls, &tools), unfinished(calls.len()))
        }
    };
    Ok(Timeline {
        label: row.label,
        forked_from,
        started_at,
        is_complete: result.is_complete,
        steps,
        ancillary: ancillary::load(connection, row.id)?,
        outcome: result.outcome,
        replay: result.replay,
    })
}

/// Returns what is said of a timeline that was never finished.
fn unfinished(calls: usize) -> TimelineResult {
    let fault = format!(
        "the recording was cut off (the process was ended); its {calls} recorded calls are kept"
    );
    TimelineResult {
        is_complete: false,
        outcome: Outcome {
            faults: vec![fault],
            ..Outcome::default()
        },
        replay: None,
        summary: TimelineSummary::default(),
    }
}
