//! The spans of a trace as a tree, whatever order they came in and whatever is missing.

use std::collections::HashMap;

use crate::interop::ImportError;
use crate::interop::span::Span;

/// The spans of one trace with their places.
#[derive(Debug)]
pub(super) struct Tree {
    /// In the order of their beginning.
    pub(super) spans: Vec<Span>,
    /// The place of the span around each.
    pub(super) parents: Vec<Option<usize>>,
    /// Those whose parent never came.
    pub(super) orphans: Vec<usize>,
    /// How many were there more than once.
    pub(super) repeated: usize,
}

impl Tree {
    /// Returns the tree of these spans.
    ///
    /// # Errors
    /// Parents that go in a circle.
    pub(super) fn of(spans: Vec<Span>) -> Result<Self, ImportError> {
        let total = spans.len();
        let mut spans = without_repeats(spans);
        let repeated = total.saturating_sub(spans.len());
        spans.sort_by(|a, b| (a.began_us, &a.id).cmp(&(b.began_us, &b.id)));
        let places: HashMap<&str, usize> = (0..)
            .zip(&spans)
            .map(|(place, span)| (span.id.as_str(), place))
            .collect();
        let mut orphans = Vec::new();
        let mut parents = Vec::with_capacity(spans.len());
        for (place, span) in spans.iter().enumerate() {
            let parent = span.parent.as_deref().filter(|parent| !parent.is_empty());
            let found = parent.and_then(|parent| places.get(parent).copied());
            if parent.is_some() && found.is_none() {
                orphans.push(place);
            }
            parents.push(found);
        }
        let tree = Self {
            spans,
            parents,
            orphans,
            repeated,
        };
        tree.check_circles()?;
        Ok(tree)
    }

    /// Returns for each span the nearest one around it that is wanted.
    pub(super) fn nearest(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        let mut known: Vec<(bool, Option<usize>)> = vec![(false, None); self.spans.len()];
        for start in 0..self.spans.len() {
            let mut way = Vec::new();
            let mut place = start;
            let found = loop {
                if let Some((true, found)) = known.get(place) {
                    break *found;
                }
                way.push(place);
                match self.parent(place) {
                    Some(parent) if is_wanted(parent) => break Some(parent),
                    Some(parent) => place = parent,
                    None => break None,
                }
            };
            for place in way {
                if let Some(slot) = known.get_mut(place) {
                    *slot = (true, found);
                }
            }
        }
        known.into_iter().map(|(_is_known, found)| found).collect()
    }

    /// Returns the outermost span: the one that began first among those without a parent.
    pub(super) fn root(&self) -> Option<&Span> {
        let mut roots = (0..)
            .zip(&self.parents)
            .filter(|(_place, parent)| parent.is_none());
        // A root of its own is worth more than one whose parent is missing.
        let place = roots
            .clone()
            .find(|(place, _parent)| self.orphans.binary_search(place).is_err())
            .or_else(|| roots.next())?
            .0;
        self.spans.get(place)
    }

    fn parent(&self, place: usize) -> Option<usize> {
        self.parents.get(place).copied().flatten()
    }

    fn check_circles(&self) -> Result<(), ImportError> {
        // 0: not looked at; 1: on the way being followed; 2: leads to a root.
        let mut state = vec![0_u8; self.spans.len()];
        for start in 0..self.spans.len() {
            let mut way = Vec::new();
            let mut next = Some(start);
            while let Some(place) = next {
                match state.get_mut(place) {
                    Some(seen @ 0) => *seen = 1,
                    Some(1) => {
                        let id = self.spans.get(place).map(|span| span.id.clone());
                        return Err(ImportError::Circle(id.unwrap_or_default()));
                    }
                    Some(_) | None => break,
                }
                way.push(place);
                next = self.parent(place);
            }
            for place in way {
                if let Some(seen) = state.get_mut(place) {
                    *seen = 2;
                }
            }
        }
        Ok(())
    }
}

/// Keeps each span once: of two with the same id the one that has ended, else the one that says more.
fn without_repeats(spans: Vec<Span>) -> Vec<Span> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let known = places.get(&span.id).and_then(|place| kept.get_mut(*place));
        if let Some(known) = known {
            let says = |span: &Span| (span.ended_us.is_some(), span.attributes.len());
            if says(&span) > says(known) {
                *known = span;
            }
        } else {
            places.insert(span.id.clone(), kept.len());
            kept.push(span);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: Option<&str>, began_us: i64) -> Span {
        Span {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            began_us,
            ended_us: Some(began_us + 1),
            ..Span::default()
        }
    }

    #[test]
    fn children_may_come_before_their_parents() {
        let tree = Tree::of(vec![
            span("c", Some("b"), 3),
            span("b", Some("a"), 2),
            span("a", None, 1),
        ]);
        let tree = tree.unwrap();
        assert_eq!(tree.parents, [None, Some(0), Some(1)]);
        assert_eq!(tree.nearest(|place| place == 0), [None, Some(0), Some(0)]);
        assert_eq!(tree.root().unwrap().id, "a");
    }

    #[test]
    fn a_span_whose_parent_never_came_is_a_root() {
        let tree = Tree::of(vec![span("b", Some("lost"), 1), span("c", Some("b"), 2)]).unwrap();
        assert_eq!(tree.orphans, [0]);
        assert_eq!(tree.root().unwrap().id, "b");
    }

    #[test]
    fn parents_in_a_circle_are_an_error() {
        for spans in [
            vec![span("a", Some("a"), 1)],
            vec![
                span("a", Some("b"), 1),
                span("b", Some("c"), 2),
                span("c", Some("a"), 3),
            ],
        ] {
            let error = Tree::of(spans).unwrap_err().to_string();
            assert!(error.contains("circle"), "{error}");
        }
    }

    #[test]
    fn a_very_deep_trace_is_no_trouble() {
        let spans = (0..200_000).map(|n: i64| {
            let parent = n.checked_sub(1).filter(|n| *n >= 0).map(|n| n.to_string());
            span(&n.to_string(), parent.as_deref(), n)
        });
        let tree = Tree::of(spans.collect()).unwrap();
        assert_eq!(tree.nearest(|place| place == 0).last(), Some(&Some(0)));
    }

    #[test]
    fn a_span_that_came_twice_counts_once() {
        let mut open = span("a", None, 1);
        open.ended_us = None;
        let tree = Tree::of(vec![open, span("a", None, 1)]).unwrap();
        assert_eq!((tree.spans.len(), tree.repeated), (1, 1));
        assert!(tree.spans[0].ended_us.is_some());
    }
}
