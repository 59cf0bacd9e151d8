//! `rewind session scrub`: replaces texts everywhere in a stored session.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use camino::Utf8Path;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Named, open, say};
use crate::command::{CommandError, Context};
use crate::exit::Exit;
use crate::model::{
    Ancillary, Body, Call, ContentId, Exchange, Message, Outcome, Pooled, Request, Response,
    Session, SessionId, Step, StepKind, Thread, Timeline, ToolStep, Treatment,
};
use crate::redact::Redactor;

/// Replaces each `OLD=NEW` everywhere in the session; what was is removed from the store.
///
/// # Errors
/// A replacement without `=`, or of nothing; no such session; a store that can't be written.
pub fn scrub(
    store: Option<&Utf8Path>,
    session: &str,
    replace: &[String],
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let pairs = replace
        .iter()
        .map(|text| pair(text))
        .collect::<Result<Vec<_>, _>>()?;
    let replaced = |old: &str| in_place(&pairs, old);
    let store = open(store, context)?;
    let id = store.resolve(session).map_err(CommandError::usage)?;
    let old = store.load(id).map_err(CommandError::usage)?;
    let mut scrubber = Scrubber::new(&replaced);
    let new = scrubber.session(&old)?;
    if scrubber.count == 0 {
        return Err(CommandError::usage(format!(
            "session `{}` holds none of these texts",
            old.name
        ))
        .help("write them as they stand there; upper and lower case differ"));
    }
    store.insert(&new).map_err(CommandError::usage)?;
    // Only now that the new one is safe.
    store.remove(id).map_err(CommandError::usage)?;
    store.gc().map_err(CommandError::usage)?;
    say(
        out,
        format_args!(
            "{}: replaced in {} text(s); the agent has to send the new texts, too, to be served",
            Named(&new),
            scrubber.count
        ),
    )
}

fn pair(text: &str) -> Result<(String, String), CommandError> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() => Ok((old.to_owned(), new.to_owned())),
        Some(_) | None => Err(CommandError::usage(format!("`{text}` is no replacement"))
            .help("write --replace OLD=NEW")),
    }
}

/// Returns the session without secrets and, where that is wanted, without personal data.
///
/// # Errors
/// What is left no longer has the form of a session.
pub(in crate::command) fn redacted(
    redactor: &Redactor,
    session: Session,
) -> Result<Session, CommandError> {
    let clean = |text: &str| redactor.text(text).into_owned();
    let mut scrubber = Scrubber::new(&clean);
    let mut new = scrubber.session(&session)?;
    if scrubber.count == 0 {
        return Ok(session);
    }
    new.id = session.id;
    Ok(new)
}

/// Replaces in a text, also where it stands escaped as in JSON.
fn in_place(pairs: &[(String, String)], old: &str) -> String {
    let mut new = old.to_owned();
    for (from, to) in pairs {
        new = new.replace(from, to);
        let (from, to) = (escaped(from), escaped(to));
        new = new.replace(&from, &to);
    }
    new
}

/// Makes a copy of a session with other texts in it.
struct Scrubber<'a> {
    replaced: &'a dyn Fn(&str) -> String,
    messages: HashMap<ContentId, Arc<Pooled<Message>>>,
    threads: HashMap<ContentId, Thread>,
    treatments: HashMap<ContentId, Arc<Treatment>>,
    count: u64,
}

impl<'a> Scrubber<'a> {
    fn new(replaced: &'a dyn Fn(&str) -> String) -> Self {
        Self {
            replaced,
            messages: HashMap::new(),
            threads: HashMap::new(),
            treatments: HashMap::new(),
            count: 0,
        }
    }

    fn session(&mut self, old: &Session) -> Result<Session, CommandError> {
        let timelines = old.timelines.iter().map(|timeline| self.timeline(timeline));
        let timelines = timelines.collect::<Result<Vec<_>, _>>()?;
        Ok(Session {
            id: SessionId::generate(),
            name: self.text(&old.name),
            recorded_at: old.recorded_at,
            source: old.source.clone(),
            command: old.command.iter().map(|word| self.text(word)).collect(),
            input: old.input.as_ref().map(|input| self.text(input)),
            root_input: old.root_input.as_ref().map(|input| self.value(input)),
            expected: old.expected.as_ref().map(|answer| self.text(answer)),
            trace: old.trace.clone(),
            timelines,
        })
    }

    fn timeline(&mut self, old: &Timeline) -> Result<Timeline, CommandError> {
        let steps = old.steps.iter().map(|step| self.step(step));
        Ok(Timeline {
            steps: steps.collect::<Result<Vec<_>, _>>()?,
            ancillary: old
                .ancillary
                .iter()
                .map(|one| Ancillary {
                    exchange: self.exchange(&one.exchange, false),
                    ..one.clone()
                })
                .collect(),
            outcome: Outcome {
                exit: old.outcome.exit,
                answer: old.outcome.answer.as_ref().map(|answer| self.text(answer)),
                faults: old
                    .outcome
                    .faults
                    .iter()
                    .map(|fault| self.text(fault))
                    .collect(),
            },
            replay: old
                .replay
                .as_ref()
                .map(|replay| self.plain(replay))
                .transpose()?,
            ..old.clone()
        })
    }

