//! What a test can find: its power, the least drop it sees, and the samples that it takes.
//!
//! All of one-sided tests. Sources: E. Miller, "Adding Error Bars to Evals" (2024), section 5, for means; J. L. Fleiss, "Statistical Methods
//! for Rates and Proportions" (1981), section 3.2, for two rates; the powers of the exact tests are summed over all outcomes.

use super::error::{StatsError, within};
use super::proportion::{McNemar, Passes, fisher_worse};
use super::special::{
    binomial, binomial_at_least, normal_above, normal_quantile_above, turning_point,
};

/// Runs that are planned on one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// How many there will be.
    pub runs: u32,
    /// How often each fails, from 0 to 1.
    pub failure_rate: f64,
}

impl Planned {
    /// Returns the probability of exactly so many failures.
    fn exactly(self, failed: u32) -> f64 {
        binomial(failed.into(), self.runs.into(), self.failure_rate)
    }

    /// Returns the probability of at least so many failures.
    fn at_least(self, failed: u32) -> f64 {
        binomial_at_least(failed.into(), self.runs.into(), self.failure_rate)
    }
}

/// How often a test may err: a false alarm with probability `alpha`, and a true drop found with probability `power`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    alpha: f64,
    power: f64,
}

impl Design {
    /// The usual one: alpha 0.05 and power 0.8.
    pub const USUAL: Self = Self {
        alpha: 0.05,
        power: 0.8,
    };

    /// Returns a design.
    ///
    /// # Errors
    /// Where alpha isn't strictly between 0 and 0.5, or the power isn't strictly between alpha and 1.
    pub fn new(alpha: f64, power: f64) -> Result<Self, StatsError> {
        within("alpha", alpha, 0.0, 0.5)?;
        within("the power", power, alpha, 1.0)?;
        Ok(Self { alpha, power })
    }

    /// Returns the probability that a drop of the mean is found in so many pairs; that of a false alarm where there is no drop.
    ///
    /// Of the normal approximation, which with fewer than ten pairs promises too much.
    ///
    /// # Errors
    /// Where the standard deviation of the differences isn't above 0, the drop isn't finite, or there is no pair.
    pub fn power_for_mean(self, deviation: f64, drop: f64, pairs: u32) -> Result<f64, StatsError> {
        let error = standard_error(deviation, pairs)?;
        within("the drop", drop, f64::NEG_INFINITY, f64::INFINITY)?;
        Ok(normal_above(
            normal_quantile_above(self.alpha) - drop / error,
        ))
    }

    /// Returns the least drop of the mean that is found in so many pairs.
    ///
    /// # Errors
    /// Where the standard deviation of the differences isn't above 0, or there is no pair.
    pub fn detectable_mean(self, deviation: f64, pairs: u32) -> Result<f64, StatsError> {
        Ok(self.quantiles() * standard_error(deviation, pairs)?)
    }

    /// Returns how many pairs find such a drop of the mean, at least 1; a number too large for its type is its greatest.
    ///
    /// # Errors
    /// Where the standard deviation of the differences or the drop isn't above 0.
    pub fn pairs_for_mean(self, deviation: f64, drop: f64) -> Result<u32, StatsError> {
        within("the standard deviation", deviation, 0.0, f64::INFINITY)?;
        within("the drop", drop, 0.0, f64::INFINITY)?;
        Ok(whole((self.quantiles() * deviation / drop).powi(2)))
    }

    /// Returns how many runs of each side tell two rates of failures apart, the second the higher.
    ///
    /// # Errors
    /// Where the rates aren't from 0 to 1, or the second isn't above the first.
    pub fn runs_for_rates(self, base: f64, candidate: f64) -> Result<u32, StatsError> {
        let (null, alternative) = deviations(base, candidate)?;
        let from_alpha = normal_quantile_above(self.alpha) * null;
        let from_power = normal_quantile_above(1.0 - self.power) * alternative;
        Ok(whole(
            ((from_alpha + from_power) / (candidate - base)).powi(2),
        ))
    }

