//! Finds the spans that tell of a call of a model that another span tells of, too.
//!
//! Instrumentations nest (a framework's around a client's), and some clients bring one of their own.

use std::collections::{BTreeSet, HashMap};

use super::tree::Tree;
use crate::interop::meaning::{self, Kind};

/// Which spans are folded into another.
#[derive(Debug, Default)]
pub(super) struct Fold {
    folded: BTreeSet<usize>,
}

impl Fold {
    /// Returns what to fold in a trace.
    pub(super) fn of(tree: &Tree, kinds: &[Kind]) -> Self {
        let is_model = |place: usize| {
            let kind = kinds.get(place);
            kind == Some(&Kind::Model) || kind == Some(&Kind::Embedding)
        };
        let models: Vec<usize> = (0..tree.spans.len())
            .filter(|place| is_model(*place))
            .collect();
        let mut fold = Self::default();
        if models.len() < 2 {
            return fold;
        }
        let heard: HashMap<usize, Heard> = models
            .iter()
            .filter_map(|place| Some((*place, Heard::of(tree.spans.get(*place)?))))
            .collect();
        fold.nested(tree, &models, &heard, is_model);
        fold.beside(tree, &models, &heard);
        fold
    }

    /// Folds a wrapper and what it wraps, whichever says less.
    fn nested(
        &mut self,
        tree: &Tree,
        models: &[usize],
        heard: &HashMap<usize, Heard>,
        is_model: impl Fn(usize) -> bool,
    ) {
        let outer = tree.nearest(is_model);
        let mut inside: HashMap<usize, Vec<usize>> = HashMap::new();
        for place in models {
            if let Some(outer) = outer.get(*place).copied().flatten() {
                inside.entry(outer).or_default().push(*place);
            }
        }
        for (outer, inner) in inside {
            let says = |place: &usize| heard.get(place).map_or(0, Heard::score);
            let best = inner.iter().map(says).max().unwrap_or(0);
            if inner.len() > 1 || best >= says(&outer) {
                // A loop of calls in one span is none by itself.
                self.folded.insert(outer);
            } else {
                self.folded.extend(inner);
            }
        }
    }

    /// Folds spans of the same answer, or of the same call at the same time, that do not nest.
    fn beside(&mut self, tree: &Tree, models: &[usize], heard: &HashMap<usize, Heard>) {
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        for place in models {
            if self.folded.contains(place) {
                continue;
            }
            let Some(one) = heard.get(place) else {
                continue;
            };
            let Some(id) = one.id.as_deref().filter(|id| !id.is_empty()) else {
                continue;
            };
            let Some(known) = by_id.get(id).copied() else {
                by_id.insert(id, *place);
                continue;
            };
            if !overlap(tree, known, *place) {
                continue;
            }
            let is_better = heard.get(&known).map_or(0, Heard::score) < one.score();
            self.folded.insert(if is_better { known } else { *place });
            if is_better {
                by_id.insert(id, *place);
            }
        }
    }

    /// Returns whether a span is told by another one.
    pub(super) fn is_folded(&self, place: usize) -> bool {
        self.folded.contains(&place)
    }

    /// Returns how many are.
    pub(super) fn folded(&self) -> usize {
        self.folded.len()
    }
}

/// How much a span says of its call.
#[derive(Debug)]
struct Heard {
    id: Option<String>,
    score: u32,
}

impl Heard {
    fn of(span: &crate::interop::span::Span) -> Self {
        let found = meaning::found(span);
        let body_id = || {
            let id = found.response.as_ref()?.get("id")?;
            id.as_str().map(str::to_owned)
        };
        let points = [
            (found.request.is_some(), 8),
            (found.messages.is_some(), 4),
            (found.response.is_some() || found.output.is_some(), 4),
            (found.tools.is_some(), 1),
            (found.usage.is_some(), 1),
            (found.asked.is_some(), 1),
        ];
        let score = points.iter().filter(|(is_there, _points)| *is_there);
        Self {
            id: found.id.clone().or_else(body_id),
            score: score.map(|(_is_there, points)| points).sum(),
        }
    }

    fn score(&self) -> u32 {
        self.score
    }
}

fn overlap(tree: &Tree, a: usize, b: usize) -> bool {
    let times = |place: usize| {
        let span = tree.spans.get(place)?;
        Some((span.began_us, span.ended_us.unwrap_or(i64::MAX)))
    };
    match (times(a), times(b)) {
        (Some(a), Some(b)) => a.0 <= b.1 && b.0 <= a.1,
        _ => false,
    }
}
