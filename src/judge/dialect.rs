//! Requests to a judge and its answers, in the words of the providers.
//!
//! Sources: OpenAI, Chat Completions with Structured Outputs (`response_format` of type `json_schema`,
//! strict); Anthropic, Messages with a forced tool (`tool_choice` of type `tool`).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::{JudgeDialect, JudgeSettings, Malformed, Prompt, Unmeasured};
use crate::model::{FinishReason, Response};
use crate::proxy::{Credential, Incoming};

/// What a judge said.
#[derive(Debug)]
pub(super) struct Said {
    /// The answer as JSON, or what is wrong with it.
    pub(super) answer: Result<Value, Malformed>,
}

/// Returns the request for one vote.
pub(super) fn request(settings: &JudgeSettings, prompt: &Prompt, ordinal: u32) -> Incoming {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let (path, body) = match settings.dialect {
        JudgeDialect::Openai => ("/v1/chat/completions", openai(settings, prompt, ordinal)),
        JudgeDialect::Anthropic => {
            headers.insert(
                HeaderName::from_static("anthropic-version"),
                HeaderValue::from_static("2023-06-01"),
            );
            ("/v1/messages", anthropic(settings, prompt))
        }
    };
    let body = Bytes::from(body.to_string());
    Incoming {
        method: Method::POST,
        path: path.to_owned(),
        provider: settings.dialect.provider().to_owned(),
        headers,
        raw_body: body.clone(),
        body,
        credential: Credential::Placeholder,
        arrived: std::time::Instant::now(),
        origin: None,
        is_socket: false,
    }
}

fn openai(settings: &JudgeSettings, prompt: &Prompt, ordinal: u32) -> Value {
    let mut body = json!({
        "model": settings.model,
        "messages": [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": prompt.user},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": TOOL, "strict": true, "schema": prompt.schema},
        },
    });
    if let Some(seed) = settings.seed {
        set(
            &mut body,
            "seed",
            json!(seed.wrapping_add(u64::from(ordinal))),
        );
    }
    if let Some(temperature) = settings.temperature {
        set(&mut body, "temperature", json!(temperature));
    }
    body
}

fn anthropic(settings: &JudgeSettings, prompt: &Prompt) -> Value {
    json!({
        "model": settings.model,
        "max_tokens": MAX_TOKENS,
        "system": prompt.system,
        "messages": [{"role": "user", "content": prompt.user}],
        "tools": [{
            "name": TOOL,
            "description": "Takes the decisions on all statements.",
            "input_schema": prompt.schema,
        }],
        "tool_choice": {"type": "tool", "name": TOOL},
    })
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// Reads a successful answer of the provider.
///
/// Only what the judge answered is read, and only as a whole: a verdict that stands somewhere inside a text
/// may be one that it quotes.
pub(super) fn read(
    dialect: JudgeDialect,
    response: &Response,
    body: &Value,
) -> Result<Said, Unmeasured> {
    match response.finish {
        Some(FinishReason::Length) => return Err(Unmeasured::Cut),
        Some(FinishReason::ContentFilter) => return Err(Unmeasured::Refused),
        Some(FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other(_)) | None => {}
    }
    match dialect {
        JudgeDialect::Openai => read_openai(body),
        JudgeDialect::Anthropic => Ok(read_anthropic(body)),
    }
}

fn read_openai(body: &Value) -> Result<Said, Unmeasured> {
    let choice = body.pointer("/choices/0");
    let part = |pointer: &str| choice.and_then(|choice| choice.pointer(pointer));
    if part("/message/refusal").is_some_and(Value::is_string) {
        return Err(Unmeasured::Refused);
    }
    let text = part("/message/content").and_then(Value::as_str);
    let answer = match text.map(serde_json::from_str::<Value>) {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(_prose)) => Err(Malformed::Schema("it is no JSON".to_owned())),
        None => Err(Malformed::Schema("it has no text".to_owned())),
    };
    Ok(Said { answer })
}

fn read_anthropic(body: &Value) -> Said {
    let blocks = body.get("content").and_then(Value::as_array);
    let mut calls = blocks
        .into_iter()
        .flatten()
        .filter(|block| block.get("type").and_then(Value::as_str) == Some("tool_use"));
    let call = calls
        .next()
        .filter(|call| call.get("name").and_then(Value::as_str) == Some(TOOL));
    let answer = match (call.and_then(|call| call.get("input")), calls.next()) {
        (Some(input), None) => Ok(input.clone()),
        (Some(_), Some(_)) => Err(Malformed::Schema("it calls the tool twice".to_owned())),
        (None, _) => Err(Malformed::Schema("it does not call the tool".to_owned())),
    };
    Said { answer }
}

/// Returns the message of a provider's error, short.
pub(super) fn error_message(response: &Response) -> String {
    let said = response.error.as_ref().map(|error| error.message.as_str());
    said.unwrap_or("no reason given")
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(300)
        .collect()
}

/// The name of the schema or the tool.
const TOOL: &str = "verdict";

/// The most tokens of an answer, where the provider wants to know; also what a call is assumed to cost
/// before it was made.
pub(super) const MAX_TOKENS: u64 = 4096;
