//! Conversations that the provider keeps: `previous_response_id` resolved to what it stands for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Message, Pooled, Response, Thread, ThreadInterner};

/// What an earlier answer left at the provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Continuation {
    /// The conversation up to and including that answer.
    pub(super) thread: Thread,
    /// The provider's ids of that answer's tool calls, in order.
    pub(super) call_ids: Vec<String>,
}

/// The answers of a timeline by the ids that later requests name them by.
#[derive(Debug, Default)]
pub(super) struct Continuations {
    by_id: HashMap<String, Continuation>,
}

impl Continuations {
    /// Keeps an answer to the conversation `asked`, if it has an id.
    pub(super) fn keep(
        &mut self,
        asked: &Thread,
        response: &Response,
        interner: &mut ThreadInterner,
    ) {
        let (Some(id), Some(output)) = (&response.id, &response.output) else {
            return;
        };
        let output: Arc<Pooled<Message>> = Arc::clone(output);
        let thread = interner.push(asked, output, Vec::new());
        self.by_id.insert(
            id.clone(),
            Continuation {
                thread,
                call_ids: response.call_ids.clone(),
            },
        );
    }

    /// Returns what the answer with this id left behind.
    pub(super) fn find(&self, id: &str) -> Option<&Continuation> {
        self.by_id.get(id)
    }
}
