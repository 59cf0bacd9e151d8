//! From what a span says to the body of a request, in the wire format that it comes nearest to.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::interop::meaning::Found;
use crate::interop::shape::{Conversation, conversation, tools};
use crate::model::{Dialect, Lost};

/// A request as it may have been sent.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) dialect: Dialect,
    pub(super) body: Map<String, Value>,
    pub(super) lost: BTreeSet<Lost>,
    pub(super) has_tools: bool,
}

/// Returns the request that a span tells of.
pub(super) fn request(found: &mut Found, is_embedding: bool) -> Asked {
    match found.request.take() {
        Some(body) if !body.contains_key("contents") => whole(body, found, is_embedding),
        Some(mut gemini) => {
            let contents = gemini.remove("contents");
            found.messages = contents;
            for name in ["system_instruction", "systemInstruction"] {
                found.system = found.system.take().or_else(|| gemini.remove(name));
            }
            found.tools = found.tools.take().or_else(|| gemini.remove("tools"));
            found.asked = found.asked.take().or_else(|| text(gemini.get("model")));
            pieces(found)
        }
        None if is_embedding => embedding(found),
        None => pieces(found),
    }
}

/// Returns a request whose body was kept.
fn whole(mut body: Map<String, Value>, found: &mut Found, is_embedding: bool) -> Asked {
    let dialect = if is_embedding {
        Dialect::OpenaiEmbeddings
    } else if body.contains_key("input") {
        Dialect::OpenaiResponses
    } else if is_anthropic(&body, found) {
        Dialect::AnthropicMessages
    } else {
        Dialect::OpenaiChat
    };
    let mut lost = BTreeSet::new();
    if !body.contains_key("tools")
        && dialect != Dialect::OpenaiEmbeddings
        && let Some(definitions) = found.tools.take().map(tools).filter(|all| !all.is_empty())
    {
        let definitions = if dialect == Dialect::OpenaiChat {
            definitions
        } else {
            definitions.into_iter().map(unnested).collect()
        };
        body.insert("tools".to_owned(), Value::Array(definitions));
    }
    if dialect == Dialect::OpenaiChat {
        let messages = body.remove("messages").unwrap_or_default();
        let read = conversation(messages, "user");
        note(&read, &mut lost);
        body.insert("messages".to_owned(), Value::Array(read.messages));
    }
    match body.get("stream").and_then(Value::as_bool) {
        Some(stream) => found.stream = Some(stream),
        None => found.stream = found.stream.or(Some(false)),
    }
    Asked {
        dialect,
        has_tools: body.contains_key("tools"),
        body,
        lost,
    }
}

fn is_anthropic(body: &Map<String, Value>, found: &Found) -> bool {
    let is_named = found
        .provider
        .as_deref()
        .is_some_and(|name| name.eq_ignore_ascii_case("anthropic"));
    let block = |message: &Value| {
        let blocks = message.get("content").and_then(Value::as_array);
        blocks.is_some_and(|blocks| {
            blocks
                .iter()
                .filter_map(|block| block.get("type")?.as_str())
                .any(|kind| kind == "tool_use" || kind == "tool_result")
        })
    };
    let messages = body.get("messages").and_then(Value::as_array);
    body.contains_key("max_tokens")
        && (is_named
            || body.contains_key("system")
            || messages.is_some_and(|all| all.iter().any(block)))
}

/// Returns a request of an embedding of which the texts are known at most.
fn embedding(found: &mut Found) -> Asked {
    let mut body = Map::new();
    let mut lost = BTreeSet::from([Lost::Settings, Lost::Dialect]);
    let texts = found.messages.take().map(texts).unwrap_or_default();
    if texts.is_empty() {
        lost.insert(Lost::History);
    }
    body.insert("input".to_owned(), Value::Array(texts));
    model(found, &mut body, &mut lost);
    Asked {
        dialect: Dialect::OpenaiEmbeddings,
        body,
        lost,
        has_tools: false,
    }
}

/// Returns the texts that are to be embedded, whatever they are wrapped in.
fn texts(value: Value) -> Vec<Value> {
    let messages = conversation(value, "user").messages.into_iter();
    let text = |message: Value| {
        message
            .get("content")
            .filter(|text| text.is_string())
            .cloned()
    };
    messages.filter_map(text).collect()
}

