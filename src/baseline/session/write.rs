//! Writing a session folder: aside, checked, then put in place.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use camino::Utf8Path;
use serde::Serialize;

use super::blobs::{self, Blobs};
use super::lines::{
    AncillaryLine, CallLine, ExchangeLine, ModelLine, StepLine, WireHead, WireLine,
};
use super::manifest::Manifest;
use super::pool::PoolWriter;
use super::steps::{self, HistoryWriter};
use super::{ATTRIBUTES, BLOBS, FormatError, MESSAGES, SESSION, STEPS, WIRE, read_session};
use crate::model::{
    Ancillary, Call, Exchange, Message, Pooled, Session, Step, StepKind, Timeline, canonical_json,
};
use crate::wirecodec::{self, Known};

/// What `.gitattributes` says.
const ATTRIBUTES_TEXT: &str = "* -text\nwire.jsonl -diff linguist-generated\n";

/// Writes a session into the folder `dir`, in place of a session that is there.
///
/// The files are written aside, read back and compared before they take their place, so `dir` is
/// never half written and never loses anything.
///
/// # Errors
///
/// [`FormatError::Occupied`] when `dir` holds anything but a session; [`FormatError::Lossy`] for a
/// session that contradicts itself; failures to write.
pub fn write_session(session: &Session, dir: &Utf8Path) -> Result<(), FormatError> {
    check_target(dir)?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        Some(_) | None => Utf8Path::new("."),
    };
    fs::create_dir_all(parent).map_err(FormatError::write(parent))?;
    let aside = tempfile::Builder::new()
        .prefix(".rewind-")
        .tempdir_in(parent)
        .map_err(FormatError::write(parent))?;
    let Some(aside) = Utf8Path::from_path(aside.path()).map(|path| (path, &aside)) else {
        return Err(FormatError::write(parent)(
            std::io::ErrorKind::InvalidFilename.into(),
        ));
    };
    let (new, old) = (aside.0.join("new"), aside.0.join("old"));
    fs::create_dir(&new).map_err(FormatError::write(&new))?;
    write_files(session, &new)?;
    check_written(session, &new, dir)?;
    if dir.exists() {
        fs::rename(dir, &old).map_err(FormatError::write(dir))?;
    }
    fs::rename(&new, dir).map_err(|error| {
        // Nothing better can be done than to say what failed first.
        fs::rename(&old, dir).unwrap_or_default();
        FormatError::write(dir)(error)
    })
}

/// Refuses a folder that holds anything else than a session.
fn check_target(dir: &Utf8Path) -> Result<(), FormatError> {
    let entries = match dir.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(FormatError::write(dir)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(FormatError::write(dir))?;
        let ours = [SESSION, MESSAGES, STEPS, WIRE, BLOBS, ATTRIBUTES];
        if !ours.contains(&entry.file_name()) {
            return Err(FormatError::Occupied {
                dir: dir.to_owned(),
                entry: entry.file_name().to_owned(),
            });
        }
    }
    Ok(())
}

/// Reads back what was written.
fn check_written(session: &Session, new: &Utf8Path, dir: &Utf8Path) -> Result<(), FormatError> {
    let lossy = |source: Option<FormatError>| FormatError::Lossy {
        dir: dir.to_owned(),
        source: source.map(Box::new),
    };
    let read = read_session(new).map_err(|error| lossy(Some(error)))?;
    if read == *session {
        Ok(())
    } else {
        Err(lossy(None))
    }
}

fn write_files(session: &Session, dir: &Utf8Path) -> Result<(), FormatError> {
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).map_err(FormatError::write(&path))
    };
    let manifest = Manifest::of(session)
        .to_toml()
        .map_err(|error| FormatError::Manifest {
            path: dir.join(SESSION),
            detail: error.to_string(),
        })?;
    let mut files = Files::default();
    files.wire(&WireHead {
        session: session.id,
        recorded_at: session.recorded_at,
        started_at: session
            .timelines
            .iter()
            .map(|timeline| timeline.started_at)
            .collect(),
    });
    for timeline in &session.timelines {
        files.timeline(timeline);
    }
    write(SESSION, &manifest)?;
    write(MESSAGES, &files.pool.into_lines())?;
    write(STEPS, &files.steps)?;
    write(WIRE, &files.wire)?;
    write(ATTRIBUTES, ATTRIBUTES_TEXT)?;
    if !files.blobs.is_empty() {
        let blobs = dir.join(BLOBS);
        fs::create_dir(&blobs).map_err(FormatError::write(&blobs))?;
        for (id, bytes) in &files.blobs {
            let path = blobs.join(file_name(*id));
            fs::write(&path, bytes).map_err(FormatError::write(&path))?;
        }
    }
    Ok(())
}

/// Returns the name of a blob's file: the digits of its hash.
pub(super) fn file_name(id: crate::model::ContentId) -> String {
    id.to_string().replace("b3:", "")
}

/// The files of a session while they grow.
#[derive(Debug, Default)]
struct Files {
    pool: PoolWriter,
    steps: String,
    wire: String,
    blobs: Blobs,
}

impl Files {
    fn wire<T: Serialize>(&mut self, line: &T) {
        let line = line_of(line, &mut self.blobs);
        self.wire.push_str(&line);
    }

