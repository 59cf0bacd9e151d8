//! `messages.jsonl`: every message, tool set, settings and request frame once, in the order of first use.
//!
//! An id is `b3:` and the first 12 hexadecimal digits of the hash of the value's canonical JSON; all
//! 64 where 12 would name two values.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::blobs::{self, Blobs};
use super::error::Wrong;
use super::lines::{Frame, PoolLine};
use crate::model::{
    Call, ContentId, Message, Pooled, Request, Tool, Treatment, canonical_id, canonical_json,
};

/// Collects the values of a session.
#[derive(Debug, Default)]
pub(super) struct PoolWriter {
    ids: HashMap<(&'static str, ContentId), String>,
    taken: HashMap<String, ContentId>,
    lines: String,
}

impl PoolWriter {
    /// Returns the lines of the file.
    pub(super) fn into_lines(self) -> String {
        self.lines
    }

    /// Puts a message and returns its id.
    pub(super) fn message(&mut self, message: &Pooled<Message>, blobs: &mut Blobs) -> String {
        self.put("message", message.id(), message.value(), blobs)
    }

    /// Puts what the request of a call has in common with others, and returns its id.
    pub(super) fn frame(&mut self, call: &Call, blobs: &mut Blobs) -> String {
        let request = &call.request;
        let treatment = &request.treatment;
        let system = &treatment.system;
        let (tools, settings) = (&treatment.tools, &treatment.settings);
        let frame = Frame {
            system: system
                .iter()
                .map(|message| self.message(message, blobs))
                .collect(),
            tools: self.put("tools", tools.id(), tools.value(), blobs),
            settings: self.put("settings", settings.id(), settings.value(), blobs),
            agent: request.agent.clone(),
            dialect: request.dialect,
            model: treatment.model.clone(),
            provider: call.provider.clone(),
            stream: request.stream,
        };
        self.put("request", canonical_id(&frame), &frame, blobs)
    }

    fn put<T: Serialize>(
        &mut self,
        kind: &'static str,
        content: ContentId,
        value: &T,
        blobs: &mut Blobs,
    ) -> String {
        if let Some(id) = self.ids.get(&(kind, content)) {
            return id.clone();
        }
        let short = format!("b3:{}", content.short());
        let is_free = self.taken.get(&short).is_none_or(|other| *other == content);
        let id = if is_free { short } else { content.to_string() };
        self.taken.insert(id.clone(), content);
        self.ids.insert((kind, content), id.clone());
        let value = serde_json::to_value(value).unwrap_or_default();
        let mut line = Map::new();
        line.insert("id".to_owned(), Value::from(id.clone()));
        line.insert(kind.to_owned(), blobs::take_out(value, blobs));
        self.lines.push_str(&canonical_json(&line));
        self.lines.push('\n');
        id
    }
}

/// Finds the values of a session by their ids.
#[derive(Debug, Default)]
pub(super) struct PoolReader {
    messages: HashMap<String, Arc<Pooled<Message>>>,
    tools: HashMap<String, Arc<Pooled<Vec<Tool>>>>,
    settings: HashMap<String, Arc<Pooled<Map<String, Value>>>>,
    frames: HashMap<String, (Frame, Arc<Treatment>)>,
}

impl PoolReader {
    /// Takes a line of the file.
    pub(super) fn take(&mut self, line: PoolLine) -> Result<(), Wrong> {
        let PoolLine {
            id,
            message,
            tools,
            settings,
            request,
        } = line;
        match (message, tools, settings, request) {
            (Some(value), None, None, None) => insert(&mut self.messages, id, value),
            (None, Some(value), None, None) => insert(&mut self.tools, id, value),
            (None, None, Some(value), None) => insert(&mut self.settings, id, value),
            (None, None, None, Some(value)) => {
                let frame: Arc<Pooled<Frame>> = checked(&id, value)?;
                let treatment = self.treatment(&frame)?;
                unique(
                    &mut self.frames,
                    id,
                    (frame.value().clone(), Arc::new(treatment)),
                )
            }
            _ => Err(Wrong(
                "expected exactly one of `message`, `tools`, `settings` and `request`".to_owned(),
            )),
        }
    }

    /// Returns the message with this id.
    pub(super) fn message(&self, id: &str) -> Result<Arc<Pooled<Message>>, Wrong> {
        find(&self.messages, "message", id)
    }

    /// Returns the frame with this id, and its treatment.
    pub(super) fn frame(&self, id: &str) -> Result<(&Frame, Arc<Treatment>), Wrong> {
        let found = self.frames.get(id).ok_or_else(|| unknown("request", id))?;
        Ok((&found.0, Arc::clone(&found.1)))
    }

    fn treatment(&self, frame: &Frame) -> Result<Treatment, Wrong> {
        Ok(Treatment {
            model: frame.model.clone(),
            system: frame
                .system
                .iter()
                .map(|id| self.message(id))
                .collect::<Result<_, Wrong>>()?,
            tools: find(&self.tools, "tool set", &frame.tools)?,
            settings: find(&self.settings, "settings", &frame.settings)?,
        })
    }
}

/// Returns the request of a frame with this history.
pub(super) fn request(
    (frame, treatment): (&Frame, Arc<Treatment>),
    thread: crate::model::Thread,
) -> Request {
    Request {
        dialect: frame.dialect,
        treatment,
        thread,
        stream: frame.stream,
        agent: frame.agent.clone(),
    }
}

fn insert<T: Serialize + DeserializeOwned>(
    values: &mut HashMap<String, Arc<Pooled<T>>>,
    id: String,
    value: Value,
) -> Result<(), Wrong> {
    let value = checked(&id, value)?;
    unique(values, id, value)
}

fn unique<T>(values: &mut HashMap<String, T>, id: String, value: T) -> Result<(), Wrong> {
    if values.contains_key(&id) {
        return Err(Wrong(format!("`{id}` is there twice")));
    }
    values.insert(id, value);
    Ok(())
}

/// Returns the value, whose hash must begin with `id`.
fn checked<T: Serialize + DeserializeOwned>(
    id: &str,
    value: Value,
) -> Result<Arc<Pooled<T>>, Wrong> {
    let value: T = serde_json::from_value(value).map_err(|error| Wrong(error.to_string()))?;
    let value = Pooled::new(value);
    let full = value.id().to_string();
    if id.len() >= "b3:".len() + 12 && full.starts_with(id) {
        return Ok(value);
    }
    let short = value.id().short();
    Err(Wrong(format!(
        "the content does not fit its id `{id}`; if it was changed by hand, its id is `b3:{short}` here and wherever it is used"
    )))
}

fn find<T>(values: &HashMap<String, Arc<T>>, kind: &str, id: &str) -> Result<Arc<T>, Wrong> {
    values
        .get(id)
        .map(Arc::clone)
        .ok_or_else(|| unknown(kind, id))
}

fn unknown(kind: &str, id: &str) -> Wrong {
    Wrong(format!(
        "no {kind} has the id `{id}`; expected one of messages.jsonl"
    ))
}
