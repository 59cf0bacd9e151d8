//! What a timeline cost, and what was not paid again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Call, MicroUsd, StepIndex, Timeline, Usage};

/// Returns the price of a call; `None` where it is not known.
pub type Pricing<'a> = &'a dyn Fn(&Call) -> Option<MicroUsd>;

/// Steps, tokens, money and time of some model calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Totals {
    /// Number of model calls.
    pub calls: u32,
    /// Tokens, as far as the provider said.
    pub usage: Usage,
    /// What they cost, the unpriced ones aside.
    pub cost_micro_usd: MicroUsd,
    /// Number of calls whose price is not known.
    pub unpriced: u32,
    /// The time that they took, one after the other, in microseconds.
    pub time_us: u64,
}

impl std::ops::Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            usage: self.usage + other.usage,
            cost_micro_usd: self.cost_micro_usd + other.cost_micro_usd,
            unpriced: self.unpriced.saturating_add(other.unpriced),
            time_us: self.time_us.saturating_add(other.time_us),
        }
    }
}

impl std::iter::Sum for Totals {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), std::ops::Add::add)
    }
}

impl Totals {
    /// Returns the cost in words; says how much of it is not known.
    pub fn cost(&self) -> String {
        match self.unpriced {
            0 if self.cost_micro_usd.0 == 0 => "$0".to_owned(),
            0 => self.cost_micro_usd.to_string(),
            unpriced if unpriced == self.calls => "no price known".to_owned(),
            unpriced => format!("{} + {unpriced} unpriced", self.cost_micro_usd),
        }
    }
}

/// What a replay paid and what it did not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Savings {
    /// Calls that were served from the recording: counted from what was not sent.
    pub served: Totals,
    /// Calls that went to the model.
    pub live: Totals,
}

impl std::ops::Add for Savings {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            served: self.served + other.served,
            live: self.live + other.live,
        }
    }
}

impl std::iter::Sum for Savings {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), std::ops::Add::add)
    }
}

/// Returns what a timeline paid and did not pay; `parent` is the timeline that it was replayed from.
///
/// The time of a served call is the time that it took when it was recorded.
pub fn savings(timeline: &Timeline, parent: Option<&Timeline>, pricing: Pricing<'_>) -> Savings {
    let recorded: BTreeMap<StepIndex, u64> = parent
        .iter()
        .flat_map(|parent| parent.model_steps())
        .map(|(step, call)| (step.number, took(call)))
        .collect();
    let mut savings = Savings::default();
    for (_step, call) in timeline.model_steps() {
        let one = of_call(call, pricing);
        match &call.served {
            None => savings.live = savings.live + one,
            Some(served) => {
                let time_us = recorded.get(&served.step).copied().unwrap_or_default();
                savings.served = savings.served + Totals { time_us, ..one };
            }
        }
    }
    savings
}

/// Returns what a live run of the recorded calls from `from` on costs; of all where it is `None`.
pub fn estimate(reference: &Timeline, from: Option<StepIndex>, pricing: Pricing<'_>) -> Totals {
    reference
        .model_steps()
        .filter(|(step, _call)| from.is_none_or(|from| step.number >= from))
        .map(|(_step, call)| of_call(call, pricing))
        .sum()
}

fn of_call(call: &Call, pricing: Pricing<'_>) -> Totals {
    let price = pricing(call);
    Totals {
        calls: 1,
        usage: call.response.usage.unwrap_or_default(),
        cost_micro_usd: price.unwrap_or_default(),
        unpriced: u32::from(price.is_none()),
        time_us: took(call),
    }
}

fn took(call: &Call) -> u64 {
    call.ended_us.saturating_sub(call.began_us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::testing::{Talk, fork, research, timeline};
    use crate::model::Rung;

    #[test]
    fn savings_are_counted_from_what_was_not_sent() {
        let main = timeline("main", vec![research()]);
        let mut talk = Talk::new("a researcher", "population of Tokyo?")
            .served_from(1, Rung::Exact)
            .uses(
                "web_search",
                serde_json::json!({"q": "Tokyo population", "max": 5}),
                "14 million",
            );
        talk = talk
            .uses(
                "web_search",
                serde_json::json!({"q": "Tokyo area", "max": 5}),
                "2194 km2",
            )
            .live()
            .says("14 million");
        let fixed = fork("fixed", &main, "5", vec![talk]);
        let price = |call: &Call| Some(MicroUsd(call.response.usage?.total()));
        let savings = savings(&fixed, Some(&main), &price);
        assert_eq!((savings.served.calls, savings.live.calls), (2, 1));
        assert_eq!(savings.served.usage.total(), 120 + 320);
        assert_eq!(savings.served.cost_micro_usd, MicroUsd(440));
        assert_eq!(savings.served.time_us, 2_000_000);
        assert_eq!(savings.live.cost(), "$0.0005");
        let all = estimate(&main, None, &|_call| None);
        assert_eq!((all.calls, all.unpriced), (3, 3));
        assert_eq!(all.cost(), "no price known");
        let tail = estimate(&main, Some(StepIndex(5)), &price);
        assert_eq!(tail.calls, 1);
    }
}
