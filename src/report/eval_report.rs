//! The scores of a session's timelines; serialised for `eval score --json` (`docs/json-output.md`).

use serde::Serialize;

use super::eval_delta::{Delta, deltas};
use super::eval_panel::{Agreement, PanelLine, agreement, panel_lines};
use crate::judge::{
    CanaryResult, Cell, Evaluation, Ledger, Panel, Plan, Prompt, StatementVerdict, Vote, Votes,
};
use crate::model::{MicroUsd, Session, SessionId};
use crate::store::StoredScore;

/// The scores of a session's timelines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvalReport {
    /// The version of this shape.
    pub format: &'static str,
    /// The session's id.
    pub session: SessionId,
    /// The session's name.
    pub name: String,
    /// The model that judged; those of a panel, with commas between them.
    pub judge: String,
    /// Whether the judge was the scripted model.
    pub is_scripted: bool,
    /// The evaluators, as asked for.
    pub evaluators: Vec<Evaluator>,
    /// One for each timeline and evaluator, timelines first.
    pub scores: Vec<Score>,
    /// The judges of a panel one by one; empty where there is one judge.
    pub panel: Vec<PanelLine>,
    /// How far the judges of a panel agree, by each evaluator; empty where there is one judge.
    pub agreement: Vec<Agreement>,
    /// How often the judge was asked.
    pub voting: Voting,
    /// What differs from the first timeline.
    pub deltas: Vec<Delta>,
    /// How the judge did with answers of which the verdict is known.
    pub canaries: Vec<CanaryLine>,
    /// What the judge took; apart from what agents cost.
    pub judge_cost: JudgeCost,
}

/// An evaluator, with what makes its scores comparable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluator {
    /// Its name.
    pub name: String,
    /// Whether a program decides, and no model.
    pub is_program: bool,
    /// The hash of its prompt.
    pub prompt_hash: String,
    /// What it decides on.
    pub statements: Vec<crate::judge::Statement>,
}

/// One score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// The label of the timeline.
    pub timeline: String,
    /// The name of the evaluator.
    pub evaluator: String,
    /// From 0 to 1; `null` where it is not measured.
    pub score: Option<f64>,
    /// Why it is not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_measured: Option<String>,
    /// The votes.
    pub votes: Vec<VoteLine>,
    /// How many votes are on the other side of a pass than most; of a panel, how many judges.
    pub disagreeing: usize,
}

/// How often the judge was asked, cached votes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Voting {
    /// The least number of votes on each answer.
    pub min: u32,
    /// The greatest number of votes on each answer.
    pub max: u32,
    /// How many votes there are on all answers.
    pub asked: usize,
    /// How many of them are measured.
    pub measured: usize,
    /// How many votes are on the other side of a pass than most on the same answer.
    pub disagreeing: usize,
}

/// One vote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VoteLine {
    /// From 0 to 1; `null` where it is not measured.
    pub score: Option<f64>,
    /// Why it is not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_measured: Option<String>,
    /// Whether an earlier run had paid for it.
    pub is_cached: bool,
    /// The decisions.
    pub verdicts: Vec<StatementVerdict>,
}

/// How the judge did with an answer of which the verdict is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryLine {
    /// The name of the judge in a panel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge: Option<String>,
    /// The name of the evaluator.
    pub evaluator: String,
    /// What the answer was.
    pub canary: String,
    /// Whether it had to pass.
    pub must_pass: bool,
    /// The score; `null` where it is not measured.
    pub score: Option<f64>,
    /// Whether the judge got it right.
    pub is_right: bool,
}

/// What the judge took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct JudgeCost {
    /// Calls that went out.
    pub calls: u32,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// What they cost, as far as prices are known.
    pub cost_micro_usd: MicroUsd,
    /// Answered calls without a known price.
    pub unpriced: u32,
    /// Votes that an earlier run had paid for.
    pub cached_votes: usize,
}

impl From<&CanaryResult> for CanaryLine {
    fn from(canary: &CanaryResult) -> Self {
        Self {
            judge: canary.judge.clone(),
            evaluator: canary.evaluator.clone(),
            canary: canary.canary.to_owned(),
            must_pass: canary.must_pass,
            score: canary.score.as_ref().ok().copied(),
            is_right: canary.is_right(),
        }
    }
}

impl JudgeCost {
    /// Returns what the judge took.
    pub fn new(ledger: Ledger, cached_votes: usize, is_scripted: bool) -> Self {
        Self {
            calls: ledger.calls,
            input_tokens: ledger.usage.input,
            output_tokens: ledger.usage.output,
            cost_micro_usd: ledger.cost,
            // Rules have no price, and cost nothing.
            unpriced: if is_scripted { 0 } else { ledger.unpriced },
            cached_votes,
        }
    }
}

