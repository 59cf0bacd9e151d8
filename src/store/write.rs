//! Writing sessions: a timeline call by call, or a session at once.

use std::collections::HashMap;

use camino::Utf8PathBuf;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::error::{Fault, StoreError};
use super::heads::{SessionHead, TimelineHead};
use super::list::TimelineSummary;
use super::load::TimelineResult;
use super::rows::{Pens, Table, ancillary, call, step, tool};
use super::{Store, key, open};
use crate::model::{Ancillary, Call, ContentId, Served, Session, SessionId, Timeline, ToolCapture};

impl Store {
    /// Writes the head of a new session.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] when there is one with this id; failures of the database.
    pub fn begin_session(&self, head: &SessionHead) -> Result<(), StoreError> {
        self.write(|connection| insert_head(connection, head))?
            .then_some(())
            .ok_or_else(|| self.exists(head.id))
    }

    /// Begins a timeline of a session; a taken label gets a number: `fixed`, `fixed-2`, ….
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSession`] when the session was not begun; failures of the database.
    pub fn begin_timeline(
        &self,
        session: SessionId,
        head: &TimelineHead,
    ) -> Result<TimelineWriter, StoreError> {
        let seq = self.seq(session)?;
        let (timeline, label) = self.write(|connection| insert_timeline(connection, seq, head))?;
        Ok(TimelineWriter {
            connection: open::connect(&self.path)?,
            path: self.path.clone(),
            label,
            ink: Ink::new(timeline),
        })
    }

    /// Writes a whole session: all of it or nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] when there is one with this id; failures of the database.
    pub fn insert(&self, session: &Session) -> Result<(), StoreError> {
        let is_new = self.write(|connection| {
            if !insert_head(connection, &SessionHead::of(session))? {
                return Ok(false);
            }
            let seq = connection.last_insert_rowid();
            for timeline in &session.timelines {
                let (id, _label) = insert_timeline(connection, seq, &TimelineHead::of(timeline))?;
                Ink::new(id).finish(connection, timeline)?;
            }
            Ok(true)
        })?;
        is_new.then_some(()).ok_or_else(|| self.exists(session.id))
    }

    /// Runs `work` in a transaction that may write.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        in_transaction(&self.connection, work).map_err(|fault| fault.at(&self.path))
    }

    fn exists(&self, id: SessionId) -> StoreError {
        StoreError::Exists {
            id,
            path: self.path.clone(),
        }
    }
}

/// Takes the calls of one timeline as they end; each is durable when `put` returns.
#[derive(Debug)]
pub struct TimelineWriter {
    connection: Connection,
    path: Utf8PathBuf,
    label: String,
    ink: Ink,
}

impl TimelineWriter {
    /// Returns the label that the timeline got.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Writes a call; an earlier one with the same ordinal gives way.
    ///
    /// # Errors
    ///
    /// Failures of the database. The calls written before are safe, and `put` may be tried again.
    pub fn put(&mut self, call: &Call) -> Result<(), StoreError> {
        self.write(|ink, connection| ink.put(connection, call))
    }

    /// Writes an exchange that is no step.
    ///
    /// # Errors
    ///
    /// Failures of the database.
    pub fn ancillary(&mut self, exchange: &Ancillary) -> Result<(), StoreError> {
        self.write(|ink, connection| ink.ancillary(connection, exchange))
    }

    /// Writes a captured tool call; an earlier one with the same ordinal gives way.
    ///
    /// # Errors
    ///
    /// Failures of the database.
    pub fn tool(&mut self, tool: &ToolCapture) -> Result<(), StoreError> {
        self.write(|ink, connection| tool::put(connection, ink.pens.timeline, tool))
    }

    /// Writes what is known at the end: numbers, tool steps, outcome, what the replay found.
    ///
    /// Calls that were not put, or differ from what was put, are written too, and one that was put needs
    /// no body any more; the label stays the writer's. It all happens at once or not at all.
    ///
    /// # Errors
    ///
    /// Failures of the database. The timeline is then as if it were killed: its calls are there.
    pub fn finish(mut self, timeline: &Timeline) -> Result<(), StoreError> {
        self.write(|ink, connection| ink.finish(connection, timeline))
    }

    fn write(
        &mut self,
        work: impl FnOnce(&mut Ink, &Connection) -> Result<(), Fault>,
    ) -> Result<(), StoreError> {
        let ink = &mut self.ink;
        let result = in_transaction(&self.connection, |connection| work(ink, connection));
        if result.is_err() {
            self.ink.forget();
        }
        self.ink.fresh.clear();
        result.map_err(|fault| fault.at(&self.path))
    }

    /// Limits the size of the database, as a full disk does.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        self.connection
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    }
}

/// What writing a timeline has to remember.
#[derive(Debug)]
struct Ink {
    pens: Pens,
    calls: HashMap<u32, Mark>,
    /// The calls that were put since the last commit.
    fresh: Vec<u32>,
    ancillary: u32,
}

/// What tells one version of a call from another.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    us: [u64; 3],
    thread: ContentId,
    output: Option<ContentId>,
    served: Option<Served>,
    attempts: usize,
    status: u16,
    body: usize,
}

impl Mark {
    fn of(call: &Call) -> Self {
        Self {
            us: [call.began_us, call.first_byte_us, call.ended_us],
            thread: call.request.thread.id(),
            output: call.response.output.as_ref().map(|output| output.id()),
            served: call.served.clone(),
            attempts: call.attempts.len(),
            status: call.exchange.status,
            body: call
                .exchange
                .body
                .as_ref()
                .map_or(0, crate::model::Body::len),
        }
    }

    /// Returns whether the call is the one that was put; it may have let go of its body since.
    fn is_of(&self, call: &Call) -> bool {
        let mut now = Self::of(call);
        if call.exchange.body.is_none() {
            now.body = self.body;
        }
        *self == now
    }
}

impl Ink {
    fn new(timeline: u32) -> Self {
        Self {
            pens: Pens::new(timeline),
            calls: HashMap::new(),
            fresh: Vec::new(),
            ancillary: 0,
        }
    }

    /// Forgets what may not have been committed.
    fn forget(&mut self) {
        self.pens.forget();
        for ordinal in &self.fresh {
            self.calls.remove(ordinal);
        }
    }

    fn put(&mut self, connection: &Connection, call: &Call) -> Result<(), Fault> {
        call::put(connection, &mut self.pens, call)?;
        self.calls.insert(call.ordinal, Mark::of(call));
        self.fresh.push(call.ordinal);
        Ok(())
    }

    fn ancillary(&mut self, connection: &Connection, exchange: &Ancillary) -> Result<(), Fault> {
        ancillary::put(
            connection,
            key(self.pens.timeline, self.ancillary),
            exchange,
        )?;
        self.ancillary = self.ancillary.saturating_add(1);
        Ok(())
    }

    fn finish(&mut self, connection: &Connection, timeline: &Timeline) -> Result<(), Fault> {
        let mut left_over = std::mem::take(&mut self.calls);
        for (_step, call) in timeline.model_steps() {
            let mark = left_over.remove(&call.ordinal);
            if mark.is_some_and(|mark| mark.is_of(call)) {
                continue;
            }
            self.put(connection, call)?;
        }
        for ordinal in left_over.into_keys() {
            connection.execute(
                "DELETE FROM call WHERE id = ?1",
                [key(self.pens.timeline, ordinal)],
            )?;
        }
        Table::Ancillary.clear(connection, self.pens.timeline)?;
        self.ancillary = 0;
        for exchange in &timeline.ancillary {
            self.ancillary(connection, exchange)?;
        }
        Table::Tool.clear(connection, self.pens.timeline)?;
        let tools = timeline.steps.iter().filter_map(|step| step.tool());
        for capture in tools.flat_map(|tool| &tool.captures) {
            tool::put(connection, self.pens.timeline, capture)?;
        }
        let result = TimelineResult {
            is_complete: timeline.is_complete,
            outcome: timeline.outcome.clone(),
            replay: timeline.replay.clone(),
            summary: TimelineSummary::of(timeline),
        };
        let head = TimelineHead::of(timeline);
        connection.execute(
            "UPDATE timeline SET forked_from = ?2, started_at = ?3, result = ?4, steps = ?5 WHERE id = ?1",
            params![
                self.pens.timeline,
                forked_from(&head)?,
                head.started_at.to_string(),
                result.to_text()?,
                step::encode(&timeline.steps)?
            ],
        )?;
        Ok(())
    }
}

fn in_transaction<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// Writes the head of a session; returns false when there is one with its id.
fn insert_head(connection: &Connection, head: &SessionHead) -> Result<bool, Fault> {
    let text = serde_json::to_string(head).map_err(|error| Fault::row("session", error))?;
    let id = head.id.to_string();
    let changed = connection.execute(
        "INSERT INTO session (id, name, head) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
        params![id, head.name, text],
    )?;
    Ok(changed == 1)
}

/// Writes the head of a timeline under a free label; returns its id and the label.
fn insert_timeline(
    connection: &Connection,
    session: i64,
    head: &TimelineHead,
) -> Result<(u32, String), Fault> {
    let mut label = head.label.clone();
    let mut number = 2_u32;
    while is_taken(connection, session, &label)? {
        label = format!("{}-{number}", head.label);
        number = number.saturating_add(1);
    }
    connection.execute(
        "INSERT INTO timeline (session, label, forked_from, started_at) VALUES (?1, ?2, ?3, ?4)",
        params![
            session,
            label,
            forked_from(head)?,
            head.started_at.to_string()
        ],
    )?;
    let id = u32::try_from(connection.last_insert_rowid())
        .map_err(|error| Fault::row("number of the timeline", error))?;
    Ok((id, label))
}

fn is_taken(connection: &Connection, session: i64, label: &str) -> Result<bool, Fault> {
    let found = connection
        .query_row(
            "SELECT 1 FROM timeline WHERE session = ?1 AND label = ?2",
            params![session, label],
            |_row| Ok(()),
        )
        .optional()?;
    Ok(found.is_some())
}

fn forked_from(head: &TimelineHead) -> Result<Option<String>, Fault> {
    head.forked_from
        .as_ref()
        .map(|forked| serde_json::to_string(forked).map_err(|error| Fault::row("fork", error)))
        .transpose()
}
