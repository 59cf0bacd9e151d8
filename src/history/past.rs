//! What the runs so far say of a baseline.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::entry::{Entry, ForkEntry, MeanScore};
use super::flake::Flake;
use super::shift::{Shift, shifts};
use crate::gate::Verdict;

/// What the runs so far say of a baseline.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// The baseline's name.
    pub baseline: String,
    /// In how many runs it was.
    pub runs: u32,
    /// The latest runs, the oldest first.
    pub points: Vec<Point>,
    /// How often it contradicts itself.
    pub flake: Flake,
    /// What has moved for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Shift>,
}

/// A baseline in one run, all its forks together.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// When the run began.
    pub started_at: jiff::Timestamp,
    /// The commit, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What the gate said, the worst of its forks.
    pub verdict: Verdict,
    /// Number of whole runs.
    pub samples: u32,
    /// Number of those that passed.
    pub passed: u32,
    /// What its checks scored, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, MeanScore>,
}

impl Past {
    /// How many runs the trend in a report has at most.
    pub const POINTS: usize = 20;
}

impl Point {
    /// Returns the share of its runs that passed; `None` where none could be followed to its end.
    pub fn pass_rate(&self) -> Option<f64> {
        (self.samples > 0).then(|| f64::from(self.passed) / f64::from(self.samples))
    }

    fn of(entry: &Entry, baseline: &str) -> Option<Self> {
        let forks: Vec<&ForkEntry> = entry
            .forks
            .iter()
            .filter(|fork| fork.baseline == baseline)
            .collect();
        let badness = |fork: &&&ForkEntry| {
            let shown = Reverse(fork.verdict.row().shown);
            (!fork.is_gating, shown, fork.verdict)
        };
        let worst = forks.iter().min_by_key(badness)?;
        let mut scores: BTreeMap<String, MeanScore> = BTreeMap::new();
        for (id, score) in forks.iter().flat_map(|fork| &fork.scores) {
            let sum = scores.entry(id.clone()).or_insert(MeanScore {
                mean: 0.0,
                samples: 0,
            });
            let samples = sum.samples.saturating_add(score.samples);
            let weight = f64::from(score.samples) / f64::from(samples.max(1));
            sum.mean += (score.mean - sum.mean) * weight;
            sum.samples = samples;
        }
        let sum = |of: fn(&ForkEntry) -> u32| {
            let counts = forks.iter().map(|fork| of(fork));
            counts.fold(0, u32::saturating_add)
        };
        Some(Self {
            started_at: entry.started_at,
            commit: entry.commit.clone(),
            verdict: worst.verdict,
            samples: sum(|fork| fork.samples),
            passed: sum(|fork| fork.passed),
            scores,
        })
    }
}

/// Returns what these runs say of each baseline, by their names.
///
/// Each trend has at most so many points, the latest.
pub fn pasts(entries: &[Entry], points: usize) -> Vec<Past> {
    let sorted = in_time(entries);
    let names: BTreeSet<&str> = entries
        .iter()
        .flat_map(|entry| &entry.forks)
        .map(|fork| fork.baseline.as_str())
        .collect();
    names
        .into_iter()
        .map(|name| past(&sorted, name, points))
        .collect()
}

fn past(sorted: &[&Entry], baseline: &str, most: usize) -> Past {
    let mut points: Vec<Point> = sorted
        .iter()
        .filter_map(|entry| Point::of(entry, baseline))
        .collect();
    let runs = u32::try_from(points.len()).unwrap_or(u32::MAX);
    points.drain(..points.len().saturating_sub(most));
    Past {
        baseline: baseline.to_owned(),
        runs,
        points,
        flake: Flake::of(sorted, baseline),
        drift: shifts(sorted, baseline),
    }
}

/// Returns the runs, the oldest first; of two that began at once, the one that was added first.
pub(super) fn in_time(entries: &[Entry]) -> Vec<&Entry> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.started_at);
    sorted
}
