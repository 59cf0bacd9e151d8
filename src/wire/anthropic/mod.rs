//! Anthropic Messages.
//!
//! [`message::parse`] reads a message of a request, [`response`] an answer (JSON or streamed),
//! [`render()`] writes one. Does not keep `cache_control`, which has no effect on an answer.
//! Source: <https://docs.anthropic.com/en/api/messages>.

pub(super) mod message;
mod render;
pub(super) mod response;
mod stream;

pub(super) use render::{render, render_events};
pub(super) use stream::assemble;
