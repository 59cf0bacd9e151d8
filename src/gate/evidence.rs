//! From what was accepted to the base of a verdict, and from runs to what may be accepted.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::input::{Accepted, Sample, State};
use super::numbers::count;
use super::reference::trajectory;
use super::rejudge::{answer, recorded_answer};
use super::runner::{Case, ForkRun};
use super::surroundings::Judges;
use crate::baseline::{Evidence, ForkEvidence, KnownVerdict, Provenance, Said, SampleEvidence};
use crate::check::{self, CheckContext, KeptAnswer};
use crate::gate::Mode;
use crate::model::{ContentId, ForkPoint, MicroUsd, Timeline, canonical_id};
use crate::price::PriceTable;
use crate::replay::{Fork, resolve};

/// Returns what the accepted evidence says of a fork, seen from samples of it: it had failed where
/// everything that fails now failed then.
///
/// A check that is defined otherwise now says nothing of then, so what it finds counts.
pub(super) fn accepted(case: &Case, fork: &ForkPoint, samples: &[Sample]) -> Accepted {
    let Some(known) = &case.accepted else {
        return Accepted::Passed;
    };
    if let Some(why) = known.comparable_with(case.agent_name.as_deref(), case.recording) {
        let name = &case.baseline.name;
        return Accepted::Incomparable(format!("{why}; `rewind baseline accept {name}` renews it"));
    }
    let address = fork.to_string();
    let known = case.comparable().unwrap_or(known);
    if let Some(id) = judged_otherwise(case, known.forks.get(&address))
        && !samples.iter().all(|sample| sample.replay.is_unaffected)
    {
        let name = &case.baseline.name;
        return Accepted::Incomparable(format!(
            "who judges check `{id}`, or by what, was changed since the evidence was accepted, and what was answered \
             then is not kept; `rewind baseline sample {name} -n 3 --live` has it judged anew"
        ));
    }
    let digests = &case.baseline.definition.digests;
    let failed = |id: &str| {
        digests
            .get(id)
            .is_some_and(|digest| known.failed(&address, id, *digest))
    };
    let had_failed = case.baseline.definition.checks.iter().any(|check| {
        let counts = check.severity == check::Severity::Gate && check.k_of_n.is_none();
        counts && failed(&check.id)
    });
    let is_known =
        |sample: &Sample| !sample.is_crash() && sample.failures().all(|result| failed(&result.id));
    if had_failed && samples.iter().all(is_known) {
        Accepted::Failed
    } else {
        Accepted::Passed
    }
}

/// Returns the first gating check that was judged otherwise when a fork was accepted.
fn judged_otherwise<'c>(case: &'c Case, known: Option<&ForkEvidence>) -> Option<&'c str> {
    let definition = &case.baseline.definition;
    let gating = definition
        .checks
        .iter()
        .filter(|check| check.severity == check::Severity::Gate);
    let mut judged = gating.filter(|check| is_judged(case, check));
    let is_other = |check: &&check::Definition| {
        let known = known.and_then(|known| known.checks.get(&check.id));
        known.is_some_and(|known| definition.digests.get(&check.id) != Some(&known.definition))
    };
    judged.find(is_other).map(|check| check.id.as_str())
}

fn is_judged(case: &Case, check: &check::Definition) -> bool {
    let context = CheckContext::new(&case.reference, &case.reference);
    !check.check.judgings(&context).is_empty()
}

/// Returns whether a run that is equal to the recording says nothing that was not accepted: also where another judge
/// would be asked now, since none is.
fn is_seen(case: &Case, fork: &ForkEvidence) -> bool {
    let definition = &case.baseline.definition;
    let mut digests = definition.digests.clone();
    for check in &definition.checks {
        if fork.checks.contains_key(&check.id) && is_judged(case, check) {
            digests.remove(&check.id);
        }
    }
    fork.covers(&digests)
}

/// Returns what each accepted sample of a fork that says something of its own came to, in order.
///
/// Only samples of which every gating check, as it is defined now, said something are of use.
pub(super) fn accepted_results(case: &Case, fork: &ForkPoint) -> Vec<Said> {
    let Some(fork) = case
        .comparable()
        .and_then(|known| known.forks.get(&fork.to_string()))
    else {
        return Vec::new();
    };
    let definition = &case.baseline.definition;
    let mut gating = Vec::new();
    for check in &definition.checks {
        // What may fail in some samples says nothing of one.
        if check.severity != check::Severity::Gate || check.k_of_n.is_some() {
            continue;
        }
        let digest = definition.digests.get(&check.id);
        match fork.checks.get(&check.id) {
            Some(known) if digest == Some(&known.definition) => gating.push(known),
            Some(_) | None => return Vec::new(),
        }
    }
    let mut results = Vec::new();
    for (back, sample) in fork.telling() {
        let said: Option<Vec<Said>> = gating.iter().map(|check| check.said(back)).collect();
        let Some(said) = said else { break };
        let is_crash =
            sample.exit.is_some_and(|exit| exit != 0) && sample.exit != case.reference.outcome.exit;
        results.push(if is_crash || said.contains(&Said::Failed) {
            Said::Failed
        } else if said.contains(&Said::NotRun) {
            Said::NotRun
        } else {
            Said::Passed
        });
    }
    results.reverse();
    results
}

