//! Pairs the tool calls of the reference with those of the candidate.

use std::collections::BTreeMap;

use crate::check::ToolUse;
use crate::diff::{best_pairs, most_pairs};
use crate::model::LaneId;

/// Whether a candidate's call (second) fits a reference's call (first).
pub(super) type Fits<'a> = &'a dyn Fn(&ToolUse<'_>, &ToolUse<'_>) -> bool;

/// For each call of the reference, the candidate's call that it is paired with.
pub(super) type Pairs = Vec<Option<usize>>;

/// Pairs as many calls as can be paired in order over the whole run.
pub(super) fn in_order(
    reference: &[ToolUse<'_>],
    candidate: &[ToolUse<'_>],
    fits: Fits<'_>,
) -> Pairs {
    let head = reference
        .iter()
        .zip(candidate)
        .take_while(|(r, c)| fits(r, c))
        .count();
    let (r_rest, c_rest) = (
        reference.get(head..).unwrap_or_default(),
        candidate.get(head..).unwrap_or_default(),
    );
    let tail = r_rest
        .iter()
        .rev()
        .zip(c_rest.iter().rev())
        .take_while(|(r, c)| fits(r, c))
        .count();
    let r_middle = r_rest.get(..r_rest.len() - tail).unwrap_or_default();
    let c_middle = c_rest.get(..c_rest.len() - tail).unwrap_or_default();
    let middle = if r_middle.len().saturating_mul(c_middle.len()) > MAX_CELLS {
        earliest(r_middle, c_middle, fits)
    } else {
        longest_common(r_middle, c_middle, fits)
    };
    let after = (candidate.len() - tail..candidate.len()).map(Some);
    (0..head)
        .map(Some)
        .chain(middle.into_iter().map(|c| c.map(|c| c + head)))
        .chain(after)
        .collect()
}

/// Pairs along a longest common subsequence, by dynamic programming.
fn longest_common(reference: &[ToolUse<'_>], candidate: &[ToolUse<'_>], fits: Fits<'_>) -> Pairs {
    let width = candidate.len() + 1;
    // `best[r * width + c]`: the most pairs among the calls from `r` and `c` on.
    let mut best = vec![0_u32; (reference.len() + 1) * width];
    let at = |best: &[u32], r: usize, c: usize| best.get(r * width + c).copied().unwrap_or(0);
    for (r, recorded) in reference.iter().enumerate().rev() {
        for (c, found) in candidate.iter().enumerate().rev() {
            let value = if fits(recorded, found) {
                at(&best, r + 1, c + 1) + 1
            } else {
                at(&best, r + 1, c).max(at(&best, r, c + 1))
            };
            if let Some(place) = best.get_mut(r * width + c) {
                *place = value;
            }
        }
    }
    let mut pairs = vec![None; reference.len()];
    let (mut r, mut c) = (0, 0);
    while let (Some(recorded), Some(found)) = (reference.get(r), candidate.get(c)) {
        if fits(recorded, found) {
            if let Some(pair) = pairs.get_mut(r) {
                *pair = Some(c);
            }
            (r, c) = (r + 1, c + 1);
        } else if at(&best, r + 1, c) >= at(&best, r, c + 1) {
            r += 1;
        } else {
            c += 1;
        }
    }
    pairs
}

/// Pairs each call with the earliest that fits after the one before it, in linear time.
///
/// If all calls of the reference can be paired in order, this finds it; if not, the pairs may not be
/// the most that can be.
fn earliest(reference: &[ToolUse<'_>], candidate: &[ToolUse<'_>], fits: Fits<'_>) -> Pairs {
    let mut next = 0;
    reference
        .iter()
        .map(|recorded| {
            let rest = candidate.get(next..)?;
            let found = next + rest.iter().position(|one| fits(recorded, one))?;
            next = found + 1;
            Some(found)
        })
        .collect()
}

/// Pairs the conversations such that most calls can be paired in order, each conversation on its own.
pub(super) fn lane_by_lane(
    reference: &[ToolUse<'_>],
    candidate: &[ToolUse<'_>],
    fits: Fits<'_>,
) -> Pairs {
    let (r_lanes, c_lanes) = (lanes(reference), lanes(candidate));
    let solve = |r: &[usize], c: &[usize]| -> Pairs {
        let r: Vec<ToolUse<'_>> = r
            .iter()
            .filter_map(|i| reference.get(*i).copied())
            .collect();
        let c: Vec<ToolUse<'_>> = c
            .iter()
            .filter_map(|i| candidate.get(*i).copied())
            .collect();
        in_order(&r, &c, fits)
    };
    let solved: Vec<Vec<Pairs>> = r_lanes
        .iter()
        .map(|r| c_lanes.iter().map(|c| solve(r, c)).collect())
        .collect();
    let worth = |r: usize, c: usize| {
        let pairs = solved.get(r).and_then(|row| row.get(c));
        pairs.map_or(0, |pairs| pairs.iter().flatten().count() as u64)
    };
    let mut all = vec![None; reference.len()];
    for (r, c) in best_pairs(r_lanes.len(), c_lanes.len(), &worth)
        .into_iter()
        .enumerate()
    {
        let Some(c) = c else { continue };
        let (Some(r_lane), Some(c_lane)) = (r_lanes.get(r), c_lanes.get(c)) else {
            continue;
        };
        let Some(pairs) = solved.get(r).and_then(|row| row.get(c)) else {
            continue;
        };
        for (index, pair) in r_lane.iter().zip(pairs) {
            if let Some(place) = all.get_mut(*index) {
                *place = pair.and_then(|position| c_lane.get(position).copied());
            }
        }
    }
    all
}

/// Returns the positions of the calls of each conversation.
fn lanes(uses: &[ToolUse<'_>]) -> Vec<Vec<usize>> {
    let mut lanes: BTreeMap<Option<LaneId>, Vec<usize>> = BTreeMap::new();
    for (index, one) in uses.iter().enumerate() {
        lanes.entry(one.lane).or_default().push(index);
    }
    lanes.into_values().collect()
}

/// Pairs as many calls as can be paired in any order.
pub(super) fn any_order(
    reference: &[ToolUse<'_>],
    candidate: &[ToolUse<'_>],
    fits: Fits<'_>,
) -> Pairs {
    most_pairs(
        reference.len(),
        candidate.len(),
        &|r, c| matches!((reference.get(r), candidate.get(c)), (Some(r), Some(c)) if fits(r, c)),
    )
}

/// The size of the table beyond which runs are paired in linear time (16 MB).
const MAX_CELLS: usize = 4_000_000;
