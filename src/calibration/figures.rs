//! Agreement, kappa and the rates of a judge, each with its interval.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Confusion, Rated};
use crate::stats::agreement::Kappa;
use crate::stats::proportion::{wilson, wilson_clustered};
use crate::stats::{Interval, Level, Passes};

/// A number and its interval at 95 percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The number itself.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What a judge's verdicts are worth. A number is `None` where the labels can't tell it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// People's verdicts against the judge's.
    pub confusion: Confusion,
    /// How often they are the same.
    pub agreement: Option<Estimate>,
    /// Cohen's kappa: the agreement beyond chance.
    pub kappa: Option<Estimate>,
    /// Of what people pass, the share that the judge passes.
    pub true_positive_rate: Option<Estimate>,
    /// Of what people fail, the share that the judge fails.
    pub true_negative_rate: Option<Estimate>,
}

impl Figures {
    /// Returns the figures of what was rated, where a score of `threshold` passes.
    ///
    /// Items with a common group are alike, and the intervals know that. An item without a group is one of its own.
    pub fn new(rated: &[Rated], threshold: f64) -> Self {
        let pairs: Vec<Pair<'_>> = rated
            .iter()
            .filter_map(|one| {
                Some(Pair {
                    people: one.label,
                    judge: one.score()? >= threshold,
                    group: one.group.as_deref(),
                })
            })
            .collect();
        let mut confusion = Confusion::default();
        for pair in &pairs {
            let cell = match (pair.people, pair.judge) {
                (true, true) => &mut confusion.true_pass,
                (true, false) => &mut confusion.false_fail,
                (false, true) => &mut confusion.false_pass,
                (false, false) => &mut confusion.true_fail,
            };
            *cell += 1;
        }
        let groups = groups(&pairs);
        let is_clustered = groups.iter().any(|group| group.len() > 1);
        let rate = |counts: &dyn Fn(&Pair<'_>) -> bool, holds: &dyn Fn(&Pair<'_>) -> bool| {
            let clusters: Vec<Passes> = groups
                .iter()
                .map(|group| passes(group.iter().copied().filter(|pair| counts(pair)), holds))
                .collect();
            share(&clusters, is_clustered)
        };
        Self {
            confusion,
            agreement: rate(&|_pair| true, &|pair| pair.people == pair.judge),
            kappa: if is_clustered {
                clustered_kappa(&groups)
            } else {
                plain_kappa(confusion)
            },
            true_positive_rate: rate(&|pair| pair.people, &|pair| pair.judge),
            true_negative_rate: rate(&|pair| !pair.people, &|pair| !pair.judge),
        }
    }

    /// Returns Cohen's kappa of a table; `None` where chance alone would agree as well, or there is nothing in it.
    pub fn kappa_of(table: Confusion) -> Option<f64> {
        Kappa::new(&table.rows()).ok().map(|found| found.kappa)
    }
}

/// What people and the judge say of one item.
struct Pair<'a> {
    people: bool,
    judge: bool,
    group: Option<&'a str>,
}

/// Returns the pairs of each group, and each pair without a group alone.
fn groups<'a>(pairs: &'a [Pair<'a>]) -> Vec<Vec<&'a Pair<'a>>> {
    let mut named: BTreeMap<&str, Vec<&Pair<'_>>> = BTreeMap::new();
    let mut single = Vec::new();
    for pair in pairs {
        match pair.group {
            Some(name) => named.entry(name).or_default().push(pair),
            None => single.push(vec![pair]),
        }
    }
    named.into_values().chain(single).collect()
}

fn passes<'a>(
    pairs: impl Iterator<Item = &'a Pair<'a>>,
    holds: &dyn Fn(&Pair<'_>) -> bool,
) -> Passes {
    let mut found = Passes::default();
    for pair in pairs {
        if holds(pair) {
            found.passed += 1;
        } else {
            found.failed += 1;
        }
    }
    found
}

fn share(clusters: &[Passes], is_clustered: bool) -> Option<Estimate> {
    let all = clusters.iter().fold(Passes::default(), |sum, runs| Passes {
        passed: sum.passed + runs.passed,
        failed: sum.failed + runs.failed,
    });
    let interval = if is_clustered {
        wilson_clustered(clusters, Level::PERCENT_95)
    } else {
        wilson(all, Level::PERCENT_95)
    };
    let total = f64::from(all.total());
    (total > 0.0).then(|| estimate(f64::from(all.passed) / total, interval))
}

fn plain_kappa(table: Confusion) -> Option<Estimate> {
    let found = Kappa::new(&table.rows()).ok()?;
    Some(estimate(found.kappa, found.interval(Level::PERCENT_95)))
}

fn clustered_kappa(groups: &[Vec<&Pair<'_>>]) -> Option<Estimate> {
    let clusters: Vec<Vec<[usize; 2]>> = groups
        .iter()
        .map(|group| {
            let answers = |pair: &&Pair<'_>| [pair.people, pair.judge].map(usize::from);
            group.iter().map(answers).collect()
        })
        .collect();
    let (found, interval) = Kappa::clustered(&clusters, 2, Level::PERCENT_95).ok()?;
    Some(estimate(found.kappa, interval))
}

fn estimate(value: f64, interval: Interval) -> Estimate {
    Estimate {
        value,
        low: interval.low,
        high: interval.high,
    }
}
