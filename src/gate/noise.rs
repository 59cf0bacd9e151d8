//! What forks that nothing changed differ by today: the A/A control of a run.
//!
//! A model that its provider touched, a service with a bad day, or a judge in another mood move runs that no change has a part
//! in. By how much is measured on forks of which nothing changed; where they fell, no smaller fall of the others counts.
//! Where it is measured, in this order: the base's agent, where reds were tried again on it; forks of baselines that were proved
//! unaffected, run live once more; else the spread of the accepted samples. The spread is told and allowed for by the tests of
//! each fork, so it raises no margin.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::input::ForkInput;
use super::level::LEAST_BASE;
use super::numbers::{count, mean};
use super::suite::PASSES;
use crate::replay::Tally;

/// The A/A control of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Where it was measured.
    pub source: NoiseSource,
    /// By how much `after` is higher than `before` over all forks, from -1 to 1, by measure: [`PASSES`], or the name of an
    /// evaluator. Of the spread of accepted samples, how far the means of two random halves of them lie apart.
    pub difference: BTreeMap<String, f64>,
    /// The forks, by name.
    pub forks: Vec<NoiseFork>,
    /// What was paid for it alone.
    #[serde(default)]
    pub paid: Tally,
}

/// Where unchanged forks were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseSource {
    /// The base's agent today against the accepted samples.
    Base,
    /// Baselines that were proved unaffected, today against the accepted samples.
    Unaffected,
    /// The spread of the accepted samples.
    Accepted,
}

/// One unchanged fork.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseFork {
    /// The baseline's name.
    pub baseline: String,
    /// The address of the fork point.
    pub fork: String,
    /// Its numbers, by measure.
    pub measures: BTreeMap<String, NoiseSides>,
}

/// What was measured twice of something that did not change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseSides {
    /// The accepted samples, from 0 to 1; never empty.
    pub before: Vec<f64>,
    /// Those of today; empty where only the spread is told.
    pub after: Vec<f64>,
}

impl Noise {
    /// Returns the control of these forks; `None` where there is none.
    pub fn new(source: NoiseSource, mut forks: Vec<NoiseFork>) -> Option<Self> {
        forks.retain(|fork| !fork.measures.is_empty());
        forks.sort_by(|a, b| (&a.baseline, &a.fork).cmp(&(&b.baseline, &b.fork)));
        (!forks.is_empty()).then(|| Self {
            source,
            difference: difference(source, &forks),
            forks,
            paid: Tally::default(),
        })
    }

    /// Returns the control in the accepted samples of these forks; `None` where none has two for each half.
    pub fn of_accepted<'a>(forks: impl IntoIterator<Item = &'a ForkInput>) -> Option<Self> {
        let gating = forks.into_iter().filter(|fork| fork.is_gating);
        let forks = gating.map(|fork| {
            let measures = fork.accepted_numbers().into_iter();
            fork.noise_fork(measures.filter_map(|(measure, before)| {
                let after = Vec::new();
                let has_halves = before.len() >= 2 * LEAST_BASE;
                has_halves.then_some((measure, NoiseSides { before, after }))
            }))
        });
        Self::new(NoiseSource::Accepted, forks.collect())
    }

    /// Returns the control in forks that ran live once more though nothing of them changed.
    pub fn of_unaffected<'a>(forks: impl IntoIterator<Item = &'a ForkInput>) -> Option<Self> {
        let forks = forks.into_iter().map(|fork| {
            let sides = fork.sides().into_iter();
            fork.noise_fork(
                sides.map(|(measure, before, after)| (measure, NoiseSides { before, after })),
            )
        });
        Self::new(NoiseSource::Unaffected, forks.collect())
    }

    /// Returns the control in what the base's agent came to where reds were tried again on it.
    pub fn of_base<'a>(forks: impl IntoIterator<Item = &'a ForkInput>) -> Option<Self> {
        let forks = forks.into_iter().filter_map(|fork| {
            let tried = fork.confirmation.as_ref()?;
            let accepted = fork.accepted_numbers().into_iter();
            Some(fork.noise_fork(accepted.filter_map(|(measure, before)| {
                let [after, _now] = tried.numbers(fork, &measure);
                let has_both = before.len() >= LEAST_BASE && !after.is_empty();
                has_both.then_some((measure, NoiseSides { before, after }))
            })))
        });
        Self::new(NoiseSource::Base, forks.collect())
    }

    /// Returns by how much more a measure must fall to count, by measure: where unchanged forks fell.
    pub fn least(&self) -> BTreeMap<String, f64> {
        if self.source == NoiseSource::Accepted {
            return BTreeMap::new();
        }
        let fell = self.difference.iter().filter(|(_, by)| **by < 0.0);
        fell.map(|(measure, by)| (measure.clone(), -by)).collect()
    }

    /// Returns the control of a run in parts: of the best source that any has, all forks.
    pub fn merged(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let parts: Vec<Self> = parts.into_iter().collect();
        let source = parts.iter().map(|part| part.source).min()?;
        let mut paid = Tally::default();
        let mut forks = Vec::new();
        for part in parts {
            paid = paid + part.paid;
            if part.source == source {
                forks.extend(part.forks);
            }
        }
        Some(Self {
            paid,
            ..Self::new(source, forks)?
        })
    }

    /// Returns whether what it says of all forks follows from what it says of each.
    pub fn is_consistent(&self) -> bool {
        let found = difference(self.source, &self.forks);
        found.len() == self.difference.len()
            && found.iter().all(|(measure, number)| {
                let said = self.difference.get(measure);
                said.is_some_and(|said| (said - number).abs() < 1e-9)
            })
    }
}

