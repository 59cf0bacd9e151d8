//! What samples say where some pass and some fail.
//!
//! The failures of a fork's samples are compared with those of its accepted samples by Fisher's exact test
//! ([`fisher_worse`]). It is applied once, at the end: more samples are run only while they can change the
//! verdict, and a run that ends early ends with the verdict that it would have had with all of them.

use super::fork::decide_fork;
use super::input::{Accepted, FaultKind, ForkInput, Sample};
use super::level::ROUNDING;
use super::numbers::count;
use super::quota::Quota;
use super::suite::PASSES;
use super::verdict::Verdict;
use crate::model::{MicroUsd, SampleRange};
use crate::stats::{Passes, fisher_worse};

/// What a fork's passes and failures are held against each other by.
#[derive(Debug, Clone, Copy)]
struct Test<'a> {
    accepted: &'a Accepted,
    base: Passes,
    /// How likely a false alarm of this test may be.
    level: f64,
    /// By how much the share of failures must be larger.
    margin: f64,
    /// How many whole runs there can be at most.
    most: u32,
    /// How many runs were not measured, which took the place of others.
    lost: u32,
}

impl<'a> Test<'a> {
    fn of(input: &'a ForkInput) -> Self {
        Self {
            accepted: &input.accepted,
            base: input.base(),
            level: input.level(),
            margin: input.least(PASSES),
            most: input.max_samples,
            lost: lost(input),
        }
    }

    /// Returns the verdict on samples of which some fail; `None` where all pass.
    ///
    /// Where the accepted samples all passed, failing every time is `broken`: all samples that there can be, or so many in a
    /// row that it is no chance. A run that was cut short before has seen too little to say so.
    fn verdict(self, candidate: Passes) -> Option<Verdict> {
        if candidate.failed == 0 {
            return None;
        }
        let is_mixed = self.base.passed > 0 && self.base.failed > 0;
        Some(match self.accepted {
            Accepted::Incomparable(_) => Verdict::Incomparable,
            Accepted::Failed if is_mixed && self.is_worse(candidate) => Verdict::Regressed,
            // The last one that was accepted failed, but most did not.
            Accepted::Failed
                if self.base.passed > self.base.failed && self.is_beyond(candidate) =>
            {
                Verdict::Suspect
            }
            Accepted::Failed => Verdict::PreExisting,
            Accepted::Passed if candidate.passed == 0 && !is_mixed && self.is_all(candidate) => {
                Verdict::Broken
            }
            Accepted::Passed if self.is_worse(candidate) => Verdict::Regressed,
            Accepted::Passed => Verdict::Suspect,
        })
    }

    /// Returns whether the candidate fails significantly more often than the base, and by more than the margin.
    ///
    /// The level is known before the first sample, so stopping early changes nothing.
    fn is_worse(self, candidate: Passes) -> bool {
        self.is_beyond(candidate) && fisher_worse(self.base, candidate) <= self.level + ROUNDING
    }

    fn is_beyond(self, candidate: Passes) -> bool {
        candidate.failure_rate() - self.base.failure_rate() > self.margin + ROUNDING
    }

    /// Returns whether so many failures are all that there can be, or no chance. What was not measured might have passed.
    fn is_all(self, candidate: Passes) -> bool {
        let is_whole = self.lost == 0 && candidate.total() >= self.most;
        is_whole || is_sure(candidate.failed, self.level)
    }

