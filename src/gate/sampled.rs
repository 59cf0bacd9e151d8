//! What samples say where some pass and some fail.
//!
//! The failures of a fork's samples are compared with those of its accepted samples by Fisher's exact test
//! ([`fisher_worse`]). It is applied once, at the end: more samples are run only while they can change the
//! verdict, and a run that ends early ends with the verdict that it would have had with all of them.

use super::fork::decide_fork;
use super::input::{Accepted, FaultKind, ForkInput, Sample};
use super::verdict::Verdict;
use crate::model::SampleRange;
use crate::stats::{Passes, fisher_worse};

/// Returns the verdict on samples of which some fail; `None` where all pass.
///
/// Where the accepted samples all passed, failing every time is `broken` without any test.
pub(super) fn compared(
    accepted: &Accepted,
    base: Passes,
    candidate: Passes,
    tests: u32,
) -> Option<Verdict> {
    if candidate.failed == 0 {
        return None;
    }
    let is_mixed = base.passed > 0 && base.failed > 0;
    Some(match accepted {
        Accepted::Incomparable(_) => Verdict::Incomparable,
        Accepted::Failed if is_mixed && is_worse(base, candidate, tests) => Verdict::Regressed,
        Accepted::Failed => Verdict::PreExisting,
        Accepted::Passed if candidate.passed == 0 && !is_mixed => Verdict::Broken,
        Accepted::Passed if is_worse(base, candidate, tests) => Verdict::Regressed,
        Accepted::Passed => Verdict::Suspect,
    })
}

/// Returns why samples of which some fail have this verdict; `found` is what the first found.
pub(super) fn sampled_why(
    verdict: Verdict,
    base: Passes,
    candidate: Passes,
    tests: u32,
    found: String,
) -> String {
    let (failed, total) = (candidate.failed, candidate.total());
    let found = if total > 1 {
        format!("{failed} of {total} samples fail: {found}")
    } else {
        found
    };
    match verdict {
        Verdict::PreExisting => format!("{found}; the accepted evidence failed, too"),
        Verdict::Regressed => {
            let p = fisher_worse(base, candidate);
            let (failed, total) = (base.failed, base.total());
            let among = match tests {
                0 | 1 => String::new(),
                tests => format!(", one of {tests} tests"),
            };
            format!("{found}; of the accepted ones {failed} of {total} did (p = {p:.3}{among})")
        }
        Verdict::Suspect => format!("{found}; {}", would_decide(base, candidate, tests)),
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

/// Returns whether further samples of a fork could change its verdict.
///
/// That all pass, or all fail where the accepted ones passed, is decided by the least number of them.
pub(super) fn is_open(input: &ForkInput, range: SampleRange) -> bool {
    let taken = u32::try_from(input.samples.len()).unwrap_or(u32::MAX);
    let Some(left) = range.max().checked_sub(taken).filter(|left| *left > 0) else {
        return false;
    };
    let is_ended = input
        .samples
        .iter()
        .filter_map(|sample| sample.fault.as_ref())
        .any(|fault| match fault.kind {
            FaultKind::Budget | FaultKind::Halted | FaultKind::Stopped => true,
            FaultKind::Harness | FaultKind::Provider | FaultKind::Judge => false,
        });
    let is_halted = input.samples.iter().any(Sample::is_halted);
    let (base, candidate) = (input.base(), input.candidate());
    if is_ended
        || is_halted
        || candidate.total() == 0
        || decide_fork(input).verdict == Verdict::Violated
    {
        return false;
    }
    if candidate.total() < range.min() {
        return true;
    }
    let now = compared(&input.accepted, base, candidate, input.tests);
    match now {
        None | Some(Verdict::Broken) => false,
        now => (0..=left).any(|failed| {
            let then = Passes {
                passed: candidate.passed + left - failed,
                failed: candidate.failed + failed,
            };
            compared(&input.accepted, base, then, input.tests) != now
        }),
    }
}

/// Returns whether the candidate fails significantly more often than the base, and by more than the
/// margin.
///
/// Each of the run's `tests` may give a false alarm with its share of [`ALPHA`] alone, so that all of them together
/// give one in at most that share of the runs (Bonferroni's correction; O. J. Dunn, Multiple Comparisons Among
/// Means, JASA 56, 1961). The share is known before the first sample, so stopping early changes nothing.
fn is_worse(base: Passes, candidate: Passes, tests: u32) -> bool {
    candidate.failure_rate() - base.failure_rate() > MARGIN
        && fisher_worse(base, candidate) <= ALPHA / f64::from(tests.max(1)) + ROUNDING
}

/// Returns what it takes to decide whether the candidate is worse, if it goes on failing as often.
fn would_decide(base: Passes, candidate: Passes, tests: u32) -> String {
    if base.total() == 0 {
        return "nothing comparable was accepted that it could be held against".to_owned();
    }
    let (was, is) = (base.failure_rate(), candidate.failure_rate());
    if is - was <= MARGIN {
        return format!("that is within {MARGIN} of the accepted evidence");
    }
    let more = candidate.total() + 1..=MOST;
    if let Some(samples) = more
        .clone()
        .find(|total| is_worse(base, scaled(is, *total), tests))
    {
        return format!("{samples} samples would decide");
    }
    let both = base.total().max(candidate.total()) + 1..=MOST;
    let found = both
        .clone()
        .find(|total| is_worse(scaled(was, *total), scaled(is, *total), tests));
    match found {
        Some(samples) => format!(
            "{} accepted samples can't decide, {samples} of each would",
            base.total()
        ),
        None => format!("more than {MOST} samples would be needed to decide"),
    }
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

/// How likely a false alarm may be in a run.
const ALPHA: f64 = 0.05;

/// What products of floating-point numbers may be off by.
const ROUNDING: f64 = 1e-12;

/// By how much the share of failures must be larger.
const MARGIN: f64 = 0.1;

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
                    (0..=accepted)
                        .flat_map(|was| (0..=12).map(move |is| (was, is)))
                        .filter(|(was, is)| is_worse(of(*was, accepted), of(*is, 12), tests))
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
