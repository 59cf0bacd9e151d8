//! Looks recorded steps up for a request: the rungs of the ladder, without the rules of the fork.

use std::collections::HashSet;

use super::index::Index;
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
    /// Whether something was not compared since the recording lacks it.
    pub(super) lossy: bool,
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
                lossy: false,
            });
        }
        if require == Rung::Exact {
            return Found::Nothing;
        }
        let (equal, drifted): (Vec<Match>, Vec<Match>) = self
            .equal_histories(question, admit)
            .into_iter()
            .partition(|found| found.drift.is_empty());
        if let Some(first) = equal.first() {
            // Where the trace lost what told two agents apart, the first is no better than the next.
            if !first.lossy {
                return Found::One(first.clone());
            }
            return self.bind(state, question, equal);
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
                lossy: false,
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

    /// Returns the admitted steps of equal history whose treatment differs at most where it may; those first
    /// that are equal as a whole.
    fn equal_histories(
        &self,
        question: Question<'_>,
        admit: &dyn Fn(usize, &Entry) -> bool,
    ) -> Vec<Match> {
        let recording = &self.recording;
        let mut found = self.equal_in(&recording.whole, question, admit);
        let dialect = question.request.dialect;
        if let Some(portable) = recording.portable(dialect) {
            let known: HashSet<usize> = found.iter().map(|found| found.entry).collect();
            let loose = |index: usize, entry: &Entry| {
                entry.is_loose(dialect) && !known.contains(&index) && admit(index, entry)
            };
            found.extend(self.equal_in(portable, question, &loose));
        }
        found
    }

    fn equal_in(
        &self,
        index: &Index,
        question: Question<'_>,
        admit: &dyn Fn(usize, &Entry) -> bool,
    ) -> Vec<Match> {
        let recording = &self.recording;
        let (keys, days) = (&recording.keys, recording.days);
        let history = index.history(keys, &question.request.thread);
        let equal = index.of(&history.key).filter_map(|number| {
            let entry = recording.entries.get(number);
            let entry = entry.filter(|entry| entry.is_served() && admit(number, entry))?;
            let recorded = index.threads.get(number)?;
            let mut drift = keys.verify(recorded, &history.ordered, days)?;
            drift.extend(treatment::differences(
                recording,
                &self.rules.ignore,
                &entry.call,
                question.request,
            ));
            drift.sort();
            drift.dedup();
            let rung = if drift.is_empty() {
                Rung::Normalised
            } else {
                Rung::Drift
            };
            self.rules.allow(&drift).then_some(Match {
                entry: number,
                rung,
                drift,
                lossy: entry.is_loose(question.request.dialect),
            })
        });
        equal.collect()
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
