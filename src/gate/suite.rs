//! What all baselines of a run say together: whether the change made the agent worse on average.
//!
//! A single fork rarely has the samples to show a small drop; many forks that drop a little do. Each baseline gives one
//! difference, candidate less base, for each block of samples: the mean over its forks, since forks of one session are alike.
//! If nothing changed, which of the equally many samples of a block are whose is chance, so each difference is as likely to be as
//! large in the other direction: what the sign-flip test ([`sign_flip`]) takes for granted. It is looked at after each
//! block, and every look has its share of the false alarms, so that stopping at any of them is honest.
//!
//! A single accepted sample is no base: it is the recording, which somebody chose because it was good.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::input::{ForkInput, Sample};
use super::level::{LEAST_BASE, LEAST_SESSIONS, ROUNDING};
use super::numbers::{count, mean};
use super::retried::retried;
use super::verdict::Verdict;
use crate::check::Score;
use crate::model::MicroUsd;
use crate::stats::mean::{ClusteredMean, sign_flip};
use crate::stats::{Design, Level, holm};

/// The name of what is measured where no evaluator is: the share of samples of which all gating checks hold.
pub const PASSES: &str = "checks";

/// One measure over all baselines of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteTest {
    /// What is measured: [`PASSES`], or the name of an evaluator.
    pub measure: String,
    /// Number of baselines that have both sides.
    pub sessions: u32,
    /// Number of their forks.
    pub forks: u32,
    /// Number of differences that were tested, at least [`SuiteTest::sessions`].
    pub differences: u32,
    /// The mean over the forks of the accepted samples, from 0 to 1.
    pub base: f64,
    /// That of the samples of now.
    pub head: f64,
    /// The ends of the interval of `head` less `base`, at 95 %; `None` with one baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// How many independent forks would tell as much, from 1 to `forks`.
    pub effective_forks: f64,
    /// How surprising so low a `head` is, corrected for the number of looks (Bonferroni) and of measures (Holm).
    pub p_value: f64,
    /// What `p_value` must not exceed; 0 where there are too few baselines.
    pub level: f64,
    /// By how much `head` must be lower to count.
    pub margin: f64,
    /// What they say; `None` where there are too few baselines to say anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why, in one sentence.
    pub why: String,
}

/// One fork's numbers on both sides.
struct Sides<'a> {
    input: &'a ForkInput,
    base: Vec<f64>,
    head: Vec<f64>,
}

/// Returns what the forks that ran live say together, for each measure that has both sides in at least one.
pub fn suite<'a>(forks: impl IntoIterator<Item = &'a ForkInput>) -> Vec<SuiteTest> {
    let mut measures: BTreeMap<(bool, String), Vec<Sides<'a>>> = BTreeMap::new();
    // What is new in a change has no sessions: it can't lift the mean of the others.
    let tested = |fork: &&ForkInput| fork.is_gating && fork.tests > 0 && fork.sessions > 0;
    for input in forks.into_iter().filter(tested) {
        for (measure, base, head) in input.sides() {
            let sides = Sides { input, base, head };
            let key = (measure != PASSES, measure);
            measures.entry(key).or_default().push(sides);
        }
    }
    let number = measures.len();
    let drafts: Vec<Draft<'_>> = measures
        .into_iter()
        .map(|((_is_score, measure), sides)| Draft::of(measure, &sides))
        .collect();
    let p_values = |of: fn(&Draft<'_>) -> f64| {
        let raw: Vec<f64> = drafts.iter().map(of).collect();
        // P-values of our own tests are from 0 to 1.
        holm(&raw).unwrap_or_else(|_error| vec![1.0; number])
    };
    let (lower, higher) = (
        p_values(|draft| draft.evidence.lower),
        p_values(|draft| draft.evidence.higher),
    );
    let adjusted = lower.into_iter().zip(higher);
    drafts
        .iter()
        .zip(adjusted)
        .map(|(draft, (lower, higher))| retried(draft.decided(lower, higher), &draft.inputs))
        .collect()
}

impl ForkInput {
    /// Returns what a measure says of each whole run of now, in order.
    pub(super) fn numbers(&self, measure: &str) -> Vec<f64> {
        if measure == PASSES {
            return self.shares();
        }
        let recorded = self.recorded(measure);
        // What is as it was recorded is as good as that was.
        let scores = self
            .whole()
            .filter_map(|sample| of(sample, measure)?.value.or(recorded));
        scores.collect()
    }

    /// Returns the score of the recorded answer, as any sample has it, fresh ones included.
    fn recorded(&self, measure: &str) -> Option<f64> {
        let tried = self.confirmation.iter();
        let tried = tried.flat_map(|tried| tried.base.iter().chain(&tried.candidate));
        let mut all = self.samples.iter().chain(tried);
        all.find_map(|sample| of(sample, measure)?.reference)
    }

