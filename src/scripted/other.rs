//! What no rule answers: lists of models, counts of tokens, embeddings.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::answer;
use super::conversation::Conversation;
use super::reply::{error, json_reply};
use crate::model::{ContentId, Dialect};
use crate::proxy::Reply;
use crate::wire::ParsedRequest;

/// The name of the only model that is listed.
const MODEL: &str = "scripted";
/// The length of vectors where the request says nothing.
const DIMENSIONS: usize = 8;
const MAX_DIMENSIONS: usize = 4096;

/// Returns the list of models, or the one model that `path` names: any name will do.
pub(super) fn models(path: &str, dialect: Dialect) -> Reply {
    let is_anthropic = dialect == Dialect::AnthropicMessages;
    let is_google = dialect == Dialect::Gemini;
    let place = path.split('?').next().unwrap_or(path).trim_end_matches('/');
    let model = |id: &str| {
        if is_anthropic {
            json!({ "type": "model", "id": id, "display_name": id,
                    "created_at": "1970-01-01T00:00:00Z" })
        } else if is_google {
            json!({ "name": format!("models/{id}"), "displayName": id,
                    "supportedGenerationMethods": ["generateContent", "countTokens"] })
        } else {
            json!({ "id": id, "object": "model", "created": 0, "owned_by": "rewind" })
        }
    };
    let body = match place.rsplit_once("/models") {
        Some((_root, "")) if is_anthropic => json!({ "data": [model(MODEL)], "has_more": false,
                "first_id": MODEL, "last_id": MODEL }),
        Some((_root, "")) if is_google => json!({ "models": [model(MODEL)] }),
        Some((_root, "")) => json!({ "object": "list", "data": [model(MODEL)] }),
        Some((_root, name)) if name.starts_with('/') => model(name.trim_start_matches('/')),
        Some(_) | None => {
            let text = format!("the scripted model does not know GET {place}");
            return error(Dialect::OpenaiChat, 404, "not_found_error", &text);
        }
    };
    json_reply(StatusCode::OK, Bytes::from(body.to_string()))
}

/// Returns the count of tokens, by the same estimate as the usage of an answer.
pub(super) fn count(talk: &Conversation, dialect: Dialect) -> Reply {
    let name = match dialect {
        Dialect::Gemini => "totalTokens",
        Dialect::OpenaiChat
        | Dialect::OpenaiResponses
        | Dialect::AnthropicMessages
        | Dialect::OpenaiEmbeddings
        | Dialect::Opaque => "input_tokens",
    };
    let body = json!({ name: answer::tokens(talk.chars) });
    json_reply(StatusCode::OK, Bytes::from(body.to_string()))
}

/// Returns a vector for each input.
pub(super) fn embeddings(parsed: &ParsedRequest) -> Reply {
    let dimensions = parsed
        .settings
        .get("dimensions")
        .and_then(Value::as_u64)
        .and_then(|dimensions| usize::try_from(dimensions).ok())
        .map_or(DIMENSIONS, |dimensions| dimensions.clamp(1, MAX_DIMENSIONS));
    let data: Vec<Value> = parsed
        .messages
        .messages()
        .iter()
        .enumerate()
        .map(|(index, message)| {
            let vector = vector(message.message.id(), dimensions);
            json!({ "object": "embedding", "index": index, "embedding": vector })
        })
        .collect();
    let chars: usize = parsed
        .messages
        .messages()
        .iter()
        .map(|one| one.message.plain_text().chars().count())
        .sum();
    let tokens = answer::tokens(chars);
    let body = json!({
        "object": "list",
        "data": data,
        "model": parsed.model,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    });
    json_reply(StatusCode::OK, Bytes::from(body.to_string()))
}

/// Returns a vector that depends on the content alone, each number between -1 and 1.
fn vector(content: ContentId, dimensions: usize) -> Vec<f64> {
    let bytes = content.as_bytes();
    (0..dimensions)
        .map(|index| {
            let byte = bytes.get(index % bytes.len()).copied().unwrap_or_default();
            (f64::from(byte) - 127.5) / 127.5
        })
        .collect()
}
