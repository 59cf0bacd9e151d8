//! Money in words, and what a live run would cost.

use crate::model::{StepIndex, Timeline};
use crate::price::PriceTable;
use crate::replay::Tally;

/// Returns what calls cost, in words; says how much of it is not known.
pub(super) fn cost(tally: &Tally) -> String {
    match tally.unpriced {
        0 if tally.cost.0 == 0 => "$0".to_owned(),
        0 => tally.cost.to_string(),
        _ if tally.cost.0 == 0 => "unpriced".to_owned(),
        unpriced => format!("{} + {unpriced} unpriced", tally.cost),
    }
}

/// Returns what a live run of the recorded calls from `from` on costs; of all where it is `None`.
pub fn estimate(reference: &Timeline, from: Option<StepIndex>, prices: &PriceTable) -> Tally {
    let calls = reference
        .model_steps()
        .filter(|(step, _call)| from.is_none_or(|from| step.number >= from))
        .map(|(_step, call)| (call.as_ref(), call.ended_us.saturating_sub(call.began_us)));
    Tally::of(calls, prices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::testing::{research, timeline};
    use crate::model::MicroUsd;

    #[test]
    fn an_estimate_counts_the_calls_from_the_fork_on() {
        let main = timeline("main", vec![research()]);
        let prices = PriceTable::built_in();
        assert_eq!(estimate(&main, None, &prices).calls, 3);
        assert_eq!(estimate(&main, Some(StepIndex(4)), &prices).calls, 1);
    }

    #[test]
    fn what_is_not_known_is_not_called_free() {
        let tally = |cost, unpriced| Tally {
            cost: MicroUsd(cost),
            unpriced,
            ..Tally::default()
        };
        let shown = [tally(0, 0), tally(0, 2), tally(41_000, 0), tally(41_000, 1)];
        assert_eq!(
            shown.map(|tally| cost(&tally)),
            ["$0", "unpriced", "$0.0410", "$0.0410 + 1 unpriced"]
        );
    }
}
