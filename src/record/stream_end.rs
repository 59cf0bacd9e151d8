//! Says whether a stream was at its end, whatever then happened to its connection.
//!
//! Clients often close the connection at the last event instead of waiting for the end of the body;
//! that is no broken answer.

use serde_json::Value;

use crate::model::{Body, Dialect};
use crate::wire;

/// Returns whether the body ends with the event that closes a stream of its dialect.
pub(super) fn is_ended(dialect: Dialect, body: &Body) -> bool {
    let Body::Events(events) = body else {
        return false;
    };
    let before = events.len().saturating_sub(LOOK_BACK);
    events.iter().skip(before).any(|event| {
        let data = wire::event_data(&event.bytes).data;
        data.is_some_and(|data| closes(dialect, &data))
    })
}

fn closes(dialect: Dialect, data: &str) -> bool {
    if data.trim() == "[DONE]" {
        return true;
    }
    let kind = || {
        let value: Value = serde_json::from_str(data).ok()?;
        Some(value.get("type")?.as_str()?.to_owned())
    };
    match dialect {
        Dialect::Gemini => serde_json::from_str::<Value>(data).is_ok_and(|value| {
            let reason = value.pointer("/candidates/0/finishReason");
            let reason = reason.or_else(|| value.pointer("/promptFeedback/blockReason"));
            reason.is_some_and(Value::is_string)
        }),
        Dialect::AnthropicMessages => kind().is_some_and(|kind| kind == "message_stop"),
        Dialect::OpenaiResponses => kind().is_some_and(|kind| {
            [
                "response.completed",
                "response.incomplete",
                "response.failed",
            ]
            .contains(&&*kind)
        }),
        Dialect::OpenaiChat | Dialect::OpenaiEmbeddings | Dialect::Opaque => false,
    }
}

/// How many of the last events are looked at: pings and comments may follow the closing one.
const LOOK_BACK: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StreamEvent;

    fn events(texts: &[&'static str]) -> Body {
        Body::Events(
            texts
                .iter()
                .map(|text| StreamEvent {
                    delay_us: 0,
                    bytes: bytes::Bytes::from_static(text.as_bytes()),
                })
                .collect(),
        )
    }

    #[test]
    fn the_closing_event_ends_a_stream_of_its_dialect() {
        let chat = events(&["data: {}\n\n", "data: [DONE]\n\n"]);
        assert!(is_ended(Dialect::OpenaiChat, &chat));
        let anthropic = events(&["event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"]);
        assert!(is_ended(Dialect::AnthropicMessages, &anthropic));
        assert!(!is_ended(Dialect::OpenaiChat, &anthropic));
        let responses = events(&[
            "data: {\"type\":\"response.completed\"}\r\n\r\n",
            ": ping\n\n",
        ]);
        assert!(is_ended(Dialect::OpenaiResponses, &responses));
    }

    #[test]
    fn a_stream_that_broke_off_has_no_end() {
        let broken = events(&["data: {\"choices\":[]}\n\n", "data: {\"cho"]);
        assert!(!is_ended(Dialect::OpenaiChat, &broken));
        assert!(!is_ended(Dialect::OpenaiChat, &Body::default()));
    }
}
