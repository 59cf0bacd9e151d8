//! The matching ladder and the rules of the fork, as a state machine without input or output.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::explain;
use super::fork::Fork;
use super::recording::{Entry, Recording};
use super::rules::{OnDivergence, Rules};
use super::search::{Found, Match};
use crate::lineage::Conversations;
use crate::model::{
    Call, ContentId, Dialect, Divergence, Drift, Message, Pooled, Request, Rung, Served, StepIndex,
    Thread,
};

/// What is to happen with a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is answered with the recorded answer of a step.
    Serve(Served),
    /// It goes to the provider.
    Live {
        /// The recorded step whose answer the conversation builds on; `None` where it is live already.
        after: Option<StepIndex>,
    },
    /// It is refused: nothing recorded fits, and nothing may go out.
    Refuse(Divergence),
}

/// A request as the matcher needs it.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The request.
    pub request: &'a Request,
    /// The hash over the canonical request with its ids.
    pub fingerprint: ContentId,
    /// Whether the client says that it asks again after a failure.
    pub is_retry: bool,
}

/// Whether a conversation runs on the recording or live.
#[derive(Debug, Clone, Copy)]
enum Lane {
    Served(StepIndex),
    Live,
}

/// What happens to a conversation.
enum Event {
    /// A request asks how it goes on.
    Asked(Thread),
    /// It was answered.
    Answered(Thread, Arc<Pooled<Message>>, Lane),
}

/// What has happened so far.
#[derive(Default)]
pub(super) struct State {
    conversations: Conversations<Lane>,
    /// What the conversations have not taken in yet: nobody asks for them while every request is one
    /// that was recorded.
    events: Vec<Event>,
    /// How often each entry was served.
    pub(super) used: HashMap<usize, u32>,
    /// Which recorded treatment stands for a live one.
    pub(super) bindings: HashMap<ContentId, ContentId>,
    pub(super) divergences: Vec<Divergence>,
    /// Requests that begin a conversation which the recording doesn't know; judged at the end.
    pub(super) unknown_roots: Vec<Divergence>,
    pub(super) drift: BTreeSet<Drift>,
    pub(super) rungs: BTreeMap<Rung, u32>,
    pub(super) live: u32,
    pub(super) refused: u32,
    /// What ended the run before its time.
    halted: Option<Divergence>,
    /// The conversations of refused requests: what they hold has happened.
    pub(super) refused_threads: Vec<Thread>,
}

impl State {
    fn answered(&mut self, thread: &Thread, output: &Arc<Pooled<Message>>, lane: Lane) {
        let event = Event::Answered(thread.clone(), Arc::clone(output), lane);
        self.events.push(event);
    }

    /// Returns the lane of the answered request that `thread` goes on from.
    fn parent(&mut self, thread: &Thread) -> Option<Lane> {
        self.conversations().claim(thread)
    }

    /// Returns the conversations with all that has happened.
    fn conversations(&mut self) -> &mut Conversations<Lane> {
        for event in std::mem::take(&mut self.events) {
            match event {
                Event::Asked(thread) => drop(self.conversations.claim(&thread)),
                Event::Answered(thread, output, lane) => {
                    self.conversations.insert(&thread, &output, lane);
                }
            }
        }
        &mut self.conversations
    }
}

/// Decides for each request of one run whether it is served, goes live or is refused.
pub struct Matcher {
    pub(super) recording: Arc<Recording>,
    pub(super) rules: Arc<Rules>,
    fork: Fork,
    state: Mutex<State>,
}

impl Matcher {
    /// Returns a matcher for one run.
    pub fn new(recording: Arc<Recording>, rules: Arc<Rules>, fork: Fork) -> Self {
        Self {
            recording,
            rules,
            fork,
            state: Mutex::default(),
        }
    }

    /// Returns the recording.
    pub fn recording(&self) -> &Arc<Recording> {
        &self.recording
    }

