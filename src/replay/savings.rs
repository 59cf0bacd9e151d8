//! What a replay did not have to pay again, counted from what was not sent.

use serde::{Deserialize, Serialize};

use crate::model::{Call, MicroUsd, Timeline, Usage};
use crate::price::PriceTable;

/// Steps, tokens, money and time of a set of model calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Number of model calls.
    pub calls: u32,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Their price, as far as it is known; `cost_micro_usd` in JSON.
    #[serde(rename = "cost_micro_usd")]
    pub cost: MicroUsd,
    /// Number of calls whose model has no price.
    pub unpriced: u32,
    /// How long the calls took, added up, in microseconds.
    pub time_us: u64,
}

impl Tally {
    /// Returns the sum over `calls`; `time` says how long each took, in microseconds.
    pub fn of<'a>(calls: impl Iterator<Item = (&'a Call, u64)>, prices: &PriceTable) -> Self {
        calls.fold(Self::default(), |mut tally, (call, time_us)| {
            let usage = call.response.usage.unwrap_or_default();
            tally.calls = tally.calls.saturating_add(1);
            tally.input_tokens = tally.input_tokens.saturating_add(usage.input);
            tally.output_tokens = tally.output_tokens.saturating_add(usage.output);
            tally.time_us = tally.time_us.saturating_add(time_us);
            match prices.price_of(call) {
                Some(cost) => tally.cost = tally.cost + cost,
                None if usage != Usage::default() => {
                    tally.unpriced = tally.unpriced.saturating_add(1);
                }
                None => {}
            }
            tally
        })
    }

    /// Returns input and output tokens together.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost: self.cost + other.cost,
            unpriced: self.unpriced.saturating_add(other.unpriced),
            time_us: self.time_us.saturating_add(other.time_us),
        }
    }
}

/// What one timeline paid, and what it was spared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Savings {
    /// The calls that went to the provider.
    pub paid: Tally,
    /// The calls that were served, at the price and the time of their recording.
    pub saved: Tally,
}

impl std::iter::Sum for Savings {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), |sum, one| Self {
            paid: sum.paid + one.paid,
            saved: sum.saved + one.saved,
        })
    }
}

/// Returns what `timeline` paid and, as a fork of `parent`, was spared.
pub fn savings(timeline: &Timeline, parent: Option<&Timeline>, prices: &PriceTable) -> Savings {
    let calls = || timeline.model_steps().map(|(_step, call)| call);
    let paid = calls()
        .filter(|call| call.served.is_none() && !call.is_remembered())
        .map(|call| (call.as_ref(), call.ended_us.saturating_sub(call.began_us)));
    let saved = calls().filter_map(|call| {
        let source = parent?.step(call.served.as_ref()?.step)?.call()?;
        Some((
            source.as_ref(),
            source.ended_us.saturating_sub(source.began_us),
        ))
    });
    Savings {
        paid: Tally::of(paid, prices),
        saved: Tally::of(saved, prices),
    }
}
