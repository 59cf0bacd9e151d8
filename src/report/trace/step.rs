//! A step as a trace shows it.

use super::pool::Pool;
use super::{Came, Texts, TraceStep};
use crate::model::{Status, Step, StepKind, Thread, Timeline};
use crate::price::PriceTable;
use crate::report::diff_report::metrics;
use crate::report::terminal::words;

/// What steps are shown with.
pub(super) struct Shown<'t> {
    /// The timeline that they are of.
    pub(super) timeline: &'t Timeline,
    /// The timeline that it was replayed from.
    pub(super) parent: Option<&'t Timeline>,
    /// How much of what was said is shown.
    pub(super) texts: Texts,
    /// What the calls cost.
    pub(super) prices: &'t PriceTable,
    /// When the first live step began, and when the recording had come to where it did.
    pub(super) shift: (u64, u64),
}

impl<'t> Shown<'t> {
    /// Returns how the steps of a timeline are shown.
    pub(super) fn new(
        timeline: &'t Timeline,
        parent: Option<&'t Timeline>,
        texts: Texts,
        prices: &'t PriceTable,
    ) -> Self {
        let mut shown = Self {
            timeline,
            parent,
            texts,
            prices,
            shift: (0, 0),
        };
        let served = timeline.steps.iter().filter_map(|step| shown.source(step));
        let reached = served.map(|source| source.ended_us).max();
        let mut live = timeline
            .steps
            .iter()
            .filter(|step| step.call().is_some() && step.served().is_none());
        if let (Some(reached), Some(first)) = (reached, live.next()) {
            shown.shift = (first.began_us, reached);
        }
        shown
    }

    /// Returns the recorded step whose answer was served.
    pub(super) fn source(&self, step: &Step) -> Option<&'t Step> {
        self.parent?.step(step.served()?.step)
    }

    /// Returns a step; `is_told` says whether what was said is shown where texts are.
    pub(super) fn step(&self, step: &Step, is_told: bool, pool: &mut Pool) -> TraceStep {
        let source = self.source(step);
        let used = metrics(source.unwrap_or(step), self.prices);
        let (start, reached) = self.shift;
        let began_us = match source {
            Some(source) => source.began_us,
            None => reached.saturating_add(step.began_us.saturating_sub(start)),
        };
        let (is_tool, name) = match &step.kind {
            StepKind::Model(call) => (false, words::model(call)),
            StepKind::Tool(tool) => (true, tool.name.clone()),
        };
        let mut shown = TraceStep {
            number: step.number,
            is_tool,
            name,
            agent: step.agent.clone(),
            lane: step.lane.0,
            is_failed: words::is_failed(step),
            error: self.error(step),
            came: self.came(step),
            rung: step.served().map(|served| served.rung),
            drift: step
                .served()
                .iter()
                .flat_map(|served| &served.drift)
                .map(ToString::to_string)
                .collect(),
            input_tokens: used.input_tokens,
            output_tokens: used.output_tokens,
            cost_micro_usd: used.cost_micro_usd,
            began_us,
            took_us: used.duration_us,
            context: None,
            system: Vec::new(),
            seen: 0,
            answer: None,
            arguments: None,
            result: None,
        };
        if is_told && self.texts != Texts::None {
            self.tell(step, &mut shown, pool);
        }
        shown
    }

    fn came(&self, step: &Step) -> Came {
        if self.parent.is_none() {
            return Came::Recorded;
        }
        match (&step.kind, step.served()) {
            (StepKind::Model(_) | StepKind::Tool(_), Some(_)) => Came::Served,
            (StepKind::Model(_), None) => Came::Live,
            (StepKind::Tool(_), None) => Came::Ran,
        }
    }

    fn error(&self, step: &Step) -> String {
        match (self.texts, step.status) {
            (_, Status::NoResult) => "no result".to_owned(),
            (Texts::None, Status::Error) => "error".to_owned(),
            (Texts::None, Status::Partial) => "broke off".to_owned(),
            (Texts::None, Status::Ok) => String::new(),
            (Texts::Excerpt | Texts::Full | Texts::Whole, _) => {
                words::failure(step).unwrap_or_default()
            }
        }
    }

    /// Adds what was said.
    fn tell(&self, step: &Step, shown: &mut TraceStep, pool: &mut Pool) {
        match &step.kind {
            StepKind::Tool(tool) => {
                shown.arguments = Some(pool.value(&tool.arguments));
                shown.result = tool.result.as_deref().map(|parts| pool.parts(parts));
            }
            StepKind::Model(call) => {
                let answer = call.response.output.as_ref();
                shown.answer = answer.map(|message| pool.message(message));
                if self.texts == Texts::Excerpt {
                    return;
                }
                let treatment = &call.request.treatment;
                shown.system = treatment
                    .system
                    .iter()
                    .map(|message| pool.message(message))
                    .collect();
                shown.context = Some(pool.chain(&call.request.thread));
                shown.seen = self.seen(step, &call.request.thread);
            }
        }
    }

    /// Returns how many messages of a conversation the model had seen, or said, before.
    fn seen(&self, step: &Step, thread: &Thread) -> usize {
        let mut before = step.parent;
        while let Some(step) = before.and_then(|number| self.timeline.step(number)) {
            let Some(call) = step.call() else {
                before = step.parent;
                continue;
            };
            let known = call.request.thread.len();
            let is_continued = thread.len() >= known
                && thread
                    .ancestors()
                    .nth(thread.len() - known)
                    .map_or(known == 0, |ancestor| *ancestor == call.request.thread);
            if !is_continued {
                return 0;
            }
            let next = thread.len().checked_sub(known + 1);
            let next = next.and_then(|back| thread.ancestors().nth(back)?.last());
            let is_echo = call
                .response
                .output
                .as_ref()
                .zip(next)
                .is_some_and(|(said, next)| said.id() == next.id());
            return known + usize::from(is_echo);
        }
        0
    }
}
