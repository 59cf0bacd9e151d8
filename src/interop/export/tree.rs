//! The spans of a timeline: the run, the agents in it, their calls of models and tools.

use std::collections::BTreeMap;

use super::attributes::{model, shared, tool};
use super::messages;
use super::span::{Attribute, Span, SpanKind, make_id};
use crate::model::{LaneId, Session, Status, Step, StepKind, Timeline};

/// Returns the spans of a timeline, parents before their children.
///
/// With `has_content` they hold prompts, answers and tool content.
pub fn spans(session: &Session, timeline: &Timeline, has_content: bool) -> Vec<Span> {
    let telling = Telling {
        session,
        timeline,
        has_content,
        trace: make_id(&["rewind trace", &session.id.to_string(), &timeline.label]),
    };
    telling.all()
}

struct Telling<'a> {
    session: &'a Session,
    timeline: &'a Timeline,
    has_content: bool,
    trace: [u8; 16],
}

impl Telling<'_> {
    fn all(&self) -> Vec<Span> {
        let mut lanes: BTreeMap<LaneId, Vec<&Step>> = BTreeMap::new();
        for step in &self.timeline.steps {
            lanes.entry(step.lane).or_default().push(step);
        }
        let mut spans = vec![self.root()];
        let root = spans.first().map(|root| root.id);
        for (lane, steps) in lanes {
            let mut agent = self.agent(lane, &steps);
            agent.parent = root;
            let parent = Some(agent.id);
            spans.push(agent);
            spans.extend(steps.into_iter().map(|step| Span {
                parent,
                ..self.step(step)
            }));
        }
        spans
    }

    fn root(&self) -> Span {
        let steps = &self.timeline.steps;
        let ended = steps.iter().map(|step| step.ended_us).max().unwrap_or(0);
        let name = format!("invoke_agent {}", self.session.name);
        let mut span = self.span(&name, SpanKind::Internal, ("run", 0), (0, ended));
        span.text("gen_ai.operation.name", "invoke_agent");
        span.text("gen_ai.agent.name", &self.session.name);
        span.text("langfuse.trace.name", &self.session.name);
        let tags = ["rewind".to_owned(), self.timeline.label.clone()];
        span.set("langfuse.trace.tags", Attribute::Texts(tags.into()));
        if let Some(fork) = &self.timeline.forked_from {
            span.text("rewind.forked_from", &fork.label);
            span.text("rewind.fork", &fork.address);
        }
        if let Some(exit) = self.timeline.outcome.exit {
            span.set("rewind.exit_status", Attribute::Integer(exit.into()));
            if exit != 0 {
                span.error = Some(format!("the agent ended with status {exit}"));
                span.text("error.type", "exit_status");
            }
        }
        if self.has_content {
            let input = self.session.input.as_deref();
            let answer = self.timeline.outcome.answer.as_deref();
            span.text("gen_ai.input.messages", &messages::said("user", input));
            span.text(
                "gen_ai.output.messages",
                &messages::said("assistant", answer),
            );
        }
        span
    }

    fn agent(&self, lane: LaneId, steps: &[&Step]) -> Span {
        let began = steps.iter().map(|step| step.began_us).min().unwrap_or(0);
        let ended = steps.iter().map(|step| step.ended_us).max().unwrap_or(0);
        let agent = steps.first().map_or("agent", |step| step.agent.as_str());
        let name = format!("invoke_agent {agent}");
        let place = ("lane", u64::from(lane.0));
        let mut span = self.span(&name, SpanKind::Internal, place, (began, ended));
        span.text("gen_ai.operation.name", "invoke_agent");
        span.text("gen_ai.agent.name", agent);
        span
    }

    fn step(&self, step: &Step) -> Span {
        let times = (step.began_us, step.ended_us);
        let place = ("step", u64::from(step.number.0));
        let mut span = match &step.kind {
            StepKind::Model(call) => {
                let operation = model::operation(call);
                let asked = call.request.treatment.model.as_deref();
                let name = format!("{operation} {}", asked.unwrap_or("model"));
                let mut span = self.span(&name, SpanKind::Client, place, times);
                model::describe(&mut span, call);
                if self.has_content {
                    messages::of_call(&mut span, call);
                }
                span
            }
            StepKind::Tool(called) => {
                let name = format!("execute_tool {}", called.name);
                let mut span = self.span(&name, SpanKind::Internal, place, times);
                tool::describe(&mut span, called);
                if self.has_content {
                    messages::of_tool(&mut span, called);
                }
                span
            }
        };
        span.count("rewind.step", step.number.0.into());
        span.text("gen_ai.agent.name", &step.agent);
        if let Some(served) = step.served() {
            span.text("rewind.served", &served.rung.to_string());
        }
        let failed = match step.status {
            Status::Ok => None,
            Status::Error => Some(shared::error_of(step)),
            Status::NoResult => Some("its result never came back to the model".to_owned()),
            Status::Partial => Some("the answer broke off".to_owned()),
        };
        if let Some(why) = failed {
            span.text("langfuse.observation.level", "ERROR");
            span.text("langfuse.observation.status_message", &why);
            if !span
                .attributes
                .iter()
                .any(|(name, _value)| name == "error.type")
            {
                span.text("error.type", "_OTHER");
            }
            span.error = Some(why);
        }
        span
    }

    fn span(
        &self,
        name: &str,
        kind: SpanKind,
        (place, number): (&str, u64),
        (began_us, ended_us): (u64, u64),
    ) -> Span {
        let session = self.session.id.to_string();
        let number = number.to_string();
        let start = self.timeline.started_at.as_nanosecond();
        let start = u64::try_from(start).unwrap_or(0);
        let at = |us: u64| start.saturating_add(us.saturating_mul(1000));
        let mut span = Span {
            trace: self.trace,
            id: make_id(&[
                "rewind span",
                &session,
                &self.timeline.label,
                place,
                &number,
            ]),
            parent: None,
            name: name.to_owned(),
            kind,
            began_ns: at(began_us),
            ended_ns: at(ended_us.max(began_us)),
            attributes: Vec::new(),
            error: None,
        };
        span.text("session.id", &session);
        span.text("gen_ai.conversation.id", &session);
        span.text("rewind.session", &self.session.name);
        span.text("rewind.timeline", &self.timeline.label);
        span
    }
}
