//! What the scores of samples say where they are lower than those of the accepted evidence, or higher.
//!
//! The scores of a fork are compared with its accepted ones by a permutation test ([`permutation_lower`]). Where no accepted
//! sample has a score, the recorded answer does, scored by the same judge in the same run.

use std::collections::BTreeMap;

use super::input::ForkInput;
use super::level::ROUNDING;
use super::numbers::{count, mean};
use super::sampled::price;
use super::verdict::Verdict;
use crate::check::{CheckResult, MaxDrop, Severity};
use crate::model::ContentId;
use crate::stats::Design;
use crate::stats::mean::permutation_lower;

/// The scores that one check gave on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The check's id.
    pub check: String,
    /// The evaluator's name.
    pub evaluator: String,
    /// By how much the mean may drop, from 0 to 1.
    pub margin: f64,
    /// By how much unchanged forks fell today where that is more, else 0: less is only suspect.
    pub noise: f64,
    /// The accepted scores, from 0 to 1; never empty.
    pub base: Vec<f64>,
    /// Those of the whole runs of now, in order; never empty.
    pub candidate: Vec<f64>,
}

impl ForkInput {
    /// Returns the scores of each gating check that has some on both sides, by the checks' ids.
    pub fn scores(&self) -> Vec<Scores> {
        let mut by_check: BTreeMap<&str, Vec<&CheckResult>> = BTreeMap::new();
        for check in self.whole().flat_map(|sample| &sample.checks) {
            if check.severity == Severity::Gate && check.score.is_some() {
                by_check.entry(&check.id).or_default().push(check);
            }
        }
        by_check
            .into_values()
            .filter_map(|results| self.scores_of(&results))
            .collect()
    }

    fn scores_of(&self, results: &[&CheckResult]) -> Option<Scores> {
        let first = results.first()?;
        let of_first = first.score.as_ref()?;
        let scores = || results.iter().filter_map(|check| check.score.as_ref());
        let recorded = scores().find_map(|score| score.reference);
        // What is as it was recorded is as good as that was.
        let candidate: Vec<f64> = scores()
            .filter_map(|score| score.value.or(recorded))
            .collect();
        let accepted = self.accepted_scores.get(&first.id);
        let base: Vec<f64> = match accepted {
            Some(accepted) => accepted
                .iter()
                .filter_map(|score| score.or(recorded))
                .collect(),
            None => recorded.into_iter().collect(),
        };
        if base.is_empty() || candidate.is_empty() {
            return None;
        }
        let allowed = of_first.max_drop.unwrap_or(MaxDrop::Points(self.margin));
        let margin = allowed.of(mean(&base));
        // Less than the margin of the run is counted where a check says so, less than the noise of the day never.
        let noise = self.noise_of(&of_first.evaluator);
        let noise = if noise > margin { noise } else { 0.0 };
        Some(Scores {
            check: first.id.clone(),
            evaluator: of_first.evaluator.clone(),
            margin,
            noise,
            base,
            candidate,
        })
    }

    /// Returns what the scores say, the worst first; nothing where they say that nothing changed.
    pub(super) fn scored(&self) -> Option<(Verdict, String)> {
        let level = self.level();
        let said = self.scores().into_iter().filter_map(|scores| {
            let seed = self.seed(&scores.check);
            let verdict = scores.verdict(level, seed)?;
            Some((verdict, self.scored_why(verdict, &scores, level, seed)))
        });
        said.min_by_key(|(verdict, _why)| *verdict)
    }

    /// Returns whether more samples could make a drop significant that is not so yet.
    pub(super) fn has_open_scores(&self, most: u32) -> bool {
        let level = self.level();
        self.scores().iter().any(|scores| {
            // The most surprising of all deals: all of them lie below all of the base.
            let base = scores.base.len();
            let deals = (0..base).fold(1.0, |deals, nth| {
                deals * (f64::from(most) + f64::from(count(nth + 1))) / f64::from(count(nth + 1))
            });
            scores.has_dropped() && 1.0 / deals <= level + ROUNDING
        })
    }

