//! A recorded timeline, indexed for matching.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::keys::Keys;
use super::volatile::Days;
use crate::model::{Ancillary, Call, Captured, ContentId, StepIndex, Thread, Timeline, ToolStep};

/// One recorded model step.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) step: StepIndex,
    pub(super) call: Arc<Call>,
    pub(super) agent: String,
    /// The model step that it continues.
    pub(super) parent: Option<StepIndex>,
    /// The history, tool results in the order of their calls.
    pub(super) ordered: Thread,
    pub(super) history: ContentId,
}

/// A recorded timeline, indexed; immutable, so that many replays can share it.
#[derive(Debug)]
pub struct Recording {
    pub(super) timeline: Arc<Timeline>,
    pub(super) entries: Vec<Entry>,
    pub(super) by_fingerprint: HashMap<ContentId, Vec<usize>>,
    pub(super) by_history: HashMap<ContentId, Vec<usize>>,
    /// For each history that some entry's history goes beyond, the first such entry.
    pub(super) beyond: HashMap<ContentId, usize>,
    pub(super) keys: Arc<Keys>,
    pub(super) days: Days,
    /// The tools that ask before they run: all their calls were captured.
    pub(super) captured: BTreeSet<String>,
}

impl Recording {
    /// Returns the index of `timeline` for a replay at the time `now`.
    pub fn new(timeline: &Arc<Timeline>, keys: Arc<Keys>, now: jiff::Timestamp) -> Self {
        let days = Days {
            recorded: day(timeline.started_at),
            live: day(now),
        };
        let entries: Vec<Entry> = timeline
            .model_steps()
            .map(|(step, call)| {
                let history = keys.history(&call.request.thread);
                Entry {
                    step: step.number,
                    call: Arc::clone(call),
                    agent: step.agent.clone(),
                    parent: step.parent,
                    ordered: history.ordered,
                    history: history.key,
                }
            })
            .collect();
        let mut recording = Self {
            timeline: Arc::clone(timeline),
            entries: Vec::new(),
            by_fingerprint: HashMap::new(),
            by_history: HashMap::new(),
            beyond: HashMap::new(),
            keys,
            days,
            captured: captured(timeline),
        };
        for (index, entry) in entries.iter().enumerate() {
            recording.insert(index, entry);
        }
        recording.entries = entries;
        recording
    }

    fn insert(&mut self, index: usize, entry: &Entry) {
        if let Some(fingerprint) = entry.call.exchange.fingerprint {
            self.by_fingerprint
                .entry(fingerprint)
                .or_default()
                .push(index);
        }
        self.by_history
            .entry(entry.history)
            .or_default()
            .push(index);
        let mut shorter = entry.ordered.parent();
        while !shorter.is_empty() {
            let key = self.keys.key_of(&shorter);
            if self.beyond.contains_key(&key) {
                return;
            }
            self.beyond.insert(key, index);
            shorter = shorter.parent();
        }
        self.beyond
            .entry(self.keys.key_of(&shorter))
            .or_insert(index);
    }

    /// Returns the recorded timeline.
    pub fn timeline(&self) -> &Arc<Timeline> {
        &self.timeline
    }

    /// Returns the call of a recorded model step.
    pub fn call(&self, step: StepIndex) -> Option<&Arc<Call>> {
        self.timeline.step(step).and_then(|step| step.call())
    }

    /// Returns the last recorded answer to a request that is no step.
    pub fn ancillary(
        &self,
        method: &str,
        path: &str,
        body: Option<ContentId>,
    ) -> Option<&Ancillary> {
        self.timeline.ancillary.iter().rev().find(|one| {
            one.exchange.method == method && one.exchange.path == path && one.body == body
        })
    }

    pub(super) fn entry_of(&self, step: StepIndex) -> Option<&Entry> {
        self.entries
            .binary_search_by_key(&step, |entry| entry.step)
            .ok()
            .and_then(|index| self.entries.get(index))
    }
}

fn captured(timeline: &Timeline) -> BTreeSet<String> {
    let tools = || timeline.steps.iter().filter_map(|step| step.tool());
    let is_derived = |tool: &&ToolStep| tool.captured == Captured::Messages;
    let derived: BTreeSet<&str> = tools()
        .filter(is_derived)
        .map(|tool| tool.name.as_str())
        .collect();
    let names = tools().map(|tool| &tool.name);
    names
        .filter(|name| !derived.contains(name.as_str()))
        .cloned()
        .collect()
}

fn day(time: jiff::Timestamp) -> i64 {
    time.as_second().div_euclid(86_400)
}
