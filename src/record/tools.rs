//! Tool calls as they cross a boundary: timed, without secrets, kept as soon as they begin.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::recorder::Recorder;
use crate::model::{Served, ToolCapture, ToolOutcome};
use crate::tools::{Ticket, ToolAction, ToolCall, ToolRules, Tools};

/// The captured tool calls of a timeline, by ordinal.
#[derive(Debug, Default)]
pub(super) struct ToolLog {
    calls: Vec<Arc<ToolCapture>>,
}

impl ToolLog {
    /// Adds a call that begins now.
    pub(super) fn open(&mut self, call: ToolCall, began_us: u64) -> Arc<ToolCapture> {
        let capture = Arc::new(ToolCapture {
            ordinal: u32::try_from(self.calls.len()).unwrap_or(u32::MAX),
            name: call.name,
            arguments: call.arguments,
            boundary: call.boundary,
            effect: call.effect,
            server: call.server,
            call_id: call.call_id,
            outcome: None,
            served: None,
            began_us,
            ended_us: began_us,
        });
        self.calls.push(Arc::clone(&capture));
        capture
    }

    /// Fills in what came of a call; `None` where there is no such call, or it has its outcome.
    pub(super) fn close(
        &mut self,
        ordinal: u64,
        outcome: ToolOutcome,
        served: Option<Served>,
        ended_us: u64,
    ) -> Option<Arc<ToolCapture>> {
        let slot = self.calls.get_mut(usize::try_from(ordinal).ok()?)?;
        if slot.outcome.is_some() {
            return None;
        }
        *slot = Arc::new(ToolCapture {
            outcome: Some(outcome),
            served,
            ended_us,
            ..ToolCapture::clone(slot)
        });
        Some(Arc::clone(slot))
    }

    /// Returns the calls so far, by ordinal.
    pub(super) fn calls(&self) -> Vec<Arc<ToolCapture>> {
        self.calls.clone()
    }
}

impl Recorder {
    /// Returns a tool call without secrets, as it is compared and kept.
    pub fn clean_tool(&self, call: ToolCall) -> ToolCall {
        let text = |text: &String| self.clean(text);
        let mut arguments = call.arguments;
        self.scrub(&mut arguments);
        ToolCall {
            name: text(&call.name),
            arguments,
            boundary: call.boundary,
            effect: call.effect,
            call_id: call.call_id.as_ref().map(text),
            server: call.server.as_ref().map(text),
            ancillary: call.ancillary,
        }
    }

    /// Notes that a tool runs; `call` is without secrets.
    pub fn tool_runs(&self, call: ToolCall) -> Ticket {
        let now = self.micros(Instant::now());
        let mut state = self.lock();
        let capture = state.tools.open(call, now);
        let kept = self.sink.tool(&capture);
        state.note(kept);
        Ticket(u64::from(capture.ordinal))
    }

    /// Takes what came of a tool that ran.
    pub fn tool_ran(&self, ticket: Ticket, outcome: ToolOutcome) {
        let outcome = self.clean_outcome(outcome);
        let now = self.micros(Instant::now());
        let mut state = self.lock();
        let Some(capture) = state.tools.close(ticket.0, outcome, None, now) else {
            return;
        };
        let kept = self.sink.tool(&capture);
        state.note(kept);
        drop(state);
        // The agent goes on when it is kept: a change that was made must not be forgotten.
        self.sink.settle();
    }

    /// Takes a tool call that was served; `call` is without secrets.
    pub fn tool_served(&self, call: ToolCall, outcome: ToolOutcome, served: Served) {
        let now = self.micros(Instant::now());
        let mut state = self.lock();
        let ordinal = state.tools.open(call, now).ordinal;
        let closed = state
            .tools
            .close(u64::from(ordinal), outcome, Some(served), now);
        if let Some(capture) = closed {
            let kept = self.sink.tool(&capture);
            state.note(kept);
        }
    }

    /// Returns an outcome without secrets.
    pub fn clean_outcome(&self, mut outcome: ToolOutcome) -> ToolOutcome {
        self.scrub(&mut outcome.result);
        outcome
    }
}

/// Lets every tool run and records it.
pub struct RecordingTools {
    recorder: Arc<Recorder>,
    rules: ToolRules,
}

impl RecordingTools {
    /// Returns the tools of a recording.
    pub fn new(recorder: Arc<Recorder>, rules: ToolRules) -> Self {
        Self { recorder, rules }
    }
}

impl Tools for RecordingTools {
    fn ask(&self, call: ToolCall) -> BoxFuture<'_, ToolAction> {
        let mut call = self.recorder.clean_tool(call);
        call.effect = self.rules.configured(&call.name).or(call.effect);
        let ticket = self.recorder.tool_runs(call);
        std::future::ready(ToolAction::Run(ticket)).boxed()
    }

    fn done(&self, ticket: Ticket, outcome: ToolOutcome) {
        self.recorder.tool_ran(ticket, outcome);
    }
}
