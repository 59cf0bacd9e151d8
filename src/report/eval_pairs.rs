//! Timelines compared in pairs; serialised for `eval score --pairwise --json` (`docs/json-output.md`).

use serde::Serialize;

use super::eval_report::JudgeCost;
use crate::judge::{
    Outcome, Pair, PairEvaluation, Panel, Place, Preference, Round, Unmeasured, tidy,
};
use crate::model::{Session, SessionId};
use crate::stats::proportion::wilson;
use crate::stats::{Level, Passes};

/// Timelines compared in pairs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairReport {
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
    /// One for each timeline but the first, and each evaluator.
    pub pairs: Vec<PairLine>,
    /// How often the place decided, and not the answer.
    pub position_bias: PositionBias,
    /// What the judge took; apart from what agents cost.
    pub judge_cost: JudgeCost,
}

/// Two timelines compared by one evaluator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairLine {
    /// The name of the evaluator.
    pub evaluator: String,
    /// The label of the timeline.
    pub timeline: String,
    /// The label of the one that it is compared with.
    pub versus: String,
    /// The label of the better one; `null` for a tie, and where it is not measured.
    pub winner: Option<String>,
    /// How many comparisons the timeline won in both orders.
    pub wins: usize,
    /// How many the other one won in both orders.
    pub losses: usize,
    /// How many neither did.
    pub ties: usize,
    /// How many are not measured.
    pub missing: usize,
    /// Why there is no result; more than half of the comparisons have to be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_measured: Option<String>,
    /// Where the share of wins lies (Wilson); `null` with one comparison.
    pub win_share: Option<WinShare>,
    /// Why there is no interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_testable: Option<String>,
    /// The comparisons.
    pub rounds: Vec<RoundLine>,
}

/// A share of wins and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WinShare {
    /// Wins by measured comparisons.
    pub share: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How often such intervals hold the true share.
    pub level: f64,
}

/// One comparison in both orders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundLine {
    /// The name of the judge.
    pub judge: String,
    /// How it ended; `null` where it is not measured.
    pub outcome: Option<Outcome>,
    /// What was said with the timeline in the second place.
    pub forward: Said,
    /// What was said with the timeline in the first place.
    pub reversed: Said,
}

/// What a judge said of two answers in one order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    /// The better one by its place; `null` where it is not measured.
    pub winner: Option<Place>,
    /// Why it is not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_measured: Option<String>,
    /// Why, in the judge's words.
    pub reasoning: String,
    /// Whether an earlier run had paid for it.
    pub is_cached: bool,
}

/// How often the place decided, and not the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PositionBias {
    /// How many comparisons are measured.
    pub compared: usize,
    /// How often whatever stood first was better in both orders.
    pub first: usize,
    /// How often whatever stood second was.
    pub second: usize,
}

impl PairReport {
    /// Returns the report on an evaluation.
    pub fn new(session: &Session, panel: &Panel, evaluation: &PairEvaluation) -> Self {
        let rounds = evaluation.pairs.iter().flat_map(|pair| &pair.rounds);
        let outcomes: Vec<Outcome> = rounds.filter_map(|round| round.outcome().ok()).collect();
        let is_scripted = panel.is_scripted();
        Self {
            format: "1.0",
            session: session.id,
            name: session.name.clone(),
            judge: panel.models().join(", "),
            is_scripted,
            pairs: evaluation.pairs.iter().map(line).collect(),
            position_bias: PositionBias {
                compared: outcomes.len(),
                first: number(&outcomes, &[Outcome::FirstPlace]),
                second: number(&outcomes, &[Outcome::SecondPlace]),
            },
            judge_cost: JudgeCost::new(evaluation.ledger, evaluation.cached, is_scripted),
        }
    }

    /// Returns whether there is a result everywhere.
    pub fn is_measured(&self) -> bool {
        self.pairs.iter().all(|pair| pair.not_measured.is_none())
    }
}

fn line(pair: &Pair) -> PairLine {
    let found: Vec<Result<Outcome, Unmeasured>> = pair.rounds.iter().map(Round::outcome).collect();
    let outcomes: Vec<Outcome> = found.iter().filter_map(|one| one.clone().ok()).collect();
    let missing = found.len() - outcomes.len();
    let last = found.iter().rev().find_map(|one| one.as_ref().err());
    let not_measured = match last {
        Some(why) if outcomes.len() * 2 <= found.len() => Some(match found.len() {
            1 => why.to_string(),
            all => format!(
                "{} of {all} comparisons were measured, which is no majority; the last other one: {why}",
                outcomes.len()
            ),
        }),
        Some(_) | None => None,
    };
    let wins = number(&outcomes, &[Outcome::Win]);
    let losses = number(&outcomes, &[Outcome::Loss]);
    let winner = match wins.cmp(&losses) {
        _ if not_measured.is_some() => None,
        std::cmp::Ordering::Greater => Some(pair.timeline.clone()),
        std::cmp::Ordering::Less => Some(pair.versus.clone()),
        std::cmp::Ordering::Equal => None,
    };
    let win_share = win_share(wins, outcomes.len());
    let is_measured = not_measured.is_none();
    PairLine {
        evaluator: pair.evaluator.clone(),
        timeline: pair.timeline.clone(),
        versus: pair.versus.clone(),
        winner,
        wins,
        losses,
        ties: outcomes.len() - wins - losses,
        missing,
        not_measured,
        not_testable: (is_measured && win_share.is_none())
            .then(|| format!("not testable (n={})", outcomes.len())),
        win_share: win_share.filter(|_share| is_measured),
        rounds: pair
            .rounds
            .iter()
            .map(|round| RoundLine {
                judge: round.judge.clone(),
                outcome: round.outcome().ok(),
                forward: said(&round.forward),
                reversed: said(&round.reversed),
            })
            .collect(),
    }
}

/// Returns the share of wins with its interval; `None` below two comparisons.
fn win_share(wins: usize, compared: usize) -> Option<WinShare> {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    if compared < 2 {
        return None;
    }
    let runs = Passes {
        passed: count(wins),
        failed: count(compared - wins),
    };
    let interval = wilson(runs, Level::PERCENT_95);
    Some(WinShare {
        share: tidy(f64::from(count(wins)) / f64::from(count(compared))),
        low: tidy(interval.low),
        high: tidy(interval.high),
        level: Level::PERCENT_95.share(),
    })
}

fn said(found: &Result<Preference, Unmeasured>) -> Said {
    match found {
        Ok(found) => Said {
            winner: Some(found.winner),
            not_measured: None,
            reasoning: found.reasoning.clone(),
            is_cached: found.is_cached,
        },
        Err(why) => Said {
            winner: None,
            not_measured: Some(why.to_string()),
            reasoning: String::new(),
            is_cached: false,
        },
    }
}

fn number(outcomes: &[Outcome], which: &[Outcome]) -> usize {
    outcomes.iter().filter(|one| which.contains(one)).count()
}
