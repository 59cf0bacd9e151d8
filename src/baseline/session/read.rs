//! Reading a session folder; whatever is wrong is told with file and line.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Wrong;
use super::lines::{CallLine, ExchangeLine, ModelLine, PoolLine, StepLine, WireHead, WireLine};
use super::manifest::{Manifest, TimelineEntry};
use super::pool::{self, PoolReader};
use super::write::file_name;
use super::{BLOBS, FormatError, MESSAGES, SESSION, STEPS, WIRE, blobs, steps};
use crate::model::{
    Ancillary, Call, ContentId, Exchange, LaneId, Message, Pooled, Response, Session, Step,
    StepIndex, StepKind, ThreadInterner, Timeline,
};
use crate::wirecodec::{self, Known};

/// Reads the session in the folder `dir`.
///
/// # Errors
///
/// [`FormatError::NoSession`] when there is none, [`FormatError::Newer`] for a format that this
/// version does not know, and for everything else that is wrong the file and the line.
pub fn read_session(dir: &Utf8Path) -> Result<Session, FormatError> {
    let manifest = manifest(dir)?;
    let mut pool = PoolReader::default();
    let messages = File::open(dir, MESSAGES)?;
    for (number, line) in messages.lines() {
        let line: PoolLine = messages.parse(number, line)?;
        pool.take(line)
            .map_err(|wrong| messages.wrong(number, wrong))?;
    }
    let mut wire = Wire::read(dir, &manifest)?;
    let mut lines = step_lines(dir, &manifest)?;
    let file = File::named(dir, STEPS);
    let mut interner = ThreadInterner::default();
    let started = wire.head.started_at.clone();
    let timelines = manifest
        .timelines
        .into_iter()
        .zip(started)
        .map(|(entry, started_at)| {
            let lines = lines.remove(&entry.label).unwrap_or_default();
            let steps = Builder {
                file: &file,
                label: &entry.label,
                pool: &pool,
                wire: &mut wire,
                interner: &mut interner,
            }
            .steps(lines)?;
            Ok(Timeline {
                ancillary: wire.ancillary.remove(&entry.label).unwrap_or_default(),
                label: entry.label,
                forked_from: entry.forked_from,
                started_at,
                is_complete: entry.complete,
                steps,
                outcome: entry.outcome,
                replay: entry.replay,
            })
        })
        .collect::<Result<_, FormatError>>()?;
    wire.check_empty()?;
    Ok(Session {
        id: wire.head.session,
        name: manifest.name,
        recorded_at: wire.head.recorded_at,
        source: manifest.source,
        command: manifest.command,
        input: manifest.input,
        timelines,
    })
}

fn manifest(dir: &Utf8Path) -> Result<Manifest, FormatError> {
    let path = dir.join(SESSION);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(FormatError::NoSession { path });
        }
        Err(error) => return Err(FormatError::read(&path)(error)),
    };
    let manifest = Manifest::parse(&text, &path)?;
    let mut labels = HashSet::new();
    for entry in &manifest.timelines {
        if !labels.insert(&entry.label) {
            return Err(FormatError::Manifest {
                path,
                detail: format!("the timeline `{}` is there twice", entry.label),
            });
        }
    }
    Ok(manifest)
}

/// A file of lines.
struct File {
    path: Utf8PathBuf,
    dir: Utf8PathBuf,
    text: String,
}

impl File {
    fn open(dir: &Utf8Path, name: &str) -> Result<Self, FormatError> {
        let mut file = Self::named(dir, name);
        file.text = fs::read_to_string(&file.path).map_err(FormatError::read(&file.path))?;
        Ok(file)
    }

    fn named(dir: &Utf8Path, name: &str) -> Self {
        Self {
            path: dir.join(name),
            dir: dir.to_owned(),
            text: String::new(),
        }
    }

    /// Returns the lines with their numbers, from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    fn parse<T: DeserializeOwned>(&self, number: usize, line: &str) -> Result<T, FormatError> {
        let wrong = |error: serde_json::Error| {
            let error = error.to_string();
            // The line within the line is no news.
            let error = error.replace(" at line 1 column", ", at column");
            self.wrong(
                number,
                Wrong(format!("expected a JSON object on one line: {error}")),
            )
        };
        let value: Value = serde_json::from_str(line).map_err(wrong)?;
        let value = blobs::put_back(value, &mut |id| self.blob(id))
            .map_err(|error| self.wrong(number, error))?;
        serde_json::from_value(value).map_err(|error| self.wrong(number, Wrong(error.to_string())))
    }

    fn blob(&self, id: ContentId) -> Result<Vec<u8>, Wrong> {
        let name = format!("{BLOBS}/{}", file_name(id));
        let bytes = fs::read(self.dir.join(&name))
            .map_err(|error| Wrong(format!("cannot read {name}: {error}")))?;
        if ContentId::of(&bytes) == id {
            Ok(bytes)
        } else {
            Err(Wrong(format!(
                "the content of {name} does not fit its hash"
            )))
        }
    }

    fn wrong(&self, line: usize, wrong: Wrong) -> FormatError {
        wrong.at(&self.path, line)
    }
}

