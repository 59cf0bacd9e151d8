//! Several judges on the same questions: each is asked on its own, and the one in the middle decides.

use futures_util::future::join_all;

use super::{
    Cell, Criterion, Evaluation, Judge, Ledger, NoCache, Plan, Unmeasured, VerdictCache,
    evaluate_with,
};

/// A judge of a panel.
pub struct Member {
    /// Its name in the configuration.
    pub name: String,
    /// The judge.
    pub judge: Judge,
    /// Whether it judges by rules: nothing of it is kept.
    pub is_scripted: bool,
}

/// Whoever is asked: one judge, or several.
pub struct Panel {
    first: Member,
    others: Vec<Member>,
}

/// The scores of one judge of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberScores {
    /// Its name in the configuration.
    pub name: String,
    /// The model.
    pub model: String,
    /// One cell for each timeline and criterion, timelines first.
    pub cells: Vec<Cell>,
}

impl MemberScores {
    /// Returns the cell of a timeline and a criterion; `None` where a program was asked and not the judges.
    pub fn cell(&self, timeline: &str, evaluator: &str) -> Option<&Cell> {
        let mut cells = self.cells.iter();
        cells.find(|cell| cell.timeline == timeline && cell.evaluator == evaluator)
    }
}

impl Panel {
    /// Returns the panel of no judge, for programs alone.
    pub fn nobody() -> Self {
        let first = Member {
            name: "judge".to_owned(),
            judge: Judge::nobody(),
            is_scripted: true,
        };
        Self::new(first, Vec::new())
    }

    /// Returns the panel of these judges. Where there are several, they share what the first may spend.
    pub fn new(first: Member, others: Vec<Member>) -> Self {
        let others = others.into_iter().map(|member| Member {
            judge: member.judge.with_ledger_of(&first.judge),
            ..member
        });
        Self {
            others: others.collect(),
            first,
        }
    }

    /// Returns the judges.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns whether there are several judges.
    pub fn is_several(&self) -> bool {
        !self.others.is_empty()
    }

    /// Returns whether no model judges.
    pub fn is_scripted(&self) -> bool {
        self.members().all(|member| member.is_scripted)
    }

    /// Returns the models, in the order of the judges.
    pub fn models(&self) -> Vec<&str> {
        self.members()
            .map(|member| member.judge.settings().model.as_str())
            .collect()
    }

    /// Returns what they took so far.
    pub fn ledger(&self) -> Ledger {
        self.first.judge.ledger()
    }
}

/// Scores all subjects by all criteria with all judges; canaries and votes that are known are not asked for again.
pub async fn evaluate_panel(
    panel: &Panel,
    known: &dyn VerdictCache,
    sung: &dyn VerdictCache,
    plan: &Plan,
) -> Evaluation {
    // A program is no member of the panel: it is asked once, whoever the judges are.
    let (programs, models): (Vec<Criterion>, Vec<Criterion>) = plan
        .criteria
        .iter()
        .cloned()
        .partition(|criterion| criterion.program.is_some());
    if panel.is_several() && !programs.is_empty() {
        return both(panel, known, sung, plan, (programs, models)).await;
    }
    let asked = panel.members().map(|member| {
        let is_kept = !member.is_scripted || known.keeps_scripted();
        let known: &dyn VerdictCache = if is_kept { known } else { &NoCache };
        evaluate_with(&member.judge, known, sung, plan)
    });
    let mut found = join_all(asked).await;
    if found.len() == 1
        && let Some(only) = found.pop()
    {
        return only;
    }
    let mut canaries = Vec::new();
    let mut members = Vec::new();
    let mut cached_votes = 0;
    for (member, evaluation) in panel.members().zip(found) {
        cached_votes += evaluation.cached_votes;
        canaries.extend(evaluation.canaries.into_iter().map(|mut canary| {
            canary.judge = Some(member.name.clone());
            canary
        }));
        members.push(MemberScores {
            name: member.name.clone(),
            model: member.judge.settings().model.clone(),
            cells: evaluation.cells,
        });
    }
    Evaluation {
        cells: pooled(&members),
        canaries,
        members,
        ledger: panel.ledger(),
        cached_votes,
    }
}

