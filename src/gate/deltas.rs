//! How much each number of a fork differs from the accepted one, with its interval. No verdict follows from these.

use serde::{Deserialize, Serialize};

use super::input::ForkInput;
use super::numbers::{count, mean};
use super::suite::PASSES;
use crate::stats::mean::welch;
use crate::stats::proportion::newcombe;
use crate::stats::{Interval, Level};

/// A share or a mean score on both sides.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// What is measured: [`PASSES`], or the id of the check that gave the scores.
    pub measure: String,
    /// The mean of the accepted samples, from 0 to 1.
    pub base: f64,
    /// That of the samples of now.
    pub head: f64,
    /// Number of accepted samples.
    pub base_samples: u32,
    /// Number of samples of now.
    pub head_samples: u32,
    /// The ends of the interval of `head` less `base`, at 95 %; `None` where a side has one sample, or nothing varies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

/// Returns each number of a fork that has been run in several samples, or scored.
///
/// Of passes the interval is Newcombe's, of scores Welch's.
pub fn deltas(input: &ForkInput) -> Vec<Delta> {
    let mut deltas = Vec::new();
    let (base, candidate) = (input.base(), input.candidate());
    if base.total() > 0 && candidate.total() > 1 {
        let held = |failure_rate: f64| 1.0 - failure_rate;
        let interval = newcombe(base, candidate, Level::PERCENT_95);
        deltas.push(Delta {
            measure: PASSES.to_owned(),
            base: held(base.failure_rate()),
            head: held(candidate.failure_rate()),
            base_samples: base.total(),
            head_samples: candidate.total(),
            interval: (base.total() > 1).then(|| ends(interval)),
        });
    }
    deltas.extend(input.scores().into_iter().map(|scores| {
        let interval = welch(&scores.base, &scores.candidate, Level::PERCENT_95);
        Delta {
            measure: scores.check,
            base: mean(&scores.base),
            head: mean(&scores.candidate),
            base_samples: count(scores.base.len()),
            head_samples: count(scores.candidate.len()),
            interval: interval.ok().flatten().map(ends),
        }
    }));
    deltas
}

fn ends(interval: Interval) -> [f64; 2] {
    [interval.low.max(-1.0), interval.high.min(1.0)]
}
