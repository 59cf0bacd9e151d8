//! What judges said, as the reports keep it.

use crate::check::{JudgeVote, JudgedStatement};
use crate::judge::{Evaluation, Vote};

/// Returns the votes of an evaluation that asked one question: of each judge of a panel, else of `judge`.
pub(super) fn votes(
    evaluation: &Evaluation,
    judge: &str,
    redacted: &dyn Fn(&str) -> String,
) -> Vec<JudgeVote> {
    let members = evaluation.members.iter();
    let by_panel = members.flat_map(|member| {
        let votes = member.cells.iter().flat_map(|cell| &cell.votes);
        votes.map(|vote| (member.model.as_str(), vote))
    });
    let mut all: Vec<(&str, &Vote)> = by_panel.collect();
    if all.is_empty() {
        let votes = evaluation.cells.iter().flat_map(|cell| &cell.votes);
        all = votes.map(|vote| (judge, vote)).collect();
    }
    all.into_iter()
        .map(|(judge, vote)| one(vote, judge, redacted))
        .collect()
}

/// Returns a vote.
pub(super) fn one(vote: &Vote, judge: &str, redacted: &dyn Fn(&str) -> String) -> JudgeVote {
    let judge = judge.to_owned();
    match vote {
        Vote::NotMeasured(why) => JudgeVote {
            judge,
            why: redacted(&why.to_string()),
            ..JudgeVote::default()
        },
        Vote::Measured {
            score, verdicts, ..
        } => JudgeVote {
            judge,
            score: Some(*score),
            why: String::new(),
            statements: verdicts
                .iter()
                .map(|verdict| JudgedStatement {
                    statement: verdict.statement.clone(),
                    score: verdict.score,
                    quotes: verdict.evidence.iter().map(|text| redacted(text)).collect(),
                    reasoning: redacted(&verdict.reasoning),
                })
                .collect(),
        },
    }
}