    fn scored_why(&self, verdict: Verdict, scores: &Scores, level: f64, seed: u64) -> String {
        let Scores {
            evaluator,
            base,
            candidate,
            margin,
            ..
        } = scores;
        let (was, is) = (mean(base), mean(candidate));
        let found = format!(
            "`{evaluator}` went from {was:.2} (n={}) to {is:.2} (n={})",
            base.len(),
            candidate.len()
        );
        match verdict {
            Verdict::Regressed => {
                let p = permutation_lower(base, candidate, seed).unwrap_or(1.0);
                format!("{found}, by more than {margin:.2} (p = {p:.3}, at most {level:.3})")
            }
            Verdict::Suspect if scores.noise > 0.0 => format!(
                "{found}; forks of which nothing changed fell by {:.2} today",
                scores.noise
            ),
            Verdict::Suspect => match scores.would_decide(level) {
                Some(samples) => format!(
                    "{found}; about {samples} samples of each would decide{}",
                    price(self, samples.saturating_sub(count(candidate.len())))
                ),
                None => format!("{found}; a judge that varies so much can't decide it"),
            },
            Verdict::Improved
            | Verdict::Violated
            | Verdict::NotMeasured
            | Verdict::NeedsLive
            | Verdict::Incomparable
            | Verdict::PreExisting
            | Verdict::Broken
            | Verdict::Inconclusive
            | Verdict::Changed
            | Verdict::Stable
            | Verdict::Unaffected => found,
        }
    }

    /// Returns a seed that is the same for the same evidence.
    fn seed(&self, check: &str) -> u64 {
        let parts = [&self.baseline, &self.fork, check].map(str::as_bytes);
        ContentId::of_parts(parts).seed()
    }
}

impl Scores {
    /// Returns how much higher the mean is than the accepted one.
    pub fn delta(&self) -> f64 {
        mean(&self.candidate) - mean(&self.base)
    }

    fn has_dropped(&self) -> bool {
        self.delta() < -(self.margin + ROUNDING)
    }

    /// Returns what they say; `None` where nothing changed by more than the margin.
    fn verdict(&self, level: f64, seed: u64) -> Option<Verdict> {
        // Scores are numbers from 0 to 1, so the tests can't fail.
        let lower = |base, candidate| permutation_lower(base, candidate, seed).unwrap_or(1.0);
        if self.has_dropped() {
            let p = lower(&self.base, &self.candidate);
            let is_noise = self.delta() >= -(self.noise + ROUNDING);
            return Some(if p <= level + ROUNDING && !is_noise {
                Verdict::Regressed
            } else {
                Verdict::Suspect
            });
        }
        let has_risen = self.delta() > self.margin + ROUNDING;
        let is_sure = || lower(&self.candidate, &self.base) <= level + ROUNDING;
        (has_risen && is_sure()).then_some(Verdict::Improved)
    }

    /// Returns about how many samples of each side would show a drop of this size; `None` where more than a thousand.
    fn would_decide(&self, level: f64) -> Option<u32> {
        let spread = |scores: &[f64]| {
            let mean = mean(scores);
            scores
                .iter()
                .map(|score| (score - mean).powi(2))
                .sum::<f64>()
        };
        let freedom = (self.base.len() + self.candidate.len()).saturating_sub(2);
        let variance =
            (spread(&self.base) + spread(&self.candidate)) / f64::from(count(freedom.max(1)));
        let design = Design::new(level.clamp(1e-9, 0.4), 0.8).ok()?;
        let deviation = (2.0 * variance).sqrt().max(0.01);
        let pairs = design.pairs_for_mean(deviation, -self.delta()).ok()?;
        // The normal approximation promises too much where there are few.
        let least = (1.0 / level.max(1e-9)).log2().ceil();
        let pairs = f64::from(pairs).max(least / 2.0 + 1.0).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small number that is at least 1"
        )]
        let pairs = pairs as u32;
        (pairs <= 1_000).then_some(pairs)
    }
}
