//! Checks and what they found.

use std::collections::BTreeMap;

use serde::Serialize;

use super::judged::{JudgedView, Quotable, VoteView, votes};
use super::rows::address as row_address;
use crate::check::{CheckResult, Finding, Outcome, Score, Severity};
use crate::diff::{TextDiff, text_diff};
use crate::gate::Sample;
use crate::report::trace::Trace;

/// A check of a run.
#[derive(Serialize)]
pub(super) struct CheckView {
    id: String,
    kind: String,
    /// `pass`, `fail`, `warn`, `not_run`.
    state: &'static str,
    word: &'static str,
    is_gating: bool,
    why: String,
    score: Option<ScoreView>,
    findings: Vec<FindingView>,
}

/// A score, drawn as a bar of a hundred parts.
#[derive(Serialize)]
struct ScoreView {
    evaluator: String,
    value: Option<String>,
    filled: Option<f64>,
    reference: Option<String>,
    mark: Option<f64>,
    votes: Vec<VoteView>,
    /// How many votes these are.
    voted: usize,
    /// The number of the step that was judged, and its address in the page.
    place: Option<u32>,
    href: String,
}

impl CheckView {
    /// Returns whether it holds, and there is nothing more to say of it.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_held() && self.score.is_none()
    }

    /// Returns how many votes its score is made of.
    fn vote_count(&self) -> usize {
        self.score.as_ref().map_or(0, |score| score.voted)
    }

    /// Returns whether it looks at the final answer, where it names no step.
    fn is_of_answer(&self) -> bool {
        matches!(self.kind.as_str(), "answer" | "judge")
    }

    /// Returns whether it holds.
    pub(super) fn is_held(&self) -> bool {
        self.state == "pass"
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Serialize)]
pub(super) struct FindingView {
    check: String,
    state: &'static str,
    message: String,
    expected: String,
    found: String,
    words: Option<TextDiff>,
    step: Option<u32>,
    reference_step: Option<u32>,
    /// Whether it speaks of the recording and not of the replay.
    is_recorded: bool,
    /// The number of the step, where there is one.
    place: Option<u32>,
    /// The address of the step in the page; empty where it has none.
    href: String,
}

/// Returns the checks of a sample, those that failed first.
pub(super) fn checks(sample: &Sample) -> Vec<CheckView> {
    let results = CheckResult::worst_first(&sample.checks).into_iter();
    results
        .filter(|check| check.severity != Severity::Off)
        .map(|check| view(check, sample))
        .collect()
}

fn view(check: &CheckResult, sample: &Sample) -> CheckView {
    let is_gating = check.severity == Severity::Gate;
    let (state, word) = match &check.outcome {
        Outcome::Passed { .. } => ("pass", "holds"),
        Outcome::NotRun { .. } => ("not_run", "could not run"),
        Outcome::Failed { .. } if !sample.counts(check) => ("not_run", "does not count"),
        Outcome::Failed {
            is_violation: true, ..
        } if is_gating => ("fail", "violated"),
        Outcome::Failed { .. } if is_gating => ("fail", "fails"),
        Outcome::Failed { .. } => ("warn", "warns"),
    };
    let is_judged = check.score.iter().any(|score| !score.votes.is_empty());
    let findings = match &check.outcome {
        // Its votes tell more than the numbers that follow from them.
        Outcome::Failed { .. } if is_judged => &[],
        Outcome::Failed { findings, .. } => findings.as_slice(),
        Outcome::Passed { .. } | Outcome::NotRun { .. } => &[],
    };
    CheckView {
        id: check.id.clone(),
        kind: check.kind.clone(),
        state,
        word,
        is_gating,
        why: check.outcome.why().to_owned(),
        score: check.score.as_ref().map(score),
        findings: findings
            .iter()
            .map(|one| finding(check, one, state))
            .collect(),
    }
}

fn score(score: &Score) -> ScoreView {
    let text = |value: Option<f64>| value.map(|value| format!("{value:.2}"));
    let part =
        |value: Option<f64>| value.map(|value| (value.clamp(0.0, 1.0) * 1_000.0).round() / 10.0);
    ScoreView {
        evaluator: score.evaluator.clone(),
        value: text(score.value),
        filled: part(score.value),
        reference: text(score.reference),
        mark: part(score.reference),
        votes: votes(score),
        voted: score.votes.len(),
        place: None,
        href: String::new(),
    }
}

