//! Finding a session by what people write: `latest`, an id, the beginning of one, a name.

use rusqlite::{OptionalExtension as _, params};

use super::Store;
use super::error::{Fault, StoreError};
use crate::model::SessionId;

/// The least number of characters that count as the beginning of an id.
const MIN_PREFIX: usize = 4;
/// How alike a name must be to be suggested, from 0 to 1.
const MIN_LIKENESS: f64 = 0.6;

impl Store {
    /// Returns the session that `text` means: `latest`, an id, a name (its newest session), or the
    /// beginning of an id with at least 4 characters.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSession`] with names that are close, [`StoreError::Ambiguous`],
    /// [`StoreError::Empty`]; failures of the database.
    pub fn resolve(&self, text: &str) -> Result<SessionId, StoreError> {
        let found = self
            .candidates(text)
            .map_err(|fault| fault.at(&self.path))?;
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(self.not_found(text)?),
            _several => Err(StoreError::Ambiguous {
                asked: text.to_owned(),
                ids: found,
            }),
        }
    }

    /// Gives a session another name.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSession`]; failures of the database.
    pub fn set_name(&self, id: SessionId, name: &str) -> Result<(), StoreError> {
        let seq = self.seq(id)?;
        self.write(|connection| {
            connection.execute(
                "UPDATE session SET name = ?2 WHERE seq = ?1",
                params![seq, name],
            )?;
            Ok(())
        })
    }

    /// Returns the key of a session's row.
    pub(super) fn seq(&self, id: SessionId) -> Result<i64, StoreError> {
        let text = id.to_string();
        self.connection
            .query_row("SELECT seq FROM session WHERE id = ?1", [&text], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|error| StoreError::of(&self.path, error))?
            .ok_or_else(|| StoreError::NoSession {
                asked: text,
                path: self.path.clone(),
                nearest: Vec::new(),
            })
    }

    fn candidates(&self, text: &str) -> Result<Vec<SessionId>, Fault> {
        let newest = "SELECT id FROM session ORDER BY seq DESC LIMIT 1";
        if text == "latest" {
            return self.ids(newest, []);
        }
        if let Ok(id) = text.parse::<SessionId>() {
            return self.ids("SELECT id FROM session WHERE id = ?1", [id.to_string()]);
        }
        let by_name = "SELECT id FROM session WHERE name = ?1 ORDER BY seq DESC LIMIT 1";
        let named = self.ids(by_name, [text])?;
        if !named.is_empty() || text.chars().count() < MIN_PREFIX {
            return Ok(named);
        }
        let by_prefix =
            "SELECT id FROM session WHERE substr(id, 1, length(?1)) = ?1 ORDER BY seq DESC";
        self.ids(by_prefix, [text.to_ascii_lowercase()])
    }

    fn ids(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<SessionId>, Fault> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(parameters, |row| row.get::<_, String>(0))?;
        rows.map(|id| id?.parse().map_err(|error| Fault::row("session", error)))
            .collect()
    }

    fn not_found(&self, text: &str) -> Result<StoreError, StoreError> {
        let names = self.names().map_err(|fault| fault.at(&self.path))?;
        if names.is_empty() {
            return Ok(StoreError::Empty {
                path: self.path.clone(),
            });
        }
        let mut nearest: Vec<(f64, String)> = names
            .into_iter()
            .map(|name| (strsim::jaro_winkler(text, &name), name))
            .filter(|(likeness, _name)| *likeness >= MIN_LIKENESS)
            .collect();
        nearest.sort_by(|left, right| right.0.total_cmp(&left.0));
        Ok(StoreError::NoSession {
            asked: text.to_owned(),
            path: self.path.clone(),
            nearest: nearest
                .into_iter()
                .take(3)
                .map(|(_likeness, name)| name)
                .collect(),
        })
    }

    fn names(&self) -> Result<Vec<String>, Fault> {
        let mut statement = self
            .connection
            .prepare("SELECT DISTINCT name FROM session ORDER BY name")?;
        let names = statement.query_map([], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }
}
