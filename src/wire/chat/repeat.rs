//! Chunks that say what an earlier one said but for their piece of text.
//!
//! Most chunks of a stream repeat id, model and fingerprint around a few letters. Such a chunk is read by
//! comparing it with the earlier one; nothing but the piece is parsed.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// A chunk that adds a piece of text and nothing else, apart from that piece.
pub(super) struct Repeat {
    before: String,
    after: String,
}

impl Repeat {
    /// Returns what is around the piece of text in a chunk; `None` where a chunk like it would say more.
    pub(super) fn of(json: &str, chunk: &Map<String, Value>) -> Option<Self> {
        let [choice] = chunk.get("choices")?.as_array()?.as_slice() else {
            return None;
        };
        let delta = choice.get("delta")?.as_object()?;
        let is_text = |(name, value): (&String, &Value)| match name.as_str() {
            "content" => value.is_string(),
            "role" => true,
            _ => value.is_null(),
        };
        if !delta.iter().all(is_text) || !choice.get("logprobs").is_none_or(Value::is_null) {
            return None;
        }
        let (_begin, rest) = json.split_once("\"content\"")?;
        let text = rest.trim_start().strip_prefix(':')?.trim_start();
        let mut piece = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let is_the_piece = delta.get("content")?.as_str()? == piece.next()?.ok()?;
        let after = text.get(piece.byte_offset()..)?;
        let before = json.get(..json.len().checked_sub(text.len())?)?;
        // Without escapes outside the piece, there is one key of this name, and this is it.
        let is_plain = |text: &str| !text.contains('\\');
        let is_only = is_plain(before) && is_plain(after) && !after.contains("\"content\"");
        (is_the_piece && is_only).then(|| Self {
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }

    /// Returns the piece of text of a chunk that says nothing else that is new.
    pub(super) fn piece<'a>(&self, json: &'a str) -> Option<Cow<'a, str>> {
        let rest = json.strip_prefix(self.before.as_str())?;
        let piece = rest.strip_suffix(self.after.as_str())?;
        let plain = piece.strip_prefix('"')?.strip_suffix('"')?;
        let is_plain = |byte: u8| byte != b'"' && byte != b'\\' && byte >= b' ';
        if plain.bytes().all(is_plain) {
            return Some(Cow::Borrowed(plain));
        }
        serde_json::from_str(piece).ok().map(Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn repeat(json: &str) -> Option<Repeat> {
        let chunk: Value = serde_json::from_str(json).unwrap();
        Repeat::of(json, chunk.as_object().unwrap())
    }

    #[test]
    fn what_says_more_than_a_piece_of_text_is_read_as_a_whole() {
        for more in [
            r#"{"choices":[]}"#,
            r#"{"choices":[{"delta":{}}]}"#,
            r#"{"choices":[{"delta":{"content":null}}]}"#,
            r#"{"choices":[{"delta":{"content":"a","refusal":"b"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a","tool_calls":[{}]}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[]}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"a"}}]}"#,
            r#"{"content":"a","choices":[{"delta":{"cont\u0065nt":"a"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"content":"a"}"#,
            r#"{"x\"content":"a","choices":[{"delta":{"content": "a"}}]}"#,
        ] {
            assert!(repeat(more).is_none(), "{more}");
        }
    }

    #[test]
    fn a_chunk_with_anything_else_that_is_new_is_no_repeat() {
        let first = r#"{"id":"1","choices":[{"delta":{"content": "a"},"finish_reason":null}]}"#;
        let repeat = repeat(first).unwrap();
        assert_eq!(repeat.piece(first).as_deref(), Some("a"));
        for other in [
            first.replace("null", "\"stop\""),
            first.replace("\"1\"", "\"2\""),
            first.replace("\"a\"", "null"),
            first.replace("\"a\"", "\"a\",\"refusal\":\"b\""),
            first.replace("\"a\"", "\"\\\""),
            first.replace("\"a\"", "\"\n\""),
            first.replace("\"a\"", ""),
            "\"".to_owned(),
        ] {
            assert_eq!(repeat.piece(&other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_piece_comes_back_as_it_was(first: String, piece: String) {
            let chunk = |text: &str| {
                json!({"id": "1", "choices": [{"index": 0, "delta": {"content": text}}]}).to_string()
            };
            let repeat = repeat(&chunk(&first)).unwrap();
            let json = chunk(&piece);
            let found = repeat.piece(&json).map(Cow::into_owned);
            prop_assert_eq!(found, Some(piece));
        }
    }
}
