//! The sign-flip permutation test of paired differences.
//!
//! If nothing changed, each difference is as likely to be as large in the other direction. The p-value is the
//! share of all patterns of signs whose sum is as extreme as the one that was seen. Needs no normal distribution and
//! is exact for few values. Sources: R. A. Fisher, "The Design of Experiments" (1935), section 21; with random
//! patterns: B. Phipson and G. K. Smyth, "Permutation P-values Should Never Be Zero", Statistical Applications in
//! Genetics and Molecular Biology 9 (2010), whose p-value counts what was seen as one pattern.

use super::super::error::{StatsError, all_finite};
use super::super::random::Random;
use super::super::special::real;

/// The p-values of a sign-flip test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignFlip {
    /// How surprising so low a sum is.
    pub lower: f64,
    /// How surprising so high a sum is.
    pub higher: f64,
    /// How surprising a sum so far from 0 is.
    pub two_sided: f64,
    /// Whether all patterns were counted, else only some that were drawn with the seed.
    pub is_exact: bool,
}

/// Returns the test of paired differences; all p-values are 1 where there is none but zeros.
///
/// Exact up to 30 differences other than 0; beyond them 49,999 patterns are drawn with the seed. Differences that
/// hang together (forks of one session) count as one: give the sums of [`super::cluster_sums`], which
/// flips whole clusters.
///
/// # Errors
/// Where a difference is infinite or not a number.
pub fn sign_flip(differences: &[f64], seed: u64) -> Result<SignFlip, StatsError> {
    all_finite("a difference", differences)?;
    let largest = differences
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    // Only ratios count, and small numbers can't overflow.
    let sizes: Vec<f64> = differences
        .iter()
        .filter(|value| **value != 0.0)
        .map(|value| value / largest)
        .collect();
    let observed = Seen {
        sum: sizes.iter().sum(),
        rounding: 1e-12 * sizes.iter().map(|size| size.abs()).sum::<f64>(),
    };
    if sizes.len() <= MOST_EXACT {
        return Ok(exact(&sizes, observed));
    }
    Ok(drawn(&sizes, observed, &mut Random::seeded(seed)))
}

/// The sum that was seen, and how far off a sum that equals it can be.
#[derive(Clone, Copy)]
struct Seen {
    sum: f64,
    rounding: f64,
}

/// Counts all patterns: each sum of one half is met with the sorted sums of the other.
fn exact(sizes: &[f64], seen: Seen) -> SignFlip {
    let (left, right) = sizes.split_at(sizes.len() / 2);
    let (left, mut right) = (sums(left), sums(right));
    right.sort_by(f64::total_cmp);
    let at_most = |bound: f64| {
        let found = left
            .iter()
            .map(|sum| right.partition_point(|other| sum + other <= bound));
        real(found.sum())
    };
    let all = real(left.len()) * real(right.len());
    // The patterns are symmetric: as many are above a sum as are below its opposite.
    let lower = at_most(seen.sum + seen.rounding);
    let higher = at_most(-seen.sum + seen.rounding);
    SignFlip {
        lower: lower / all,
        higher: higher / all,
        two_sided: (2.0 * lower.min(higher) / all).min(1.0),
        is_exact: true,
    }
}

/// Returns the sums of all patterns of signs.
fn sums(sizes: &[f64]) -> Vec<f64> {
    sizes.iter().fold(vec![0.0], |sums, size| {
        sums.iter()
            .flat_map(|sum| [sum + size, sum - size])
            .collect()
    })
}