/// Returns the scores of the accepted samples of a fork that say something of their own, in order, by the id of the check;
/// `None` of a sample that was as recorded.
///
/// A check that is defined otherwise now scores otherwise.
pub(super) fn accepted_scores(case: &Case, fork: &ForkPoint) -> BTreeMap<String, Vec<Option<f64>>> {
    let known = case
        .comparable()
        .and_then(|known| known.forks.get(&fork.to_string()));
    let Some(known) = known else {
        return BTreeMap::new();
    };
    let digests = &case.baseline.definition.digests;
    let judged = known
        .checks
        .iter()
        .filter(|(id, check)| check.kind == "judge" && digests.get(*id) == Some(&check.definition));
    let scores = judged.map(|(id, check)| {
        let newest_first = known.telling().filter_map(|(back, _sample)| {
            let was_judged = check.said(back)? != Said::NotRun;
            was_judged.then(|| check.score(back))
        });
        let mut scores: Vec<Option<f64>> = newest_first.collect();
        scores.reverse();
        (id.clone(), scores)
    });
    scores.filter(|(_id, scores)| !scores.is_empty()).collect()
}

/// Returns what the accepted live runs of a fork cost, where it is known.
pub(super) fn accepted_costs(case: &Case, fork: &ForkPoint) -> Vec<MicroUsd> {
    let known = case.accepted.as_ref();
    let known = known.and_then(|known| known.forks.get(&fork.to_string()));
    let samples = known.into_iter().flat_map(|known| &known.samples);
    samples
        .filter(|sample| sample.live)
        .filter_map(|sample| sample.cost_micro_usd)
        .collect()
}

/// Returns what may be accepted of these runs: what was accepted, and what they add. `None` where
/// they add nothing. Its provenance says no more than what it would replace.
///
/// A fork that was not measured keeps what was accepted. A run that is proved equal to the recording
/// adds nothing where each check has been seen.
pub fn evidence(
    case: &Case,
    runs: &[ForkRun],
    prices: &PriceTable,
    judges: &dyn Judges,
) -> Option<Evidence> {
    let mut evidence = case.comparable().cloned().unwrap_or_else(|| {
        Evidence::new(
            case.agent_name.clone(),
            case.recording,
            fingerprint(&case.reference),
        )
    });
    let digests = &case.baseline.definition.digests;
    let definition = &case.baseline.definition;
    let forks = definition.forks.iter().chain(&definition.nightly_forks);
    let forks: Vec<String> = forks.map(ToString::to_string).collect();
    evidence.forks.retain(|fork, _known| forks.contains(fork));
    let accepted_at = accepted_at(case);
    let mut printed = None;
    for run in runs {
        if run.timelines.iter().all(Option::is_none) {
            continue;
        }
        let fork = evidence.forks.entry(run.evidence.fork.clone()).or_default();
        fork.step = step(&run.evidence.fork, &case.reference);
        for (sample, timeline) in run.evidence.samples.iter().zip(&run.timelines) {
            let Some(timeline) = timeline else { continue };
            if sample.state() != State::Whole {
                continue;
            }
            if sample.replay.is_unaffected && is_seen(case, fork) {
                continue;
            }
            if accepted_at.is_some_and(|accepted| was_heard_before(timeline, accepted)) {
                continue;
            }
            // Who breaks off before the fork tells something of its own, too.
            let tells = sample.replay.live > 0 || !sample.replay.is_unaffected;
            let is_live = sample.mode == Mode::Live && tells;
            let mut costs = costs(timeline, is_live, prices);
            if let Some((id, answer)) = seen(case, timeline, judges).filter(|_seen| is_live) {
                costs.answer = Some(id);
                evidence.answers.extend(answer.map(|answer| (id, answer)));
            }
            fork.add(costs, &sample.checks, digests);
            let verdicts = verdicts(case, timeline, judges);
            for (check, verdicts) in verdicts {
                fork.refer(&check, verdicts.keys().copied().collect());
                evidence.verdicts.extend(verdicts);
            }
            if sample.is_crash() {
                // What a run did that broke off says nothing of those that come to their end.
                continue;
            }
            evidence.trajectory = fingerprint(timeline);
            printed = Some(printed.unwrap_or(true) && sample.printed == Some(true));
        }
    }
    evidence.printed = printed.unwrap_or(evidence.printed);
    evidence.provenance = Provenance {
        replaces: case.accepted.as_ref().map(Evidence::id),
        ..Provenance::default()
    };
    evidence
        .forks
        .retain(|_fork, known| !known.samples.is_empty());
    evidence.prune();
    let is_new = case
        .accepted
        .as_ref()
        .is_none_or(|known| known.id() != evidence.id());
    (is_new && !evidence.forks.is_empty()).then_some(evidence)
}

