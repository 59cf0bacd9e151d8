//! Looks recorded steps up for a request: the rungs of the ladder, without the rules of the fork.

use std::collections::HashSet;
use std::sync::Arc;

use super::keys::History;
use super::matcher::{Matcher, Question, State};
use super::recording::Entry;
use super::treatment;
use crate::model::{ContentId, Drift, Rung, StepIndex};

/// The outcome of a search.
pub(super) enum Found {
    Nothing,
    One(Match),
    /// Several fit, with different answers.
    Ambiguous(Vec<StepIndex>),
}

impl Found {
    /// Returns whether what was found differs from the request in the treatment.
    pub(super) fn is_guess(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::One(found) => found.rung == Rung::Drift,
            Self::Ambiguous(_) => true,
        }
    }
}

/// A recorded step that fits a request.
#[derive(Debug, Clone)]
pub(super) struct Match {
    pub(super) entry: usize,
    pub(super) rung: Rung,
    pub(super) drift: Vec<Drift>,
}

impl Matcher {
    /// Returns the first recorded step among those that `admit` lets through.
    pub(super) fn search(
        &self,
        state: &State,
        question: Question<'_>,
        require: Rung,
        admit: &dyn Fn(usize, &Entry) -> bool,
    ) -> Found {
        if let Some(entry) = self.exact(question, admit).next() {
            return Found::One(Match {
                entry,
                rung: Rung::Exact,
                drift: Vec::new(),
            });
        }
        if require == Rung::Exact {
            return Found::Nothing;
        }
        let history = self.recording.keys.history(&question.request.thread);
        let mut drifted = Vec::new();
        for found in self.equal_histories(question, &history, admit) {
            if found.drift.is_empty() {
                return Found::One(found);
            }
            drifted.push(found);
        }
        if require == Rung::Normalised || drifted.is_empty() {
            return Found::Nothing;
        }
        self.bind(state, question, drifted)
    }

    /// Like `search`, but the last step of those that fit equally well.
    pub(super) fn search_last(
        &self,
        state: &State,
        question: Question<'_>,
        require: Rung,
        admit: &dyn Fn(usize, &Entry) -> bool,
    ) -> Found {
        match self.exact(question, admit).last() {
            Some(entry) => Found::One(Match {
                entry,
                rung: Rung::Exact,
                drift: Vec::new(),
            }),
            None => self.search(state, question, require, admit),
        }
    }

    fn exact<'a>(
        &'a self,
        question: Question<'_>,
        admit: &'a dyn Fn(usize, &Entry) -> bool,
    ) -> impl Iterator<Item = usize> + 'a {
        let bucket = self.recording.by_fingerprint.get(&question.fingerprint);
        let admitted = move |index: &usize| {
            self.recording
                .entries
                .get(*index)
                .is_some_and(|entry| admit(*index, entry))
        };
        bucket.into_iter().flatten().copied().filter(admitted)
    }

    /// Returns the admitted steps of equal history whose treatment differs at most where it may.
    fn equal_histories(
        &self,
        question: Question<'_>,
        history: &History,
        admit: &dyn Fn(usize, &Entry) -> bool,
    ) -> Vec<Match> {
        let recording = &self.recording;
        let bucket = recording
            .by_history
            .get(&history.key)
            .into_iter()
            .flatten()
            .copied();
        bucket
            .filter_map(|index| {
                let entry = recording
                    .entries
                    .get(index)
                    .filter(|entry| admit(index, entry))?;
                let mut drift =
                    recording
                        .keys
                        .verify(&entry.ordered, &history.ordered, recording.days)?;
                let (recorded, live) = (&entry.call.request.treatment, &question.request.treatment);
                let ignore = &self.rules.ignore;
                if !Arc::ptr_eq(recorded, live) {
                    let keys = &recording.keys;
                    drift.extend(treatment::differences(
                        keys,
                        ignore,
                        recorded,
                        live,
                        recording.days,
                    ));
                }
                drift.sort();
                drift.dedup();
                let rung = if drift.is_empty() {
                    Rung::Normalised
                } else {
                    Rung::Drift
                };
                self.rules.allow(&drift).then_some(Match {
                    entry: index,
                    rung,
                    drift,
                })
            })
            .collect()
    }

    /// Chooses among steps of equal history and another treatment: binds live treatments one-to-one
    /// to recorded ones by agent header, else equal system prompt, else a tool set of its own, else
    /// where only one is left.
    fn bind(&self, state: &State, question: Question<'_>, mut left: Vec<Match>) -> Found {
        let live = &question.request.treatment;
        let bound = state.bindings.get(&live.id());
        let taken: HashSet<&ContentId> = state.bindings.values().collect();
        let call = |found: &Match| {
            self.recording
                .entries
                .get(found.entry)
                .map(|entry| &entry.call)
        };
        let treatment_id = |found: &Match| call(found).map(|call| call.request.treatment.id());
        let mut narrow = |keep: &dyn Fn(&Match) -> bool| {
            if left.iter().any(keep) {
                left.retain(keep);
            }
        };
        narrow(&|found| bound.is_some() && treatment_id(found).as_ref() == bound);
        narrow(&|found| {
            let header = &question.request.agent;
            header.is_some() && call(found).is_some_and(|call| &call.request.agent == header)
        });
        narrow(&|found| {
            call(found)
                .is_some_and(|call| call.request.treatment.system_text() == live.system_text())
        });
        narrow(&|found| {
            call(found).is_some_and(|call| call.request.treatment.tools.id() == live.tools.id())
        });
        narrow(&|found| {
            bound.is_some() || treatment_id(found).is_some_and(|id| !taken.contains(&id))
        });
        let treatments: HashSet<_> = left.iter().map(treatment_id).collect();
        let answers: HashSet<_> = left
            .iter()
            .filter_map(call)
            .map(|call| call.response.output.as_ref().map(|output| output.id()))
            .collect();
        if treatments.len() > 1 && answers.len() > 1 {
            let step = |found: &Match| self.recording.entries.get(found.entry).map(|e| e.step);
            return Found::Ambiguous(left.iter().filter_map(step).collect());
        }
        left.into_iter().next().map_or(Found::Nothing, Found::One)
    }
}