impl EvalReport {
    /// Returns the report on an evaluation.
    pub fn new(session: &Session, panel: &Panel, plan: &Plan, evaluation: &Evaluation) -> Self {
        let is_scripted = panel.is_scripted();
        Self {
            format: "1.0",
            session: session.id,
            name: session.name.clone(),
            judge: panel.models().join(", "),
            is_scripted,
            evaluators: plan
                .criteria
                .iter()
                .map(|criterion| Evaluator {
                    name: criterion.name.clone(),
                    is_program: criterion.program.is_some(),
                    prompt_hash: Prompt::hash(criterion).to_string(),
                    statements: criterion.statements.clone(),
                })
                .collect(),
            scores: of_all(plan.votes, evaluation),
            panel: panel_lines(plan.votes, evaluation),
            agreement: agreement(plan, evaluation),
            voting: voting(plan.votes, evaluation),
            deltas: deltas(plan, evaluation),
            canaries: evaluation.canaries.iter().map(CanaryLine::from).collect(),
            judge_cost: JudgeCost::new(evaluation.ledger, evaluation.cached_votes, is_scripted),
        }
    }

    /// Returns the measured scores as the store keeps them.
    pub fn stored(&self) -> Vec<StoredScore> {
        let stored = |one: &Score| {
            let evaluator = self
                .evaluators
                .iter()
                .find(|own| own.name == one.evaluator)?;
            let judge = if evaluator.is_program {
                "program"
            } else {
                self.judge.as_str()
            };
            let verdicts = one.votes.iter().flat_map(|vote| &vote.verdicts);
            let mut said: Vec<&str> = verdicts.map(|verdict| verdict.reasoning.trim()).collect();
            said.dedup();
            said.retain(|text| !text.is_empty());
            Some(StoredScore {
                timeline: one.timeline.clone(),
                evaluator: one.evaluator.clone(),
                judge: judge.to_owned(),
                is_model: !evaluator.is_program && !self.is_scripted,
                value: one.score?,
                votes: one.votes.len(),
                why: said.join("\n"),
            })
        };
        self.scores.iter().filter_map(stored).collect()
    }

    /// Returns whether there is a score everywhere.
    pub fn is_measured(&self) -> bool {
        self.scores.iter().all(|score| score.score.is_some())
    }
}

fn voting(votes: Votes, evaluation: &Evaluation) -> Voting {
    let all = evaluation.cells.iter().flat_map(|cell| &cell.votes);
    let members = evaluation.members.iter().flat_map(|member| &member.cells);
    // The votes of one judge may disagree with each other; those of several are another matter.
    let alone = evaluation.cells.iter().filter(|cell| {
        let mut members = evaluation.members.iter();
        members.all(|member| member.cell(&cell.timeline, &cell.evaluator).is_none())
    });
    let cells: Vec<&Cell> = members.chain(alone).collect();
    Voting {
        min: votes.min(),
        max: votes.max(),
        asked: all.clone().count(),
        measured: all.filter_map(Vote::score).count(),
        disagreeing: cells
            .iter()
            .map(|cell| votes.disagreeing(&cell.votes))
            .sum(),
    }
}

/// Returns the scores of the judge, or of all judges together.
fn of_all(votes: Votes, evaluation: &Evaluation) -> Vec<Score> {
    let mut all = scores(votes, &evaluation.cells);
    for score in &mut all {
        let members = evaluation.members.iter();
        let cells: Vec<&Cell> = members
            .filter_map(|member| member.cell(&score.timeline, &score.evaluator))
            .collect();
        if !cells.is_empty() {
            let judged = cells.iter().filter_map(|cell| cell.score.clone().ok());
            let (reached, missed): (Vec<f64>, Vec<f64>) =
                judged.partition(|score| *score >= votes.line());
            score.disagreeing = reached.len().min(missed.len());
        }
    }
    all
}

/// Returns the scores in these cells.
pub(super) fn scores(votes: Votes, cells: &[Cell]) -> Vec<Score> {
    cells
        .iter()
        .map(|cell| Score {
            timeline: cell.timeline.clone(),
            evaluator: cell.evaluator.clone(),
            score: cell.score.as_ref().ok().copied(),
            not_measured: cell.score.as_ref().err().map(ToString::to_string),
            votes: cell.votes.iter().map(vote_line).collect(),
            disagreeing: votes.disagreeing(&cell.votes),
        })
        .collect()
}

fn vote_line(vote: &Vote) -> VoteLine {
    match vote {
        Vote::Measured {
            score,
            verdicts,
            is_cached,
        } => VoteLine {
            score: Some(*score),
            not_measured: None,
            is_cached: *is_cached,
            verdicts: verdicts.clone(),
        },
        Vote::NotMeasured(why) => VoteLine {
            score: None,
            not_measured: Some(why.to_string()),
            is_cached: false,
            verdicts: Vec::new(),
        },
    }
}
