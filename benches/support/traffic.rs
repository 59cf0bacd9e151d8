//! The traffic of an agent: Chat Completions requests of a wanted size, and their answers.

use bytes::Bytes;
use serde_json::{Value, json};

/// The shape of the traffic.
#[derive(Clone, Copy)]
pub struct Shape {
    /// What it is called in tables.
    pub name: &'static str,
    /// About how many bytes a request has.
    pub bytes: usize,
    /// How many events the answer streams; 0 for a plain answer.
    pub events: usize,
}

/// The shapes that are measured.
pub const SHAPES: [Shape; 3] = [
    Shape {
        name: "2 KB request",
        bytes: 2_000,
        events: 0,
    },
    Shape {
        name: "100 KB request",
        bytes: 100_000,
        events: 0,
    },
    Shape {
        name: "100-event stream",
        bytes: 2_000,
        events: 100,
    },
];

/// One exchange: the request's body and the answer to it.
pub struct Exchange {
    /// The body of the request.
    pub request: String,
    /// The content type of the answer.
    pub content_type: &'static str,
    /// The body of the answer.
    pub answer: Bytes,
}

/// Returns `steps` exchanges: one conversation of that size goes before each, and each asks something of its own.
pub fn exchanges(shape: Shape, steps: usize) -> Vec<Exchange> {
    (0..steps).map(|step| exchange(shape, step)).collect()
}

fn exchange(shape: Shape, step: usize) -> Exchange {
    let mut messages = vec![json!({"role": "system", "content": "You are a careful assistant."})];
    let mut size = 300;
    for turn in 0.. {
        let message = json!({
            "role": if turn % 2 == 0 { "user" } else { "assistant" },
            "content": sentence(turn).repeat(8),
        });
        size += message.to_string().len();
        if size > shape.bytes {
            break;
        }
        messages.push(message);
    }
    messages.push(json!({"role": "user", "content": format!("Question number {step}?")}));
    let mut request = json!({"model": "gpt-4o-mini", "messages": messages, "temperature": 0});
    let streams = shape.events > 0;
    if streams {
        request["stream"] = true.into();
    }
    let (content_type, answer) = if streams {
        ("text/event-stream", stream(shape.events, step))
    } else {
        ("application/json", plain(step).to_string())
    };
    Exchange {
        request: request.to_string(),
        content_type,
        answer: answer.into(),
    }
}

fn sentence(turn: usize) -> String {
    format!("In turn {turn} we speak about the weather, the trains and the price of bread. ")
}

fn plain(step: usize) -> Value {
    json!({
        "id": format!("chatcmpl-{step}"), "object": "chat.completion", "created": 1_700_000_000,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": format!("Answer number {step}. {}", sentence(step))}}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 30, "total_tokens": 530},
    })
}

fn stream(events: usize, step: usize) -> String {
    let chunk = |delta: Value, finish: Value| {
        let chunk = json!({
            "id": format!("chatcmpl-{step}"), "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        });
        format!("data: {chunk}\n\n")
    };
    let words = (0..events.saturating_sub(3))
        .map(|word| chunk(json!({"content": format!("word{word} ")}), Value::Null));
    std::iter::once(chunk(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    ))
    .chain(words)
    .chain([
        chunk(json!({}), "stop".into()),
        "data: [DONE]\n\n".to_owned(),
    ])
    .collect()
}

/// Returns the bytes of a request with this body to a path.
pub fn request_bytes(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         accept: application/json\r\nuser-agent: bench\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
