//! A conversation as every dialect would tell it.
//!
//! Dialects put the same turns into different messages: each tool result one of its own, or all of them in
//! one message of the user, with or without the text that follows. Traces forget fields and write
//! arguments anew. What is left here is what was said: texts, calls with their arguments as JSON, results
//! in the order of their calls.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::order::in_call_order;
use crate::model::{Answers, CallRef, Message, Part, Pooled, Role, Thread, plain_text};

/// Returns the conversation in the form that all dialects have in common.
///
/// Without `has_media` only the kind of an image, a sound or a file counts: a trace keeps but a reference.
pub(super) fn portable(thread: &Thread, has_media: bool) -> Thread {
    let ordered = in_call_order(thread);
    let mut nodes: Vec<&Thread> = ordered.ancestors().collect();
    nodes.reverse();
    let mut telling = Telling {
        thread: Thread::empty(),
        turn: Turn::default(),
        results: Vec::new(),
        usual: 0,
        has_media,
    };
    for node in nodes {
        if let Some(message) = node.last() {
            telling.take(message, node.last_answers());
        }
    }
    telling.end_turn();
    telling.end_results();
    telling.thread
}

struct Telling {
    thread: Thread,
    turn: Turn,
    /// Results since the latest turn, with the calls that they answer.
    results: Vec<(Option<CallRef>, Part)>,
    /// How many results there were since the latest turn.
    usual: u32,
    has_media: bool,
}

/// What the model said, until somebody else speaks.
#[derive(Default)]
struct Turn {
    text: String,
    calls: Vec<Part>,
}

impl Telling {
    fn take(&mut self, message: &Message, answers: &[Option<CallRef>]) {
        if message.role == Role::Assistant {
            self.end_results();
            self.say(message);
            return;
        }
        self.end_turn();
        let mut said = Vec::new();
        let mut nth = 0;
        for part in &message.parts {
            match part {
                Part::ToolResult { content, .. } => {
                    let usual = CallRef {
                        turns_back: 0,
                        index: self.usual,
                    };
                    let answer = answers.get(nth).copied().unwrap_or(Some(usual));
                    nth += 1;
                    self.usual = self.usual.saturating_add(1);
                    let result = self.result(content);
                    self.results.push((answer, result));
                }
                other @ (Part::Text { .. }
                | Part::ToolCall { .. }
                | Part::Reasoning { .. }
                | Part::Refusal { .. }
                | Part::Media { .. }
                | Part::Other { .. }) => said.extend(self.part(other)),
            }
        }
        if !said.is_empty() {
            self.end_results();
            self.push(Message::new(Role::User, joined(said)), Vec::new());
        }
    }

    fn say(&mut self, message: &Message) {
        for part in &message.parts {
            match part {
                Part::Text { text, .. } | Part::Refusal { text } => self.turn.text.push_str(text),
                Part::ToolCall {
                    name, arguments, ..
                } => {
                    let call = Part::tool_call(name.clone(), as_json(arguments));
                    self.turn.calls.push(call);
                }
                Part::Reasoning { .. }
                | Part::ToolResult { .. }
                | Part::Media { .. }
                | Part::Other { .. } => {}
            }
        }
    }

    fn end_turn(&mut self) {
        let turn = std::mem::take(&mut self.turn);
        if turn.text.is_empty() && turn.calls.is_empty() {
            return;
        }
        if !turn.calls.is_empty() {
            self.usual = 0;
        }
        let text = (!turn.text.is_empty()).then(|| Part::text(turn.text));
        let parts = text.into_iter().chain(turn.calls).collect();
        self.push(Message::new(Role::Assistant, parts), Vec::new());
    }

    fn end_results(&mut self) {
        let mut results = std::mem::take(&mut self.results);
        if results.is_empty() {
            return;
        }
        results.sort_by_key(|(answer, _part)| {
            answer.map_or((1, 0, 0), |call| {
                (0, u32::MAX - call.turns_back, call.index)
            })
        });
        let first = self
            .usual
            .saturating_sub(u32::try_from(results.len()).unwrap_or(u32::MAX));
        let is_usual = (first..).zip(&results).all(|(index, (answer, _part))| {
            *answer
                == Some(CallRef {
                    turns_back: 0,
                    index,
                })
        });
        let (answers, parts): (Answers, Vec<Part>) = results.into_iter().unzip();
        let answers = if is_usual { Vec::new() } else { answers };
        self.push(Message::new(Role::Tool, parts), answers);
    }

    fn push(&mut self, message: Message, answers: Answers) {
        let message: Arc<Pooled<Message>> = Pooled::new(message);
        self.thread = self.thread.push(message, answers);
    }

