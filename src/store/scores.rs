//! What timelines were scored with.

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::Store;
use super::error::{Fault, StoreError};
use crate::model::SessionId;

/// A score that a timeline has: one for each evaluator and judge.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoredScore {
    /// The label of the timeline.
    pub timeline: String,
    /// The name of the evaluator.
    pub evaluator: String,
    /// The model that judged, those of a panel with commas between them; `program` for a program.
    pub judge: String,
    /// Whether a model judged, and no rules or program.
    pub is_model: bool,
    /// From 0 to 1.
    pub value: f64,
    /// The number of votes that it is the mean of.
    pub votes: usize,
    /// What the judge says, which may quote the answer; empty where it says nothing.
    pub why: String,
}

impl Store {
    /// Keeps the scores of a session; earlier ones of the same timeline, evaluator and judge give way.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSession`]; failures of the database.
    pub fn keep_scores(&self, id: SessionId, scores: &[StoredScore]) -> Result<(), StoreError> {
        let seq = self.seq(id)?;
        self.write(|connection| {
            let mut statement = connection.prepare(
                "INSERT OR REPLACE INTO score (session, timeline, evaluator, judge, body)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for score in scores {
                let body =
                    serde_json::to_string(score).map_err(|error| Fault::row("score", error))?;
                let StoredScore {
                    timeline,
                    evaluator,
                    judge,
                    ..
                } = score;
                statement.execute(params![seq, timeline, evaluator, judge, body])?;
            }
            Ok(())
        })
    }

    /// Returns the scores of a session, by timeline, evaluator and judge.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSession`]; a damaged database.
    pub fn scores(&self, id: SessionId) -> Result<Vec<StoredScore>, StoreError> {
        let seq = self.seq(id)?;
        let read = || -> Result<Vec<StoredScore>, Fault> {
            let mut statement = self.connection.prepare(
                "SELECT body FROM score WHERE session = ?1 ORDER BY timeline, evaluator, judge",
            )?;
            let rows = statement.query_map([seq], |row| row.get::<_, String>(0))?;
            let texts = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let scores = texts.iter().map(|text| serde_json::from_str(text));
            scores
                .collect::<Result<_, _>>()
                .map_err(|error| Fault::row("score", error))
        };
        read().map_err(|fault| fault.at(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;
    use crate::store::fixture::{self, Agent};

    fn score(timeline: &str, value: f64) -> StoredScore {
        StoredScore {
            timeline: timeline.to_owned(),
            evaluator: "correctness".to_owned(),
            judge: "gpt-5".to_owned(),
            is_model: true,
            value,
            votes: 3,
            why: "As in the atlas.".to_owned(),
        }
    }

    #[test]
    fn the_newest_score_counts_and_goes_with_its_session() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Utf8Path::from_path(dir.path()).unwrap()).unwrap();
        let (one, other) = (
            fixture::session(Agent::new(100), 1),
            fixture::session(Agent::new(100), 1),
        );
        for session in [&one, &other] {
            store.insert(session).unwrap();
        }
        let both = [score("main", 0.2), score("fixed", 0.9)];
        store.keep_scores(one.id, &both).unwrap();
        store.keep_scores(one.id, &[score("main", 0.4)]).unwrap();
        let wanted = [score("fixed", 0.9), score("main", 0.4)];
        assert_eq!(store.scores(one.id).unwrap(), wanted);
        assert_eq!(store.scores(other.id).unwrap(), []);
        store.gc().unwrap();
        assert_eq!(store.scores(one.id).unwrap(), wanted);
        store.remove(one.id).unwrap();
        assert!(store.scores(one.id).is_err());
        let left: i64 = store
            .connection
            .query_row("SELECT count(*) FROM score", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0);
    }
}
