//! What a run used.

use std::collections::HashSet;

use crate::model::{Call, StepIndex, Timeline};
use crate::price::PriceTable;

/// An amount, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Amount {
    /// What is known: the whole, or less than that.
    pub(super) known: u64,
    /// Why that may not be all.
    pub(super) unknown: Option<String>,
    /// The number of steps that were left out because they were served.
    pub(super) unmeasured: usize,
    /// The step that took the largest part.
    pub(super) dearest: Option<StepIndex>,
}

impl Amount {
    /// Returns a number of things that can be counted.
    pub(super) fn count(number: usize) -> Self {
        Self {
            known: u64::try_from(number).unwrap_or(u64::MAX),
            ..Self::default()
        }
    }
}

/// Sums up what the calls of a timeline used; `None` of a call stands for "not known".
fn sum(
    timeline: &Timeline,
    of: impl Fn(&Call) -> Option<u64>,
    unknown: impl Fn(StepIndex, &Call) -> String,
) -> Amount {
    let mut amount = Amount::default();
    let mut largest = 0;
    for (step, call) in timeline.model_steps() {
        // A call that failed and says nothing of its use used nothing.
        let is_free = call.response.usage.is_none() && !call.is_ok();
        match of(call) {
            Some(used) => {
                amount.known = amount.known.saturating_add(used);
                if used > largest {
                    largest = used;
                    amount.dearest = Some(step.number);
                }
            }
            None if is_free => {}
            None if amount.unknown.is_none() => {
                amount.unknown = Some(unknown(step.number, call));
            }
            None => {}
        }
    }
    amount
}

/// Returns the tokens of all model calls.
pub(super) fn tokens(timeline: &Timeline) -> Amount {
    sum(
        timeline,
        |call| call.response.usage.map(|usage| usage.total()),
        |step, _call| format!("step {step} does not say how many tokens it used"),
    )
}

/// Returns the micro-dollars of all model calls, as if all were live.
pub(super) fn usd(timeline: &Timeline, prices: &PriceTable) -> Amount {
    sum(
        timeline,
        |call| prices.price_of(call).map(|cost| cost.0),
        |step, call| {
            let asked = call.request.treatment.model.as_deref();
            match call.response.model.as_deref().or(asked) {
                Some(model) if call.response.usage.is_some() => format!(
                    "model `{model}` of step {step} has no price; give it one in `[prices]` of rewind.toml"
                ),
                Some(_) | None => format!("step {step} does not say how many tokens it used"),
            }
        },
    )
}

/// Returns the microseconds of the model calls that were live.
pub(super) fn live_time(timeline: &Timeline) -> Amount {
    let mut amount = Amount::default();
    let mut live = 0;
    let mut largest = 0;
    for (step, call) in timeline.model_steps() {
        if call.served.is_some() {
            amount.unmeasured += 1;
            continue;
        }
        live += 1;
        let took = call.ended_us.saturating_sub(call.began_us);
        amount.known = amount.known.saturating_add(took);
        if took > largest {
            largest = took;
            amount.dearest = Some(step.number);
        }
    }
    if live == 0 {
        let why = "no model call was live, and the time of served steps is not measured";
        amount.unknown = Some(why.to_owned());
    } else if amount.known == 0 {
        amount.unknown = Some("the times of the model calls are not known".to_owned());
    }
    amount
}

/// Returns the microseconds of the reference's model calls that the candidate made anew.
pub(super) fn time_of_unserved(reference: &Timeline, candidate: &Timeline) -> Amount {
    let served: HashSet<StepIndex> = candidate
        .steps
        .iter()
        .filter_map(|step| Some(step.served()?.step))
        .collect();
    let calls = reference
        .model_steps()
        .filter(|(step, _call)| !served.contains(&step.number));
    let known = calls
        .map(|(_step, call)| call.ended_us.saturating_sub(call.began_us))
        .fold(0, u64::saturating_add);
    Amount {
        known,
        unknown: (known == 0).then(|| "the times of the model calls are not known".to_owned()),
        ..Amount::default()
    }
}
