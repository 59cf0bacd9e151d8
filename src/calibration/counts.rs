//! People's verdicts against the judge's, counted: for one threshold, and for all of them.

use serde::{Deserialize, Serialize};

use super::Rated;

/// People's verdicts against the judge's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// Both pass it.
    pub true_pass: u32,
    /// People pass it, the judge does not.
    pub false_fail: u32,
    /// People fail it, the judge passes it.
    pub false_pass: u32,
    /// Both fail it.
    pub true_fail: u32,
}

impl Confusion {
    /// Returns the number of items.
    pub fn total(self) -> u32 {
        self.passed()
            .saturating_add(self.false_pass)
            .saturating_add(self.true_fail)
    }

    /// Returns how many items people pass.
    pub fn passed(self) -> u32 {
        self.true_pass.saturating_add(self.false_fail)
    }

    /// Returns the table: a row for each verdict of people, a column for each of the judge.
    pub(super) fn rows(self) -> Vec<Vec<u32>> {
        vec![
            vec![self.true_pass, self.false_fail],
            vec![self.false_pass, self.true_fail],
        ]
    }
}

/// How often the judge gave one score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreCount {
    /// The score, from 0 to 1.
    pub score: f64,
    /// Of how many items that people pass.
    pub pass: u32,
    /// Of how many items that people fail.
    pub fail: u32,
}

/// Returns how often the judge gave each score, the lowest first. Every table of any threshold follows from this.
pub fn counts(rated: &[Rated]) -> Vec<ScoreCount> {
    let mut scores: Vec<(f64, bool)> = rated
        .iter()
        .filter_map(|one| Some((one.score()?, one.label)))
        .collect();
    scores.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut counts: Vec<ScoreCount> = Vec::new();
    for (score, label) in scores {
        let (pass, fail) = (u32::from(label), u32::from(!label));
        match counts.last_mut() {
            Some(last) if last.score.total_cmp(&score).is_eq() => {
                last.pass += pass;
                last.fail += fail;
            }
            Some(_) | None => counts.push(ScoreCount { score, pass, fail }),
        }
    }
    counts
}

/// Returns the table where a score of `threshold` passes.
pub fn table_at(counts: &[ScoreCount], threshold: f64) -> Confusion {
    let mut table = Confusion::default();
    for count in counts {
        let (pass, fail) = if count.score >= threshold {
            (&mut table.true_pass, &mut table.false_pass)
        } else {
            (&mut table.false_fail, &mut table.true_fail)
        };
        *pass = pass.saturating_add(count.pass);
        *fail = fail.saturating_add(count.fail);
    }
    table
}
