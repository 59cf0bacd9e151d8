//! Recording a baseline anew: what did not change keeps its old volatile side.
//!
//! Ids, times and stream cuts differ on every recording. A step that was asked and answered as before keeps
//! those that it had, so that recording an unchanged agent again changes no file, and a repository does not
//! grow with what nobody reads.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use camino::Utf8Path;

use super::session::{FormatError, read_session, write_session};
use crate::model::{
    Ancillary, Call, ContentId, Exchange, Session, Step, StepKind, Timeline, canonical_id,
};

/// Writes a session folder over the one in `dir`, if there is one that can be read.
///
/// # Errors
/// The folder can't be written.
pub fn write_session_over(session: &Session, dir: &Utf8Path) -> Result<(), FormatError> {
    match read_session(dir) {
        Ok(old) => write_session(&kept(session, &old), dir),
        Err(_none) => write_session(session, dir),
    }
}

/// Returns `new` with the volatile side of `old` wherever the two say the same.
fn kept(new: &Session, old: &Session) -> Session {
    let mut session = new.clone();
    let mut is_same = new.timelines.len() == old.timelines.len();
    for timeline in &mut session.timelines {
        let before = old.timeline(&timeline.label);
        is_same &= before.is_some_and(|old| keep(timeline, old));
    }
    if is_same {
        session.id = old.id;
        session.recorded_at = old.recorded_at;
    }
    session
}

/// Gives the steps of `new` the volatile side of equal ones of `old`; returns whether all are equal.
fn keep(new: &mut Timeline, old: &Timeline) -> bool {
    let mut known: HashMap<ContentId, VecDeque<&Step>> = HashMap::new();
    for step in &old.steps {
        known.entry(content(step)).or_default().push_back(step);
    }
    let mut is_same = new.steps.len() == old.steps.len() && new.outcome == old.outcome;
    for step in &mut new.steps {
        let before = known.get_mut(&content(step)).and_then(VecDeque::pop_front);
        match before {
            Some(before) => {
                is_same &= before.number == step.number;
                keep_step(step, before);
            }
            None => is_same = false,
        }
    }
    let asked = new.ancillary.iter().map(request);
    if asked.eq(old.ancillary.iter().map(request)) {
        new.ancillary.clone_from(&old.ancillary);
    } else {
        is_same = false;
    }
    if is_same {
        new.started_at = old.started_at;
    }
    is_same
}

fn keep_step(new: &mut Step, old: &Step) {
    new.began_us = old.began_us;
    new.ended_us = old.ended_us;
    let (StepKind::Model(call), Some(before)) = (&mut new.kind, old.call()) else {
        return;
    };
    let mut kept = Call::clone(call);
    kept.exchange.clone_from(&before.exchange);
    kept.no_ops.clone_from(&before.no_ops);
    kept.response.id.clone_from(&before.response.id);
    kept.response.call_ids.clone_from(&before.response.call_ids);
    kept.response.volatile.clone_from(&before.response.volatile);
    kept.began_us = before.began_us;
    kept.first_byte_us = before.first_byte_us;
    kept.ended_us = before.ended_us;
    *call = Arc::new(kept);
}

/// Returns the hash over what a person reads of a step: who asked, what, and what was answered.
fn content(step: &Step) -> ContentId {
    let place = (&step.agent, step.lane, step.parent, step.status);
    match &step.kind {
        StepKind::Tool(tool) => canonical_id(&(
            place,
            &tool.name,
            &tool.arguments,
            &tool.result,
            (tool.called_by, tool.call_index, tool.seen_by),
        )),
        StepKind::Model(call) => {
            let Call {
                provider,
                request,
                response,
                exchange,
                attempts,
                ..
            } = call.as_ref();
            let asked = (
                provider,
                request.dialect,
                request.treatment.id(),
                request.thread.id(),
                request.stream,
                &request.agent,
            );
            let output = |message: &Arc<_>| crate::model::Pooled::id(message);
            let answered = (
                response.output.as_ref().map(output),
                response.alternatives.iter().map(output).collect::<Vec<_>>(),
                &response.finish,
                &response.model,
                response.usage,
                &response.error,
            );
            let way = (exchange.status, exchange.truncated, attempts.len());
            canonical_id(&(place, asked, answered, way))
        }
    }
}

/// Returns what a request without a number is known by.
fn request(ancillary: &Ancillary) -> (&str, Option<ContentId>, &str, &str, u16) {
    let Exchange {
        method,
        path,
        status,
        ..
    } = &ancillary.exchange;
    let Ancillary { provider, body, .. } = ancillary;
    (provider, *body, method, path, *status)
}
