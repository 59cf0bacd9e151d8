//! Base, head and what lies between them, as people read it.
//!
//! The numbers are means over the runs of each side; a difference is made before anything is rounded.

use serde::Serialize;

use super::run_report::ForkReport;
use super::units::tokens;
use crate::gate::{Accepted, Measure, Verdict};
use crate::model::MicroUsd;

/// The names of the numbers that are compared, in their order.
pub(super) const NUMBERS: [&str; 4] = ["checks", "tokens", "cost", "steps"];

/// A fork as it was accepted and as it is.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Compared {
    /// The fork's name.
    pub(super) name: String,
    /// How much the differences say.
    pub(super) note: String,
    /// Whether there is something on both sides.
    pub(super) has_both: bool,
    /// The numbers on one line each, by [`NUMBERS`].
    pub(super) cells: [String; 4],
    /// The same numbers, each with its parts.
    pub(super) parts: [Cell; 4],
}

/// One number on both sides; `-` where there is none.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Cell {
    /// As it was accepted.
    pub(super) base: String,
    /// As it is.
    pub(super) head: String,
    /// The difference, with its sign.
    pub(super) delta: String,
    /// The difference as a number to sort by; 0 where there is none.
    pub(super) rank: i64,
}

impl Cell {
    /// Returns the number on one line.
    fn line(&self) -> String {
        let Self {
            base, head, delta, ..
        } = self;
        match (base.as_str(), head.as_str(), delta.as_str()) {
            (NOTHING, NOTHING, _) => NOTHING.to_owned(),
            (_, _, NOTHING) => format!("{base} → {head}"),
            (_, _, delta) => format!("{base} → {head} ({delta})"),
        }
    }
}

/// Returns a fork's comparison; `None` where nobody compared.
pub(super) fn compared(fork: &ForkReport) -> Option<Compared> {
    let comparison = fork.comparison.as_ref()?;
    let (base, head) = (comparison.base.as_slice(), comparison.head.as_slice());
    let is_incomparable = match fork.evidence.accepted {
        Accepted::Incomparable(_) => true,
        Accepted::Passed | Accepted::Failed => false,
    };
    let runs = base.len().min(head.len());
    let note = if base.is_empty() && is_incomparable {
        "incomparable".to_owned()
    } else if base.is_empty() {
        "new".to_owned()
    } else if head.is_empty() {
        "no whole run".to_owned()
    } else if fork.decision.verdict == Verdict::Unaffected {
        "as recorded".to_owned()
    } else if runs < TESTABLE_RUNS {
        format!("not testable (n={runs})")
    } else {
        format!("n={} and {}", base.len(), head.len())
    };
    let parts = [
        checks(base, head),
        cell(base, head, &|run| Some(used(run)), &tokens),
        cell(base, head, &|run| Some(run.cost_micro_usd?.0), &dollars),
        cell(base, head, &|run| Some(run.steps.into()), &|steps| {
            steps.to_string()
        }),
    ];
    Some(Compared {
        name: fork.name(),
        note,
        has_both: runs > 0,
        cells: parts.each_ref().map(Cell::line),
        parts,
    })
}

fn checks(base: &[Measure], head: &[Measure]) -> Cell {
    let sums = |runs: &[Measure]| {
        let sum = |of: fn(&Measure) -> u32| runs.iter().map(|run| i128::from(of(run))).sum();
        let (asked, positive): (i128, i128) = (sum(|run| run.asked), sum(|run| run.held));
        (asked, positive)
    };
    let shown = |(asked, held): (i128, i128)| match asked {
        0 => NOTHING.to_owned(),
        _ => format!("{held}/{asked}"),
    };
    let (base_sums, head_sums) = (sums(base), sums(head));
    let mut asked = base.iter().chain(head).map(|run| run.asked);
    let first = asked.next();
    let mut rank = 0;
    let delta = if base_sums.0 == 0 || head_sums.0 == 0 {
        NOTHING.to_owned()
    } else if !asked.all(|asked| Some(asked) == first) {
        // Shares of different questions have no difference.
        "other checks".to_owned()
    } else {
        let difference = head_sums.1 * base_sums.0 - base_sums.1 * head_sums.0;
        let tenths = divided(difference * 1_000, base_sums.0 * head_sums.0);
        rank = i64::try_from(tenths).unwrap_or_default();
        points(tenths)
    };
    Cell {
        base: shown(base_sums),
        head: shown(head_sums),
        delta,
        rank,
    }
}

/// Returns a share's difference, given in tenths of a percent, in percentage points.
fn points(tenths: i128) -> String {
    let (whole, rest) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    signed(tenths, || match rest {
        0 => format!("{whole} pp"),
        _ => format!("{whole}.{rest} pp"),
    })
}

