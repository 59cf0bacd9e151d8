//! A recorded timeline, indexed for matching.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::index::{Index, View};
use super::keys::Keys;
use super::volatile::Days;
use crate::model::{
    Ancillary, Call, Captured, ContentId, Dialect, Fidelity, Lost, StepIndex, Timeline, ToolStep,
};

/// One recorded model step.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) step: StepIndex,
    pub(super) call: Arc<Call>,
    pub(super) agent: String,
    /// The model step that it continues.
    pub(super) parent: Option<StepIndex>,
}

impl Entry {
    /// Returns whether its trace, or the other dialect of the client, lets only a part of it be compared.
    pub(super) fn is_loose(&self, dialect: Dialect) -> bool {
        let own = self.call.request.dialect;
        !self.call.lost.is_empty()
            || (own != dialect && own.is_conversation() && dialect.is_conversation())
    }

    /// Returns whether it may be served: a call whose answer was lost is only shown.
    pub(super) fn is_served(&self) -> bool {
        Fidelity::of(&self.call.lost) != Fidelity::Shown
    }
}

/// A recorded timeline, indexed; immutable, so that many replays can share it.
#[derive(Debug)]
pub struct Recording {
    pub(super) timeline: Arc<Timeline>,
    pub(super) entries: Vec<Entry>,
    pub(super) by_fingerprint: HashMap<ContentId, Vec<usize>>,
    pub(super) whole: Index,
    /// Built when it is first needed.
    portable: OnceLock<Index>,
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
            .map(|(step, call)| Entry {
                step: step.number,
                call: Arc::clone(call),
                agent: step.agent.clone(),
                parent: step.parent,
            })
            .collect();
        let mut by_fingerprint: HashMap<ContentId, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            if let Some(fingerprint) = entry.call.exchange.fingerprint {
                by_fingerprint.entry(fingerprint).or_default().push(index);
            }
        }
        let calls = entries.iter().map(|entry| entry.call.as_ref());
        Self {
            timeline: Arc::clone(timeline),
            whole: Index::new(&keys, View::Whole, calls),
            entries,
            by_fingerprint,
            portable: OnceLock::new(),
            keys,
            days,
            captured: captured(timeline),
        }
    }

    /// Returns the index of what all dialects have in common, where some entry needs it for a client of
    /// `dialect`.
    pub(super) fn portable(&self, dialect: Dialect) -> Option<&Index> {
        let is_needed = self.entries.iter().any(|entry| entry.is_loose(dialect));
        is_needed.then(|| {
            self.portable.get_or_init(|| {
                let lost_media = |entry: &Entry| entry.call.lost.contains(&Lost::Media);
                let view = View::Portable {
                    has_media: !self.entries.iter().any(lost_media),
                };
                let calls = self.entries.iter().map(|entry| entry.call.as_ref());
                Index::new(&self.keys, view, calls)
            })
        })
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
