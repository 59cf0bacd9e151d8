//! What judges said on the questions of a run: how far they agree with each other, and with themselves.

use std::collections::BTreeMap;

use crate::judge::{Cell, Evaluation, Votes};
use crate::stats::agreement::{Scale, krippendorff_alpha};

/// What was said on one question.
#[derive(Debug)]
pub(super) struct Said {
    /// The scores of a panel's judges.
    ratings: Vec<f64>,
    /// The number of votes.
    votes: usize,
    /// How many of them are against the majority of the same judge.
    against: usize,
    /// Whether a judge may vote more than once.
    is_repeated: bool,
}

impl Said {
    /// Returns what was said on the one question of an evaluation.
    pub(super) fn of(evaluation: &Evaluation, votes: Votes) -> Self {
        let members = evaluation.members.iter();
        let by_judges: Vec<&Cell> = members.flat_map(|member| &member.cells).collect();
        let alone: Vec<&Cell> = if by_judges.is_empty() {
            evaluation.cells.iter().collect()
        } else {
            by_judges.clone()
        };
        Self {
            ratings: by_judges
                .iter()
                .filter_map(|cell| cell.score.clone().ok())
                .collect(),
            votes: alone.iter().map(|cell| cell.votes.len()).sum(),
            against: alone
                .iter()
                .map(|cell| votes.disagreeing(&cell.votes))
                .sum(),
            is_repeated: votes.max() > 1,
        }
    }
}

/// Returns how far votes differ, for the end of a sentence; empty where there is one vote on each question.
pub(super) fn split(said: &BTreeMap<String, Said>) -> String {
    let repeated = said.values().filter(|said| said.is_repeated);
    let (votes, against) = repeated.fold((0, 0), |(votes, against), said| {
        (votes + said.votes, against + said.against)
    });
    match votes {
        0 => String::new(),
        votes => format!("; {against} of {votes} votes were against the majority of their judge"),
    }
}

/// Returns how far the judges of a panel agree, for the end of a sentence; empty where there is nothing to say.
pub(super) fn agreement(said: &BTreeMap<String, Said>) -> String {
    let ratings = said.values().map(|said| said.ratings.clone());
    let several: Vec<Vec<f64>> = ratings.filter(|one| one.len() > 1).collect();
    if several.is_empty() {
        return String::new();
    }
    match krippendorff_alpha(&several, Scale::Interval) {
        Ok(alpha) => format!("; their agreement (Krippendorff's alpha) is {alpha:.2}"),
        Err(_equal) => "; all their scores are equal".to_owned(),
    }
}