    /// Returns the least rate of failures of the candidate that so many runs of each side tell from the base's; `None` where not
    /// even failing always is found.
    ///
    /// # Errors
    /// Where the base's rate isn't from 0 to below 1, or there is no run.
    pub fn detectable_rate(self, base: f64, runs: u32) -> Result<Option<f64>, StatsError> {
        deviations(base, 1.0)?;
        within("the number of runs", runs.into(), 0.0, f64::INFINITY)?;
        let finds = |rate: f64| {
            self.runs_for_rates(base, rate)
                .is_ok_and(|needed| needed <= runs)
        };
        Ok(finds(1.0).then(|| turning_point(base, 1.0, finds)))
    }

    /// Returns the probability that Fisher's exact test finds the candidate's higher rate of failures.
    ///
    /// # Errors
    /// Where a rate isn't strictly between 0 and 1, or there are more than 1,000 runs.
    pub fn fisher_power(self, base: Planned, candidate: Planned) -> Result<f64, StatsError> {
        for side in [base, candidate] {
            within("the rate of failures", side.failure_rate, 0.0, 1.0)?;
            within("the number of runs", side.runs.into(), -1.0, MOST_RUNS)?;
        }
        let power = (0..=base.runs).map(|base_failed| {
            let before = Passes {
                passed: base.runs - base_failed,
                failed: base_failed,
            };
            let is_found = |failed: u32| {
                let now = Passes {
                    passed: candidate.runs - failed,
                    failed,
                };
                fisher_worse(before, now) <= self.alpha + ROUNDING
            };
            base.exactly(base_failed) * candidate.at_least(least(candidate.runs, is_found))
        });
        Ok(power.sum::<f64>().min(1.0))
    }

    /// Returns the probability that the exact `McNemar` test of so many forks finds a change, of which a share `worse`
    /// turns for the worse and a share `better` for the better.
    ///
    /// # Errors
    /// Where the shares aren't above 0 and below 1 together, or there are more than 1,000 forks.
    pub fn mcnemar_power(self, forks: u32, worse: f64, better: f64) -> Result<f64, StatsError> {
        within("the share of worse forks", worse, 0.0, 1.0)?;
        within("the share of better forks", better, 0.0, 1.0 - worse)?;
        within("the number of forks", forks.into(), -1.0, MOST_RUNS)?;
        let changed = Planned {
            runs: forks,
            failure_rate: worse + better,
        };
        let power = (0..=forks).map(|pairs| {
            let is_found = |worse: u32| {
                McNemar {
                    worse,
                    better: pairs - worse,
                }
                .worse()
                    <= self.alpha + ROUNDING
            };
            let turned = Planned {
                runs: pairs,
                failure_rate: worse / changed.failure_rate,
            };
            changed.exactly(pairs) * turned.at_least(least(pairs, is_found))
        });
        Ok(power.sum::<f64>().min(1.0))
    }

    /// Returns how many standard errors apart the two means must be.
    fn quantiles(self) -> f64 {
        normal_quantile_above(self.alpha) + normal_quantile_above(1.0 - self.power)
    }
}