fn finding(check: &CheckResult, finding: &Finding, state: &'static str) -> FindingView {
    let (expected, found) = (&finding.expected, &finding.found);
    let has_both = !expected.is_empty() && !found.is_empty();
    FindingView {
        check: check.id.clone(),
        state,
        message: finding.message.clone(),
        words: has_both.then(|| text_diff(expected, found)).flatten(),
        expected: expected.clone(),
        found: found.clone(),
        step: finding.step.map(|step| step.0),
        reference_step: finding.reference_step.map(|step| step.0),
        is_recorded: finding.step.is_none() && finding.reference_step.is_some(),
        place: finding.step.or(finding.reference_step).map(|step| step.0),
        href: String::new(),
    }
}

/// What a step's line says of the findings beside it: equal ones once.
#[derive(Serialize)]
pub(super) struct Tag {
    state: &'static str,
    check: String,
    message: String,
    is_recorded: bool,
    times: usize,
}

/// Returns what the line of a step says of these findings.
pub(super) fn tags(findings: &[FindingView]) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for finding in findings {
        let known = tags.iter_mut().find(|tag| {
            (tag.is_recorded, &tag.check, &tag.message)
                == (finding.is_recorded, &finding.check, &finding.message)
        });
        match known {
            Some(tag) => tag.times += 1,
            None => tags.push(Tag {
                state: finding.state,
                check: finding.check.clone(),
                message: finding.message.clone(),
                is_recorded: finding.is_recorded,
                times: 1,
            }),
        }
    }
    tags
}

/// Says of each finding where in the page the step stands that it speaks of; of the final answer where it names none.
pub(super) fn locate(checks: &mut [CheckView], trace: &Trace, id: &str) {
    let mut places: BTreeMap<(bool, u32), String> = BTreeMap::new();
    for row in &trace.rows {
        let href = row_address(id, row);
        let steps = [(false, &row.left), (true, &row.right)].into_iter();
        let steps = steps.filter_map(|(is_now, step)| Some((is_now, step.as_ref()?.number.0)));
        places.extend(steps.map(|key| (key, href.clone())));
    }
    let answer = trace.answer_row.and_then(|row| trace.rows.get(row));
    let answer = answer.and_then(|row| Some(row.right.as_ref()?.number.0));
    let mut judged = checks.iter().filter(|check| check.vote_count() > 0);
    let quotable = judged.next().map(|_check| Quotable::of(trace, id));
    for check in checks {
        if let (Some(score), Some(quotable)) = (&mut check.score, &quotable) {
            quotable.locate(&mut score.votes);
            score.place = answer;
            let href = answer.and_then(|number| places.get(&(true, number)));
            score.href = href.cloned().unwrap_or_default();
        }
        let is_of_answer = check.is_of_answer();
        for finding in &mut check.findings {
            if is_of_answer && finding.place.is_none() {
                finding.step = answer;
                finding.place = answer;
            }
            if let Some(place) = finding.place {
                let href = places.get(&(!finding.is_recorded, place));
                finding.href = href.cloned().unwrap_or_default();
            }
        }
    }
}

/// What checks say of the steps of a trace.
#[derive(Default)]
pub(super) struct Beside {
    /// What they found, by step: of the replay (`true`), else of the recording.
    pub(super) findings: BTreeMap<(bool, u32), Vec<FindingView>>,
    /// What judges said of the final answer.
    pub(super) judged: Vec<JudgedView>,
}

/// Returns what checks say, by the step that they speak of.
pub(super) fn beside(checks: &[CheckView]) -> Beside {
    let mut steps: BTreeMap<(bool, u32), Vec<FindingView>> = BTreeMap::new();
    for finding in checks.iter().flat_map(|check| &check.findings) {
        let key = match (finding.step, finding.reference_step) {
            (Some(step), _) => (true, step),
            (None, Some(step)) => (false, step),
            (None, None) => continue,
        };
        steps.entry(key).or_default().push(finding.clone());
    }
    Beside {
        findings: steps,
        judged: judged(checks),
    }
}

/// Returns what judges said of the final answer.
fn judged(checks: &[CheckView]) -> Vec<JudgedView> {
    let scored = checks
        .iter()
        .filter_map(|check| Some((check, check.score.as_ref()?)));
    scored
        .filter(|(_check, score)| !score.votes.is_empty())
        .map(|(check, score)| JudgedView {
            check: check.id.clone(),
            state: check.state,
            message: check.why.clone(),
            votes: score.votes.clone(),
        })
        .collect()
}
