//! Tools in a replay: recorded results before the fork, effect classes behind it.
//!
//! Before the fork a call is served or refused, never run. Behind it, what changes nothing may run and
//! what changes something is served where it was recorded, else refused: the run is then not measured.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::explain_tool::{self, Nearest};
use super::fork::Fork;
use super::matcher::Matcher;
use super::normalise::Template;
use super::volatile::Mapping;
use crate::model::{
    Boundary, Captured, ContentId, Divergence, Effect, RanTool, Rung, Served, StepIndex, Timeline,
    ToolCapture, ToolOutcome,
};
use crate::record::Recorder;
use crate::tools::{Ticket, ToolAction, ToolCall, Tools};

/// A recorded call of a tool.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) step: StepIndex,
    pub(super) capture: Arc<ToolCapture>,
    /// Whether it is the outermost one that was seen of its step.
    is_outer: bool,
    template: Template,
}

/// Answers the tools of one replay.
pub struct ReplayingTools {
    matcher: Arc<Matcher>,
    recorder: Arc<Recorder>,
    entries: Vec<Entry>,
    by_key: HashMap<ContentId, Vec<usize>>,
    /// Tools whose calls were derived from messages: their results were not captured.
    derived: Vec<String>,
    state: Mutex<State>,
}

/// What has happened so far.
#[derive(Debug, Default)]
struct State {
    used: HashMap<usize, u32>,
    ran: BTreeMap<(String, String), RanTool>,
    served: u32,
}

/// What a replay says of its tools at the end.
#[derive(Debug, Default)]
pub struct ToolsEnd {
    /// What ran for real, by name.
    pub ran: Vec<RanTool>,
    /// Number of calls that were served.
    pub served: u32,
    /// Recorded calls before the fork that never came, with the names of the tools.
    pub skipped: Vec<(StepIndex, String)>,
}

enum Decision {
    Serve(Served, ToolOutcome),
    Run(Effect),
    Refuse(Box<Divergence>),
}