/// Returns the least number up to `most` of which something holds that holds of all greater ones; `most` and one where it never does.
fn least(most: u32, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, most + 1);
    while low < high {
        let middle = u32::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

fn standard_error(deviation: f64, pairs: u32) -> Result<f64, StatsError> {
    within("the standard deviation", deviation, 0.0, f64::INFINITY)?;
    within("the number of pairs", pairs.into(), 0.0, f64::INFINITY)?;
    Ok(deviation / f64::from(pairs).sqrt())
}

/// Returns the standard deviations of a difference of two rates, where they are equal and where not.
fn deviations(base: f64, candidate: f64) -> Result<(f64, f64), StatsError> {
    within("the base's rate", base, -f64::MIN_POSITIVE, 1.0)?;
    within("the candidate's rate", candidate, base, 1.0 + f64::EPSILON)?;
    let pooled = f64::midpoint(base, candidate);
    let alternative = base * (1.0 - base) + candidate * (1.0 - candidate);
    Ok(((2.0 * pooled * (1.0 - pooled)).sqrt(), alternative.sqrt()))
}

/// Returns the number rounded up, at least 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is clamped to what fits"
)]
fn whole(number: f64) -> u32 {
    (number - ROUNDING).ceil().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// What may be lost in sums that are equal on paper.
const ROUNDING: f64 = 1e-9;
/// Above this many runs the exact powers would take seconds.
const MOST_RUNS: f64 = 1_000.5;

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;

    fn planned(runs: u32, failure_rate: f64) -> Planned {
        Planned { runs, failure_rate }
    }

    #[test]
    fn the_powers_agree_with_statsmodels_and_with_counting() {
        for case in golden::cases("power") {
            let x = golden::numbers(&case["args"]);
            let design = Design::new(
                case["alpha"].as_f64().unwrap(),
                case["power"].as_f64().unwrap(),
            )
            .unwrap();
            let count = |at: usize| golden::count(&case["args"][at]);
            let name = case["function"].as_str().unwrap();
            let found = match name {
                "power_for_mean" => design.power_for_mean(x[0], x[1], count(2)),
                "detectable_mean" => design.detectable_mean(x[0], count(1)),
                "pairs_for_mean" => design.pairs_for_mean(x[0], x[1]).map(f64::from),
                "runs_for_rates" => design.runs_for_rates(x[0], x[1]).map(f64::from),
                "fisher_power" => {
                    design.fisher_power(planned(count(0), x[1]), planned(count(2), x[3]))
                }
                "mcnemar_power" => design.mcnemar_power(count(0), x[1], x[2]),
                name => panic!("{name}"),
            };
            golden::assert_near(found.unwrap(), &case["value"], &format!("{name}{x:?}"));
        }
    }

    #[test]
    fn what_is_said_to_be_found_has_the_power() {
        let design = Design::USUAL;
        let drop = design.detectable_mean(0.3, 50).unwrap();
        assert!((design.power_for_mean(0.3, drop, 50).unwrap() - 0.8).abs() < 1e-9);
        assert!((design.power_for_mean(0.3, 0.0, 50).unwrap() - 0.05).abs() < 1e-9);
        let rate = design.detectable_rate(0.1, 40).unwrap().unwrap();
        assert_eq!(design.runs_for_rates(0.1, rate + 1e-6), Ok(40));
        assert_eq!(design.detectable_rate(0.9, 3), Ok(None));
    }

    #[test]
    fn impossible_designs_are_refused() {
        let design = Design::USUAL;
        assert!(Design::new(0.0, 0.8).is_err() && Design::new(0.05, 1.0).is_err());
        assert!(Design::new(f64::NAN, 0.8).is_err() && Design::new(0.2, 0.1).is_err());
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                design.detectable_mean(wrong, 9).is_err()
                    && design.pairs_for_mean(1.0, wrong).is_err()
            );
            assert!(
                design
                    .fisher_power(planned(9, wrong), planned(9, 0.5))
                    .is_err()
            );
            assert!(design.mcnemar_power(9, wrong, 0.1).is_err());
        }
        assert!(design.detectable_mean(0.3, 0).is_err() && design.detectable_rate(0.5, 0).is_err());
        assert!(
            design.runs_for_rates(0.5, 0.5).is_err() && design.runs_for_rates(0.5, 1.2).is_err()
        );
        assert_eq!(design.pairs_for_mean(1e30, 1e-30), Ok(u32::MAX));
        assert!(
            design
                .fisher_power(planned(2000, 0.1), planned(9, 0.5))
                .is_err()
        );
        assert!(
            design
                .fisher_power(planned(0, 0.1), planned(0, 0.5))
                .unwrap()
                .abs()
                < 1e-15
        );
    }
}
