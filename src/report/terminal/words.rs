//! Steps and their ends in plain words.

use std::io::{self, Write};

use serde_json::Value;

use crate::model::{Call, Status, Step, StepKind, Timeline, plain_text};
use crate::report::escape::plain;
use crate::report::units::excerpt;

/// Returns the model of a call; for an opaque one the path.
pub(in crate::report) fn model(call: &Call) -> String {
    let model = call
        .response
        .model
        .as_ref()
        .or(call.request.treatment.model.as_ref());
    let name = model.map_or_else(
        || format!("{} {}", call.exchange.method, call.exchange.path),
        Clone::clone,
    );
    excerpt(&plain(&name), NAME_CHARS)
}

/// Returns a tool call as people write one: `web_search(max=5, q="Tokyo")`.
pub(in crate::report) fn tool_call(name: &str, arguments: &Value) -> String {
    match arguments {
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!("{name}({})", fields.join(", "))
        }
        Value::String(text) => format!("{name}({text})"),
        Value::Null => format!("{name}()"),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => format!("{name}({arguments})"),
    }
}

/// Returns whether a step did not end well.
pub(in crate::report) fn is_failed(step: &Step) -> bool {
    match step.status {
        Status::Ok | Status::NoResult => false,
        Status::Error | Status::Partial => true,
    }
}

/// Returns how a step ended and how it was served; empty where there is nothing to say.
pub(in crate::report) fn marks(step: &Step, is_fork: bool) -> String {
    let mut marks = Vec::new();
    match (&step.kind, step.served()) {
        (StepKind::Model(_) | StepKind::Tool(_), Some(served)) if served.drift.is_empty() => {
            let lossy = if served.lossy { ", lossy" } else { "" };
            marks.push(format!("served ({}{lossy})", served.rung));
        }
        (StepKind::Model(_) | StepKind::Tool(_), Some(served)) => {
            let drift: Vec<String> = served.drift.iter().map(ToString::to_string).collect();
            marks.push(format!("served (drift: {})", drift.join(", ")));
        }
        (StepKind::Model(_), None) if is_fork => marks.push("live".to_owned()),
        (StepKind::Tool(_), None) if is_fork && step.status != Status::NoResult => {
            marks.push("ran".to_owned());
        }
        (StepKind::Model(_) | StepKind::Tool(_), None) => {}
    }
    marks.extend(retries(step));
    marks.extend(failure(step));
    plain(&marks.join(", "))
}

fn retries(step: &Step) -> Option<String> {
    let attempts = &step.call()?.attempts;
    if attempts.is_empty() {
        return None;
    }
    let tries: Vec<String> = attempts
        .iter()
        .map(|attempt| match attempt.status {
            Some(status) => status.to_string(),
            None => "no connection".to_owned(),
        })
        .collect();
    Some(format!("after {}", tries.join(", ")))
}

/// Returns what went wrong with a step; `None` where nothing did.
pub fn failure(step: &Step) -> Option<String> {
    let what = match step.status {
        Status::Ok => return None,
        Status::NoResult => return Some("no result".to_owned()),
        Status::Partial => "broke off".to_owned(),
        Status::Error => "error".to_owned(),
    };
    let detail = match &step.kind {
        StepKind::Tool(tool) => tool.result.as_deref().map(plain_text),
        StepKind::Model(call) => {
            let text = call
                .response
                .error
                .as_ref()
                .map(|error| error.message.clone());
            let status = call.exchange.status;
            Some(match text {
                Some(text) if status >= 400 => format!("{status} {text}"),
                Some(text) => text,
                None => format!("status {status}"),
            })
        }
    };
    match detail.filter(|text| !text.is_empty()) {
        Some(text) => Some(format!("{what}: {}", excerpt(&text, DETAIL_CHARS))),
        None => Some(what),
    }
}

/// Writes what a replay found out about a timeline: drift, divergences, what to do.
pub(super) fn findings(timeline: &Timeline, out: &mut dyn Write) -> io::Result<()> {
    let Some(replay) = &timeline.replay else {
        return Ok(());
    };
    if replay.is_unaffected {
        writeln!(out, "proved   equal to the recording")?;
    }
    if !replay.drift.is_empty() {
        let drift: Vec<String> = replay.drift.iter().map(ToString::to_string).collect();
        writeln!(out, "altered  {}", plain(&drift.join(", ")))?;
    }
    for divergence in &replay.divergences {
        writeln!(out, "diverged {}", plain(&divergence.message))?;
        let place = Some(divergence.pointer.clone()).filter(|pointer| !pointer.is_empty());
        for (name, value) in [
            ("at", place.as_deref().unwrap_or_default()),
            ("recorded", &divergence.recorded),
            ("found", &divergence.found),
            ("to let it pass", &divergence.remedy),
        ] {
            if !value.is_empty() {
                writeln!(
                    out,
                    "           {name}: {}",
                    excerpt(&plain(value), VALUE_CHARS)
                )?;
            }
        }
    }
    Ok(())
}

/// How much of a model's name is shown.
const NAME_CHARS: usize = 40;

/// How much of an error is shown.
const DETAIL_CHARS: usize = 100;

/// How much of a differing value is shown.
const VALUE_CHARS: usize = 300;
