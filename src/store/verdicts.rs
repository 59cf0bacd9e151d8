//! Verdicts of judges, by what the judge was asked.

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use super::Store;
use super::error::{Fault, StoreError};
use crate::model::ContentId;

impl Store {
    /// Returns the verdict that was kept for this question; `None` for none.
    ///
    /// # Errors
    ///
    /// Failures of the database.
    pub fn find_verdict(&self, key: ContentId) -> Result<Option<Value>, StoreError> {
        let text: Option<String> = self
            .connection
            .query_row(
                "SELECT body FROM verdict WHERE key = ?1",
                [key.as_bytes().as_slice()],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| StoreError::of(&self.path, error))?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| Fault::row("verdict", error).at(&self.path))
    }

    /// Keeps a verdict; an earlier one on the same question gives way.
    ///
    /// # Errors
    ///
    /// Failures of the database.
    pub fn keep_verdict(&self, key: ContentId, verdict: &Value) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO verdict (key, body) VALUES (?1, ?2)",
                params![key.as_bytes().as_slice(), verdict.to_string()],
            )?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_verdict_is_found_by_its_question_and_the_newest_counts() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let store = Store::open(dir).unwrap();
        let key = ContentId::of(b"question");
        assert_eq!(store.find_verdict(key).unwrap(), None);
        store.keep_verdict(key, &json!({"score": 1})).unwrap();
        store.keep_verdict(key, &json!({"score": 0})).unwrap();
        let again = Store::open(dir).unwrap();
        assert_eq!(again.find_verdict(key).unwrap(), Some(json!({"score": 0})));
        assert_eq!(again.find_verdict(ContentId::of(b"other")).unwrap(), None);
    }

    #[test]
    fn collecting_takes_verdicts_along_since_they_quote_what_they_judged() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Utf8Path::from_path(dir.path()).unwrap()).unwrap();
        let key = ContentId::of(b"question");
        store.keep_verdict(key, &json!("Ms. Miller")).unwrap();
        store.gc().unwrap();
        assert_eq!(store.find_verdict(key).unwrap(), None);
    }

    #[test]
    fn a_store_of_the_first_version_gets_the_table() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let old = Store::open(dir).unwrap();
        old.connection
            .execute_batch(
                "DROP TABLE verdict; DROP TABLE tool; DROP TABLE score; PRAGMA user_version = 1;",
            )
            .unwrap();
        drop(old);
        let store = Store::open(dir).unwrap();
        let key = ContentId::of(b"question");
        store.keep_verdict(key, &json!(1)).unwrap();
        assert_eq!(store.find_verdict(key).unwrap(), Some(json!(1)));
    }
}
