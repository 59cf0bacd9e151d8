//! Makes a request fit to leave a recording: what only the recorded provider session knows is
//! replaced.

use serde_json::Value;

use super::inline;
use crate::model::{Call, Dialect, Request};
use crate::proxy::Incoming;

/// Returns the request as it may go to the provider after the recorded call `after`.
///
/// The served history is written out where the request refers to it by id. Signed thinking blocks
/// are dropped where the model changes, since another model refuses them.
pub(super) fn adapt(mut incoming: Incoming, request: &Request, after: Option<&Call>) -> Incoming {
    let Some(recorded) = after else {
        return incoming;
    };
    let body = match request.dialect {
        Dialect::OpenaiResponses => inline::inlined(&incoming.body, recorded),
        Dialect::AnthropicMessages => {
            let changed = recorded.request.treatment.model != request.treatment.model;
            without_thinking(&incoming.body, changed)
        }
        Dialect::OpenaiChat | Dialect::Gemini | Dialect::OpenaiEmbeddings | Dialect::Opaque => None,
    };
    if let Some(body) = body {
        incoming.headers.remove(http::header::CONTENT_ENCODING);
        incoming.headers.remove(http::header::CONTENT_LENGTH);
        incoming.body = body.into();
        incoming.raw_body = incoming.body.clone();
    }
    incoming
}

/// Returns the body without those thinking blocks in its history that the provider would refuse: `all` of
/// them, or those without a signature, which a trace does not keep. `None` where there are none.
fn without_thinking(body: &[u8], all: bool) -> Option<Vec<u8>> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let mut dropped = false;
    for message in body.get_mut("messages")?.as_array_mut()? {
        let Some(blocks) = message.get_mut("content").and_then(Value::as_array_mut) else {
            continue;
        };
        let before = blocks.len();
        blocks.retain(|block| {
            let kind = block.get("type").and_then(Value::as_str);
            let signature = block.get("signature").and_then(Value::as_str);
            match kind {
                Some("thinking") => !all && signature.is_some_and(|text| !text.is_empty()),
                Some("redacted_thinking") => !all,
                Some(_) | None => true,
            }
        });
        dropped |= blocks.len() != before;
    }
    dropped.then(|| body.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn thinking_blocks_are_dropped_and_nothing_else() {
        let body = json!({"model": "m", "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "…", "signature": "s"},
                {"type": "text", "text": "hello"}
            ]}
        ]});
        assert_eq!(without_thinking(body.to_string().as_bytes(), false), None);
        let adapted = without_thinking(body.to_string().as_bytes(), true).unwrap();
        let adapted: Value = serde_json::from_slice(&adapted).unwrap();
        assert_eq!(
            adapted["messages"][1]["content"],
            json!([{"type": "text", "text": "hello"}])
        );
        assert_eq!(adapted["messages"][0], body["messages"][0]);
        assert_eq!(without_thinking(adapted.to_string().as_bytes(), true), None);
    }
}
