//! OpenAI Chat Completions, also as spoken by Azure, vLLM, Ollama, `DeepSeek`, `OpenRouter` and others.
//!
//! [`message::parse`] reads a message of a request or of an answer, [`response`] an answer,
//! [`stream`] puts a streamed answer together, [`render()`] writes one. Does not keep what has no effect.
//! Source: <https://platform.openai.com/docs/api-reference/chat>.

pub(super) mod message;
mod render;
mod repeat;
pub(super) mod response;
mod stream;

pub(super) use render::{render, render_events};
pub(super) use stream::assemble;