/// Scores by programs and by judges, and puts the cells in their order.
async fn both(
    panel: &Panel,
    known: &dyn VerdictCache,
    sung: &dyn VerdictCache,
    plan: &Plan,
    (programs, models): (Vec<Criterion>, Vec<Criterion>),
) -> Evaluation {
    let of = |criteria| Plan {
        criteria,
        ..plan.clone()
    };
    let mut by_program = evaluate_with(&panel.first.judge, known, sung, &of(programs)).await;
    if models.is_empty() {
        return by_program;
    }
    let by_judges = Box::pin(evaluate_panel(panel, known, sung, &of(models))).await;
    by_program.cells.extend(by_judges.cells);
    let names: Vec<&str> = plan.criteria.iter().map(|one| one.name.as_str()).collect();
    let labels: Vec<&str> = plan
        .subjects
        .iter()
        .map(|(label, _)| label.as_str())
        .collect();
    by_program.cells.sort_by_key(|cell| {
        let timeline = labels.iter().position(|label| *label == cell.timeline);
        let evaluator = names.iter().position(|name| *name == cell.evaluator);
        (timeline, evaluator)
    });
    by_program.canaries.extend(by_judges.canaries);
    Evaluation {
        canaries: by_program.canaries,
        cells: by_program.cells,
        members: by_judges.members,
        ledger: panel.ledger(),
        cached_votes: by_program.cached_votes + by_judges.cached_votes,
    }
}

/// Returns the cells of all judges together.
fn pooled(members: &[MemberScores]) -> Vec<Cell> {
    let first = members.first().map(|member| member.cells.as_slice());
    let cells = first.unwrap_or_default().iter().enumerate();
    cells
        .map(|(place, cell)| {
            let named = members.iter().filter_map(|member| {
                let cell = member.cells.get(place)?;
                Some((member.name.as_str(), cell))
            });
            let named: Vec<(&str, &Cell)> = named.collect();
            let scores: Vec<_> = named
                .iter()
                .map(|(name, cell)| (*name, cell.score.clone()))
                .collect();
            Cell {
                timeline: cell.timeline.clone(),
                evaluator: cell.evaluator.clone(),
                score: middle(&scores),
                votes: named
                    .iter()
                    .flat_map(|(_name, cell)| cell.votes.clone())
                    .collect(),
            }
        })
        .collect()
}

/// Returns the score in the middle, the lower one of two, if more than half of the judges have one: so it reaches a
/// score exactly where most of those do.
///
/// # Errors
/// Half of the judges or more have no score.
pub fn middle(found: &[(&str, Result<f64, Unmeasured>)]) -> Result<f64, Unmeasured> {
    let measured = found.iter().filter_map(|(_name, score)| score.clone().ok());
    let mut scores: Vec<f64> = measured.collect();
    scores.sort_by(f64::total_cmp);
    let mut missing = found.iter().rev();
    let missing = missing.find_map(|(name, score)| Some((name, score.as_ref().err()?)));
    let middle = scores.get(scores.len().saturating_sub(1) / 2);
    match (middle, missing) {
        (Some(middle), _) if scores.len() * 2 > found.len() => Ok(*middle),
        // What can't be judged at all is no fault of theirs.
        (None, Some((_name, why @ (Unmeasured::NoAnswer | Unmeasured::TooLong { .. })))) => {
            Err(why.clone())
        }
        (_, missing) => Err(Unmeasured::Panel {
            measured: scores.len(),
            judges: found.len(),
            last: missing.map_or_else(String::new, |(name, why)| format!("{name}: {why}")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_in_the_middle_reaches_what_most_judges_reach() {
        let of = |scores: &[Option<f64>]| {
            let named = scores.iter();
            let named = named.map(|score| ("a", score.ok_or(Unmeasured::Refused)));
            middle(&named.collect::<Vec<_>>()).map_err(|why| why.to_string())
        };
        assert_eq!(of(&[Some(0.9), Some(0.0), Some(0.8)]), Ok(0.8));
        assert_eq!(of(&[Some(0.9), Some(0.2)]), Ok(0.2));
        assert_eq!(of(&[Some(0.9), None, Some(0.8)]), Ok(0.8));
        let few = of(&[Some(0.9), None]).unwrap_err();
        assert!(few.starts_with("1 of 2 judges were measured"), "{few}");
        let none = of(&[None, None, None]).unwrap_err();
        assert!(none.contains("a: the judge refused"), "{none}");
    }

    proptest::proptest! {
        #[test]
        fn a_panel_passes_exactly_where_most_of_its_judges_do(
            scores in proptest::collection::vec(0.0..=1.0_f64, 1..8), line in 0.0..=1.0_f64,
        ) {
            let named: Vec<_> = scores.iter().map(|score| ("a", Ok(*score))).collect();
            let reached = scores.iter().filter(|score| **score >= line).count();
            proptest::prop_assert_eq!(middle(&named).unwrap() >= line, reached * 2 > scores.len());
        }
    }
}
