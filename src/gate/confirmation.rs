//! A red that is tried again: fresh samples of the base's agent beside fresh samples of the agent of now.
//!
//! Chance, a model that its provider changed, or a service that is down fail both sides; a change fails one. What decides is
//! what decides on a fork, with the base's samples in the place of the accepted ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fork::decide_fork;
use super::input::{Accepted, ForkInput, Sample};
use super::sampled::{is_ended, is_open};
use super::verdict::Verdict;
use crate::baseline::Said;
use crate::model::SampleRange;

/// What came of trying a red again.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Why the base's agent can't be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unready: Option<String>,
    /// Fresh runs of the base's agent.
    pub base: Vec<Sample>,
    /// Fresh runs of the agent of now.
    pub candidate: Vec<Sample>,
}

/// Both sides, as forks of their own.
struct Sides {
    /// The base, with nothing to be held against.
    base: ForkInput,
    /// The agent of now, held against the base.
    now: ForkInput,
}

impl Sides {
    fn of(input: &ForkInput, tried: &Confirmation) -> Self {
        let alone = |samples: &[Sample]| alone(input, samples);
        let base = alone(&tried.base);
        let accepted = match decide_fork(&base).verdict {
            Verdict::Broken | Verdict::Regressed => Accepted::Failed,
            Verdict::Violated
            | Verdict::NotMeasured
            | Verdict::NeedsLive
            | Verdict::Incomparable
            | Verdict::PreExisting
            | Verdict::Suspect
            | Verdict::Inconclusive
            | Verdict::Changed
            | Verdict::Stable
            | Verdict::Improved
            | Verdict::Unaffected => Accepted::Passed,
        };
        let results = base.whole().map(|sample| {
            if sample.is_failing() {
                Said::Failed
            } else {
                Said::Passed
            }
        });
        let now = ForkInput {
            accepted,
            accepted_results: results.collect(),
            accepted_scores: scores(&base),
            ..alone(&tried.candidate)
        };
        Self { base, now }
    }
}

/// Returns a fork with these samples alone, with nothing to be held against.
fn alone(input: &ForkInput, samples: &[Sample]) -> ForkInput {
    ForkInput {
        tests: 1,
        sessions: 0,
        alpha: LEVEL,
        accepted: Accepted::Passed,
        accepted_results: Vec::new(),
        accepted_scores: BTreeMap::new(),
        // Both sides are of today.
        noise: BTreeMap::new(),
        samples: samples.to_vec(),
        confirmation: None,
        ..input.clone()
    }
}

impl Confirmation {
    /// Returns what a measure says of the whole runs of the base and of now.
    pub(super) fn numbers(&self, input: &ForkInput, measure: &str) -> [Vec<f64>; 2] {
        [&self.base, &self.candidate].map(|samples| {
            let alone = ForkInput {
                samples: samples.clone(),
                ..input.clone()
            };
            alone.numbers(measure)
        })
    }

    /// Returns how many samples each side runs where a fork runs so many: at least as many as can confirm anything.
    pub fn range(input: &ForkInput, range: SampleRange) -> SampleRange {
        let level = alone(input, &input.samples).level();
        let mut ways = 1.0;
        let mut least = 0_u32;
        // Of n samples on each side, all of one below all of the other come by chance once in C(2n, n).
        while 1.0 / ways > level && least < SampleRange::MOST {
            least += 1;
            ways *= f64::from(2 * least) * f64::from(2 * least - 1) / f64::from(least).powi(2);
        }
        let min = range.min().max(least);
        SampleRange::new(min, range.max().max(min)).unwrap_or(range)
    }

    /// Returns whether further samples could change what it says.
    pub fn is_open(&self, input: &ForkInput, range: SampleRange) -> bool {
        let range = Self::range(input, range);
        let taken = self.base.len().min(self.candidate.len());
        if self.unready.is_some() || taken >= range.max() as usize {
            return false;
        }
        if taken == 0 {
            return true;
        }
        let Sides { base, now } = Sides::of(input, self);
        let (was, is) = (base.candidate().total(), now.candidate().total());
        if is_ended(&base) || is_ended(&now) || was == 0 || is == 0 {
            return false;
        }
        was < range.min() || is_open(&now, range)
    }
}

/// Returns the verdict on a red that was tried again, and why.
pub(super) fn confirmed(
    input: &ForkInput,
    tried: &Confirmation,
    (verdict, found): (Verdict, String),
) -> (Verdict, String) {
    let unmeasured = |why: &str| {
        let why = format!("{found}; whether the base fails just so could not be measured: {why}");
        (Verdict::NotMeasured, why)
    };
    if let Some(why) = &tried.unready {
        return unmeasured(why);
    }
    let Sides { base, now } = Sides::of(input, tried);
    let again = decide_fork(&now);
    if again.verdict == Verdict::Violated {
        return (again.verdict, again.why);
    }
    for side in [&base, &now] {
        if side.candidate().total() < input.min_samples.max(1) {
            let mut faults = side.samples.iter().filter_map(|one| one.fault.as_ref());
            let why = faults.next().map(|fault| fault.message.as_str());
            return unmeasured(why.unwrap_or("too few runs came to their end"));
        }
    }
    let (was, is) = (base.candidate(), now.candidate());
    let numbers = match is.failed {
        0 => again.why,
        failed => format!(
            "{failed} of {} against {} of {}",
            is.total(),
            was.failed,
            was.total()
        ),
    };
    if matches!(again.verdict, Verdict::Broken | Verdict::Regressed) {
        return (
            verdict,
            format!("{found}; confirmed against base: {numbers}"),
        );
    }
    (
        Verdict::PreExisting,
        format!("{found}; not confirmed against base: {numbers}"),
    )
}

/// Returns the scores of a side's whole runs, by the ids of the checks; `None` of one that was as recorded.
fn scores(side: &ForkInput) -> BTreeMap<String, Vec<Option<f64>>> {
    let mut scores: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for check in side.whole().flat_map(|sample| &sample.checks) {
        if let Some(score) = &check.score {
            let of_check = scores.entry(check.id.clone()).or_default();
            of_check.push(score.value);
        }
    }
    scores
}

/// How likely a red may be confirmed although nothing changed.
pub(super) const LEVEL: f64 = 0.2;
