//! What has moved for good: the charts of [`crate::stats::cusum`] over the runs of a fork.
//!
//! Only runs of the branch that most runs are of are read, and only those since the fork is held against what it is held
//! against now: what people accepted is no drift. The numbers of the charts are constants here, and stand in docs/history.md.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::entry::{Entry, ForkEntry};
use crate::stats::cusum::{Climb, MeanCusum, ShareCusum};
use crate::stats::proportion::wilson;
use crate::stats::{Level, Passes};

/// The name of the measure "the share of runs whose checks hold".
pub const CHECKS: &str = "checks";

/// Where something moved to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It is lower now, which is worse.
    Lower,
    /// It is higher now.
    Higher,
}

/// A share or a score that has moved.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// The address of the fork point.
    pub fork: String,
    /// What has moved: [`CHECKS`], or the id of a check that scores.
    pub measure: String,
    /// Where to.
    pub direction: Direction,
    /// The mean before.
    pub before: f64,
    /// The mean since.
    pub after: f64,
    /// For how many runs.
    pub runs: u32,
    /// When the first of these runs began.
    pub since: jiff::Timestamp,
    /// The commit of the first of these runs, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The models that answered before, where others answer now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models_before: Vec<String>,
    /// The models that answer now, where others answered before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models_after: Vec<String>,
}

/// A fork in one run.
type Run<'a> = (&'a Entry, &'a ForkEntry);

/// Returns what has moved of a baseline in these runs, which are given the oldest first.
pub(super) fn shifts(sorted: &[&Entry], baseline: &str) -> Vec<Shift> {
    let Some(branch) = usual_branch(sorted) else {
        return Vec::new();
    };
    let forks: BTreeSet<&str> = sorted
        .iter()
        .flat_map(|entry| &entry.forks)
        .filter(|fork| fork.baseline == baseline)
        .map(|fork| fork.fork.as_str())
        .collect();
    let of_branch = || sorted.iter().filter(|entry| &entry.reference == branch);
    let of_fork = |fork| {
        let runs = of_branch().filter_map(|entry| Some((*entry, entry.fork((baseline, fork))?)));
        let measured = runs.filter(|(_entry, fork)| fork.samples > 0);
        let runs = since_evidence(measured.collect());
        let ids: BTreeSet<&String> = runs.iter().flat_map(|(_, run)| run.scores.keys()).collect();
        let scores = ids.into_iter().filter_map(|id| of_score(&runs, id));
        of_checks(&runs)
            .into_iter()
            .chain(scores)
            .collect::<Vec<_>>()
    };
    forks.into_iter().flat_map(of_fork).collect()
}

/// Returns the branch that most runs are of; of several, that of the latest run.
pub(super) fn usual_branch<'a>(sorted: &[&'a Entry]) -> Option<&'a Option<String>> {
    let mut counts: BTreeMap<&Option<String>, (usize, usize)> = BTreeMap::new();
    for (nth, entry) in sorted.iter().enumerate() {
        let known = counts.entry(&entry.reference).or_default();
        *known = (known.0 + 1, nth);
    }
    let most = counts.into_iter().max_by_key(|(_branch, count)| *count);
    most.map(|(branch, _count)| branch)
}