    /// Returns each measure with the accepted numbers and those of now, where both are there.
    pub(super) fn sides(&self) -> Vec<(String, Vec<f64>, Vec<f64>)> {
        let mut sides = vec![(PASSES.to_owned(), self.accepted_shares(), self.shares())];
        for scores in self.scores() {
            sides.push((scores.evaluator, scores.base, scores.candidate));
        }
        sides.retain(|(_measure, base, head): &(_, Vec<f64>, Vec<f64>)| {
            base.len() >= LEAST_BASE && !head.is_empty()
        });
        sides
    }
}

/// Returns the score that an evaluator gave a sample.
fn of<'s>(sample: &'s Sample, measure: &str) -> Option<&'s Score> {
    let mut scores = sample
        .checks
        .iter()
        .filter_map(|check| check.score.as_ref());
    scores.find(|score| score.evaluator == measure)
}

impl Sides<'_> {
    /// Returns the difference of each block that both sides have, of equally many samples of each; the first counts however
    /// short it is.
    fn differences(&self) -> impl Iterator<Item = f64> {
        let block = self.block();
        let blocks = self.head.chunks(block).zip(self.base.chunks(block));
        let whole = blocks.enumerate().filter(move |(nth, (head, _base))| {
            // What a round that was broken off came to depends on why.
            *nth == 0 || head.len() == block
        });
        whole.map(|(_nth, (head, base))| {
            let equal = head.len().min(base.len());
            let first = |side: &[f64]| mean(side.get(..equal).unwrap_or_default());
            first(head) - first(base)
        })
    }

    /// Returns how many blocks both sides can have: so often one may look.
    fn looks(&self) -> usize {
        let block = self.block();
        let most = self.input.max_samples.max(self.input.min_samples) as usize;
        most.min(self.base.len()).div_ceil(block).max(1)
    }

    fn block(&self) -> usize {
        self.input.min_samples.max(1) as usize
    }
}

/// The evidence of a measure, in p-values.
#[derive(Clone, Copy)]
struct Evidence {
    lower: f64,
    higher: f64,
}

/// A measure before its p-values are corrected.
struct Draft<'a> {
    measure: String,
    inputs: Vec<&'a ForkInput>,
    forks: u32,
    differences: Vec<f64>,
    base: f64,
    head: f64,
    spread: Option<ClusteredMean>,
    level: f64,
    margin: f64,
    /// It without the noise of the day.
    plain: f64,
    looks: f64,
    evidence: Evidence,
    /// What one more sample of each fork costs.
    round_cost: MicroUsd,
}

