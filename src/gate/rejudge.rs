//! What was accepted, judged by the judge of now: evidence of another judge is never compared.
//!
//! It is done only where a fork of the baseline goes live. What can't be judged again stays as it was accepted, and
//! the fork is then `incomparable`.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::runner::{Case, Runner};
use super::surroundings::{Judges, Surroundings};
use crate::baseline::{CheckEvidence, Evidence, ForkEvidence, KnownVerdict, SampleEvidence};
use crate::check::{self, CheckContext, KeptAnswer, Outcome, Score, Severity};
use crate::model::{ContentId, Timeline, canonical_id};

impl Runner {
    /// Judges again what was accepted of a case where its judge changed since.
    pub(super) async fn rejudge(&self, case: &mut Case) {
        let Some(evidence) = case.comparable() else {
            return;
        };
        let digests = &case.baseline.definition.digests;
        let is_of_another = |fork: &ForkEvidence| {
            fork.checks.iter().any(|(id, known)| {
                let digest = digests.get(id);
                digest.is_some_and(|digest| known.kind == JUDGE && *digest != known.definition)
            })
        };
        if !evidence.forks.values().any(is_of_another) {
            return;
        }
        let surroundings =
            Surroundings::new(&case.agent, Arc::clone(&self.redactor), Handle::current())
                .with_judges(Arc::clone(&self.judges));
        let again = Again {
            reference: Arc::clone(&case.reference),
            checks: case.baseline.definition.checks.clone(),
            digests: digests.clone(),
            surroundings,
            judges: Arc::clone(&self.judges),
        };
        let mut evidence = evidence.clone();
        let judging =
            tokio::task::spawn_blocking(move || again.judge(&mut evidence).then_some(evidence));
        // A judge that breaks off has judged nothing.
        case.rejudged = judging.await.ok().flatten();
    }
}

/// What it takes to judge what was accepted.
struct Again {
    reference: Arc<Timeline>,
    checks: Vec<check::Definition>,
    digests: BTreeMap<String, ContentId>,
    surroundings: Surroundings,
    judges: Arc<dyn Judges>,
}

impl Again {
    /// Judges each accepted sample by each check whose judge changed, and returns whether any could be.
    fn judge(&self, evidence: &mut Evidence) -> bool {
        let mut is_changed = false;
        let answers = evidence.answers.clone();
        for fork in evidence.forks.values_mut() {
            let changed = self.checks.iter().filter_map(|check| {
                let digest = self.digests.get(&check.id)?;
                let known = fork.checks.get(&check.id)?;
                let is_judged = check.check.kind() == JUDGE && check.severity != Severity::Off;
                (is_judged && known.definition != *digest).then_some((check, *digest))
            });
            let mut judged = Vec::new();
            for (check, digest) in changed {
                let mut known = CheckEvidence::new(JUDGE, digest);
                let mut is_measured = false;
                for sample in &fork.samples {
                    let (outcome, score, verdicts) = self.judged(check, sample, &answers);
                    is_measured |= !matches!(outcome, Outcome::NotRun { .. });
                    known.push(&outcome, score.as_ref());
                    known.refer(verdicts.keys().copied().collect());
                    evidence.verdicts.extend(verdicts);
                }
                if is_measured {
                    judged.push((check.id.clone(), known));
                }
            }
            is_changed |= !judged.is_empty();
            fork.checks.extend(judged);
        }
        is_changed
    }

    /// Returns what a check says now of a sample that was accepted, and by which verdicts.
    fn judged(
        &self,
        check: &check::Definition,
        sample: &SampleEvidence,
        answers: &BTreeMap<ContentId, KeptAnswer>,
    ) -> (Outcome, Option<Score>, Verdicts) {
        let mut context = CheckContext {
            outside: &self.surroundings,
            ..CheckContext::new(&self.reference, &self.reference)
        };
        let recorded = recorded_answer(&self.checks, &context, self.judges.as_ref());
        // What was not asked live answered as it was recorded.
        if sample.live && sample.answer.is_none_or(|answer| Some(answer) != recorded) {
            let Some(kept) = sample.answer.and_then(|answer| answers.get(&answer)) else {
                let why = "what was answered then is not kept";
                return (Outcome::not_run(why), None, Verdicts::new());
            };
            context.kept = Some(kept);
        }
        let (outcome, score) = check.check.measure(&context);
        let judgings = check.check.judgings(&context).into_iter();
        let verdicts = judgings.flat_map(|judging| self.judges.verdicts(&judging));
        (outcome, score, verdicts.collect())
    }
}

type Verdicts = BTreeMap<ContentId, KnownVerdict>;

/// Returns what of a run the judges of these checks look at; `None` where nothing is judged, or it is too much to
/// be kept.
pub(super) fn answer(
    checks: &[check::Definition],
    context: &CheckContext<'_>,
    judges: &dyn Judges,
) -> Option<KeptAnswer> {
    let checks = checks
        .iter()
        .filter(|check| check.severity != Severity::Off);
    let judgings = checks.flat_map(|check| check.check.judgings(context));
    let seen = judgings.filter_map(|judging| judges.answer(&judging));
    // One that reads the tools' results sees everything that the others see.
    let most = seen.max_by_key(|answer| answer.tools.is_some())?;
    (most.len() <= LARGEST).then_some(most)
}

/// Returns the hash of what the judges of these checks look at in the recording.
pub(super) fn recorded_answer(
    checks: &[check::Definition],
    context: &CheckContext<'_>,
    judges: &dyn Judges,
) -> Option<ContentId> {
    let recorded = CheckContext {
        candidate: context.reference,
        ..*context
    };
    answer(checks, &recorded, judges).map(|answer| canonical_id(&answer))
}

/// The kind of the checks that are judged.
pub(super) const JUDGE: &str = "judge";

/// The most bytes of an answer, with the results of tools, that are kept.
const LARGEST: usize = 64 << 10;