/// Counts random patterns.
fn drawn(sizes: &[f64], seen: Seen, random: &mut Random) -> SignFlip {
    let (mut lower, mut higher, mut outside) = (1_usize, 1_usize, 1_usize);
    for _ in 0..DRAWS {
        let mut sum = 0.0;
        for word in sizes.chunks(64) {
            let mut bits = random.bits();
            for size in word {
                sum += if bits & 1 == 0 { *size } else { -size };
                bits >>= 1;
            }
        }
        lower += usize::from(sum <= seen.sum + seen.rounding);
        higher += usize::from(sum >= seen.sum - seen.rounding);
        outside += usize::from(sum.abs() >= seen.sum.abs() - seen.rounding);
    }
    let share = |count: usize| real(count) / real(DRAWS + 1);
    SignFlip {
        lower: share(lower),
        higher: share(higher),
        two_sided: share(outside),
        is_exact: false,
    }
}

/// The most differences of which all patterns are counted: two halves of 2^15 sums.
const MOST_EXACT: usize = 30;
/// How many patterns are drawn beyond that: the p-value 0.05 is then exact to about 0.002.
const DRAWS: usize = 49_999;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cluster_sums;
    use super::*;
    use crate::stats::golden;

    #[test]
    fn the_exact_test_agrees_with_scipy_and_with_counting() {
        for case in golden::cases("sign_flip") {
            let found = sign_flip(&golden::numbers(&case["differences"]), 0).unwrap();
            assert!(found.is_exact);
            golden::assert_near(found.lower, &case["lower"], &format!("lower {case}"));
            golden::assert_near(found.higher, &case["higher"], &format!("higher {case}"));
            golden::assert_near(
                found.two_sided,
                &case["two_sided"],
                &format!("two-sided {case}"),
            );
        }
    }

    #[test]
    fn clusters_flip_as_a_whole() {
        let groups = vec![vec![-0.1; 10], vec![-0.2; 10], vec![-0.3; 10]];
        let sums = cluster_sums(&groups).unwrap();
        assert!((sign_flip(&sums, 1).unwrap().lower - 0.125).abs() < 1e-12);
        assert!(sign_flip(&groups.concat(), 1).unwrap().lower < 1e-8);
    }

    #[test]
    fn random_patterns_come_close_to_the_normal_limit_and_repeat_with_the_seed() {
        // 36 equal steps of which 12 are up: the exact tail is binomial.
        let steps: Vec<f64> = (0..36).map(|at| if at < 12 { 0.5 } else { -0.5 }).collect();
        let found = sign_flip(&steps, 3).unwrap();
        assert!(!found.is_exact);
        assert!((found.lower - 0.032_623_1).abs() < 0.003, "{found:?}");
        assert!((found.two_sided - 0.065_246).abs() < 0.004, "{found:?}");
        assert_eq!(found, sign_flip(&steps, 3).unwrap());
        assert!(sign_flip(&[-1.0; 400], 3).unwrap().lower >= 1.0 / 50_000.0);
    }

    #[test]
    fn extremes_have_an_answer() {
        for none in [&[][..], &[0.0; 3]] {
            let found = sign_flip(none, 0).unwrap();
            assert_eq!(
                (found.lower, found.higher, found.two_sided),
                (1.0, 1.0, 1.0)
            );
        }
        assert!((sign_flip(&[f64::MAX, f64::MAX], 0).unwrap().higher - 0.25).abs() < 1e-15);
        assert!(sign_flip(&[0.1, f64::NAN], 0).is_err());
        assert!(sign_flip(&[f64::INFINITY], 0).is_err());
    }

    proptest! {
        #[test]
        fn the_test_is_symmetric_and_knows_no_unit(
            differences in prop::collection::vec(-1.0..1.0_f64, 0..16), unit in 0.001..1000.0,
        ) {
            let found = sign_flip(&differences, 0).unwrap();
            let mirror: Vec<f64> = differences.iter().map(|value| -value * unit).collect();
            let mirror = sign_flip(&mirror, 0).unwrap();
            prop_assert!((found.lower - mirror.higher).abs() < 1e-12);
            prop_assert!((found.two_sided - mirror.two_sided).abs() < 1e-12);
            prop_assert!(found.lower > 0.0 && found.lower <= 1.0 && found.higher + found.lower >= 1.0);
        }
    }
}