/// Returns the latest runs that were all held against the same.
fn since_evidence(mut runs: Vec<Run<'_>>) -> Vec<Run<'_>> {
    let now = runs.last().map(|(_entry, fork)| fork.evidence);
    let other = runs
        .iter()
        .rposition(|(_, fork)| Some(fork.evidence) != now);
    runs.drain(..other.map_or(0, |nth| nth + 1));
    runs
}

fn of_checks(runs: &[Run<'_>]) -> Option<Shift> {
    let is_enough = |first: &usize| {
        let usual = runs.get(..*first).unwrap_or_default();
        passes(usual).total() >= USUAL_SAMPLES
    };
    let first = (USUAL_RUNS..runs.len()).find(is_enough)?;
    let (usual, rest) = runs.split_at_checked(first)?;
    let share = wilson(passes(usual), Level::new(USUAL_LEVEL).ok()?);
    let chart = |from: f64, to: f64| {
        let mut chart = ShareCusum::new(from, to, SHARE_LIMIT).ok()?;
        for run in rest {
            chart.observe(passes(&[*run]));
        }
        Some(chart.climb()).filter(|climb| climb.is_high)
    };
    let (climb, direction) = chart(share.low, share.low - SHIFT)
        .map(|climb| (climb, Direction::Lower))
        .or_else(|| {
            let climb = chart(share.high, share.high + SHIFT)?;
            Some((climb, Direction::Higher))
        })?;
    shift(runs, CHECKS, direction, climb, |runs| {
        let sum = passes(runs);
        f64::from(sum.passed) / f64::from(sum.total().max(1))
    })
}

fn of_score(runs: &[Run<'_>], id: &str) -> Option<Shift> {
    let mean_of = |run: &Run<'_>| run.1.scores.get(id).map(|score| score.mean);
    let runs: Vec<Run<'_>> = runs
        .iter()
        .copied()
        .filter(|run| mean_of(run).is_some())
        .collect();
    let mut chart = MeanCusum::new(SLACK, LEAST_DEVIATION, SCORE_LIMIT).ok()?;
    for score in runs.iter().filter_map(mean_of) {
        chart.observe(score).ok()?;
    }
    let (climb, direction) = if chart.down().is_high {
        (chart.down(), Direction::Lower)
    } else {
        (chart.up(), Direction::Higher)
    };
    climb.is_high.then_some(())?;
    shift(&runs, id, direction, climb, |runs| {
        let scores: Vec<f64> = runs.iter().filter_map(mean_of).collect();
        let count = u32::try_from(scores.len().max(1)).unwrap_or(u32::MAX);
        scores.iter().sum::<f64>() / f64::from(count)
    })
}

fn shift(
    runs: &[Run<'_>],
    measure: &str,
    direction: Direction,
    climb: Climb,
    mean: impl Fn(&[Run<'_>]) -> f64,
) -> Option<Shift> {
    let length = usize::try_from(climb.length).ok()?;
    let (before, since) = runs.split_at_checked(runs.len().checked_sub(length)?)?;
    let (first, last) = (since.first()?, since.last()?);
    let were = before.last().map(|run| &run.1.models);
    let is_other = were.is_some_and(|were| *were != last.1.models);
    Some(Shift {
        fork: first.1.fork.clone(),
        measure: measure.to_owned(),
        direction,
        before: mean(before),
        after: mean(since),
        runs: climb.length,
        since: first.0.started_at,
        commit: first.0.commit.clone(),
        models_before: were.filter(|_were| is_other).cloned().unwrap_or_default(),
        models_after: if is_other {
            last.1.models.clone()
        } else {
            Vec::new()
        },
    })
}

fn passes(runs: &[Run<'_>]) -> Passes {
    runs.iter()
        .fold(Passes::default(), |sum, (_entry, fork)| Passes {
            passed: sum.passed.saturating_add(fork.passed),
            failed: sum
                .failed
                .saturating_add(fork.samples.saturating_sub(fork.passed)),
        })
}

/// The first runs say which share is usual: at least so many, ...
const USUAL_RUNS: usize = 5;

/// ... and as many as it takes until they hold so many samples.
const USUAL_SAMPLES: u32 = 20;

/// They don't tell the share for sure: the chart takes the end of Wilson's interval at this level that lies towards the shift.
const USUAL_LEVEL: f64 = 0.8;

/// How large a shift of the share is found soonest.
const SHIFT: f64 = 0.2;

/// `ln(10_000)`: without a shift an alarm takes ten thousand runs or more on average.
const SHARE_LIMIT: f64 = 9.210_340_371_976_184;

/// How many standard deviations a mean score may lie beside the others: half of the shift that is found soonest.
const SLACK: f64 = 0.5;

/// Mean scores are taken to differ by chance with at least this standard deviation.
const LEAST_DEVIATION: f64 = 0.02;

/// Without a shift an alarm takes about 19,000 runs on average.
const SCORE_LIMIT: f64 = 8.0;
