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
pub(super) fn compared(accepted: &Accepted, base: Passes, candidate: Passes) -> Option<Verdict> {
    if candidate.failed == 0 {
        return None;
    }
    let is_mixed = base.passed > 0 && base.failed > 0;
    Some(match accepted {
        Accepted::Incomparable(_) => Verdict::Incomparable,
        Accepted::Failed if is_mixed && is_worse(base, candidate) => Verdict::Regressed,
        Accepted::Failed => Verdict::PreExisting,
        Accepted::Passed if candidate.passed == 0 && !is_mixed => Verdict::Broken,
        Accepted::Passed if is_worse(base, candidate) => Verdict::Regressed,
        Accepted::Passed => Verdict::Suspect,
    })
}

/// Returns why samples of which some fail have this verdict; `found` is what the first found.
pub(super) fn sampled_why(
    verdict: Verdict,
    base: Passes,
    candidate: Passes,
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
            format!("{found}; of the accepted ones {failed} of {total} did (p = {p:.3})")
        }
        Verdict::Suspect => format!("{found}; {}", would_decide(base, candidate)),
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
    let now = compared(&input.accepted, base, candidate);
    match now {
        None | Some(Verdict::Broken) => false,
        now => (0..=left).any(|failed| {
            let then = Passes {
                passed: candidate.passed + left - failed,
                failed: candidate.failed + failed,
            };
            compared(&input.accepted, base, then) != now
        }),
    }
}

/// Returns whether the candidate fails significantly more often than the base, and by more than the
/// margin.
fn is_worse(base: Passes, candidate: Passes) -> bool {
    candidate.failure_rate() - base.failure_rate() > MARGIN
        && fisher_worse(base, candidate) <= ALPHA + ROUNDING
}

/// Returns what it takes to decide whether the candidate is worse, if it goes on failing as often.
fn would_decide(base: Passes, candidate: Passes) -> String {
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
        .find(|total| is_worse(base, scaled(is, *total)))
    {
        return format!("{samples} samples would decide");
    }
    let both = base.total().max(candidate.total()) + 1..=MOST;
    let found = both
        .clone()
        .find(|total| is_worse(scaled(was, *total), scaled(is, *total)));
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

/// How likely a false alarm may be.
const ALPHA: f64 = 0.05;

/// What products of floating-point numbers may be off by.
const ROUNDING: f64 = 1e-12;

/// By how much the share of failures must be larger.
const MARGIN: f64 = 0.1;

/// The most samples that are proposed.
const MOST: u32 = 200;
