//! Finds which conversation of one timeline is which of another.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::best_pairs;
use super::step::key;
use crate::model::{ContentId, LaneId, Step, Thread, Timeline};

/// A conversation: its steps, and what it can be known by.
pub(super) struct Lane<'a> {
    pub(super) steps: Vec<&'a Step>,
    pub(super) keys: Vec<ContentId>,
    agent: &'a str,
    question: Option<ContentId>,
}

/// Returns the conversations of a timeline in the order of their first steps.
pub(super) fn lanes(timeline: &Timeline) -> Vec<Lane<'_>> {
    let mut by_id: BTreeMap<LaneId, Vec<&Step>> = BTreeMap::new();
    for step in &timeline.steps {
        by_id.entry(step.lane).or_default().push(step);
    }
    by_id
        .into_values()
        .map(|steps| Lane {
            keys: steps.iter().map(|step| key(step)).collect(),
            agent: steps.first().map_or("", |step| step.agent.as_str()),
            question: steps
                .iter()
                .find_map(|step| step.call())
                .and_then(|call| call.request.thread.ancestors().last().map(Thread::id)),
            steps,
        })
        .collect()
}

/// Returns, for each lane on the left, the lane on the right that it corresponds to.
///
/// Equal ones first, then those of the same agent with the same question, then the most alike.
pub(super) fn counterparts(left: &[Lane<'_>], right: &[Lane<'_>]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; left.len()];
    let mut free: Vec<bool> = vec![true; right.len()];
    let whole = |lane: &Lane<'_>| (lane.agent.to_owned(), lane.keys.clone());
    pair_equal(left, right, &mut pairs, &mut free, whole);
    let question = |lane: &Lane<'_>| (lane.agent.to_owned(), lane.question);
    pair_equal(left, right, &mut pairs, &mut free, question);
    let lefts: Vec<usize> = positions(pairs.iter().map(Option::is_none));
    let rights: Vec<usize> = positions(free.iter().copied());
    if lefts.len().max(rights.len()) > MAX_COMPARED {
        return pairs;
    }
    let alike = best_pairs(lefts.len(), rights.len(), &|l, r| {
        let left = lefts.get(l).and_then(|index| left.get(*index));
        let right = rights.get(r).and_then(|index| right.get(*index));
        left.zip(right)
            .map_or(0, |(left, right)| likeness(left, right))
    });
    for (l, r) in alike.into_iter().enumerate() {
        let place = lefts.get(l).and_then(|index| pairs.get_mut(*index));
        if let (Some(place), Some(r)) = (place, r.and_then(|r| rights.get(r))) {
            *place = Some(*r);
        }
    }
    pairs
}

fn positions(flags: impl Iterator<Item = bool>) -> Vec<usize> {
    flags
        .enumerate()
        .filter_map(|(index, flag)| flag.then_some(index))
        .collect()
}

/// Pairs the k-th free lane on the left with the k-th free lane on the right that has the same name.
fn pair_equal<K: Eq + Hash>(
    left: &[Lane<'_>],
    right: &[Lane<'_>],
    pairs: &mut [Option<usize>],
    free: &mut [bool],
    name: impl Fn(&Lane<'_>) -> K,
) {
    let mut waiting: HashMap<K, Vec<usize>> = HashMap::new();
    for (index, lane) in right.iter().enumerate().rev() {
        if free.get(index).copied().unwrap_or(false) {
            waiting.entry(name(lane)).or_default().push(index);
        }
    }
    for (lane, pair) in left
        .iter()
        .zip(pairs)
        .filter(|(_lane, pair)| pair.is_none())
    {
        let Some(index) = waiting.get_mut(&name(lane)).and_then(Vec::pop) else {
            continue;
        };
        *pair = Some(index);
        if let Some(flag) = free.get_mut(index) {
            *flag = false;
        }
    }
}

/// Returns how alike two lanes are; never 0, since of two single conversations each is the other's
/// counterpart.
fn likeness(left: &Lane<'_>, right: &Lane<'_>) -> u64 {
    let mut counts: HashMap<ContentId, usize> = HashMap::new();
    for key in &right.keys {
        *counts.entry(*key).or_default() += 1;
    }
    let mut common = 0;
    for key in &left.keys {
        if let Some(count) = counts.get_mut(key).filter(|count| **count > 0) {
            *count -= 1;
            common += 2_000;
        }
    }
    let share = common / (left.keys.len() + right.keys.len()).max(1) as u64;
    let question = u64::from(left.question == right.question) * 500;
    1 + share + question + u64::from(left.agent == right.agent) * 1_000
}

/// Beyond this many conversations without a counterpart, none is looked for.
const MAX_COMPARED: usize = 300;