    /// Returns the fork.
    pub fn fork(&self) -> Fork {
        self.fork
    }

    /// Decides what happens with a request.
    pub fn decide(&self, question: Question<'_>) -> Decision {
        let mut state = self.lock();
        if let Some(served) = self.decide_exact(&mut state, question) {
            return served;
        }
        let decision = match self.fork {
            Fork::At(first_live) => {
                let parent = state.parent(&question.request.thread);
                self.decide_at(&mut state, question, parent, first_live)
            }
            Fork::Auto => {
                let parent = state.parent(&question.request.thread);
                self.decide_auto(&mut state, question, parent)
            }
            Fork::Never => self.decide_offline(&mut state, question),
        };
        if let Decision::Refuse(_) = &decision {
            state.refused_threads.push(question.request.thread.clone());
        }
        decision
    }

    /// Takes in a live answer, so that what builds on it is known to be live.
    pub fn answered_live(&self, call: &Call) {
        if let Some(output) = &call.response.output {
            self.lock()
                .answered(&call.request.thread, output, Lane::Live);
        }
    }

    /// Takes in a tool call that was neither served nor run: nothing is answered behind it.
    pub(super) fn refuse_tool(&self, why: Divergence) {
        let mut state = self.lock();
        state.refused += 1;
        if !state.divergences.contains(&why) {
            state.divergences.push(why.clone());
        }
        state.halted.get_or_insert(why);
    }

    /// Ends the run in place of an answer: that request, and whatever is asked from now on, is refused.
    pub fn halt(&self, request: &Request, why: &Divergence) {
        let mut state = self.lock();
        state.refused += 1;
        state.refused_threads.push(request.thread.clone());
        if state.halted.is_none() {
            state.halted = Some(why.clone());
            state.divergences.insert(0, why.clone());
        }
    }

    /// Returns what ended the run; the request that asks is refused.
    pub fn halted(&self, request: &Request) -> Option<Divergence> {
        let mut state = self.lock();
        let why = state.halted.clone()?;
        state.refused += 1;
        state.refused_threads.push(request.thread.clone());
        Some(why)
    }

    /// Returns what counts as equal, and what is said of tools.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns whether a conversation builds on an answer that this run has given.
    pub fn knows(&self, request: &Request) -> bool {
        self.lock().conversations().knows(&request.thread)
    }