impl ReplayingTools {
    /// Returns the tools of a replay.
    pub fn new(matcher: Arc<Matcher>, recorder: Arc<Recorder>) -> Self {
        let timeline = Arc::clone(matcher.recording().timeline());
        let entries = entries(&timeline, &matcher);
        let mut by_key: HashMap<ContentId, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            by_key.entry(entry.template.id).or_default().push(index);
        }
        let tools = timeline.steps.iter().filter_map(|step| step.tool());
        let derived = tools.filter(|tool| tool.captured == Captured::Messages);
        Self {
            derived: derived.map(|tool| tool.name.clone()).collect(),
            matcher,
            recorder,
            entries,
            by_key,
            state: Mutex::default(),
        }
    }

    /// Returns what is to be said at the end.
    pub fn end(&self) -> ToolsEnd {
        let state = self.lock();
        let unused = self.unused_before(&state, self.first_live());
        ToolsEnd {
            ran: state.ran.values().cloned().collect(),
            served: state.served,
            skipped: unused
                .map(|entry| (entry.step, entry.capture.name.clone()))
                .collect(),
        }
    }

    fn decide(&self, call: &ToolCall) -> Decision {
        let rules = &self.matcher.rules.tools;
        let effect = rules.effect(&call.name, call.effect);
        let mut state = self.lock();
        let first_live = self.first_live();
        let is_prefix = |entry: &Entry| first_live.is_none_or(|first_live| entry.step < first_live);
        let matching = self.matching(call);
        let unused = |state: &State, index: usize| !state.used.contains_key(&index);
        let before = matching
            .iter()
            .find(|(index, _rung, entry)| is_prefix(entry) && unused(&state, *index));
        if let Some(found) = before {
            return Self::serve(&mut state, found);
        }
        let again = matching.iter().rev().find(|found| is_prefix(found.2));
        if let Some(found) = again
            && (effect == Effect::Pure || self.matcher.rules.repeat_last)
        {
            return Self::serve(&mut state, found);
        }
        let behind = matching
            .iter()
            .find(|(index, _rung, entry)| !is_prefix(entry) && unused(&state, *index));
        if !self.is_tail(&state, behind.is_some()) {
            let is_derived = self.derived.contains(&call.name);
            if is_derived && (effect != Effect::Mutating || rules.is_allowed(&call.name)) {
                return Self::run(&mut state, call, effect);
            }
            return Decision::Refuse(Box::new(explain_tool::missed(
                call,
                &self.nearest(&state, call, is_derived),
            )));
        }
        match (effect, behind) {
            (Effect::Pure | Effect::Read, Some(found)) if rules.is_served(&call.name, effect) => {
                Self::serve(&mut state, found)
            }
            (Effect::Mutating, Some(found)) => Self::serve(&mut state, found),
            (Effect::Pure | Effect::Read, _) => Self::run(&mut state, call, effect),
            (Effect::Mutating, None) if rules.is_allowed(&call.name) => {
                Self::run(&mut state, call, effect)
            }
            (Effect::Mutating, None) => Decision::Refuse(Box::new(explain_tool::halted(
                call,
                &self.nearest(&state, call, false),
            ))),
        }
    }

    fn serve(state: &mut State, (index, rung, entry): &(usize, Rung, &Entry)) -> Decision {
        *state.used.entry(*index).or_default() += 1;
        state.served = state.served.saturating_add(1);
        let served = Served {
            step: entry.step,
            rung: *rung,
            drift: Vec::new(),
            lossy: false,
        };
        let outcome = entry.capture.outcome.clone().unwrap_or_default();
        Decision::Serve(served, outcome)
    }

    fn run(state: &mut State, call: &ToolCall, effect: Effect) -> Decision {
        let key = (call.name.clone(), effect.to_string());
        let ran = state.ran.entry(key).or_insert_with(|| RanTool {
            name: call.name.clone(),
            effect,
            times: 0,
        });
        ran.times = ran.times.saturating_add(1);
        Decision::Run(effect)
    }

    /// Returns the recorded calls that fit, those with the very same arguments first, else in the
    /// order of their beginning; one without an outcome fits nothing.
    fn matching(&self, call: &ToolCall) -> Vec<(usize, Rung, &Entry)> {
        let template = template(&self.matcher, call);
        let days = self.matcher.recording().days;
        let known = self.by_key.get(&template.id).into_iter().flatten();
        let mut found: Vec<(usize, Rung, &Entry)> = known
            .filter_map(|index| Some((*index, self.entries.get(*index)?)))
            .filter(|(_index, entry)| entry.capture.outcome.is_some())
            .filter_map(|(index, entry)| {
                let rung = if entry.capture.arguments == call.arguments {
                    Rung::Exact
                } else {
                    Mapping::new(days)
                        .admit(&entry.template.values, &template.values)
                        .then_some(Rung::Normalised)?
                };
                (rung <= self.matcher.rules.require).then_some((index, rung, entry))
            })
            .collect();
        found.sort_by_key(|(index, rung, _entry)| (*rung, *index));
        found
    }

    /// Returns whether a call that no recorded one before the fork fits lies behind the fork.
    fn is_tail(&self, state: &State, is_recorded_behind: bool) -> bool {
        let fork = self.matcher.fork();
        let (live, is_done) = {
            let known = self.matcher.lock();
            let mut outstanding = self.matcher.outstanding(&known, self.first_live());
            (known.live > 0, outstanding.next().is_none())
        };
        match fork {
            Fork::Never => false,
            Fork::Auto => live,
            Fork::At(first_live) => {
                let mut left = self.unused_before(state, Some(first_live));
                live || is_recorded_behind || (is_done && left.next().is_none())
            }
        }
    }

    /// Returns the recorded calls before the fork that have not come.
    fn unused_before<'a>(
        &'a self,
        state: &'a State,
        first_live: Option<StepIndex>,
    ) -> impl Iterator<Item = &'a Entry> {
        let entries = self.entries.iter().enumerate();
        entries
            .filter(move |(index, entry)| {
                entry.is_outer
                    && entry.capture.outcome.is_some()
                    && first_live.is_none_or(|first_live| entry.step < first_live)
                    && !state.used.contains_key(index)
            })
            .map(|(_index, entry)| entry)
    }

    fn nearest(&self, state: &State, call: &ToolCall, is_derived: bool) -> Nearest<'_> {
        let same_name = |entry: &&Entry| {
            let capture = &entry.capture;
            capture.name == call.name && capture.boundary == call.boundary
        };
        let unused = self.entries.iter().enumerate();
        let unused = unused.filter(|(index, _entry)| !state.used.contains_key(index));
        let unused = unused.map(|(_index, entry)| entry).filter(same_name);
        let differing = |entry: &&Entry| {
            explain_tool::first_difference(&entry.capture.arguments, &call.arguments).1
        };
        if is_derived {
            return Nearest::NotCaptured;
        }
        if let Some(entry) = unused.min_by_key(differing) {
            return Nearest::Unused(entry);
        }
        let used = self.entries.iter().filter(same_name);
        let last = used.min_by_key(|entry| (differing(entry), std::cmp::Reverse(entry.step)));
        last.map_or_else(
            || {
                Nearest::Unknown(
                    self.entries
                        .iter()
                        .map(|e| e.capture.name.as_str())
                        .collect(),
                )
            },
            Nearest::Used,
        )
    }

    fn first_live(&self) -> Option<StepIndex> {
        match self.matcher.fork() {
            Fork::At(first_live) => Some(first_live),
            Fork::Auto | Fork::Never => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn act(&self, call: ToolCall) -> ToolAction {
        let mut call = self.recorder.clean_tool(call);
        match self.decide(&call) {
            Decision::Serve(served, outcome) => {
                self.recorder.tool_served(call, outcome.clone(), served);
                ToolAction::Serve(outcome)
            }
            Decision::Run(effect) => {
                call.effect = Some(effect);
                ToolAction::Run(self.recorder.tool_runs(call))
            }
            Decision::Refuse(divergence) => {
                let message = divergence.message.clone();
                self.matcher.refuse_tool(*divergence);
                ToolAction::Refuse(message)
            }
        }
    }
}

impl Tools for ReplayingTools {
    fn ask(&self, call: ToolCall) -> BoxFuture<'_, ToolAction> {
        std::future::ready(self.act(call)).boxed()
    }

    fn done(&self, ticket: Ticket, outcome: ToolOutcome) {
        self.recorder.tool_ran(ticket, outcome);
    }
}

