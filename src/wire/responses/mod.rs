//! OpenAI Responses.
//!
//! [`item::parse`] reads an item of a request's input or of an answer's output, [`response`] an
//! answer (JSON or streamed), [`render()`] writes one. Items have no turns: all consecutive items on
//! the model's side are one assistant message of the normal form.
//! Source: <https://platform.openai.com/docs/api-reference/responses>.

mod events;
pub(super) mod item;
mod render;
pub(super) mod response;
mod stream;

pub(super) use events::render_events;
pub(super) use render::render;
pub(super) use stream::assemble;