/// Returns the lines of the steps by timeline, their numbers checked.
fn step_lines(
    dir: &Utf8Path,
    manifest: &Manifest,
) -> Result<HashMap<String, Vec<(usize, StepLine)>>, FormatError> {
    let file = File::open(dir, STEPS)?;
    let mut lines: HashMap<String, Vec<(usize, StepLine)>> = manifest
        .timelines
        .iter()
        .map(|entry| (entry.label.clone(), Vec::new()))
        .collect();
    for (number, line) in file.lines() {
        let line: StepLine = file.parse(number, line)?;
        let wrong = |detail: String| file.wrong(number, Wrong(detail));
        let Some(known) = lines.get_mut(&line.timeline) else {
            return Err(wrong(format!(
                "`{}` is no timeline of session.toml",
                line.timeline
            )));
        };
        let expected = known.len() + 1;
        if usize::try_from(line.step) != Ok(expected) {
            let (label, found) = (&line.timeline, line.step);
            return Err(wrong(format!(
                "expected step {expected} of `{label}`, found {found}"
            )));
        }
        known.push((number, line));
    }
    for TimelineEntry { label, steps, .. } in &manifest.timelines {
        let found = lines.get(label).map_or(0, Vec::len);
        if found != *steps {
            let last = file.lines().count();
            let detail = format!("`{label}` has {steps} steps in session.toml, but {found} here");
            return Err(file.wrong(last, Wrong(detail)));
        }
    }
    Ok(lines)
}

/// What `wire.jsonl` says, until it is used.
struct Wire {
    file: File,
    head: WireHead,
    steps: HashMap<(String, u32), (usize, WireLine)>,
    ancillary: HashMap<String, Vec<Ancillary>>,
}

impl Wire {
    fn read(dir: &Utf8Path, manifest: &Manifest) -> Result<Self, FormatError> {
        let file = File::open(dir, WIRE)?;
        let Some((_number, first)) = file.lines().next() else {
            let detail = "expected a line with `session` and `recorded_at`, found nothing";
            return Err(file.wrong(1, Wrong(detail.to_owned())));
        };
        let head: WireHead = file.parse(1, first)?;
        if head.started_at.len() != manifest.timelines.len() {
            let expected = manifest.timelines.len();
            let detail =
                format!("expected {expected} times in `started_at`, one for each timeline");
            return Err(file.wrong(1, Wrong(detail)));
        }
        let mut steps = HashMap::new();
        let mut ancillary: HashMap<String, Vec<Ancillary>> = HashMap::new();
        for (number, line) in file.lines().skip(1) {
            let line: WireLine = file.parse(number, line)?;
            let wrong = |detail: String| file.wrong(number, Wrong(detail));
            if !manifest
                .timelines
                .iter()
                .any(|entry| entry.label == line.timeline)
            {
                return Err(wrong(format!(
                    "`{}` is no timeline of session.toml",
                    line.timeline
                )));
            }
            match (line.step, line.ancillary) {
                (Some(step), None) => {
                    let key = (line.timeline.clone(), step);
                    let line = WireLine {
                        ancillary: None,
                        ..line
                    };
                    if steps.insert(key, (number, line)).is_some() {
                        return Err(wrong(format!("step {step} is there twice")));
                    }
                }
                (None, Some(found)) => {
                    let exchange = exchange(found.exchange, None)
                        .map_err(|error| file.wrong(number, error))?;
                    ancillary.entry(line.timeline).or_default().push(Ancillary {
                        provider: found.provider,
                        body: found.body,
                        exchange,
                    });
                }
                (Some(_), Some(_)) | (None, None) => {
                    return Err(wrong("expected either `step` or `ancillary`".to_owned()));
                }
            }
        }
        Ok(Self {
            file,
            head,
            steps,
            ancillary,
        })
    }

    /// Fails for lines that belong to no step.
    fn check_empty(&self) -> Result<(), FormatError> {
        let left_over = self
            .steps
            .iter()
            .map(|(key, (number, _line))| (*number, key))
            .min();
        left_over.map_or(Ok(()), |(number, (label, step))| {
            let detail = format!("`{label}` has no step {step} in steps.jsonl");
            Err(self.file.wrong(number, Wrong(detail)))
        })
    }
}

/// Builds the steps of one timeline.
struct Builder<'a> {
    file: &'a File,
    label: &'a str,
    pool: &'a PoolReader,
    wire: &'a mut Wire,
    interner: &'a mut ThreadInterner,
}