    fn step(&mut self, old: &Step) -> Result<Step, CommandError> {
        let kind = match &old.kind {
            StepKind::Model(call) => StepKind::Model(Arc::new(self.call(call)?)),
            StepKind::Tool(tool) => StepKind::Tool(ToolStep {
                arguments: self.value(&tool.arguments),
                result: self.plain(&tool.result)?,
                captures: self.plain(&tool.captures)?,
                ..tool.clone()
            }),
        };
        Ok(Step {
            kind,
            ..old.clone()
        })
    }

    fn call(&mut self, old: &Call) -> Result<Call, CommandError> {
        let before = self.count;
        let response = Response {
            output: old
                .response
                .output
                .as_ref()
                .map(|one| self.message(one))
                .transpose()?,
            alternatives: self.all(&old.response.alternatives)?,
            error: self.plain(&old.response.error)?,
            volatile: self.plain(&old.response.volatile)?,
            ..old.response.clone()
        };
        let is_other = self.count > before && response.output.is_some();
        Ok(Call {
            request: Request {
                treatment: self.treatment(&old.request.treatment)?,
                thread: self.thread(&old.request.thread)?,
                ..old.request.clone()
            },
            no_ops: self.plain(&old.no_ops)?,
            exchange: self.exchange(&old.exchange, is_other),
            response,
            ..old.clone()
        })
    }

    /// Where the answer is another one, its bytes are left out: they are rendered from the answer.
    fn exchange(&mut self, old: &Exchange, is_other: bool) -> Exchange {
        let before = self.count;
        let path = self.text(&old.path);
        let headers = old.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), self.text(value)));
        let mut new = Exchange {
            path,
            headers: headers.collect(),
            ..old.clone()
        };
        if is_other {
            new.body = None;
        } else if let Some(body) = &old.body {
            let bytes = body.to_bytes();
            if let Ok(text) = std::str::from_utf8(&bytes) {
                let held = self.count;
                let text = self.text(text);
                if self.count > held {
                    new.body = Some(Body::Whole(text.into()));
                }
            }
        }
        // The bytes of the request are no longer the recorded ones.
        if self.count > before || is_other {
            new.fingerprint = None;
        }
        new
    }

    fn treatment(&mut self, old: &Arc<Treatment>) -> Result<Arc<Treatment>, CommandError> {
        if let Some(known) = self.treatments.get(&old.id()) {
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(Treatment {
            model: old.model.clone(),
            system: self.all(&old.system)?,
            tools: Pooled::new(self.plain(old.tools.value())?),
            settings: Pooled::new(self.plain(old.settings.value())?),
        });
        self.treatments.insert(old.id(), Arc::clone(&new));
        Ok(new)
    }

    fn thread(&mut self, old: &Thread) -> Result<Thread, CommandError> {
        let mut unknown = Vec::new();
        let mut known = Thread::empty();
        for ancestor in old.ancestors() {
            if let Some(same) = self.threads.get(&ancestor.id()) {
                known = same.clone();
                break;
            }
            unknown.push(ancestor);
        }
        for ancestor in unknown.into_iter().rev() {
            let Some(message) = ancestor.last() else {
                continue;
            };
            let message = self.message(message)?;
            known = known.push(message, ancestor.last_answers().to_vec());
            self.threads.insert(ancestor.id(), known.clone());
        }
        Ok(known)
    }

    fn all(
        &mut self,
        old: &[Arc<Pooled<Message>>],
    ) -> Result<Vec<Arc<Pooled<Message>>>, CommandError> {
        old.iter().map(|message| self.message(message)).collect()
    }

    fn message(
        &mut self,
        old: &Arc<Pooled<Message>>,
    ) -> Result<Arc<Pooled<Message>>, CommandError> {
        if let Some(known) = self.messages.get(&old.id()) {
            // Counted again: whoever asks wants to know whether this one is another.
            if known.id() != old.id() {
                self.count += 1;
            }
            return Ok(Arc::clone(known));
        }
        let new = Pooled::new(self.plain(old.value())?);
        self.messages.insert(old.id(), Arc::clone(&new));
        Ok(new)
    }

    /// Goes through any plain data by way of JSON.
    fn plain<T: Serialize + DeserializeOwned>(&mut self, old: &T) -> Result<T, CommandError> {
        let value = serde_json::to_value(old).map_err(CommandError::usage)?;
        serde_json::from_value(self.value(&value)).map_err(CommandError::usage)
    }

    fn value(&mut self, old: &Value) -> Value {
        match old {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(key, field)| (self.text(key), self.value(field)))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => old.clone(),
        }
    }

    fn text(&mut self, old: &str) -> String {
        let new = (self.replaced)(old);
        if new != old {
            self.count += 1;
        }
        new
    }
}

fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or(text).to_owned()
}
