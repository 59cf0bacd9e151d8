//! Money in words.

use crate::replay::Tally;

/// Returns what calls cost, in words; says how much of it is not known.
pub fn cost(tally: &Tally) -> String {
    match tally.unpriced {
        0 if tally.cost.0 == 0 => "$0".to_owned(),
        0 => tally.cost.to_string(),
        _ if tally.cost.0 == 0 => "unpriced".to_owned(),
        unpriced => format!("{} + {unpriced} unpriced", tally.cost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MicroUsd;

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
