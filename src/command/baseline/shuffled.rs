//! From two texts of the same lines in another order to the rule for such lines.

use std::collections::BTreeSet;

use super::propose::common;
use super::rule::Rule;
use crate::replay::Normaliser;

/// Compares two texts of the same lines in another order.
pub(super) fn lines(
    left: &str,
    right: &str,
    known: &Normaliser,
    rules: &mut BTreeSet<Rule>,
) -> Option<()> {
    let (left, right) = (known.text(left), known.text(right));
    let (left, right): (Vec<&str>, Vec<&str>) =
        (left.split('\n').collect(), right.split('\n').collect());
    let start = common(left.iter(), right.iter());
    let end = common(left.iter().rev(), right.iter().rev());
    let moved = |lines: &[&str]| -> Option<Vec<String>> {
        let moved = lines.get(start..lines.len().checked_sub(end)?)?;
        let mut moved: Vec<String> = moved.iter().map(|line| (*line).to_owned()).collect();
        moved.sort_unstable();
        Some(moved)
    };
    let (moved, others) = (moved(&left)?, moved(&right)?);
    if moved != others || moved.len() < 2 {
        return None;
    }
    let pattern = match shared_start(&moved) {
        "" => {
            let each: Vec<String> = moved.iter().map(|line| regex::escape(line)).collect();
            format!("^(?:{})$", each.join("|"))
        }
        start => format!("^{}", regex::escape(start)),
    };
    if pattern.len() > MAX_LINES {
        return None;
    }
    rules.insert(Rule::SortLines(pattern));
    Some(())
}

/// Returns what all lines begin with, up to the end of a word or of a sign before it.
fn shared_start(lines: &[String]) -> &str {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return "";
    };
    // Of sorted lines the first and the last have the least in common.
    let shared = common(first.chars(), last.chars());
    let end = first
        .char_indices()
        .nth(shared)
        .map_or(first.len(), |(at, _)| at);
    let shared = first.get(..end).unwrap_or_default();
    shared.trim_end_matches(char::is_alphanumeric)
}

/// The longest pattern that is proposed for lines.
const MAX_LINES: usize = 1_000;