    /// Returns what it takes to decide whether the candidate is worse, if it goes on failing as often, and how many more
    /// samples of it that are.
    fn would_decide(self, candidate: Passes) -> (String, Option<u32>) {
        let Self { base, margin, .. } = self;
        if candidate.passed == 0 && base.failed == 0 {
            let mut row = candidate.total()..self.most;
            let row = row.find(|failures| is_sure(*failures, self.level));
            let Some(row) = row.or((self.lost == 0).then_some(self.most)) else {
                let why = "too much could not be measured to say that it always fails";
                return (why.to_owned(), None);
            };
            let why = format!("{row} failures in a row would decide");
            return (why, Some(row.saturating_sub(candidate.total())));
        }
        if base.total() == 0 {
            let why = "nothing comparable was accepted that it could be held against";
            return (why.to_owned(), None);
        }
        let (was, is) = (base.failure_rate(), candidate.failure_rate());
        if is - was <= margin + ROUNDING {
            let why = format!("that is within {margin} of the accepted evidence");
            return (why, None);
        }
        let mut more = candidate.total() + 1..=MOST;
        if let Some(samples) = more.find(|total| self.is_worse(scaled(is, *total))) {
            let left = samples - candidate.total();
            return (format!("{samples} samples would decide"), Some(left));
        }
        let mut both = base.total().max(candidate.total()) + 1..=MOST;
        let found = both.find(|total| {
            let base = scaled(was, *total);
            Self { base, ..self }.is_worse(scaled(is, *total))
        });
        match found {
            Some(samples) => {
                let why = format!(
                    "{} accepted samples can't decide, {samples} of each would",
                    base.total()
                );
                let left = 2 * samples - candidate.total() - base.total();
                (why, Some(left))
            }
            None => (
                format!("more than {MOST} samples would be needed to decide"),
                None,
            ),
        }
    }
}

/// Returns the verdict on the samples of a fork of which some fail; `None` where all pass.
pub(super) fn compared(input: &ForkInput) -> Option<Verdict> {
    Test::of(input).verdict(input.candidate())
}

/// Returns why samples of which some fail have this verdict; `found` is what the first found.
pub(super) fn sampled_why(verdict: Verdict, input: &ForkInput, found: String) -> String {
    let (test, candidate) = (Test::of(input), input.candidate());
    let (failed, total) = (candidate.failed, candidate.total());
    let found = if total > 1 {
        format!("{failed} of {total} samples fail: {found}")
    } else {
        found
    };
    match verdict {
        Verdict::PreExisting => format!("{found}; the accepted evidence failed, too"),
        Verdict::Regressed => {
            let p = fisher_worse(test.base, candidate);
            let (failed, total) = (test.base.failed, test.base.total());
            let among = match input.tests {
                0 | 1 => String::new(),
                tests => format!(", one of {tests} tests"),
            };
            format!("{found}; of the accepted ones {failed} of {total} did (p = {p:.3}{among})")
        }
        Verdict::Suspect => {
            let (why, more) = test.would_decide(candidate);
            let price = more.map(|more| price(input, more)).unwrap_or_default();
            format!("{found}; {why}{price}")
        }
        Verdict::Violated
        | Verdict::NotMeasured
        | Verdict::NeedsLive
        | Verdict::Incomparable
        | Verdict::Broken
        | Verdict::Inconclusive
        | Verdict::Changed
        | Verdict::Stable
        | Verdict::Improved
        | Verdict::Unaffected => found,
    }
}

/// Returns what so many more samples of a fork cost, to be put behind their number; nothing where they cost nothing.
pub(super) fn price(input: &ForkInput, samples: u32) -> String {
    let cost = input.sample_cost_micro_usd.unwrap_or_default();
    match MicroUsd(cost.0.saturating_mul(samples.into())) {
        MicroUsd(0) => String::new(),
        cost => format!(", for about {cost}"),
    }
}

