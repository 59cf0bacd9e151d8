//! The scores of a session's timelines; serialised for `eval score --json` (`docs/json-output.md`).

use serde::Serialize;

use crate::judge::{
    CanaryResult, Evaluation, Judge, Ledger, Plan, Prompt, StatementVerdict, Vote, tidy,
};
use crate::model::{MicroUsd, Session, SessionId};

/// The scores of a session's timelines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvalReport {
    /// The version of this shape.
    pub format: &'static str,
    /// The session's id.
    pub session: SessionId,
    /// The session's name.
    pub name: String,
    /// The model that judged.
    pub judge: String,
    /// Whether the judge was the scripted model.
    pub is_scripted: bool,
    /// The evaluators, as asked for.
    pub evaluators: Vec<Evaluator>,
    /// One for each timeline and evaluator, timelines first.
    pub scores: Vec<Score>,
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

/// What differs between two timelines by one evaluator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delta {
    /// The name of the evaluator.
    pub evaluator: String,
    /// The label of the timeline.
    pub timeline: String,
    /// The label of the one that it is compared with.
    pub versus: String,
    /// The difference of the scores; `null` where one is not measured.
    pub delta: Option<f64>,
}

/// How the judge did with an answer of which the verdict is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryLine {
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
    pub fn new(
        session: &Session,
        judge: &Judge,
        plan: &Plan,
        evaluation: &Evaluation,
        is_scripted: bool,
    ) -> Self {
        Self {
            format: "1.0",
            session: session.id,
            name: session.name.clone(),
            judge: judge.settings().model.clone(),
            is_scripted,
            evaluators: plan
                .criteria
                .iter()
                .map(|criterion| Evaluator {
                    name: criterion.name.clone(),
                    prompt_hash: Prompt::hash(criterion).to_string(),
                    statements: criterion.statements.clone(),
                })
                .collect(),
            scores: scores(evaluation),
            deltas: deltas(plan, evaluation),
            canaries: evaluation.canaries.iter().map(CanaryLine::from).collect(),
            judge_cost: JudgeCost::new(evaluation.ledger, evaluation.cached_votes, is_scripted),
        }
    }

    /// Returns whether there is a score everywhere.
    pub fn is_measured(&self) -> bool {
        self.scores.iter().all(|score| score.score.is_some())
    }
}

fn scores(evaluation: &Evaluation) -> Vec<Score> {
    let cells = evaluation.cells.iter();
    cells
        .map(|cell| Score {
            timeline: cell.timeline.clone(),
            evaluator: cell.evaluator.clone(),
            score: cell.score.as_ref().ok().copied(),
            not_measured: cell.score.as_ref().err().map(ToString::to_string),
            votes: cell.votes.iter().map(vote_line).collect(),
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

fn deltas(plan: &Plan, evaluation: &Evaluation) -> Vec<Delta> {
    let Some(((first, _subject), others)) = plan.subjects.split_first() else {
        return Vec::new();
    };
    let pairs = others.iter().flat_map(|(label, _subject)| {
        plan.criteria
            .iter()
            .map(move |criterion| (label, &criterion.name))
    });
    pairs
        .map(|(label, evaluator)| Delta {
            evaluator: evaluator.clone(),
            timeline: label.clone(),
            versus: first.clone(),
            delta: evaluation
                .score(label, evaluator)
                .zip(evaluation.score(first, evaluator))
                .map(|(score, base)| tidy(score - base)),
        })
        .collect()
}
