//! Where the histories of a recording are looked up.

use std::collections::HashMap;

use super::keys::{History, Keys};
use super::portable::portable;
use crate::model::{Call, ContentId, Thread};

/// How much of a conversation an index looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// All of it, as its dialect has it.
    Whole,
    /// What every dialect has of it; without media where a trace lost some.
    Portable { has_media: bool },
}

/// The histories of the entries of a recording.
#[derive(Debug)]
pub(super) struct Index {
    view: View,
    /// The history of each entry, tool results in the order of their calls.
    pub(super) threads: Vec<Thread>,
    pub(super) by_history: HashMap<ContentId, Vec<usize>>,
    /// For each history that some entry's history goes beyond, the first such entry.
    pub(super) beyond: HashMap<ContentId, usize>,
}

impl Index {
    /// Returns the index of these calls.
    pub(super) fn new<'a>(keys: &Keys, view: View, calls: impl Iterator<Item = &'a Call>) -> Self {
        let mut index = Self {
            view,
            threads: Vec::new(),
            by_history: HashMap::new(),
            beyond: HashMap::new(),
        };
        for (entry, call) in calls.enumerate() {
            let history = index.history(keys, &call.request.thread);
            index.insert(keys, entry, &history);
            index.threads.push(history.ordered);
        }
        index
    }

    /// Returns a conversation as this index compares it.
    pub(super) fn history(&self, keys: &Keys, thread: &Thread) -> History {
        match self.view {
            View::Whole => keys.history(thread),
            View::Portable { has_media } => keys.history(&portable(thread, has_media)),
        }
    }

    /// Returns the entries with that history.
    pub(super) fn of(&self, history: &ContentId) -> impl Iterator<Item = usize> + '_ {
        self.by_history.get(history).into_iter().flatten().copied()
    }

    fn insert(&mut self, keys: &Keys, entry: usize, history: &History) {
        self.by_history.entry(history.key).or_default().push(entry);
        let mut shorter = history.ordered.parent();
        while !shorter.is_empty() {
            let key = keys.key_of(&shorter);
            if self.beyond.contains_key(&key) {
                return;
            }
            self.beyond.insert(key, entry);
            shorter = shorter.parent();
        }
        self.beyond.entry(keys.key_of(&shorter)).or_insert(entry);
    }
}