    /// Returns what a tool gave back, JSON in one spelling.
    fn result(&self, content: &[Part]) -> Part {
        let text = plain_text(content);
        let value: Result<Value, _> = serde_json::from_str(&text);
        let text = match value {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => value.to_string(),
            Ok(_) | Err(_) => text,
        };
        let media = content.iter().filter_map(|part| self.part(part));
        let media = media.filter(|part| !matches!(part, Part::Text { .. }));
        let content = std::iter::once(Part::text(text)).chain(media).collect();
        Part::ToolResult {
            content,
            is_error: false,
            extra: Map::new(),
        }
    }

    /// Returns what is left of a part of a user's message.
    fn part(&self, part: &Part) -> Option<Part> {
        match part {
            Part::Text { text, .. } | Part::Refusal { text } => {
                (!text.is_empty()).then(|| Part::text(text.clone()))
            }
            Part::Media { kind, source } => Some(Part::Media {
                kind: kind.clone(),
                source: if self.has_media {
                    source.clone()
                } else {
                    Value::Null
                },
            }),
            Part::Other { .. } => Some(part.clone()),
            Part::ToolCall { .. } | Part::ToolResult { .. } | Part::Reasoning { .. } => None,
        }
    }
}

/// Joins texts that follow each other.
fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        if let (Some(Part::Text { text, .. }), Part::Text { text: more, .. }) =
            (joined.last_mut(), &part)
        {
            text.push_str(more);
        } else {
            joined.push(part);
        }
    }
    joined
}

/// Returns arguments as JSON where a text stands for it.
fn as_json(arguments: &Value) -> Value {
    match arguments {
        Value::String(text) => {
            serde_json::from_str(text).unwrap_or_else(|_error| arguments.clone())
        }
        Value::Null => Value::Object(Map::new()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => arguments.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Dialect;
    use crate::wire::{NoScrub, Parser};

    fn thread(dialect: Dialect, body: &Value) -> Thread {
        let parser = Parser::new(Arc::new(NoScrub));
        let path = "/v1beta/models/m:generateContent";
        let request = parser.parse_request(dialect, "POST", path, body.to_string().as_bytes());
        request.unwrap().messages.thread()
    }

    #[test]
    fn the_same_conversation_is_the_same_in_every_dialect() {
        let chat = json!({"messages": [
            {"role": "user", "content": "Compare"},
            {"role": "assistant", "content": "Let me see.", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"q\": 1, \"n\": 2}"}},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "b", "content": "{\"b\": 2, \"a\": 1}"},
            {"role": "tool", "tool_call_id": "a", "content": "one"},
            {"role": "user", "content": "go on"},
        ]});
        let responses = json!({"input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Compare"}]},
            {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{\"n\":2,\"q\":1}"},
            {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "one"},
            {"type": "function_call_output", "call_id": "b", "output": "{\"a\":1,\"b\":2}"},
            {"role": "user", "content": "go on"},
        ]});
        let anthropic = json!({"messages": [
            {"role": "user", "content": "Compare"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"q": 1, "n": 2}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "b", "content": "{\"a\":1,\"b\":2}"},
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "one"}]},
                {"type": "text", "text": "go on"}]},
        ]});
        let gemini = json!({"contents": [
            {"role": "user", "parts": [{"text": "Compare"}]},
            {"role": "model", "parts": [{"text": "Let me "}]},
            {"role": "model", "parts": [{"text": "see."},
                {"functionCall": {"name": "f", "args": {"n": 2, "q": 1}}},
                {"functionCall": {"name": "g", "args": {}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "f", "response": {"result": "one"}}},
                {"functionResponse": {"name": "g", "response": {"a": 1, "b": 2}}}]},
            {"role": "user", "parts": [{"text": "go on"}]},
        ]});
        let expected = portable(&thread(Dialect::OpenaiChat, &chat), true);
        assert_eq!(expected.len(), 4);
        for (dialect, body) in [
            (Dialect::OpenaiResponses, responses),
            (Dialect::AnthropicMessages, anthropic),
            (Dialect::Gemini, gemini),
        ] {
            let told = portable(&thread(dialect, &body), true);
            assert_eq!(told.messages(), expected.messages(), "{dialect}");
            assert_eq!(told, expected, "{dialect}");
        }
    }

    #[test]
    fn another_word_or_result_is_another_conversation() {
        let body = |text: &str, result: &str| {
            json!({"messages": [
                {"role": "user", "content": text},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "a", "content": result},
            ]})
        };
        let of = |text, result| portable(&thread(Dialect::OpenaiChat, &body(text, result)), true);
        assert_eq!(of("a", "1"), of("a", "1"));
        assert_ne!(of("a", "1"), of("b", "1"));
        assert_ne!(of("a", "1"), of("a", "2"));
    }
}