fn cell(
    base: &[Measure],
    head: &[Measure],
    number: &dyn Fn(&Measure) -> Option<u64>,
    show: &dyn Fn(u64) -> String,
) -> Cell {
    // A number that one run lacks is not known of the others together.
    let sum = |runs: &[Measure]| -> Option<(i128, i128)> {
        let sum: i128 = runs
            .iter()
            .map(|run| number(run).map(i128::from))
            .sum::<Option<_>>()?;
        let count = i128::try_from(runs.len()).unwrap_or(i128::MAX);
        (count > 0).then_some((sum, count))
    };
    let shown = |side: Option<(i128, i128)>, runs: &[Measure]| match side {
        Some((sum, count)) => show(magnitude(divided(sum, count))),
        None if runs.is_empty() => NOTHING.to_owned(),
        None => "unpriced".to_owned(),
    };
    let (base_sum, head_sum) = (sum(base), sum(head));
    let mut rank = 0;
    let delta = match (base_sum, head_sum) {
        (Some((base, before)), Some((head, now))) => {
            let difference = divided(head * before - base * now, before * now);
            rank = i64::try_from(difference).unwrap_or(i64::MAX);
            signed(difference, || show(magnitude(difference)))
        }
        (Some(_) | None, _) => NOTHING.to_owned(),
    };
    Cell {
        base: shown(base_sum, base),
        head: shown(head_sum, head),
        delta,
        rank,
    }
}

fn used(run: &Measure) -> u64 {
    run.input_tokens.saturating_add(run.output_tokens)
}

fn dollars(micros: u64) -> String {
    match micros {
        0 => "$0".to_owned(),
        _ => MicroUsd(micros).to_string(),
    }
}

/// Returns the nearest whole number to a quotient; `by` is greater than 0.
fn divided(number: i128, by: i128) -> i128 {
    let half = number.signum() * (by / 2);
    (number + half).checked_div(by).unwrap_or_default()
}

fn magnitude(number: i128) -> u64 {
    u64::try_from(number.unsigned_abs()).unwrap_or(u64::MAX)
}

fn signed(number: i128, text: impl Fn() -> String) -> String {
    match number.signum() {
        1 => format!("+{}", text()),
        -1 => format!("−{}", text()),
        _ => "0".to_owned(),
    }
}

/// What stands where there is no number.
const NOTHING: &str = "-";

/// Fewer runs than these on a side give no spread to hold a difference against.
const TESTABLE_RUNS: usize = 2;

#[cfg(test)]
mod tests {
    use super::super::run_report::Content;
    use super::super::testing::report;
    use super::*;
    use crate::gate::Comparison;

    fn run(held: u32, tokens: u64, cost: Option<u64>) -> Measure {
        Measure {
            asked: 5,
            held,
            steps: 8,
            input_tokens: tokens,
            output_tokens: 0,
            cost_micro_usd: cost.map(MicroUsd),
        }
    }

    fn shown(base: Vec<Measure>, head: Vec<Measure>) -> (String, [String; 4]) {
        let mut forks = report(Content::None).forks.into_iter();
        let mut fork = forks
            .rfind(|fork| fork.decision.verdict != Verdict::Unaffected)
            .unwrap();
        fork.comparison = Some(Comparison { base, head });
        let compared = compared(&fork).unwrap();
        (compared.note, compared.cells)
    }

    #[test]
    fn differences_have_a_sign_and_say_what_they_are_worth() {
        let (note, cells) = shown(
            vec![run(5, 12_400, Some(41_000))],
            vec![run(4, 13_650, Some(40_000))],
        );
        assert_eq!(note, "not testable (n=1)");
        assert_eq!(
            cells,
            [
                "5/5 → 4/5 (−20 pp)",
                "12.4k → 13.7k (+1.3k)",
                "$0.0410 → $0.0400 (−$0.0010)",
                "8 → 8 (0)"
            ]
        );
    }

    #[test]
    fn a_difference_is_rounded_after_it_was_made() {
        let base = vec![run(5, 10, None), run(5, 11, Some(1)), run(5, 11, Some(1))];
        let head = vec![run(5, 11, Some(1)), run(4, 11, Some(1))];
        let (note, cells) = shown(base, head);
        assert_eq!(note, "n=3 and 2");
        // 32/3 and 11 are both shown as 11; the third of a token between them is none.
        assert_eq!(cells[..2], ["15/15 → 9/10 (−10 pp)", "11 → 11 (0)"]);
        assert_eq!(cells[2], "unpriced → $0.000001");
    }

    #[test]
    fn what_is_new_and_what_was_not_followed_are_told_apart() {
        let (note, cells) = shown(Vec::new(), vec![run(5, 10, None)]);
        assert_eq!((note.as_str(), cells[0].as_str()), ("new", "- → 5/5"));
        let (note, cells) = shown(vec![run(5, 10, None)], Vec::new());
        assert_eq!(
            (note.as_str(), cells[1].as_str()),
            ("no whole run", "10 → -")
        );
        let other = Measure {
            asked: 4,
            ..run(4, 10, None)
        };
        let (_note, cells) = shown(vec![other], vec![run(5, 10, None)]);
        assert_eq!(cells[0], "4/4 → 5/5 (other checks)");
    }

    #[test]
    fn no_number_is_too_large() {
        let huge = run(u32::MAX, u64::MAX, Some(u64::MAX));
        let (_note, cells) = shown(vec![huge; 3], vec![run(0, 0, Some(0)); 2]);
        assert!(cells[1].contains('−'), "{cells:?}");
    }
}
