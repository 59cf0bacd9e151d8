//! The judges of a panel one by one, and how far they agree.

use serde::Serialize;

use super::eval_report::{Score, scores};
use crate::judge::{Evaluation, Plan, Votes};
use crate::stats::agreement::{Scale, krippendorff_alpha};

/// One judge of a panel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PanelLine {
    /// Its name in the configuration.
    pub name: String,
    /// The model.
    pub model: String,
    /// Its scores, one for each timeline and evaluator, timelines first.
    pub scores: Vec<Score>,
}

/// How far the judges of a panel agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// The name of the evaluator.
    pub evaluator: String,
    /// Krippendorff's alpha of the scores as numbers; `null` where there is none, such as where all are equal.
    pub alpha: Option<f64>,
    /// The number of answers that two judges or more have scored.
    pub answers: usize,
}

/// Returns the judges of a panel; nothing where there is one judge.
pub(super) fn panel_lines(votes: Votes, evaluation: &Evaluation) -> Vec<PanelLine> {
    let members = evaluation.members.iter();
    members
        .map(|member| PanelLine {
            name: member.name.clone(),
            model: member.model.clone(),
            scores: scores(votes, &member.cells),
        })
        .collect()
}

/// Returns how far the judges of a panel agree, by each evaluator; nothing where there is one judge.
pub(super) fn agreement(plan: &Plan, evaluation: &Evaluation) -> Vec<Agreement> {
    if evaluation.members.is_empty() {
        return Vec::new();
    }
    let criteria = plan.criteria.iter();
    criteria
        .filter(|criterion| criterion.program.is_none())
        .map(|criterion| {
            let cells = evaluation.cells.iter();
            let cells = cells.filter(|cell| cell.evaluator == criterion.name);
            let items = cells.map(|cell| -> Vec<f64> {
                let members = evaluation.members.iter();
                let scores = members.filter_map(|member| {
                    let cell = member.cell(&cell.timeline, &cell.evaluator)?;
                    cell.score.clone().ok()
                });
                scores.collect()
            });
            let items: Vec<Vec<f64>> = items.filter(|scores| scores.len() > 1).collect();
            Agreement {
                evaluator: criterion.name.clone(),
                alpha: krippendorff_alpha(&items, Scale::Interval).ok(),
                answers: items.len(),
            }
        })
        .collect()
}
