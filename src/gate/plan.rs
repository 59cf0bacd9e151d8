//! Which part of a run is done here, and what its live part would cost.

use serde::{Deserialize, Serialize};

use crate::model::{MicroUsd, StepIndex, Timeline};
use crate::price::PriceTable;
use crate::replay::Tally;

/// One part of a run that is shared out over several machines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which one, from 1.
    pub index: u32,
    /// Of how many.
    pub total: u32,
}

/// A part that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no part of a run; write I/N with I from 1 to N, such as 2/8")]
pub struct ShardError(String);

impl std::str::FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError(text.to_owned());
        let (index, total) = text.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<u32>().map_err(|_error| wrong());
        let (index, total) = (number(index)?, number(total)?);
        if (1..=total).contains(&index) && total <= MAX_SHARDS {
            Ok(Self { index, total })
        } else {
            Err(wrong())
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.total)
    }
}

/// Returns for each item, in order, the part that does it, from 1: the heaviest first, each to the part
/// with the least so far, so that all parts are about equally heavy.
///
/// The same items are always shared out in the same way, in whatever order they are given.
pub fn share_out(items: &[(&str, u64)], total: u32) -> Vec<u32> {
    let mut loads = vec![0_u64; total.max(1) as usize];
    let mut order: Vec<(usize, &(&str, u64))> = items.iter().enumerate().collect();
    order.sort_by(|(_, (a, heavy)), (_, (b, heavier))| heavier.cmp(heavy).then(a.cmp(b)));
    let mut parts = vec![1; items.len()];
    for (index, (_name, weight)) in order {
        let least = loads
            .iter()
            .enumerate()
            .min_by_key(|(part, load)| (**load, *part))
            .map_or(0, |(part, _load)| part);
        if let Some(load) = loads.get_mut(least) {
            *load = load.saturating_add(*weight);
        }
        if let Some(part) = parts.get_mut(index) {
            *part = u32::try_from(least).unwrap_or(0) + 1;
        }
    }
    parts
}

/// Returns how much work a baseline is, as recorded: its tokens, and something for each step, since
/// every run starts a program.
pub fn weight(reference: &Timeline) -> u64 {
    let tokens = reference
        .model_steps()
        .filter_map(|(_step, call)| call.response.usage)
        .map(|usage| usage.input.saturating_add(usage.output));
    let steps = reference.steps.len() as u64;
    tokens.fold(
        TOKENS_PER_RUN + steps * TOKENS_PER_STEP,
        u64::saturating_add,
    )
}

/// Returns what a live run of the recorded calls from `from` on costs; of all where it is `None`.
pub fn estimate(reference: &Timeline, from: Option<StepIndex>, prices: &PriceTable) -> Tally {
    let calls = reference
        .model_steps()
        .filter(|(step, _call)| from.is_none_or(|from| step.number >= from))
        .map(|(_step, call)| (call.as_ref(), call.ended_us.saturating_sub(call.began_us)));
    Tally::of(calls, prices)
}

/// What a run is about to do live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LivePlan {
    /// Number of baselines whose dry run was not proved equal to the recording.
    pub affected: u32,
    /// Number of all baselines.
    pub baselines: u32,
    /// Number of tails that run live.
    pub tails: u32,
    /// Number of forks that run live although nothing of them changed, as a control.
    pub unchanged: u32,
    /// Number of samples of those.
    pub control_samples: u32,
    /// Number of samples that are run of the tails in any case.
    pub samples: u32,
    /// The most samples that are run of them where these do not decide.
    pub most_samples: u32,
    /// What the samples cost that are run in any case, as recorded.
    pub estimate: Tally,
    /// What they cost at most in nine of ten runs, by [`costly`].
    pub p90: MicroUsd,
}

/// Returns what a tail costs at most in nine of ten runs: its `estimate` times the spread of the accepted
/// costs of whole live runs, the ninth tenth (nearest rank) over the mean; twice the estimate where fewer
/// than [`LEAST_COSTS`] are known.
pub fn costly(estimate: MicroUsd, accepted: &[MicroUsd]) -> MicroUsd {
    let count = accepted.len() as u128;
    let sum: u128 = accepted.iter().map(|cost| u128::from(cost.0)).sum();
    let mut sorted = accepted.to_vec();
    sorted.sort_unstable();
    let rank = (accepted.len() * 9).div_ceil(10).saturating_sub(1);
    let high = sorted.get(rank).filter(|_high| count >= LEAST_COSTS);
    let scaled = high
        .and_then(|high| (u128::from(estimate.0) * u128::from(high.0) * count).checked_div(sum));
    let scaled = scaled.unwrap_or(u128::from(estimate.0) * UNKNOWN_SPREAD);
    MicroUsd(u64::try_from(scaled).unwrap_or(u64::MAX))
}