fn entries(timeline: &Timeline, matcher: &Matcher) -> Vec<Entry> {
    let mut entries: Vec<Entry> = timeline
        .steps
        .iter()
        .filter_map(|step| Some((step.number, step.tool()?)))
        .flat_map(|(step, tool)| {
            let first = tool.captures.first().map(|first| first.ordinal);
            tool.captures.iter().map(move |capture| Entry {
                step,
                is_outer: Some(capture.ordinal) == first,
                template: key(
                    matcher,
                    (capture.boundary, capture.server.as_deref()),
                    &capture.name,
                    &capture.arguments,
                ),
                capture: Arc::clone(capture),
            })
        })
        .collect();
    entries.sort_by_key(|entry| (entry.capture.began_us, entry.capture.ordinal));
    entries
}

fn template(matcher: &Matcher, call: &ToolCall) -> Template {
    let place = (call.boundary, call.server.as_deref());
    key(matcher, place, &call.name, &call.arguments)
}

/// Returns what calls are compared by; the field `arguments` is where pointer rules apply.
fn key(
    matcher: &Matcher,
    (boundary, server): (Boundary, Option<&str>),
    name: &str,
    arguments: &serde_json::Value,
) -> Template {
    let normaliser = matcher.recording().keys.normaliser();
    normaliser.template(&json!({
        "boundary": boundary.to_string(), "server": server, "name": name, "arguments": arguments,
    }))
}

#[cfg(test)]
mod tests;
