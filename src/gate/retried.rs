//! What all baselines say together, tried again: fresh samples of the base's agent beside fresh samples of the agent of now.
//!
//! The rules are those of a fork that is tried again ([`Confirmation`]): chance does not come twice, and what a provider or a
//! service did to both sides shows on both.

use std::collections::BTreeMap;

use super::confirmation::{Confirmation, LEVEL};
use super::input::ForkInput;
use super::level::{LEAST_SESSIONS, ROUNDING};
use super::numbers::{count, mean};
use super::suite::SuiteTest;
use super::verdict::Verdict;
use crate::stats::mean::sign_flip;

/// Returns a measure over these forks with what came of trying it again, where it is red and that was done.
pub(super) fn retried(test: SuiteTest, inputs: &[&ForkInput]) -> SuiteTest {
    let tried: Vec<_> = inputs
        .iter()
        .filter_map(|input| Some((*input, input.confirmation.as_ref()?)))
        .collect();
    if test.verdict != Some(Verdict::Regressed) || tried.is_empty() {
        return test;
    }
    let said = test.why.clone();
    let (verdict, why) = match Again::of(&test.measure, &tried) {
        Ok(again) if again.is_lower() => (
            Verdict::Regressed,
            format!("{said}; confirmed against base: {again}"),
        ),
        Ok(again) => (
            Verdict::PreExisting,
            format!("{said}; not confirmed against base: {again}"),
        ),
        Err(why) => (
            Verdict::NotMeasured,
            format!("{said}; whether the base is just so could not be measured: {why}"),
        ),
    };
    SuiteTest {
        verdict: Some(verdict),
        why,
        ..test
    }
}

/// Fresh numbers of both sides.
struct Again {
    base: f64,
    now: f64,
    /// One for each baseline.
    differences: Vec<f64>,
}

impl Again {
    fn of(measure: &str, tried: &[(&ForkInput, &Confirmation)]) -> Result<Self, String> {
        let mut by_session: BTreeMap<&str, Vec<[f64; 2]>> = BTreeMap::new();
        for (input, tried) in tried {
            if let Some(why) = &tried.unready {
                return Err(why.clone());
            }
            let [base, now] = tried.numbers(input, measure);
            if !base.is_empty() && !now.is_empty() {
                let sides = [mean(&base), mean(&now)];
                by_session.entry(&input.baseline).or_default().push(sides);
            }
        }
        let sessions = count(by_session.len());
        if sessions < LEAST_SESSIONS {
            return Err(format!(
                "{sessions} of at least {LEAST_SESSIONS} baselines came to their end on both sides"
            ));
        }
        let of_all = |side: fn(&[f64; 2]) -> f64| {
            let forks: Vec<f64> = by_session.values().flatten().map(side).collect();
            mean(&forks)
        };
        let difference = |forks: &Vec<[f64; 2]>| {
            let differences: Vec<f64> = forks.iter().map(|[base, now]| now - base).collect();
            mean(&differences)
        };
        Ok(Self {
            base: of_all(|[base, _now]| *base),
            now: of_all(|[_base, now]| *now),
            differences: by_session.values().map(difference).collect(),
        })
    }

    /// Returns whether it is lower again. By how much was decided before, with more samples.
    fn is_lower(&self) -> bool {
        let p = sign_flip(&self.differences, 0).map_or(1.0, |found| found.lower);
        self.now < self.base && p <= LEVEL + ROUNDING
    }
}

impl std::fmt::Display for Again {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} against {:.2}", self.now, self.base)
    }
}
