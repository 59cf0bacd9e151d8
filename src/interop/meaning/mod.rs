//! What spans mean: one file for each convention of writing down a model call.
//!
//! [`found`] asks each convention in turn, the one that keeps most first; a field that one has found is
//! left alone by those after it, since a span often speaks several. Sources: the OpenTelemetry `GenAI`
//! conventions, OpenInference, OpenLLMetry, and what the SDKs of Langfuse, Vercel, pydantic-ai, LangSmith
//! and MLflow write.

mod events;
mod flat;
mod gen_ai;
mod kind;
mod langfuse;
mod langsmith;
mod openinference;
mod tool;
mod usage;
mod vercel;

use serde_json::{Map, Value};

use super::span::Span;
use crate::model::Usage;

pub(crate) use kind::{Kind, agent_name, graph_node};
pub(crate) use tool::tool;
use usage::usage_of;

/// What a span says of a model call, in any shape.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// The provider's name.
    pub(crate) provider: Option<String>,
    /// The whole body of the request, as it was sent.
    pub(crate) request: Option<Map<String, Value>>,
    /// The messages, where there is no whole body.
    pub(crate) messages: Option<Value>,
    /// The system prompt, where it stands apart from the messages.
    pub(crate) system: Option<Value>,
    /// The tool definitions.
    pub(crate) tools: Option<Value>,
    /// The model that was asked for.
    pub(crate) asked: Option<String>,
    /// The model that answered.
    pub(crate) answered: Option<String>,
    /// Settings under the names of Chat Completions.
    pub(crate) settings: Map<String, Value>,
    /// The whole body of the answer, as it came.
    pub(crate) response: Option<Map<String, Value>>,
    /// The answer's message or text, where there is no whole body.
    pub(crate) output: Option<Value>,
    /// Why the model stopped.
    pub(crate) finish: Option<String>,
    /// The provider's id of the answer.
    pub(crate) id: Option<String>,
    /// Tokens.
    pub(crate) usage: Option<Usage>,
    /// What it cost, in dollars, as the source says.
    pub(crate) usd: Option<f64>,
    /// Whether the answer was streamed.
    pub(crate) stream: Option<bool>,
    /// When the first piece of the answer came, in microseconds since 1970.
    pub(crate) first_us: Option<i64>,
    /// What was left out on the way that the report should say.
    pub(crate) notes: Vec<&'static str>,
}

/// Returns what a span says of a model call.
pub(crate) fn found(span: &Span) -> Found {
    let mut found = Found::default();
    for convention in [
        openinference::read,
        langfuse::read,
        vercel::read,
        langsmith::read,
        gen_ai::read,
        events::read,
        flat::read,
    ] {
        convention(span, &mut found);
    }
    found
}

/// Fills a field that nothing was found for yet.
fn fill<T>(place: &mut Option<T>, value: impl FnOnce() -> Option<T>) {
    if place.is_none() {
        *place = value();
    }
}

impl Found {
    /// Takes a setting, unless there is one already.
    fn setting(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            self.settings.entry(name).or_insert(value);
        }
    }

    /// Takes the body of a request, if it is one.
    fn body(&mut self, value: Value) {
        if self.request.is_some() {
            return;
        }
        match value {
            Value::Object(fields) if is_request(&fields) => self.request = Some(fields),
            other @ (Value::Object(_) | Value::Array(_) | Value::String(_)) => {
                fill(&mut self.messages, || Some(other));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Takes the body of an answer, if it is one.
    fn answer(&mut self, value: Value) {
        if self.response.is_some() {
            return;
        }
        match value {
            Value::Object(fields) if is_response(&fields) => self.response = Some(fields),
            Value::Null => {}
            other @ (Value::Object(_)
            | Value::Array(_)
            | Value::String(_)
            | Value::Bool(_)
            | Value::Number(_)) => fill(&mut self.output, || Some(other)),
        }
    }
}

/// Returns whether this is the body of a request, with its model: what only holds messages is less.
fn is_request(fields: &Map<String, Value>) -> bool {
    let has = |name: &str| fields.contains_key(name);
    has("model") && (has("messages") || has("input") || has("contents"))
}

fn is_response(fields: &Map<String, Value>) -> bool {
    let is = |name: &str, kind: &str| fields.get(name).and_then(Value::as_str) == Some(kind);
    fields.get("choices").is_some_and(Value::is_array)
        || is("object", "response")
        || is("object", "list")
        || (is("type", "message") && fields.contains_key("content"))
}

#[cfg(test)]
mod tests;