/// Returns by how much the sides differ: the mean over the forks, as the other forks are compared over all baselines.
fn difference(source: NoiseSource, forks: &[NoiseFork]) -> BTreeMap<String, f64> {
    let mut by_measure: BTreeMap<&String, Vec<&NoiseSides>> = BTreeMap::new();
    for (measure, sides) in forks.iter().flat_map(|fork| &fork.measures) {
        by_measure.entry(measure).or_default().push(sides);
    }
    let of = |sides: Vec<&NoiseSides>| match source {
        NoiseSource::Base | NoiseSource::Unaffected => {
            let each = sides.iter().map(|one| mean(&one.after) - mean(&one.before));
            mean(&each.collect::<Vec<f64>>())
        }
        NoiseSource::Accepted => {
            let each = sides.iter().map(|one| of_halves(&one.before)).sum::<f64>();
            each.sqrt() / f64::from(count(sides.len()))
        }
    };
    let all = by_measure.into_iter();
    all.map(|(measure, sides)| (measure.clone(), of(sides)))
        .collect()
}

/// Returns the variance of the difference of the means of two random halves of these numbers, whatever their order.
fn of_halves(numbers: &[f64]) -> f64 {
    let middle = mean(numbers);
    let squares: f64 = numbers.iter().map(|one| (one - middle).powi(2)).sum();
    let all = count(numbers.len());
    let variance = squares / f64::from(all.saturating_sub(1).max(1));
    let half = f64::from(all / 2).max(1.0);
    variance * (1.0 / half + 1.0 / f64::from(all - all / 2).max(1.0))
}

impl ForkInput {
    fn noise_fork(&self, measures: impl Iterator<Item = (String, NoiseSides)>) -> NoiseFork {
        NoiseFork {
            baseline: self.baseline.clone(),
            fork: self.fork.clone(),
            measures: measures.collect(),
        }
    }

    /// Returns what each measure says of the accepted samples, in order. Of an evaluator that several checks ask, the first
    /// check's.
    pub(super) fn accepted_numbers(&self) -> Vec<(String, Vec<f64>)> {
        let mut all = vec![(PASSES.to_owned(), self.accepted_shares())];
        for scores in self.scores() {
            if all
                .iter()
                .all(|(measure, _numbers)| *measure != scores.evaluator)
            {
                all.push((scores.evaluator, scores.base));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fork(name: &str, before: &[f64], after: &[f64]) -> NoiseFork {
        let sides = NoiseSides {
            before: before.to_vec(),
            after: after.to_vec(),
        };
        NoiseFork {
            baseline: name.to_owned(),
            fork: "start".to_owned(),
            measures: [(PASSES.to_owned(), sides)].into(),
        }
    }

    #[test]
    fn what_all_forks_do_alike_counts_and_what_one_does_by_chance_is_averaged() {
        let of = |forks| Noise::new(NoiseSource::Unaffected, forks).unwrap();
        let alike = of(vec![
            fork("b", &[1.0, 1.0], &[0.5, 0.5]),
            fork("a", &[0.8, 0.8], &[0.4, 0.2]),
        ]);
        assert!((alike.difference[PASSES] + 0.5).abs() < 1e-12, "{alike:?}");
        assert!((alike.least()[PASSES] - 0.5).abs() < 1e-12);
        assert_eq!(alike.forks[0].baseline, "a");
        let chance = of(vec![fork("a", &[0.5], &[0.7]), fork("b", &[0.5], &[0.3])]);
        assert!(chance.difference[PASSES].abs() < 1e-12);
        assert!(alike.is_consistent());
        let forged = Noise {
            difference: [(PASSES.to_owned(), 0.1)].into(),
            ..alike
        };
        assert!(!forged.is_consistent());
        assert_eq!(Noise::new(NoiseSource::Base, Vec::new()), None);
        // Who is better today excuses nothing.
        let better = of(vec![fork("a", &[0.5], &[0.8])]);
        assert_eq!(better.least(), BTreeMap::new());
    }

    #[test]
    fn the_spread_of_accepted_samples_has_no_order_and_raises_nothing() {
        let of = |numbers: &[f64]| {
            Noise::new(NoiseSource::Accepted, vec![fork("a", numbers, &[])]).unwrap()
        };
        let one = of(&[1.0, 1.0, 0.0, 0.0]);
        assert_eq!(one.difference, of(&[1.0, 0.0, 1.0, 0.0]).difference);
        assert!((one.difference[PASSES] - (1.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(one.least(), BTreeMap::new());
    }

    #[test]
    fn of_parts_the_best_source_counts() {
        let part = |source, name: &str, after: f64| {
            Noise::new(source, vec![fork(name, &[1.0], &[after])]).unwrap()
        };
        let merged = Noise::merged([
            part(NoiseSource::Accepted, "a", 0.0),
            part(NoiseSource::Unaffected, "c", 0.8),
            part(NoiseSource::Unaffected, "b", 1.0),
        ]);
        let merged = merged.unwrap();
        assert_eq!(merged.source, NoiseSource::Unaffected);
        assert!((merged.difference[PASSES] + 0.1).abs() < 1e-12);
        let names: Vec<&str> = merged
            .forks
            .iter()
            .map(|one| one.baseline.as_str())
            .collect();
        assert_eq!(names, ["b", "c"]);
    }
}
