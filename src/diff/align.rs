//! Aligns two timelines, so that an inserted step does not make all later ones differ.
//!
//! Conversations are paired first, then the steps of each pair: equal ones by the shortest edit
//! script (Myers 1986), those between them by the greatest likeness.

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::lanes::{Lane, counterparts, lanes};
use super::step::{Changed, StepDiff, likeness, step_diff};
use super::{TextDiff, text_diff};
use crate::model::{Step, StepIndex, Timeline};

/// Two steps that correspond, or one that has no counterpart.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Pair {
    /// Equal steps.
    Same {
        /// The step on the left.
        left: StepIndex,
        /// The step on the right.
        right: StepIndex,
    },
    /// Steps that correspond and differ.
    Changed {
        /// The step on the left.
        left: StepIndex,
        /// The step on the right.
        right: StepIndex,
        /// How they differ.
        diff: Box<StepDiff>,
    },
    /// A step that only the left has.
    Removed {
        /// The step on the left.
        left: StepIndex,
    },
    /// A step that only the right has.
    Added {
        /// The step on the right.
        right: StepIndex,
    },
}

impl Pair {
    /// Returns the step on the left.
    pub fn left(&self) -> Option<StepIndex> {
        match self {
            Self::Same { left, .. } | Self::Changed { left, .. } | Self::Removed { left } => {
                Some(*left)
            }
            Self::Added { .. } => None,
        }
    }

    /// Returns the step on the right.
    pub fn right(&self) -> Option<StepIndex> {
        match self {
            Self::Same { right, .. } | Self::Changed { right, .. } | Self::Added { right } => {
                Some(*right)
            }
            Self::Removed { .. } => None,
        }
    }
}

/// How two timelines correspond.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Alignment {
    /// Every step of both exactly once, in the order of the left; within a conversation also in the
    /// order of the right.
    pub steps: Vec<Pair>,
    /// How the final answers differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<TextDiff>,
    /// How the exit status differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Changed<Option<i32>>>,
}

impl Alignment {
    /// Returns whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.answer.is_none()
            && self.exit.is_none()
            && self
                .steps
                .iter()
                .all(|pair| matches!(pair, Pair::Same { .. }))
    }

    /// Returns whether both made the same calls of models and tools with the same arguments, whatever
    /// was said.
    pub fn is_same_trajectory(&self) -> bool {
        self.steps.iter().all(|pair| match pair {
            Pair::Same { .. } => true,
            Pair::Changed { diff, .. } => diff.fields.is_empty(),
            Pair::Removed { .. } | Pair::Added { .. } => false,
        })
    }
}

/// Returns how two timelines correspond.
pub fn align(left: &Timeline, right: &Timeline) -> Alignment {
    let (lefts, rights) = (lanes(left), lanes(right));
    let pairs = counterparts(&lefts, &rights);
    let mut steps = Vec::with_capacity(left.steps.len().max(right.steps.len()));
    let mut is_taken = vec![false; rights.len()];
    for (lane, counterpart) in lefts.iter().zip(&pairs) {
        let other = counterpart.and_then(|index| rights.get(index));
        match other {
            Some(other) => pair_steps(lane, other, &mut steps),
            None => steps.extend(
                lane.steps
                    .iter()
                    .map(|step| Pair::Removed { left: step.number }),
            ),
        }
        if let Some(flag) = counterpart.and_then(|index| is_taken.get_mut(index)) {
            *flag = true;
        }
    }
    for (lane, is_taken) in rights.iter().zip(is_taken) {
        if !is_taken {
            steps.extend(
                lane.steps
                    .iter()
                    .map(|step| Pair::Added { right: step.number }),
            );
        }
    }
    let answer = text_diff(
        left.outcome.answer.as_deref().unwrap_or_default(),
        right.outcome.answer.as_deref().unwrap_or_default(),
    );
    let exit = Changed {
        left: left.outcome.exit,
        right: right.outcome.exit,
    };
    let differs = exit.left.is_some() && exit.right.is_some() && exit.left != exit.right;
    Alignment {
        steps: in_order(steps),
        answer,
        exit: differs.then_some(exit),
    }
}

