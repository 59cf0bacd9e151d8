//! One timeline in numbers.

use super::pool::Pool;
use super::{Side, Texts};
use crate::model::{Call, MicroUsd, Timeline, Usage};
use crate::price::PriceTable;
use crate::report::terminal::words;

/// Returns a timeline in numbers.
pub(super) fn side(timeline: &Timeline, texts: Texts, pool: &Pool, prices: &PriceTable) -> Side {
    let calls = || timeline.model_steps().map(|(_step, call)| call.as_ref());
    let served = calls().filter(|call| call.served.is_some()).count();
    let tokens = calls().map(|call| usage(call).total()).sum();
    let costs = calls().map(|call| match prices.price_of(call) {
        Some(cost) => Some(cost),
        None if usage(call) == Usage::default() => Some(MicroUsd(0)),
        None => None,
    });
    let failed = timeline.steps.iter().filter(|step| words::is_failed(step));
    let answer = timeline.outcome.answer.as_deref();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Side {
        label: timeline.label.clone(),
        exit: timeline.outcome.exit,
        answer: answer
            .filter(|_answer| texts != Texts::None)
            .map(|answer| pool.text(answer)),
        faults: timeline
            .outcome
            .faults
            .iter()
            .filter(|_fault| texts != Texts::None)
            .map(|fault| pool.text(fault))
            .collect(),
        steps: number(timeline.steps.len()),
        served: number(served),
        live: number(calls().count() - served),
        tokens,
        cost_micro_usd: costs.sum(),
        failed: number(failed.count()),
    }
}

fn usage(call: &Call) -> Usage {
    call.response.usage.unwrap_or_default()
}