    /// Returns the conversations of the requests that were refused so far.
    pub fn refused(&self) -> Vec<Thread> {
        self.lock().refused_threads.clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves the very request that was recorded, where nothing else can be right.
    fn decide_exact(&self, state: &mut State, question: Question<'_>) -> Option<Decision> {
        // Beside live conversations, `auto` goes by the conversation first.
        if self.fork == Fork::Auto && state.live > 0 {
            return None;
        }
        let unused = |index: usize, entry: &Entry| {
            let is_prefix = match self.fork {
                Fork::At(first_live) => entry.step < first_live,
                Fork::Auto | Fork::Never => true,
            };
            is_prefix && !state.used.contains_key(&index)
        };
        let found = self.search(state, question, Rung::Exact, &unused);
        let Found::One(found) = found else {
            return None;
        };
        if self.fork != Fork::Never {
            let thread = question.request.thread.clone();
            state.events.push(Event::Asked(thread));
        }
        Some(self.serve(state, question, found))
    }

    fn decide_at(
        &self,
        state: &mut State,
        question: Question<'_>,
        parent: Option<Lane>,
        first_live: StepIndex,
    ) -> Decision {
        let is_prefix = |entry: &Entry| entry.step < first_live;
        let unused =
            |index: usize, entry: &Entry| is_prefix(entry) && !state.used.contains_key(&index);
        let in_tail = |_index: usize, entry: &Entry| !is_prefix(entry);
        let found = self.search(state, question, self.rules.require, &unused);
        // A step behind the fork that is this very request outweighs one before it that resembles it.
        let proof = self.rules.require.min(Rung::Normalised);
        if found.is_guess()
            && !matches!(
                self.search(state, question, proof, &in_tail),
                Found::Nothing
            )
        {
            return Self::go_live(state, parent);
        }
        match found {
            Found::One(found) => return self.serve(state, question, found),
            Found::Ambiguous(steps) => {
                let divergence = explain::ambiguous(&self.recording, question.request, &steps);
                return self.diverge(state, divergence, parent);
            }
            Found::Nothing => {}
        }
        if let Some(again) = self.again(state, question, &is_prefix) {
            return again;
        }
        if let Some(Lane::Live) = parent {
            return Self::go_live(state, parent);
        }
        if !matches!(
            self.search(state, question, Rung::Drift, &in_tail),
            Found::Nothing
        ) {
            return Self::go_live(state, parent);
        }
        match parent {
            Some(Lane::Live) => Self::go_live(state, parent),
            Some(Lane::Served(step)) => {
                let goes_on = |entry: &Entry| is_prefix(entry) && entry.parent == Some(step);
                if self.recording.entries.iter().any(goes_on) {
                    let divergence = self.explain(state, question, &is_prefix);
                    return self.diverge(state, divergence, parent);
                }
                Self::go_live(state, parent)
            }
            None => self.unknown_root(state, question, first_live, &is_prefix),
        }
    }

    /// Decides on a request that begins a conversation which the recording doesn't know.
    fn unknown_root(
        &self,
        state: &mut State,
        question: Question<'_>,
        first_live: StepIndex,
        is_prefix: &dyn Fn(&Entry) -> bool,
    ) -> Decision {
        let outstanding = self.outstanding(state, Some(first_live)).next().is_some();
        let divergence = self.explain(state, question, is_prefix);
        match self.rules.on_divergence {
            OnDivergence::Halt if outstanding => self.diverge(state, divergence, None),
            OnDivergence::Halt | OnDivergence::Move => {
                if outstanding {
                    state.unknown_roots.push(divergence);
                }
                Self::go_live(state, None)
            }
        }
    }

    fn decide_auto(
        &self,
        state: &mut State,
        question: Question<'_>,
        parent: Option<Lane>,
    ) -> Decision {
        if let Some(Lane::Live) = parent {
            return Self::go_live(state, parent);
        }
        let unused = |index: usize, _entry: &Entry| !state.used.contains_key(&index);
        let require = self.rules.require.min(Rung::Normalised);
        if let Found::One(found) = self.search(state, question, require, &unused) {
            return self.serve(state, question, found);
        }
        let any = |_entry: &Entry| true;
        if let Some(again) = self.again(state, question, &any) {
            return again;
        }
        let unused = |index: usize, _entry: &Entry| !state.used.contains_key(&index);
        let found = self.search(state, question, Rung::Drift, &unused);
        match found {
            Found::One(found) => state.drift.extend(found.drift),
            Found::Ambiguous(_) => {}
            Found::Nothing => {
                let divergence = self.explain(state, question, &any);
                if self.rules.on_divergence == OnDivergence::Halt {
                    return self.diverge(state, divergence, parent);
                }
                state.divergences.push(divergence);
            }
        }
        Self::go_live(state, parent)
    }

    fn decide_offline(&self, state: &mut State, question: Question<'_>) -> Decision {
        let unused = |index: usize, _entry: &Entry| !state.used.contains_key(&index);
        let any = |_entry: &Entry| true;
        let found = self.search(state, question, self.rules.require, &unused);
        let divergence = match found {
            Found::One(found) => return self.serve(state, question, found),
            Found::Ambiguous(steps) => {
                explain::ambiguous(&self.recording, question.request, &steps)
            }
            Found::Nothing => {
                if let Some(again) = self.again(state, question, &any) {
                    return again;
                }
                self.explain(state, question, &any)
            }
        };
        Self::refuse(state, divergence)
    }

    /// Serves an answer once more where that is right: to a retry, after a recorded failure, for
    /// embeddings, or where the rules say so.
    fn again(
        &self,
        state: &mut State,
        question: Question<'_>,
        within: &dyn Fn(&Entry) -> bool,
    ) -> Option<Decision> {
        let used = |index: usize, entry: &Entry| within(entry) && state.used.contains_key(&index);
        let require = match self.fork {
            Fork::Auto => self.rules.require.min(Rung::Normalised),
            Fork::At(_) | Fork::Never => self.rules.require,
        };
        let Found::One(found) = self.search_last(state, question, require, &used) else {
            return None;
        };
        let entry = self.recording.entries.get(found.entry)?;
        let is_repeatable = question.is_retry
            || self.rules.repeat_last
            || !entry.call.is_ok()
            || question.request.dialect == Dialect::OpenaiEmbeddings;
        is_repeatable.then(|| self.serve(state, question, found))
    }

    fn serve(&self, state: &mut State, question: Question<'_>, found: Match) -> Decision {
        let Some(entry) = self.recording.entries.get(found.entry) else {
            return Self::go_live(state, None);
        };
        *state.used.entry(found.entry).or_default() += 1;
        *state.rungs.entry(found.rung).or_default() += 1;
        state.drift.extend(found.drift.iter().cloned());
        if found.rung == Rung::Drift {
            let (live, recorded) = (
                question.request.treatment.id(),
                entry.call.request.treatment.id(),
            );
            state.bindings.insert(live, recorded);
        }
        if let Some(output) = &entry.call.response.output
            && self.fork != Fork::Never
        {
            let thread = &question.request.thread;
            state.answered(thread, output, Lane::Served(entry.step));
        }
        Decision::Serve(Served {
            step: entry.step,
            rung: found.rung,
            drift: found.drift,
            lossy: found.lossy,
        })
    }

    fn go_live(state: &mut State, parent: Option<Lane>) -> Decision {
        state.live += 1;
        let after = match parent {
            Some(Lane::Served(step)) => Some(step),
            Some(Lane::Live) | None => None,
        };
        Decision::Live { after }
    }

    fn diverge(&self, state: &mut State, divergence: Divergence, parent: Option<Lane>) -> Decision {
        match self.rules.on_divergence {
            OnDivergence::Move => {
                state.divergences.push(divergence);
                Self::go_live(state, parent)
            }
            OnDivergence::Halt => Self::refuse(state, divergence),
        }
    }

    fn refuse(state: &mut State, divergence: Divergence) -> Decision {
        state.refused += 1;
        if !state.divergences.contains(&divergence) {
            state.divergences.push(divergence.clone());
        }
        Decision::Refuse(divergence)
    }

    fn explain(
        &self,
        state: &State,
        question: Question<'_>,
        within: &dyn Fn(&Entry) -> bool,
    ) -> Divergence {
        let used = |index: usize, entry: &Entry| within(entry) && state.used.contains_key(&index);
        if let Found::One(found) = self.search_last(state, question, self.rules.require, &used)
            && let Some(entry) = self.recording.entries.get(found.entry)
        {
            return explain::repeated(entry, state.used.get(&found.entry).copied().unwrap_or(1));
        }
        explain::nearest(&self.recording, &self.rules, question.request)
    }

    /// Returns the recorded model steps before `first_live` that nobody asked for.
    pub(super) fn outstanding<'a>(
        &'a self,
        state: &'a State,
        first_live: Option<StepIndex>,
    ) -> impl Iterator<Item = &'a Entry> {
        self.recording
            .entries
            .iter()
            .enumerate()
            .filter(move |(index, entry)| {
                first_live.is_none_or(|first_live| entry.step < first_live)
                    && !state.used.contains_key(index)
            })
            .map(|(_index, entry)| entry)
    }
}
