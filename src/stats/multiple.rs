//! Corrections where several tests are made at once, or one of them is sure to look significant some day.

use super::error::{StatsError, all_within};
use super::special::real;

/// Returns Holm's adjusted p-values, in the order given: rejecting what is at most alpha makes a single false
/// rejection in at most a share alpha of all families of tests, however they depend on each other.
///
/// Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
/// Statistics 6 (1979).
///
/// # Errors
/// Where a p-value isn't from 0 to 1.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, StatsError> {
    let ranked = ranked(p_values)?;
    let mut least = 0.0_f64;
    let adjusted = ranked.iter().enumerate().map(|(rank, &(_, p))| {
        least = least.max((p * real(p_values.len() - rank)).min(1.0));
        least
    });
    Ok(in_given_order(&ranked, adjusted.collect()))
}

/// Returns the adjusted p-values of Benjamini and Hochberg, in the order given: of what is at most alpha, a share alpha
/// is false on average.
///
/// Source: Y. Benjamini and Y. Hochberg, "Controlling the False Discovery Rate", JRSS B 57 (1995).
///
/// # Errors
/// Where a p-value isn't from 0 to 1.
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>, StatsError> {
    let mut ranked = ranked(p_values)?;
    ranked.reverse();
    let mut most = 1.0_f64;
    let count = real(p_values.len());
    let adjusted = ranked.iter().enumerate().map(|(above, &(_, p))| {
        most = most.min(p * count / (count - real(above)));
        most
    });
    Ok(in_given_order(&ranked, adjusted.collect()))
}

/// Returns the p-values with their positions, least first.
fn ranked(p_values: &[f64]) -> Result<Vec<(usize, f64)>, StatsError> {
    all_within("a p-value", p_values, 0.0, 1.0)?;
    let mut ranked: Vec<(usize, f64)> = p_values.iter().copied().enumerate().collect();
    ranked.sort_by(|one, other| one.1.total_cmp(&other.1));
    Ok(ranked)
}

fn in_given_order(ranked: &[(usize, f64)], adjusted: Vec<f64>) -> Vec<f64> {
    let mut placed: Vec<(usize, f64)> = ranked.iter().map(|(at, _)| *at).zip(adjusted).collect();
    placed.sort_by_key(|(at, _)| *at);
    placed.into_iter().map(|(_, p)| p).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::golden;
    use super::*;

    #[test]
    fn the_adjusted_values_agree_with_statsmodels() {
        for case in golden::cases("multiple") {
            let p_values = golden::numbers(&case["p_values"]);
            for (name, found) in [
                ("holm", holm(&p_values)),
                ("benjamini_hochberg", benjamini_hochberg(&p_values)),
            ] {
                for (at, found) in found.unwrap().into_iter().enumerate() {
                    golden::assert_near(found, &case[name][at], &format!("{name} of {p_values:?}"));
                }
            }
        }
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        assert_eq!(holm(&[]), Ok(Vec::new()));
        for wrong in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert!(holm(&[0.1, wrong]).is_err() && benjamini_hochberg(&[wrong]).is_err());
        }
    }

    proptest! {
        #[test]
        fn adjusted_values_only_grow_and_keep_their_order(
            p_values in prop::collection::vec(0.0..=1.0_f64, 0..20),
        ) {
            let strict = holm(&p_values).unwrap();
            let lax = benjamini_hochberg(&p_values).unwrap();
            for (at, p) in p_values.iter().enumerate() {
                prop_assert!(*p <= lax[at] + 1e-15 && lax[at] <= strict[at] + 1e-12 && strict[at] <= 1.0);
                for (other, q) in p_values.iter().enumerate() {
                    prop_assert!(p > q || (strict[at] <= strict[other] && lax[at] <= lax[other]));
                }
            }
        }
    }
}
