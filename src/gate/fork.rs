//! The verdict on one fork.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::confirmation::confirmed;
use super::input::{Accepted, ForkInput, Sample, State};
use super::quota::Quota;
use super::sampled::{compared, sampled_why};
use super::verdict::{Shown, Verdict};
use crate::check::{CheckResult, Outcome};

/// The verdict on one fork, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub why: String,
}

/// Returns the verdict on one fork: the first of the ladder that holds.
pub fn decide_fork(input: &ForkInput) -> ForkVerdict {
    let decided = unmeasurable(input).unwrap_or_else(|| measured(input));
    let (verdict, why) = match (&input.confirmation, decided) {
        (Some(tried), red @ (Verdict::Broken | Verdict::Regressed, _)) => {
            confirmed(input, tried, red)
        }
        // What may never happen may not happen in a run that tries all baselines again, either.
        (Some(tried), decided) => {
            let check = tried.candidate.iter().find_map(Sample::violation);
            check.map_or(decided, |check| (Verdict::Violated, failed(check)))
        }
        (None, decided) => decided,
    };
    match input.unheard.first() {
        // Good is what was seen, and the change was not.
        Some(unheard) if verdict.row().shown == Shown::Pass => ForkVerdict {
            verdict: Verdict::NeedsLive,
            why: unheard.clone(),
        },
        Some(_) | None => ForkVerdict { verdict, why },
    }
}

/// Returns the verdict of the first rungs, where the samples do not show the agent's whole behaviour.
fn unmeasurable(input: &ForkInput) -> Option<(Verdict, String)> {
    if let Some(check) = input.samples.iter().find_map(Sample::violation) {
        return Some((Verdict::Violated, failed(check)));
    }
    let with = |state: State| {
        input
            .samples
            .iter()
            .filter(move |sample| sample.state() == state)
    };
    if let Some(sample) = with(State::Forced).find(|sample| sample.is_crash()) {
        return Some((Verdict::Violated, crashed(sample)));
    }
    let unmeasured = with(State::Unmeasured).count();
    if input.samples.len().saturating_sub(unmeasured) < input.min_samples.max(1) as usize {
        let why = with(State::Unmeasured).next().map(unmeasured_why);
        let why = why.unwrap_or_else(|| "nothing was run".to_owned());
        return Some((Verdict::NotMeasured, why));
    }
    let open = with(State::Cut)
        .next()
        .or_else(|| with(State::Forced).next());
    open.map(|sample| (Verdict::NeedsLive, open_why(sample)))
}

/// Returns the verdict on whole runs.
fn measured(input: &ForkInput) -> (Verdict, String) {
    let whole: Vec<&Sample> = input.whole().collect();
    if let Accepted::Incomparable(why) = &input.accepted {
        return (Verdict::Incomparable, why.clone());
    }
    let candidate = input.candidate();
    if let Some(worse) = worse(input, &whole) {
        return worse;
    }
    let had_failed = input.accepted == Accepted::Failed;
    if !had_failed && whole.iter().all(|sample| sample.replay.is_unaffected) {
        return (
            Verdict::Unaffected,
            "every request and the end are as recorded".to_owned(),
        );
    }
    if !whole.iter().all(|sample| sample.has_gating_pass()) {
        let why = "it is not as recorded, and no check with severity `gate` measures it";
        return (Verdict::Inconclusive, why.to_owned());
    }
    let silent = whole.iter().find_map(|sample| sample.not_printed());
    if let Some(why) = silent {
        // The checks read what the model said, which never reached whoever asked the agent.
        let why = format!("all checks hold, but {why}");
        return (Verdict::Inconclusive, why);
    }
    if had_failed {
        return (
            Verdict::Improved,
            "it failed before and holds now".to_owned(),
        );
    }
    let changed = whole
        .iter()
        .find(|sample| !sample.is_same_trajectory || !sample.replay.divergences.is_empty());
    match changed {
        Some(sample) => (Verdict::Changed, changed_why(sample)),
        None if let Some(improved) = input.scored() => improved,
        None if candidate.total() > 1 => {
            let number = candidate.total();
            (
                Verdict::Stable,
                format!("all checks hold in {number} of {number} samples"),
            )
        }
        None => (Verdict::Stable, "all checks hold".to_owned()),
    }
}

/// Returns the worst that passes and failures, quotas and scores say; `None` where nothing got worse.
fn worse(input: &ForkInput, whole: &[&Sample]) -> Option<(Verdict, String)> {
    let by_passes = compared(input).map(|verdict| {
        let failing = whole.iter().filter(|sample| sample.is_failing());
        (verdict, sampled_why(verdict, input, failing_why(failing)))
    });
    let quotas = Quota::of(input);
    let by_quotas = quotas.iter().filter_map(|quota| quota.verdict(input));
    let by_scores = input.scored();
    let by_scores = by_scores.filter(|(verdict, _why)| *verdict != Verdict::Improved);
    let all = by_passes.into_iter().chain(by_quotas).chain(by_scores);
    // The first of those that are equally bad: what one measure failed before excuses no other.
    all.min_by_key(|(verdict, _why)| (Reverse(verdict.row().shown), *verdict))
}

fn failing_why<'s>(mut failing: impl Iterator<Item = &'s &'s Sample>) -> String {
    let Some(sample) = failing.next() else {
        return "it failed".to_owned();
    };
    match sample.failures().next() {
        Some(check) => failed(check),
        None => crashed(sample),
    }
}

/// Returns what a failed check found first, with its step.
fn failed(check: &CheckResult) -> String {
    let Outcome::Failed { findings, .. } = &check.outcome else {
        return check.outcome.why().to_owned();
    };
    let Some(first) = findings.first() else {
        return format!("check `{}` failed", check.id);
    };
    let step = first
        .step
        .map(|step| format!(" (step {step})"))
        .unwrap_or_default();
    let more = match findings.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("{}{step}{more}", first.message)
}

fn crashed(sample: &Sample) -> String {
    let status = sample.exit.unwrap_or_default();
    match sample.recorded_exit {
        Some(recorded) => format!("the agent exited with status {status}, recorded was {recorded}"),
        None => format!("the agent exited with status {status}"),
    }
}

fn unmeasured_why(sample: &Sample) -> String {
    if let Some(fault) = &sample.fault {
        return fault.message.clone();
    }
    if let Some(divergence) = sample.replay.divergences.first() {
        return format!("the replay was halted: {}", divergence.message);
    }
    match sample.not_run() {
        Some(check) => format!(
            "check `{}` could not run: {}",
            check.id,
            check.outcome.why()
        ),
        None => "the replay was halted".to_owned(),
    }
}

fn open_why(sample: &Sample) -> String {
    if let Some(divergence) = sample.replay.divergences.first() {
        return divergence.message.clone();
    }
    let drift: Vec<String> = sample
        .replay
        .drift
        .iter()
        .map(ToString::to_string)
        .collect();
    format!("this change alters: {}", drift.join(", "))
}

fn changed_why(sample: &Sample) -> String {
    match sample.replay.divergences.first() {
        Some(divergence) => format!("all checks hold, but {}", divergence.message),
        None => "all checks hold; it made other calls".to_owned(),
    }
}