    fn timeline(&mut self, timeline: &Timeline) {
        let calls: HashMap<u32, Arc<Call>> = timeline
            .model_steps()
            .map(|(step, call)| (step.number.0, Arc::clone(call)))
            .collect();
        let mut histories = HistoryWriter::default();
        let mut ordinal = 0;
        for step in &timeline.steps {
            let line = self.step(timeline, step, &calls, (&mut histories, &mut ordinal));
            let line = line_of(&line, &mut self.blobs);
            self.steps.push_str(&line);
            if let Some(line) = wire_line(timeline, step, &calls) {
                self.wire(&line);
            }
        }
        for ancillary in &timeline.ancillary {
            self.wire(&WireLine {
                timeline: timeline.label.clone(),
                step: None,
                call: None,
                ancillary: Some(ancillary_line(ancillary)),
                us: None,
                captures: Vec::new(),
            });
        }
    }

    fn step(
        &mut self,
        timeline: &Timeline,
        step: &Step,
        calls: &HashMap<u32, Arc<Call>>,
        (histories, ordinal): (&mut HistoryWriter, &mut u32),
    ) -> StepLine {
        let (model, tool) = match &step.kind {
            StepKind::Model(call) => {
                let frame = self.pool.frame(call, &mut self.blobs);
                let history = histories.tell(step.number, call, &mut self.pool, &mut self.blobs);
                let usual = *ordinal;
                *ordinal = ordinal.saturating_add(1);
                let response = &call.response;
                let mut message =
                    |message: &Arc<Pooled<Message>>| self.pool.message(message, &mut self.blobs);
                let model = ModelLine {
                    ordinal: Some(call.ordinal).filter(|ordinal| *ordinal != usual),
                    request: frame,
                    extends: history.extends,
                    repeats: history.repeats,
                    add: history.add,
                    answers: history.answers,
                    output: response.output.as_ref().map(&mut message),
                    alternatives: response.alternatives.iter().map(message).collect(),
                    finish: response.finish.clone(),
                    answered_by: response.model.clone(),
                    usage: response.usage.map(Into::into),
                    error: response.error.clone(),
                    served: call.served.clone(),
                    lost: call.lost.clone(),
                };
                (Some(model), None)
            }
            StepKind::Tool(tool) => {
                let tool = steps::tool_line(tool, calls, &mut self.pool, &mut self.blobs);
                (None, Some(tool))
            }
        };
        StepLine {
            timeline: timeline.label.clone(),
            step: step.number.0,
            lane: step.lane.0,
            agent: step.agent.clone(),
            parent: step.parent.map(|parent| parent.0),
            status: step.status,
            model,
            tool,
        }
    }
}

/// Returns what of a step differs with each recording; `None` for nothing.
fn wire_line(
    timeline: &Timeline,
    step: &Step,
    calls: &HashMap<u32, Arc<Call>>,
) -> Option<WireLine> {
    let times = (step.began_us, step.ended_us);
    let (call, usual) = match &step.kind {
        StepKind::Model(call) => (Some(call_line(call)), Some((call.began_us, call.ended_us))),
        StepKind::Tool(tool) => {
            let caller = tool.called_by.and_then(|by| calls.get(&by.0));
            (None, caller.map(|call| (call.ended_us, call.ended_us)))
        }
    };
    let us = Some(times).filter(|times| Some(*times) != usual);
    let captures = step.tool().map(steps::captures_wire).unwrap_or_default();
    (call.is_some() || us.is_some() || !captures.is_empty()).then(|| WireLine {
        timeline: timeline.label.clone(),
        step: Some(step.number.0),
        call,
        ancillary: None,
        us,
        captures,
    })
}

fn call_line(call: &Call) -> CallLine {
    let response = &call.response;
    let output = response.output.as_deref().map(Pooled::value);
    CallLine {
        began_us: call.began_us,
        first_byte_us: call.first_byte_us,
        ended_us: call.ended_us,
        attempts: call.attempts.clone(),
        id: response.id.clone(),
        call_ids: response.call_ids.clone(),
        no_ops: call.no_ops.clone(),
        volatile: response.volatile.clone(),
        exchange: exchange_line(&call.exchange, output),
    }
}

fn ancillary_line(ancillary: &Ancillary) -> AncillaryLine {
    AncillaryLine {
        provider: ancillary.provider.clone(),
        body: ancillary.body,
        exchange: exchange_line(&ancillary.exchange, None),
    }
}

fn exchange_line(exchange: &Exchange, output: Option<&Message>) -> ExchangeLine {
    let known = Known {
        output,
        ..Known::default()
    };
    ExchangeLine {
        method: exchange.method.clone(),
        path: exchange.path.clone(),
        fingerprint: exchange.fingerprint,
        status: exchange.status,
        headers: exchange.headers.clone(),
        body: exchange
            .body
            .as_ref()
            .map(|body| wirecodec::encode(body, known)),
        truncated: exchange.truncated,
    }
}

/// Returns a line of JSON with its keys sorted and its blobs taken out.
fn line_of<T: Serialize>(line: &T, blobs: &mut Blobs) -> String {
    let value = serde_json::to_value(line).unwrap_or_default();
    format!("{}\n", canonical_json(&blobs::take_out(value, blobs)))
}
