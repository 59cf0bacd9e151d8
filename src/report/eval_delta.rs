//! What differs between the scores of two timelines, and how sure that is.

use serde::Serialize;

use crate::judge::{Cell, Evaluation, MemberScores, Plan, Vote, tidy};
use crate::stats::mean::{ClusteredMean, welch};
use crate::stats::{Interval, Level};

/// What differs between two timelines by one evaluator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delta {
    /// The name of the evaluator.
    pub evaluator: String,
    /// The label of the timeline.
    pub timeline: String,
    /// The label of the one that it is compared with.
    pub versus: String,
    /// The difference of the scores, of a panel the mean of what its judges see; `null` where one is not measured.
    pub delta: Option<f64>,
    /// What the interval is over.
    pub over: Over,
    /// Where the difference lies, as far as the judges' noise goes; `null` where that can't be said.
    pub interval: Option<DeltaInterval>,
    /// Why there is no interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_testable: Option<String>,
}

/// What the interval of a difference is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// The votes of one judge.
    Votes,
    /// The judges of a panel.
    Judges,
}

/// The range of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DeltaInterval {
    /// The lower end, from -1.
    pub low: f64,
    /// The upper end, up to 1.
    pub high: f64,
    /// How often such intervals hold the true difference.
    pub level: f64,
}

/// Returns what differs from the first timeline, by each evaluator.
pub(super) fn deltas(plan: &Plan, evaluation: &Evaluation) -> Vec<Delta> {
    let Some(((first, _subject), others)) = plan.subjects.split_first() else {
        return Vec::new();
    };
    let pairs = others.iter().flat_map(|(label, _subject)| {
        let criteria = plan.criteria.iter();
        criteria.map(move |criterion| (label, criterion))
    });
    pairs
        .map(|(label, criterion)| {
            let members: &[MemberScores] = if criterion.program.is_some() {
                &[]
            } else {
                &evaluation.members
            };
            let evaluator = &criterion.name;
            let (over, found) = match members {
                [] => (
                    Over::Votes,
                    by_votes(&evaluation.cells, evaluator, (label, first)),
                ),
                members => (Over::Judges, by_judges(members, evaluator, (label, first))),
            };
            let is_measured = evaluation.score(label, evaluator).is_some()
                && evaluation.score(first, evaluator).is_some();
            let found = found.filter(|_found| is_measured);
            let (interval, not_testable) = match &found {
                Some((_delta, Ok(interval))) => (Some(*interval), None),
                Some((_delta, Err(why))) => (None, Some(why.clone())),
                None => (None, None),
            };
            Delta {
                evaluator: evaluator.clone(),
                timeline: label.clone(),
                versus: first.clone(),
                delta: found.map(|(delta, _spread)| delta),
                over,
                interval,
                not_testable,
            }
        })
        .collect()
}

/// A difference, and its range or why there is none.
type Found = (f64, Result<DeltaInterval, String>);

/// A measured cell with its score.
type Measured<'a> = (&'a Cell, f64);

/// Returns the measured cells of two timelines.
fn both<'a>(
    cells: &'a [Cell],
    evaluator: &str,
    (label, versus): (&str, &str),
) -> Option<(Measured<'a>, Measured<'a>)> {
    let find = |label: &str| {
        let mut cells = cells.iter();
        let cell = cells.find(|cell| cell.timeline == label && cell.evaluator == evaluator)?;
        Some((cell, cell.score.clone().ok()?))
    };
    find(label).zip(find(versus))
}

/// Returns the difference of one judge's scores: its votes on both sides say how much it differs by chance.
fn by_votes(cells: &[Cell], evaluator: &str, labels: (&str, &str)) -> Option<Found> {
    let ((cell, score), (base, base_score)) = both(cells, evaluator, labels)?;
    let scores = |cell: &Cell| cell.votes.iter().filter_map(Vote::score).collect();
    let (votes, base): (Vec<f64>, Vec<f64>) = (scores(cell), scores(base));
    let least = votes.len().min(base.len());
    let equal = format!(
        "the votes are all equal, n={} and {}",
        base.len(),
        votes.len()
    );
    let found = welch(&base, &votes, LEVEL).ok().flatten();
    Some((tidy(score - base_score), interval(found, least, &equal)))
}

/// Returns the mean of the differences that the judges of a panel see, and how much it differs between judges.
fn by_judges(members: &[MemberScores], evaluator: &str, labels: (&str, &str)) -> Option<Found> {
    let differences = members.iter().filter_map(|member| {
        let ((_cell, score), (_base, base)) = both(&member.cells, evaluator, labels)?;
        Some(vec![score - base])
    });
    let differences: Vec<Vec<f64>> = differences.collect();
    let mean = ClusteredMean::new(&differences).ok()?;
    let judges = differences.len();
    let found = (judges > 1).then(|| mean.interval(LEVEL));
    let equal = format!("the judges see equal differences, n={judges}");
    Some((tidy(mean.mean), interval(found, judges, &equal)))
}

/// Returns the range to be shown of `count` values, or why there is none.
fn interval(found: Option<Interval>, count: usize, equal: &str) -> Result<DeltaInterval, String> {
    if count < 2 {
        return Err(format!("not testable (n={count})"));
    }
    // Equal values say that a judge repeats itself, not that it is right.
    let found = found.filter(|found| found.high - found.low > 1e-9);
    let found = found.ok_or_else(|| format!("not testable ({equal})"))?;
    Ok(DeltaInterval {
        low: tidy(found.low.max(-1.0)),
        high: tidy(found.high.min(1.0)),
        level: LEVEL.share(),
    })
}

/// How often an interval holds the true difference.
const LEVEL: Level = Level::PERCENT_95;