/// Returns a request put together from what is known of it.
fn pieces(found: &mut Found) -> Asked {
    let mut lost = BTreeSet::from([Lost::Settings, Lost::Dialect]);
    let mut body = Map::new();
    model(found, &mut body, &mut lost);
    let messages = found.messages.take();
    let system = found.system.take();
    let definitions = found.tools.take().map(tools).unwrap_or_default();
    let (dialect, definitions) = match messages {
        Some(Value::Array(items)) if are_items(&items) => {
            if let Some(system) = system {
                body.insert("instructions".to_owned(), system);
            } else if !items.iter().any(is_system) {
                lost.insert(Lost::System);
            }
            body.insert("input".to_owned(), Value::Array(items));
            let flat: Vec<Value> = definitions.into_iter().map(unnested).collect();
            (Dialect::OpenaiResponses, flat)
        }
        messages => {
            let mut read = conversation(messages.unwrap_or_default(), "user");
            note(&read, &mut lost);
            if read.messages.is_empty() {
                lost.insert(Lost::History);
            }
            let prompt = system.map(system_messages).unwrap_or_default();
            if !read.messages.iter().any(is_system) {
                read.messages.splice(..0, prompt);
            }
            body.insert("messages".to_owned(), Value::Array(read.messages));
            let all = definitions.into_iter().chain(read.tools).collect();
            (Dialect::OpenaiChat, all)
        }
    };
    let has_tools = !definitions.is_empty();
    if has_tools {
        body.insert("tools".to_owned(), Value::Array(definitions));
    }
    for (name, value) in std::mem::take(&mut found.settings) {
        // The last two are LangChain's own.
        let others = [
            "messages",
            "input",
            "tools",
            "stream",
            "model",
            "model_name",
            "_type",
        ];
        if !others.contains(&name.as_str()) {
            body.insert(name, value);
        }
    }
    if let Some(stream) = found.stream {
        body.insert("stream".to_owned(), Value::Bool(stream));
    } else {
        lost.insert(Lost::Stream);
    }
    Asked {
        dialect,
        body,
        lost,
        has_tools,
    }
}

fn model(found: &Found, body: &mut Map<String, Value>, lost: &mut BTreeSet<Lost>) {
    if found.asked.is_none() {
        lost.insert(Lost::Model);
    }
    if let Some(name) = found.asked.as_ref().or(found.answered.as_ref()) {
        body.insert("model".to_owned(), Value::from(name.as_str()));
    }
}

fn note(read: &Conversation, lost: &mut BTreeSet<Lost>) {
    if read.is_partial {
        lost.insert(Lost::History);
    }
    if read.has_references {
        lost.insert(Lost::Media);
    }
}

/// Returns a system prompt as messages: a text, parts, or messages.
fn system_messages(system: Value) -> Vec<Value> {
    let is_parts = |items: &[Value]| items.iter().all(|item| item.get("role").is_none());
    let value = match system {
        Value::Array(items) if is_parts(&items) => json!({"role": "system", "parts": items}),
        Value::Object(fields) if !fields.contains_key("role") => {
            json!({"role": "system", "parts": fields.get("parts").cloned().unwrap_or(Value::Object(fields))})
        }
        other @ (Value::Array(_)
        | Value::Object(_)
        | Value::String(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)) => other,
    };
    conversation(value, "system").messages
}

fn is_system(message: &Value) -> bool {
    let role = message.get("role").and_then(Value::as_str);
    role.is_some_and(|role| role == "system" || role == "developer")
}

/// Returns whether these are items of the Responses API, which no other list looks like.
pub(super) fn are_items(items: &[Value]) -> bool {
    let kinds = items.iter().filter_map(|item| item.get("type")?.as_str());
    let mut kinds = kinds.filter(|kind| {
        [
            "function_call",
            "function_call_output",
            "reasoning",
            "message",
        ]
        .contains(kind)
            || kind.ends_with("_call")
    });
    let is_known = kinds.next().is_some();
    let has_parts = |item: &Value| item.get("parts").is_some() || item.get("kwargs").is_some();
    is_known && !items.iter().any(has_parts)
}

/// Returns a definition as the Responses API has it: not nested.
fn unnested(definition: Value) -> Value {
    let Value::Object(mut fields) = definition else {
        return definition;
    };
    if let Some(Value::Object(function)) = fields.remove("function") {
        fields.extend(function);
    }
    Value::Object(fields)
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}