/// The most money and tokens that a run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Dollars; no limit where it is not given.
    #[serde(
        default,
        rename = "max_micro_usd",
        skip_serializing_if = "Option::is_none"
    )]
    pub usd: Option<MicroUsd>,
    /// Input and output tokens; no limit where it is not given.
    #[serde(
        default,
        rename = "max_tokens",
        skip_serializing_if = "Option::is_none"
    )]
    pub tokens: Option<u64>,
}

impl Caps {
    /// Returns the share of them that `part` of `whole` may use.
    #[must_use]
    pub fn share(self, part: u64, whole: u64) -> Self {
        let share = |number: u64| {
            let number = u128::from(number) * u128::from(part);
            number
                .checked_div(u128::from(whole))
                .and_then(|number| u64::try_from(number).ok())
                .unwrap_or_default()
        };
        Self {
            usd: self.usd.map(|usd| MicroUsd(share(usd.0))),
            tokens: self.tokens.map(share),
        }
    }
}

/// The most parts that a run may have.
const MAX_SHARDS: u32 = 10_000;

/// From how many accepted costs on their spread is used.
const LEAST_COSTS: u128 = 5;

/// How many times its recorded cost a tail may cost where the spread is not known.
const UNKNOWN_SPREAD: u128 = 2;

/// What starting an agent weighs.
const TOKENS_PER_RUN: u64 = 2_000;

/// What a step weighs.
const TOKENS_PER_STEP: u64 = 200;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lineage::testing::{research, timeline};

    #[test]
    fn an_estimate_counts_the_calls_from_the_fork_on() {
        let main = timeline("main", vec![research()]);
        let prices = PriceTable::built_in();
        assert_eq!(estimate(&main, None, &prices).calls, 3);
        assert_eq!(estimate(&main, Some(StepIndex(4)), &prices).calls, 1);
        assert!(weight(&main) > 1_000);
    }

    #[test]
    fn a_costly_tail_follows_the_spread_of_what_was_accepted() {
        let costs = |costs: &[u64]| costs.iter().map(|cost| MicroUsd(*cost)).collect::<Vec<_>>();
        let of = |accepted: &[u64]| costly(MicroUsd(100), &costs(accepted)).0;
        assert_eq!(of(&[]), 200);
        assert_eq!(of(&[10, 10, 10, 10]), 200, "four say too little");
        assert_eq!(of(&[10, 10, 10, 10, 10]), 100);
        assert_eq!(of(&[30, 5, 5, 5, 5]), 300);
        assert_eq!(of(&[0, 0, 0, 0, 0]), 200, "what was free says nothing");
    }

    #[test]
    fn a_part_of_a_run_is_written_as_two_numbers() {
        let read = |text: &str| text.parse::<Shard>();
        assert_eq!(read("2/8"), Ok(Shard { index: 2, total: 8 }));
        for wrong in [
            "0/8",
            "9/8",
            "1",
            "1/0",
            "-1/2",
            "a/b",
            "1/2/3",
            "",
            "1/99999999",
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")), "{error}");
        }
    }

    #[test]
    fn the_caps_of_all_parts_stay_below_the_cap_of_the_run() {
        let caps = Caps {
            usd: Some(MicroUsd(2_000_000)),
            tokens: None,
        };
        let parts: u64 = [3, 3, 1]
            .map(|part| caps.share(part, 7).usd.unwrap().0)
            .iter()
            .sum();
        assert!((1_999_990..=2_000_000).contains(&parts));
        assert_eq!(caps.share(0, 0).usd, Some(MicroUsd(0)));
    }

    proptest! {
        #[test]
        fn every_item_is_in_one_part_whatever_the_order(
            weights in prop::collection::btree_map("[a-z]{1,4}", 0_u64..10_000, 0..40),
            total in 1_u32..9,
        ) {
            let items: Vec<(&str, u64)> = weights.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
            let parts = share_out(&items, total);
            prop_assert_eq!(parts.len(), items.len());
            prop_assert!(parts.iter().all(|part| (1..=total).contains(part)));
            let reversed: Vec<(&str, u64)> = items.iter().rev().copied().collect();
            let mut again = share_out(&reversed, total);
            again.reverse();
            prop_assert_eq!(&parts, &again);
            // No part is heavier than the lightest by more than one item.
            let load = |part: u32| items.iter().zip(&parts).filter(|(_, p)| **p == part).map(|((_, w), _)| *w).sum::<u64>();
            let loads: Vec<u64> = (1..=total).map(load).collect();
            let heaviest = items.iter().map(|(_, weight)| *weight).max().unwrap_or(0);
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= heaviest);
        }
    }
}