impl Builder<'_> {
    fn steps(mut self, lines: Vec<(usize, StepLine)>) -> Result<Vec<Step>, FormatError> {
        let count = lines.len();
        let mut calls: HashMap<u32, Arc<Call>> = HashMap::new();
        for (number, line) in &lines {
            if let Some(model) = &line.model {
                let usual = u32::try_from(calls.len()).unwrap_or(u32::MAX);
                let call = self.call(*number, line.step, model, (usual, &calls))?;
                calls.insert(line.step, Arc::new(call));
            }
        }
        lines
            .into_iter()
            .map(|(number, line)| {
                let wire = self.wire_of(line.step);
                if let Some((wire_number, WireLine { call: Some(_), .. })) = &wire {
                    let detail = "expected no `call`: the step is a tool step".to_owned();
                    return Err(self.wire.file.wrong(*wire_number, Wrong(detail)));
                }
                let us = wire.and_then(|(_number, wire)| wire.us);
                self.step(line, count, us, &calls)
                    .map_err(|wrong| self.file.wrong(number, wrong))
            })
            .collect()
    }

    fn wire_of(&mut self, step: u32) -> Option<(usize, WireLine)> {
        self.wire.steps.remove(&(self.label.to_owned(), step))
    }

    fn call(
        &mut self,
        number: usize,
        step: u32,
        line: &ModelLine,
        (usual, earlier): (u32, &HashMap<u32, Arc<Call>>),
    ) -> Result<Call, FormatError> {
        let wrong = |wrong: Wrong| self.file.wrong(number, wrong);
        let frame = self.pool.frame(&line.request).map_err(wrong)?;
        let provider = frame.0.provider.clone();
        let thread = steps::history(line, earlier, self.pool, self.interner).map_err(wrong)?;
        let key = (self.label.to_owned(), step);
        let Some((wire_number, wire)) = self.wire.steps.get_mut(&key) else {
            let detail = format!("{WIRE} has no line for this step; record the session again");
            return Err(wrong(Wrong(detail)));
        };
        let Some(wire_call) = wire.call.take() else {
            let detail = "expected `call` for a model step".to_owned();
            return Err(self.wire.file.wrong(*wire_number, Wrong(detail)));
        };
        let wire_number = *wire_number;
        let response = response(line, &wire_call, self.pool).map_err(wrong)?;
        let output = response.output.as_deref().map(Pooled::value);
        let exchange = exchange(wire_call.exchange, output)
            .map_err(|wrong| self.wire.file.wrong(wire_number, wrong))?;
        Ok(Call {
            ordinal: line.ordinal.unwrap_or(usual),
            provider,
            request: pool::request(frame, thread),
            no_ops: wire_call.no_ops,
            response,
            exchange,
            attempts: wire_call.attempts,
            began_us: wire_call.began_us,
            first_byte_us: wire_call.first_byte_us,
            ended_us: wire_call.ended_us,
            served: line.served.clone(),
        })
    }

    fn step(
        &self,
        line: StepLine,
        count: usize,
        us: Option<(u64, u64)>,
        calls: &HashMap<u32, Arc<Call>>,
    ) -> Result<Step, Wrong> {
        let parent = line.parent.filter(|parent| {
            *parent == 0
                || *parent == line.step
                || usize::try_from(*parent).is_ok_and(|p| p > count)
        });
        if let Some(parent) = parent {
            return Err(Wrong(format!(
                "`parent`: {parent} is no other step of `{}`",
                self.label
            )));
        }
        let (kind, usual) = match (line.model, line.tool) {
            (Some(_model), None) => {
                let call = calls
                    .get(&line.step)
                    .ok_or_else(|| Wrong("its call is missing".to_owned()))?;
                let times = (call.began_us, call.ended_us);
                (StepKind::Model(Arc::clone(call)), Some(times))
            }
            (None, Some(tool)) => {
                let tool = steps::tool_step(tool, calls, self.pool)?;
                let caller = calls.get(&tool.called_by.0);
                let times = caller.map(|call| (call.ended_us, call.ended_us));
                (StepKind::Tool(tool), times)
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(Wrong("expected either `model` or `tool`".to_owned()));
            }
        };
        let (began_us, ended_us) = us.or(usual).unwrap_or_default();
        Ok(Step {
            number: StepIndex(line.step),
            kind,
            lane: LaneId(line.lane),
            agent: line.agent,
            parent: line.parent.map(StepIndex),
            status: line.status,
            began_us,
            ended_us,
        })
    }
}

fn response(line: &ModelLine, wire: &CallLine, pool: &PoolReader) -> Result<Response, Wrong> {
    let output = line.output.as_deref();
    Ok(Response {
        output: output.map(|id| pool.message(id)).transpose()?,
        alternatives: line
            .alternatives
            .iter()
            .map(|id| pool.message(id))
            .collect::<Result<_, Wrong>>()?,
        finish: line.finish.clone(),
        model: line.answered_by.clone(),
        usage: line.usage.map(Into::into),
        error: line.error.clone(),
        id: wire.id.clone(),
        call_ids: wire.call_ids.clone(),
        volatile: wire.volatile.clone(),
    })
}

fn exchange(line: ExchangeLine, output: Option<&Message>) -> Result<Exchange, Wrong> {
    let known = Known {
        output,
        ..Known::default()
    };
    let body = line
        .body
        .map(|body| wirecodec::decode(&body, known))
        .transpose();
    Ok(Exchange {
        method: line.method,
        path: line.path,
        fingerprint: line.fingerprint,
        status: line.status,
        headers: line.headers,
        body: body.map_err(|error| Wrong(format!("`body`: {error}")))?,
        truncated: line.truncated,
    })
}
