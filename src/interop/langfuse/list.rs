//! Many traces: those of a session, of a dataset, with a tag, with a low score.

use std::collections::BTreeSet;

use serde_json::Value;

use super::api::{Langfuse, LangfuseError};
use crate::interop::span::structured;

/// Which traces are wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Those of this session.
    pub session: Option<String>,
    /// Those with all of these tags.
    pub tags: Vec<String>,
    /// Those that began at this time or later.
    pub since: Option<jiff::Timestamp>,
}

/// An item of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetItem {
    /// Its id.
    pub id: String,
    /// The trace that it was made of.
    pub trace: Option<String>,
    /// The answer that is held to be right.
    pub expected: Option<Value>,
}

impl Langfuse {
    /// Returns the ids of traces, newest first.
    ///
    /// # Errors
    /// As [`Langfuse::trace`].
    pub async fn list(&self, wanted: &Wanted) -> Result<Vec<String>, LangfuseError> {
        let since = wanted.since.map(|since| since.to_string());
        let mut query = vec![("fields", "core,basic,trace_context")];
        if let Some(session) = &wanted.session {
            query.push(("sessionId", session));
        }
        if let Some(since) = &since {
            query.push(("fromStartTime", since));
        }
        let rows = self.rows("/api/public/v2/observations", &query).await?;
        let Ok(rows) = rows else {
            return self.older_list(wanted, since.as_deref()).await;
        };
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        // The tags stand on some rows of a trace, not on all.
        let tagged: BTreeSet<&str> = rows
            .iter()
            .filter(|row| has_tags(row, &wanted.tags))
            .filter_map(|row| row.get("traceId")?.as_str())
            .collect();
        for id in rows.iter().filter_map(|row| row.get("traceId")?.as_str()) {
            if tagged.contains(id) && seen.insert(id) {
                found.push(id.to_owned());
            }
        }
        Ok(found)
    }

    async fn older_list(
        &self,
        wanted: &Wanted,
        since: Option<&str>,
    ) -> Result<Vec<String>, LangfuseError> {
        let mut query = vec![("orderBy", "timestamp.desc")];
        if let Some(session) = &wanted.session {
            query.push(("sessionId", session));
        }
        query.extend(wanted.tags.iter().map(|tag| ("tags", tag.as_str())));
        query.extend(since.map(|since| ("fromTimestamp", since)));
        let rows = self.pages("/api/public/traces", &query).await?;
        let found = rows.iter().filter(|row| has_tags(row, &wanted.tags));
        Ok(found
            .filter_map(|row| row.get("id")?.as_str())
            .map(str::to_owned)
            .collect())
    }

    /// Returns the items of a dataset.
    ///
    /// # Errors
    /// As [`Langfuse::trace`].
    pub async fn dataset(&self, name: &str) -> Result<Vec<DatasetItem>, LangfuseError> {
        let rows = self
            .pages("/api/public/dataset-items", &[("datasetName", name)])
            .await?;
        let text =
            |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let is_active = |row: &&Value| text(row, "status").is_none_or(|status| status == "ACTIVE");
        Ok(rows
            .iter()
            .filter(is_active)
            .map(|row| DatasetItem {
                id: text(row, "id").unwrap_or_default(),
                trace: text(row, "sourceTraceId"),
                expected: row
                    .get("expectedOutput")
                    .filter(|value| !value.is_null())
                    .cloned()
                    .map(structured),
            })
            .collect())
    }
}

/// Returns whether a row has all of these tags.
fn has_tags(row: &Value, tags: &[String]) -> bool {
    let own = row.get("tags").or_else(|| row.get("traceTags"));
    let own = own.and_then(Value::as_array);
    tags.iter()
        .all(|tag| own.is_some_and(|own| own.iter().any(|one| one.as_str() == Some(tag.as_str()))))
}
