//! The permutation test of two sets of scores.
//!
//! If nothing changed, which scores are the candidate's is chance alone. The p-value is the share of all ways to deal the
//! scores out whose candidate mean is as low as the one that was seen. Needs no normal distribution and no pairs, and is exact
//! for few scores. Sources: E. J. G. Pitman, "Significance Tests Which May Be Applied to Samples from Any Populations",
//! Supplement to JRSS 4 (1937); with random deals: Phipson and Smyth 2010, as in [`super::sign_flip()`].

use super::super::error::{StatsError, all_finite};
use super::super::random::Random;
use super::super::special::real;

/// Returns how surprising so low a mean of `candidate` is, from 0 to 1, if it had the distribution of `base`; 1 where either
/// has no score.
///
/// Exact where there are at most 200,000 ways to deal the scores out, such as 12 against 6; beyond them 49,999 deals are
/// drawn with the seed.
///
/// # Errors
/// Where a score is infinite or not a number.
pub fn permutation_lower(base: &[f64], candidate: &[f64], seed: u64) -> Result<f64, StatsError> {
    all_finite("a score", base)?;
    all_finite("a score", candidate)?;
    if base.is_empty() || candidate.is_empty() {
        return Ok(1.0);
    }
    let largest = base
        .iter()
        .chain(candidate)
        .fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
    // Only ratios count, and small numbers can't overflow. All scores together and the number of those dealt stay, so
    // their sum says as much as their mean.
    let scores: Vec<f64> = candidate
        .iter()
        .chain(base)
        .map(|score| score / largest)
        .collect();
    let dealt = candidate.len();
    let rounding = 1e-12 * scores.iter().map(|score| score.abs()).sum::<f64>();
    let bound = scores.iter().take(dealt).sum::<f64>() + rounding;
    Ok(if ways(scores.len(), dealt) <= MOST_EXACT {
        let mut found = Found::default();
        count(&scores, dealt, 0.0, bound, &mut found);
        real(found.lower) / real(found.all)
    } else {
        drawn(scores, dealt, bound, &mut Random::seeded(seed))
    })
}

/// What counting came to.
#[derive(Default)]
struct Found {
    lower: usize,
    all: usize,
}

/// Counts all ways to take `left` of the scores.
fn count(scores: &[f64], left: usize, sum: f64, bound: f64, found: &mut Found) {
    if left == 0 {
        found.all += 1;
        found.lower += usize::from(sum <= bound);
        return;
    }
    let Some((first, rest)) = scores.split_first() else {
        return;
    };
    if scores.len() < left {
        return;
    }
    count(rest, left - 1, sum + first, bound, found);
    count(rest, left, sum, bound, found);
}

/// Counts random deals; what was seen is one of them.
fn drawn(mut scores: Vec<f64>, dealt: usize, bound: f64, random: &mut Random) -> f64 {
    let mut lower = 1_usize;
    for _ in 0..DRAWS {
        let mut sum = 0.0;
        for place in 0..dealt {
            let other = place + random.below(scores.len() - place);
            scores.swap(place, other);
            sum += scores.get(place).copied().unwrap_or_default();
        }
        lower += usize::from(sum <= bound);
    }
    real(lower) / real(DRAWS + 1)
}

/// Returns the number of ways to take so many of all; [`f64::INFINITY`] where it is huge.
fn ways(all: usize, taken: usize) -> f64 {
    (0..taken).fold(1.0, |ways, nth| ways * real(all - nth) / real(nth + 1))
}

/// The most deals that are counted one by one.
const MOST_EXACT: f64 = 200_000.0;
/// How many are drawn beyond that: the p-value 0.05 is then exact to about 0.002.
const DRAWS: usize = 49_999;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{Passes, fisher_worse, golden};

    #[test]
    fn the_exact_test_agrees_with_scipy() {
        for case in golden::cases("permutation") {
            let (base, candidate) = (&case["base"], &case["candidate"]);
            let found = permutation_lower(&golden::numbers(base), &golden::numbers(candidate), 0);
            golden::assert_near(found.unwrap(), &case["lower"], &case.to_string());
        }
    }

    #[test]
    fn of_passes_and_failures_it_says_what_fisher_says() {
        let scores = |passes: Passes| {
            let mut scores = vec![1.0; passes.passed as usize];
            scores.extend(vec![0.0; passes.failed as usize]);
            scores
        };
        for (base, candidate) in [((3, 0), (0, 3)), ((5, 1), (4, 5)), ((1, 0), (0, 12))] {
            let of = |(passed, failed)| Passes { passed, failed };
            let (base, candidate) = (of(base), of(candidate));
            let found = permutation_lower(&scores(base), &scores(candidate), 0).unwrap();
            assert!((found - fisher_worse(base, candidate)).abs() < 1e-12);
        }
    }

    #[test]
    fn random_deals_come_close_to_fisher_and_repeat_with_the_seed() {
        let side = |passed: usize| -> Vec<f64> {
            (0..12)
                .map(|at| if at < passed { 1.0 } else { 0.0 })
                .collect()
        };
        let found = permutation_lower(&side(11), &side(6), 3).unwrap();
        assert!((found - 0.034_324_9).abs() < 0.003, "{found}");
        let again = permutation_lower(&side(11), &side(6), 3).unwrap();
        assert!((found - again).abs() < f64::EPSILON);
    }

    #[test]
    fn extremes_have_an_answer() {
        assert!((permutation_lower(&[], &[1.0], 0).unwrap() - 1.0).abs() < 1e-12);
        assert!((permutation_lower(&[0.0; 3], &[0.0; 3], 0).unwrap() - 1.0).abs() < 1e-12);
        assert!(permutation_lower(&[f64::NAN], &[1.0], 0).is_err());
        let huge = permutation_lower(&[f64::MAX; 3], &[f64::MIN; 3], 0).unwrap();
        assert!((huge - 0.05).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn a_lower_score_is_never_less_surprising(
            base in prop::collection::vec(0.0..1.0_f64, 1..6),
            candidate in prop::collection::vec(0.0..1.0_f64, 1..6),
        ) {
            let p = |candidate: &[f64]| permutation_lower(&base, candidate, 0).unwrap();
            let mut lower = candidate.clone();
            lower[0] -= 0.3;
            prop_assert!((0.0..=1.0).contains(&p(&candidate)) && p(&candidate) > 0.0);
            prop_assert!(p(&lower) <= p(&candidate) + 1e-12);
        }
    }
}