impl<'a> Draft<'a> {
    fn of(measure: String, sides: &[Sides<'a>]) -> Self {
        let mut by_session: BTreeMap<&str, Vec<&Sides<'_>>> = BTreeMap::new();
        for one in sides {
            by_session.entry(&one.input.baseline).or_default().push(one);
        }
        let mut by_block: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for forks in by_session.values() {
            let of_forks: Vec<Vec<f64>> = forks
                .iter()
                .map(|one| one.differences().collect())
                .collect();
            let most = of_forks.iter().map(Vec::len).max().unwrap_or_default();
            for nth in 0..most {
                let in_block: Vec<f64> = of_forks
                    .iter()
                    .filter_map(|differences| differences.get(nth).copied())
                    .collect();
                by_block.entry(nth).or_default().push(mean(&in_block));
            }
        }
        let differences: Vec<f64> = by_block.into_values().flatten().collect();
        let groups: Vec<Vec<f64>> = by_session
            .values()
            .map(|forks| {
                let difference = |one: &&Sides<'_>| mean(&one.head) - mean(&one.base);
                forks.iter().map(difference).collect()
            })
            .collect();
        let of_all = |of: fn(&Sides<'_>) -> f64| mean(&sides.iter().map(of).collect::<Vec<_>>());
        let inputs = || sides.iter().map(|one| one.input);
        let level = inputs().map(ForkInput::suite_level).fold(0.0, f64::max);
        // Where some were tried again beside the base, the day has no part in what they come to.
        let was_tried = inputs().any(|input| input.confirmation.is_some());
        let plain = inputs().map(|input| input.margin).fold(0.0, f64::max);
        let least = inputs().map(|input| input.least(&measure));
        let margin = if was_tried {
            plain
        } else {
            least.fold(0.0, f64::max)
        };
        let looks = sides.iter().map(Sides::looks).max().unwrap_or(1);
        let looks = f64::from(count(looks));
        Self {
            inputs: inputs().collect(),
            measure,
            forks: count(sides.len()),
            evidence: evidence(&differences, looks),
            looks,
            differences,
            base: of_all(|one| mean(&one.base)),
            head: of_all(|one| mean(&one.head)),
            spread: ClusteredMean::new(&groups).ok(),
            level,
            margin,
            plain,
            round_cost: inputs()
                .filter_map(|input| input.sample_cost_micro_usd)
                .sum(),
        }
    }

    fn decided(&self, lower: f64, higher: f64) -> SuiteTest {
        let sessions = self.spread.map_or(0, |spread| count(spread.clusters));
        let delta = self.head - self.base;
        let is_lower = delta < -(self.margin + ROUNDING);
        let is_higher = delta > self.margin + ROUNDING;
        let (verdict, why) = if self.level <= 0.0 {
            let why = format!("not testable: {sessions} of at least {LEAST_SESSIONS} baselines");
            (None, why)
        } else if is_lower && lower <= self.level + ROUNDING {
            (
                Some(Verdict::Regressed),
                "it is lower, and not by chance".to_owned(),
            )
        } else if delta < -(self.plain + ROUNDING) && !is_lower {
            let why = format!(
                "it is lower, but forks of which nothing changed fell by {:.2} today",
                self.margin
            );
            (Some(Verdict::Suspect), why)
        } else if is_lower {
            let why = format!("it is lower, perhaps by chance; {}", self.would_decide());
            (Some(Verdict::Suspect), why)
        } else if is_higher && higher <= self.level + ROUNDING {
            (
                Some(Verdict::Improved),
                "it is higher, and not by chance".to_owned(),
            )
        } else if delta >= 0.0 {
            (Some(Verdict::Stable), "it is not lower".to_owned())
        } else if self.no_drop() <= BETA {
            let why = format!("a drop of {} is ruled out", self.margin);
            (Some(Verdict::Stable), why)
        } else {
            let why = format!(
                "a drop of {} can't be ruled out; {}",
                self.margin,
                self.would_decide()
            );
            (Some(Verdict::Inconclusive), why)
        };
        let interval = self.spread.filter(|spread| spread.clusters > 1);
        let interval = interval.map(|spread| spread.interval(Level::PERCENT_95));
        SuiteTest {
            measure: self.measure.clone(),
            sessions,
            forks: self.forks,
            differences: count(self.differences.len()),
            base: self.base,
            head: self.head,
            // A difference of shares is no larger.
            interval: interval.map(|ends| [ends.low, ends.high].map(|end| end.clamp(-1.0, 1.0))),
            effective_forks: self.spread.map_or(0.0, |spread| spread.effective_count),
            p_value: lower,
            level: self.level,
            margin: self.margin,
            verdict,
            why,
        }
    }

    /// Returns how surprising what was seen is, if there were a drop of the margin.
    fn no_drop(&self) -> f64 {
        let shifted: Vec<f64> = self
            .differences
            .iter()
            .map(|one| one + self.margin)
            .collect();
        let found = sign_flip(&shifted, SEED).map_or(1.0, |found| found.higher);
        corrected(found, self.looks)
    }

    /// Returns what it takes to tell no drop from one of the margin.
    fn would_decide(&self) -> String {
        let mean = mean(&self.differences);
        let squares: f64 = self
            .differences
            .iter()
            .map(|one| (one - mean).powi(2))
            .sum();
        let have = count(self.differences.len());
        let deviation = (squares / f64::from(have.saturating_sub(1).max(1))).sqrt();
        let design = Design::new(self.level.clamp(1e-9, 0.4), 1.0 - BETA);
        let pairs =
            design.and_then(|design| design.pairs_for_mean(deviation.max(0.01), self.margin));
        let Ok(pairs) = pairs else {
            return "the samples vary too much to say what would decide".to_owned();
        };
        let rounds = pairs.saturating_sub(have).max(1).div_ceil(have.max(1));
        let cost = MicroUsd(self.round_cost.0.saturating_mul(rounds.into()));
        let price = match cost {
            MicroUsd(0) => String::new(),
            cost => format!(", for about {cost}"),
        };
        format!("about {rounds} more accepted and new samples of each fork would decide{price}")
    }
}

/// Returns the evidence in independent differences, of which one may look so often.
fn evidence(differences: &[f64], looks: f64) -> Evidence {
    // Differences of shares and scores are from -1 to 1, so the test can't fail.
    let found = sign_flip(differences, SEED).ok();
    Evidence {
        lower: corrected(found.map_or(1.0, |found| found.lower), looks),
        higher: corrected(found.map_or(1.0, |found| found.higher), looks),
    }
}

/// Returns a p-value of one of so many looks.
fn corrected(p: f64, looks: f64) -> f64 {
    (p * looks).min(1.0)
}

/// How likely a drop of the margin may be called none.
const BETA: f64 = 0.2;

/// Where more differences than can be counted are drawn.
const SEED: u64 = 0;
