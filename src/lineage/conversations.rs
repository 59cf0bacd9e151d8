//! Finds, while a run goes on, the answered call that a new request continues.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::echo::Echoes;
use crate::model::{ContentId, Message, Pooled, Role, Thread};

/// The conversations of a run so far, each with a tag of the caller's.
pub struct Conversations<T> {
    echoes: Echoes,
    tags: Vec<T>,
    /// Conversations with their answer.
    answered: HashMap<ContentId, Vec<usize>>,
    /// Conversations without it, for agents that rewrite the answer.
    asked: HashMap<ContentId, Vec<usize>>,
    continued: HashSet<usize>,
    /// How many messages the conversations above have, so that no others are looked up.
    lengths: BTreeSet<usize>,
}

impl<T> Default for Conversations<T> {
    fn default() -> Self {
        Self {
            echoes: Echoes::default(),
            tags: Vec::new(),
            answered: HashMap::new(),
            asked: HashMap::new(),
            continued: HashSet::new(),
            lengths: BTreeSet::new(),
        }
    }
}

impl<T: Copy> Conversations<T> {
    /// Adds an answered request.
    pub fn insert(&mut self, thread: &Thread, output: &Pooled<Message>, tag: T) {
        let index = self.tags.len();
        self.tags.push(tag);
        let question = self.echoes.thread(thread);
        let whole = self.echoes.extended(question, output.id(), output);
        self.answered.entry(whole).or_default().push(index);
        self.asked.entry(question).or_default().push(index);
        self.lengths.extend([thread.len(), thread.len() + 1]);
    }

    /// Returns the tag of the answered request whose conversation `thread` extends furthest, and
    /// marks it as continued.
    ///
    /// Of several equal ones it is the first that nothing continues yet, else the newest.
    pub fn claim(&mut self, thread: &Thread) -> Option<T> {
        let index = self.find(thread)?;
        self.continued.insert(index);
        self.tags.get(index).copied()
    }

    /// Returns whether `thread` extends an answered request.
    pub fn knows(&mut self, thread: &Thread) -> bool {
        self.find(thread).is_some()
    }

    fn find(&mut self, thread: &Thread) -> Option<usize> {
        let mut next_is_assistant = false;
        let shortest = self.lengths.first().copied()?;
        for ancestor in thread.ancestors() {
            let is_assistant = ancestor
                .last()
                .is_some_and(|last| last.role == Role::Assistant);
            let answer_follows = std::mem::replace(&mut next_is_assistant, is_assistant);
            if ancestor.len() < shortest {
                return None;
            }
            if !self.lengths.contains(&ancestor.len()) {
                continue;
            }
            let echo = self.echoes.thread(ancestor);
            let answered = self.answered.get(&echo);
            let asked = answer_follows.then(|| self.asked.get(&echo)).flatten();
            if let Some(candidates) = answered.or(asked) {
                let free = candidates
                    .iter()
                    .copied()
                    .find(|index| !self.continued.contains(index));
                return free.or_else(|| candidates.last().copied());
            }
        }
        None
    }
}
