//! What is in the store, at a glance.

use serde::{Deserialize, Serialize};

use super::Store;
use super::error::{Fault, StoreError};
use super::heads::SessionHead;
use super::load::{self, TimelineResult};
use super::pool::PoolReader;
use crate::model::{SessionId, Source, ThreadInterner, Timeline, Usage};

/// A session without its content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SessionSummary {
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: String,
    /// When it was recorded.
    pub recorded_at: jiff::Timestamp,
    /// Where it came from.
    pub source: Source,
    /// Its timelines in the order in which they began; the first is the recorded one.
    pub timelines: Vec<TimelineSummary>,
}

impl SessionSummary {
    /// Returns whether every timeline was finished in order.
    pub fn is_complete(&self) -> bool {
        self.timelines.iter().all(|timeline| timeline.is_complete)
    }
}

/// A timeline without its content.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TimelineSummary {
    /// Its label.
    pub label: String,
    /// The number of its steps.
    pub steps: usize,
    /// The models that answered (else those asked for), sorted.
    pub models: Vec<String>,
    /// The tokens of all its model calls, served ones included.
    pub usage: Usage,
    /// Whether it was finished in order.
    pub is_complete: bool,
}

impl TimelineSummary {
    /// Returns the summary of a timeline.
    pub fn of(timeline: &Timeline) -> Self {
        let calls = || timeline.model_steps().map(|(_step, call)| call);
        let mut models: Vec<String> = calls()
            .filter_map(|call| {
                let answered = call.response.model.as_ref();
                answered.or(call.request.treatment.model.as_ref()).cloned()
            })
            .collect();
        models.sort();
        models.dedup();
        Self {
            label: timeline.label.clone(),
            steps: timeline.steps.len(),
            models,
            usage: calls().filter_map(|call| call.response.usage).sum(),
            is_complete: timeline.is_complete,
        }
    }
}

impl Store {
    /// Returns all sessions, the one that came last first.
    ///
    /// # Errors
    ///
    /// A damaged database.
    pub fn list(&self) -> Result<Vec<SessionSummary>, StoreError> {
        self.summaries().map_err(|fault| fault.at(&self.path))
    }

    fn summaries(&self) -> Result<Vec<SessionSummary>, Fault> {
        let mut statement = self
            .connection
            .prepare("SELECT seq, name, head FROM session ORDER BY seq DESC")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))
        })?;
        let mut summaries = Vec::new();
        for row in rows {
            let (seq, name, head): (i64, String, String) = row?;
            let head: SessionHead =
                serde_json::from_str(&head).map_err(|error| Fault::row("session", error))?;
            summaries.push(SessionSummary {
                id: head.id,
                name,
                recorded_at: head.recorded_at,
                source: head.source,
                timelines: self.timelines(seq)?,
            });
        }
        Ok(summaries)
    }

    fn timelines(&self, seq: i64) -> Result<Vec<TimelineSummary>, Fault> {
        let mut summaries = Vec::new();
        for row in load::timeline_rows(&self.connection, seq)? {
            let label = row.label.clone();
            let summary = if let Some(result) = &row.result {
                TimelineResult::from_text(result)?.summary
            } else {
                let mut pool = PoolReader::default();
                let mut threads = ThreadInterner::default();
                let timeline = load::timeline(&self.connection, row, &mut pool, &mut threads)?;
                TimelineSummary::of(&timeline)
            };
            summaries.push(TimelineSummary { label, ..summary });
        }
        Ok(summaries)
    }
}