/// Returns whether further samples of a fork could change its verdict.
///
/// That all pass is decided by the least number of them. That all fail is sure where an agent that holds every other time would
/// hardly do so: then they have been enough for this fork's share of the false alarms. Of scores that have dropped, all
/// samples are taken before they are tested, once.
pub(super) fn is_open(input: &ForkInput, range: SampleRange) -> bool {
    let taken = count(input.samples.len());
    let Some(left) = range.max().checked_sub(taken).filter(|left| *left > 0) else {
        return false;
    };
    let candidate = input.candidate();
    if is_ended(input) || candidate.total() == 0 || decide_fork(input).verdict == Verdict::Violated
    {
        return false;
    }
    if candidate.total() < range.min()
        || input.has_open_scores(range.max())
        || Quota::of(input).iter().any(|quota| quota.is_open(input))
    {
        return true;
    }
    let test = Test::of(input);
    match test.verdict(candidate) {
        None | Some(Verdict::Broken) => false,
        now => (0..=left).any(|failed| {
            let then = Passes {
                passed: candidate.passed + left - failed,
                failed: candidate.failed + failed,
            };
            test.verdict(then) != now
        }),
    }
}

/// Returns whether a fork can't be followed any further: it ran into a limit, or at a tool that may not run.
pub(super) fn is_ended(input: &ForkInput) -> bool {
    let mut faults = input
        .samples
        .iter()
        .filter_map(|sample| sample.fault.as_ref());
    let is_over = faults.any(|fault| match fault.kind {
        FaultKind::Budget | FaultKind::Halted | FaultKind::Stopped => true,
        FaultKind::Harness | FaultKind::Provider | FaultKind::Judge => false,
    });
    is_over || input.samples.iter().any(Sample::is_halted)
}

/// Returns how many runs were not measured.
fn lost(input: &ForkInput) -> u32 {
    count(input.samples.len()).saturating_sub(input.candidate().total())
}

/// Returns whether so many failures in a row are surprising of an agent that holds every other time.
fn is_sure(failures: u32, level: f64) -> bool {
    0.5_f64.powi(failures.min(1_000).cast_signed()) <= level + ROUNDING
}

/// Returns so many samples that fail at this rate.
fn scaled(rate: f64, total: u32) -> Passes {
    // The rate is a share, so the product is from 0 to `total`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a u32 is one"
    )]
    let failed = ((rate * f64::from(total)).round() as u32).min(total);
    Passes {
        passed: total - failed,
        failed,
    }
}

/// The most samples that are proposed.
const MOST: u32 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    /// The chance of so many failures of `total` where each fails with this chance.
    fn chance(failed: u32, total: u32, rate: f64) -> f64 {
        let ways = (0..failed).fold(1.0, |ways, nth| {
            ways * f64::from(total - nth) / f64::from(nth + 1)
        });
        ways * rate.powi(failed.cast_signed()) * (1.0 - rate).powi((total - failed).cast_signed())
    }

    #[test]
    fn a_run_without_a_change_is_called_worse_in_one_of_twenty_at_most() {
        let of = |failed, total| Passes {
            passed: total - failed,
            failed,
        };
        let mut uncorrected = 0.0_f64;
        for (tests, rate) in [1_u32, 10, 100]
            .into_iter()
            .flat_map(|tests| [0.05, 0.1, 0.3].map(|rate| (tests, rate)))
        {
            for accepted in [3, 5, 12, 30] {
                let alarm = |tests: u32| -> f64 {
                    let test = |was| Test {
                        accepted: &Accepted::Passed,
                        base: of(was, accepted),
                        level: 0.05 / f64::from(tests),
                        margin: 0.1,
                        most: 12,
                        lost: 0,
                    };
                    (0..=accepted)
                        .flat_map(|was| (0..=12).map(move |is| (was, is)))
                        .filter(|(was, is)| test(*was).is_worse(of(*is, 12)))
                        .map(|(was, is)| chance(was, accepted, rate) * chance(is, 12, rate))
                        .sum()
                };
                let in_run = |alarm: f64| 1.0 - (1.0 - alarm).powi(tests.cast_signed());
                assert!(in_run(alarm(tests)) <= 0.05, "{tests} {rate} {accepted}");
                uncorrected = uncorrected.max(in_run(alarm(1)));
            }
        }
        assert!(uncorrected > 0.5, "{uncorrected}");
    }
}
