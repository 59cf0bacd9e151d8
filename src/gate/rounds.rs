//! How many samples of which fork are run next.

use super::input::ForkInput;
use super::numbers::count;
use super::sampled::{is_ended, is_open};
use super::suite::suite;
use super::verdict::Verdict;
use crate::model::SampleRange;

/// Returns how many more samples of each fork are to be run now, in the order of the forks; all 0 where the run is decided.
///
/// First each fork gets its least number. Then as many again while they can change its verdict; and where all forks are
/// decided, while they can decide what all baselines say together. Once these say that the agent got worse, the run is red,
/// and nothing more is spent.
pub fn next_round(forks: &[(&ForkInput, SampleRange)]) -> Vec<u32> {
    let none = vec![0; forks.len()];
    let taken = |input: &ForkInput| count(input.samples.len());
    let more = |input: &ForkInput, range: SampleRange| {
        range.min().min(range.max().saturating_sub(taken(input)))
    };
    let is_begun = forks
        .iter()
        .all(|(input, _range)| !input.samples.is_empty());
    let together = suite(forks.iter().map(|(input, _range)| *input));
    let says = |verdict: Verdict| {
        let mut said = together.iter().map(|test| test.verdict);
        said.any(|said| said == Some(verdict))
    };
    if is_begun && says(Verdict::Regressed) {
        return none;
    }
    let round: Vec<u32> = forks
        .iter()
        .map(|(input, range)| {
            let wants = input.samples.is_empty() || is_open(input, *range);
            if wants { more(input, *range) } else { 0 }
        })
        .collect();
    let is_decided = !says(Verdict::Suspect) && !says(Verdict::Inconclusive);
    if is_decided || round.iter().any(|more| *more > 0) {
        return round;
    }
    // Where accepted samples are left that were not compared yet, new ones tell more.
    forks
        .iter()
        .map(|(input, range)| {
            let has_base = input.accepted_results.len() > input.samples.len();
            if has_base && !is_ended(input) {
                more(input, *range)
            } else {
                0
            }
        })
        .collect()
}
