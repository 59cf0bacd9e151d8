//! Renders answers for the wire, so that the official SDKs take them as their provider's.
//!
//! For answers without wire bytes: imports, the scripted model, re-rendered redactions. What was
//! recorded is served as it came instead. Ids that are missing are made from the content, so the same
//! answer always renders to the same bytes.

use bytes::Bytes;
use serde_json::Value;

use crate::model::{Body, ContentId, Dialect, Response, StreamEvent};

use super::{Rendered, StreamForm, anthropic, chat, embeddings, error, gemini, opaque, responses};

/// Returns the body of an answer: JSON, or a `stream` in the form that its dialect has for `form`.
///
/// Of the dialects Chat Completions alone sends the usage only where it is asked for. An answer with `error` becomes the provider's error body, which is no stream.
pub fn render(dialect: Dialect, response: &Response, stream: bool, form: StreamForm) -> Rendered {
    if let Some(failure) = &response.error {
        let body = error::render_error(dialect, 500, &failure.kind, &failure.message);
        return whole(JSON, body);
    }
    let events = match dialect {
        Dialect::OpenaiChat if stream => {
            chat::render_events(response, form == StreamForm::EventsWithUsage)
        }
        Dialect::OpenaiResponses if stream => responses::render_events(response),
        Dialect::AnthropicMessages if stream => anthropic::render_events(response),
        Dialect::Gemini if stream && form == StreamForm::Array => {
            return whole(JSON, gemini::render_array(response));
        }
        Dialect::Gemini if stream => gemini::render_events(response),
        Dialect::Gemini => return json(&gemini::render(response)),
        Dialect::OpenaiChat => return json(&chat::render(response)),
        Dialect::OpenaiResponses => return json(&responses::render(response)),
        Dialect::AnthropicMessages => return json(&anthropic::render(response)),
        Dialect::OpenaiEmbeddings => return json(&embeddings::render(response)),
        Dialect::Opaque => {
            let (content_type, body) = opaque::render(response);
            return whole(content_type, body);
        }
    };
    Rendered {
        content_type: "text/event-stream; charset=utf-8",
        body: Body::Events(events.into()),
    }
}

fn json(body: &Value) -> Rendered {
    whole(JSON, Bytes::from(body.to_string()))
}

fn whole(content_type: &'static str, body: Bytes) -> Rendered {
    Rendered {
        content_type,
        body: Body::Whole(body),
    }
}

const JSON: &str = "application/json";

/// Makes the ids of one answer from its content.
pub(super) struct Ids<'r> {
    response: &'r Response,
    content: ContentId,
}

impl<'r> Ids<'r> {
    pub(super) fn new(response: &'r Response) -> Self {
        let content = response
            .output
            .as_ref()
            .map_or_else(|| ContentId::of(b""), |output| output.id());
        Self { response, content }
    }

    /// Returns the provider's id of the answer, or one that begins with `prefix`.
    pub(super) fn answer(&self, prefix: &str) -> String {
        let known = self.response.id.clone().filter(|id| !id.is_empty());
        known.unwrap_or_else(|| self.make(prefix, "answer", 0))
    }

    /// Returns the provider's id of the n-th call of choice `choice`; `None` where it gave none.
    pub(super) fn known_call(&self, choice: usize, number: usize) -> Option<&str> {
        let known = (choice == 0).then(|| self.response.call_ids.get(number));
        known
            .flatten()
            .filter(|id| !id.is_empty())
            .map(String::as_str)
    }

    /// Returns the provider's id of the n-th call of choice `choice`, or one that begins with `prefix`.
    pub(super) fn call(&self, prefix: &str, choice: usize, number: usize) -> String {
        let known = self.known_call(choice, number).map(str::to_owned);
        known.unwrap_or_else(|| {
            let kind = format!("call of choice {choice}");
            self.make(prefix, &kind, number)
        })
    }

    /// Returns an id of the n-th item.
    pub(super) fn item(&self, prefix: &str, number: usize) -> String {
        self.make(prefix, "item", number)
    }

    fn make(&self, prefix: &str, kind: &str, number: usize) -> String {
        let hash = ContentId::of_parts([
            self.content.as_bytes().as_slice(),
            kind.as_bytes(),
            number.to_le_bytes().as_slice(),
        ]);
        let digits: String = hash.to_string().chars().skip(3).take(24).collect();
        format!("{prefix}{digits}")
    }
}

/// Returns an event with data alone.
pub(super) fn data_event(data: &str) -> StreamEvent {
    StreamEvent {
        delay_us: 0,
        bytes: Bytes::from(format!("data: {data}\n\n")),
    }
}

/// Returns an event with a name.
pub(super) fn named_event(name: &str, data: &Value) -> StreamEvent {
    StreamEvent {
        delay_us: 0,
        bytes: Bytes::from(format!("event: {name}\ndata: {data}\n\n")),
    }
}

/// Cuts a text into the pieces that a stream sends: some words each, at most some 64 of them.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let least = (text.chars().count() / 64).max(16);
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut length = 0;
    for character in text.chars() {
        piece.push(character);
        length += 1;
        let is_enough = length >= least && character.is_whitespace();
        if is_enough || length >= least * 2 {
            pieces.push(std::mem::take(&mut piece));
            length = 0;
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_joined_are_the_text() {
        let long = "word ".repeat(1000);
        for text in ["", "short", "Grüße 東京 and more words than one", &long] {
            assert_eq!(pieces(text).concat(), text);
        }
        assert!(pieces(&long).len() <= 64);
        assert!(pieces("a text that is long enough to be cut").len() > 1);
    }
}