/// Returns the hash of what judges see of a run, and that, where it is not what was recorded.
fn seen(
    case: &Case,
    timeline: &Timeline,
    judges: &dyn Judges,
) -> Option<(ContentId, Option<KeptAnswer>)> {
    let context = CheckContext::new(&case.reference, timeline);
    let checks = &case.baseline.definition.checks;
    let answer = answer(checks, &context, judges)?;
    let id = canonical_id(&answer);
    let is_recorded = recorded_answer(checks, &context, judges) == Some(id);
    Some((id, (!is_recorded).then_some(answer)))
}

/// Returns what judges said of a run, by the ids of the checks that asked them.
fn verdicts(
    case: &Case,
    timeline: &Timeline,
    judges: &dyn Judges,
) -> BTreeMap<String, BTreeMap<ContentId, KnownVerdict>> {
    let context = CheckContext::new(&case.reference, timeline);
    let checks = case.baseline.definition.checks.iter();
    let checks = checks.filter(|check| check.severity != check::Severity::Off);
    checks
        .map(|check| {
            let judgings = check.check.judgings(&context).into_iter();
            let verdicts = judgings.flat_map(|judging| judges.verdicts(&judging));
            (check.id.clone(), verdicts.collect())
        })
        .collect()
}

/// Returns when the comparable evidence was accepted.
fn accepted_at(case: &Case) -> Option<Timestamp> {
    case.comparable()?.provenance.when.parse().ok()
}

/// Returns whether all live answers of a run were kept by earlier ones that had ended by then: who accepted
/// evidence then had them before their eyes, and they say nothing twice.
fn was_heard_before(timeline: &Timeline, then: Timestamp) -> bool {
    let mut live = timeline
        .model_steps()
        .filter(|(_step, call)| call.served.is_none())
        .peekable();
    // When evidence is accepted is known to the second.
    live.peek().is_some()
        && live.all(|(_step, call)| {
            let heard = call.remembered_at().and_then(|when| when.parse().ok());
            heard.is_some_and(|heard: Timestamp| heard.as_second() <= then.as_second())
        })
}

/// Returns whether the agent printed its final answer when comparable evidence was accepted.
pub(super) fn has_printed(case: &Case) -> bool {
    case.comparable().is_some_and(|known| known.printed)
}

/// Returns the evidence that the recording itself is, without running the agent.
pub fn of_recording(case: &Case, context: &CheckContext<'_>) -> Evidence {
    let mut evidence = Evidence::new(
        case.agent_name.clone(),
        case.recording,
        fingerprint(&case.reference),
    );
    let results = check::run(&case.baseline.definition.checks, context);
    for fork in &case.baseline.definition.forks {
        let mut known = ForkEvidence {
            step: step(&fork.to_string(), &case.reference),
            ..ForkEvidence::default()
        };
        let sample = costs(&case.reference, false, context.prices);
        known.add(sample, &results, &case.baseline.definition.digests);
        evidence.forks.insert(fork.to_string(), known);
    }
    evidence
}

fn step(fork: &str, reference: &Timeline) -> Option<crate::model::StepIndex> {
    match resolve(&fork.parse().ok()?, reference) {
        Ok(Fork::At(step)) => Some(step),
        Ok(Fork::Auto | Fork::Never) | Err(_) => None,
    }
}

/// Returns the hash of the tool calls of a run, whatever their order.
fn fingerprint(timeline: &Timeline) -> ContentId {
    canonical_id(&trajectory(timeline))
}

pub(super) fn costs(timeline: &Timeline, live: bool, prices: &PriceTable) -> SampleEvidence {
    let calls: Vec<_> = timeline.model_steps().map(|(_step, call)| call).collect();
    let usage: crate::model::Usage = calls.iter().filter_map(|call| call.response.usage).sum();
    SampleEvidence {
        live,
        exit: timeline.outcome.exit,
        steps: count(timeline.steps.len()),
        model_calls: count(calls.len()),
        input_tokens: usage.input,
        output_tokens: usage.output,
        cost_micro_usd: calls
            .iter()
            .map(|call| prices.price_of(call))
            .sum::<Option<_>>(),
        answer: None,
    }
}
