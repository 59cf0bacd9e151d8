//! `McNemar`'s test of pairs: forks that passed on one side and failed on the other.
//!
//! Pairs that agree say nothing about a change. If nothing changed, each of the others is as likely to have
//! turned for the worse as for the better: a fair coin. Sources: Q. `McNemar`, Psychometrika 12 (1947); the
//! mid-p version: M. W. Fagerland, S. Lydersen and P. Laake, BMC Medical Research Methodology 13:91 (2013),
//! which finds it nearly as safe as the exact test and clearly more powerful.

use super::super::special::{binomial, binomial_at_least};

/// The pairs that disagree.
///
/// With `m` pairs that all turned for the worse the least p-value of [`McNemar::worse`] is 2^-m: below five
/// such pairs no result is significant at 0.05.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct McNemar {
    /// Pairs that passed at the base and fail now.
    pub worse: u32,
    /// Pairs that failed at the base and pass now.
    pub better: u32,
}

impl McNemar {
    /// Returns the exact probability of at least so many turns for the worse if nothing had changed; 1 without pairs.
    pub fn worse(self) -> f64 {
        binomial_at_least(self.worse.into(), self.discordant(), 0.5)
    }

    /// Returns the exact two-sided p-value, 1 without pairs.
    pub fn two_sided(self) -> f64 {
        let most = self.worse.max(self.better);
        (2.0 * binomial_at_least(most.into(), self.discordant(), 0.5)).min(1.0)
    }

    /// Returns the one-sided mid-p value: what was seen counts half.
    pub fn mid_p_worse(self) -> f64 {
        (self.worse() - self.seen() / 2.0).clamp(0.0, 1.0)
    }

    /// Returns the two-sided mid-p value.
    pub fn mid_p_two_sided(self) -> f64 {
        let most = self.worse.max(self.better);
        let tail = binomial_at_least(most.into(), self.discordant(), 0.5);
        (2.0 * tail - self.seen()).clamp(0.0, 1.0)
    }

    fn discordant(self) -> f64 {
        f64::from(self.worse) + f64::from(self.better)
    }

    /// Returns the probability of exactly these pairs.
    fn seen(self) -> f64 {
        binomial(self.worse.into(), self.discordant(), 0.5)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::golden;
    use super::*;

    #[test]
    fn the_test_agrees_with_statsmodels_and_scipy() {
        for case in golden::cases("mcnemar") {
            let pairs = McNemar {
                worse: golden::count(&case["worse"]),
                better: golden::count(&case["better"]),
            };
            for (name, found) in [
                ("p_worse", pairs.worse()),
                ("p_two_sided", pairs.two_sided()),
                ("mid_p_worse", pairs.mid_p_worse()),
                ("mid_p_two_sided", pairs.mid_p_two_sided()),
            ] {
                golden::assert_near(found, &case[name], &format!("{name} of {pairs:?}"));
            }
        }
    }

    #[test]
    fn five_turns_for_the_worse_are_the_least_that_can_be_significant() {
        let p = |worse| McNemar { worse, better: 0 }.worse();
        assert!(p(4) > 0.05 && p(5) < 0.05);
        assert!((McNemar::default().worse() - 1.0).abs() < 1e-15);
        assert!((McNemar::default().mid_p_two_sided() - 1.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn both_sides_are_symmetric_and_one_turn_more_never_weakens(
            worse in 0_u32..5000, better in 0_u32..5000,
        ) {
            let pairs = McNemar { worse, better };
            let mirror = McNemar { worse: better, better: worse };
            prop_assert!((pairs.two_sided() - mirror.two_sided()).abs() < 1e-12);
            prop_assert!((pairs.mid_p_worse() + mirror.mid_p_worse() - 1.0).abs() < 1e-9);
            prop_assert!(pairs.mid_p_two_sided() <= pairs.two_sided() + 1e-12);
            let more = McNemar { worse: worse + 1, better };
            prop_assert!(more.worse() <= pairs.worse() + 1e-12);
            for p in [pairs.worse(), pairs.two_sided(), pairs.mid_p_worse(), pairs.mid_p_two_sided()] {
                prop_assert!((0.0..=1.0).contains(&p));
            }
        }
    }
}