fn pair_steps(left: &Lane<'_>, right: &Lane<'_>, pairs: &mut Vec<Pair>) {
    for op in capture_diff_slices(Algorithm::Myers, &left.keys, &right.keys) {
        match op {
            DiffOp::Equal {
                old_index,
                new_index,
                len,
            } => {
                let both = slice(&left.steps, old_index, len).iter();
                let both = both.zip(slice(&right.steps, new_index, len));
                pairs.extend(both.map(|(l, r)| Pair::Same {
                    left: l.number,
                    right: r.number,
                }));
            }
            DiffOp::Delete {
                old_index, old_len, ..
            } => {
                pairs.extend(
                    slice(&left.steps, old_index, old_len)
                        .iter()
                        .map(|s| removed(s)),
                );
            }
            DiffOp::Insert {
                new_index, new_len, ..
            } => {
                pairs.extend(
                    slice(&right.steps, new_index, new_len)
                        .iter()
                        .map(|s| added(s)),
                );
            }
            DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            } => {
                let lefts = slice(&left.steps, old_index, old_len);
                let rights = slice(&right.steps, new_index, new_len);
                pair_alike(lefts, rights, pairs);
            }
        }
    }
}

fn slice<'a, 'b>(steps: &'a [&'b Step], start: usize, len: usize) -> &'a [&'b Step] {
    steps
        .get(start..start.saturating_add(len))
        .unwrap_or_default()
}

fn removed(step: &Step) -> Pair {
    Pair::Removed { left: step.number }
}

fn added(step: &Step) -> Pair {
    Pair::Added { right: step.number }
}

fn changed(left: &Step, right: &Step) -> Pair {
    match step_diff(left, right) {
        None => Pair::Same {
            left: left.number,
            right: right.number,
        },
        Some(diff) => Pair::Changed {
            left: left.number,
            right: right.number,
            diff: Box::new(diff),
        },
    }
}

/// Pairs steps in order so that their likeness is greatest (Needleman and Wunsch 1970).
fn pair_alike(left: &[&Step], right: &[&Step], pairs: &mut Vec<Pair>) {
    if left.len().saturating_mul(right.len()) > MAX_CELLS {
        pairs.extend(left.iter().map(|step| removed(step)));
        pairs.extend(right.iter().map(|step| added(step)));
        return;
    }
    let width = right.len() + 1;
    let mut best = vec![0_u32; (left.len() + 1) * width];
    let at = |best: &[u32], l: usize, r: usize| best.get(l * width + r).copied().unwrap_or(0);
    for (l, a) in left.iter().enumerate().rev() {
        for (r, b) in right.iter().enumerate().rev() {
            let skip = at(&best, l + 1, r).max(at(&best, l, r + 1));
            let paired = likeness(a, b).map_or(0, |alike| alike + at(&best, l + 1, r + 1));
            if let Some(place) = best.get_mut(l * width + r) {
                *place = skip.max(paired);
            }
        }
    }
    let (mut l, mut r) = (0, 0);
    loop {
        match (left.get(l), right.get(r)) {
            (Some(a), Some(b)) => {
                let here = at(&best, l, r);
                if here == at(&best, l + 1, r) {
                    pairs.push(removed(a));
                    l += 1;
                } else if here == at(&best, l, r + 1) {
                    pairs.push(added(b));
                    r += 1;
                } else {
                    pairs.push(changed(a, b));
                    (l, r) = (l + 1, r + 1);
                }
            }
            (Some(a), None) => {
                pairs.push(removed(a));
                l += 1;
            }
            (None, Some(b)) => {
                pairs.push(added(b));
                r += 1;
            }
            (None, None) => return,
        }
    }
}

/// Sorts by the step on the left; a step without one follows the pair before it in its conversation.
fn in_order(pairs: Vec<Pair>) -> Vec<Pair> {
    let mut anchor = 0;
    let mut keyed: Vec<((u32, u32), Pair)> = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let key = match (pair.left(), pair.right()) {
            (Some(left), _) => {
                anchor = left.0;
                (left.0, 0)
            }
            (None, Some(right)) => (anchor, right.0),
            (None, None) => (anchor, 0),
        };
        keyed.push((key, pair));
    }
    keyed.sort_by_key(|(key, _pair)| *key);
    keyed.into_iter().map(|(_key, pair)| pair).collect()
}

/// The size of the table beyond which changed steps are not looked at one by one.
const MAX_CELLS: usize = 250_000;
