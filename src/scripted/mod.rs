//! The scripted model: answers model calls by rules on the conversation, without any provider.
//!
//! [`Script`] is the rules file, [`ScriptedModel`] the [`Backend`](crate::proxy::Backend) that
//! answers by it: OpenAI Chat Completions, Responses and embeddings, Anthropic Messages, Gemini, streamed
//! or not. It is deterministic but for the ids, which are fresh in every answer like a provider's. The
//! rules are described in `docs/scripted-model.md`.

mod answer;
mod backend;
mod conversation;
mod other;
mod reply;
mod rule;
mod script;
mod template;

pub use backend::{Log, LogEntry, ScriptedModel};
pub use script::{Script, ScriptError};

#[cfg(test)]
mod tests;
