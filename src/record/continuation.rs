//! Conversations that the provider keeps: `previous_response_id` resolved to what it stands for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Dialect, Response, Thread, ThreadInterner};
use crate::wire::ParsedRequest;

/// What an earlier answer left at the provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Continuation {
    /// The conversation up to and including that answer.
    pub(super) thread: Thread,
    /// The provider's ids of the tool calls of each turn that has some, oldest first.
    pub(super) turns: Vec<Vec<String>>,
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
        parsed: &ParsedRequest,
        response: &Response,
        interner: &mut ThreadInterner,
    ) {
        if parsed.dialect != Dialect::OpenaiResponses {
            return;
        }
        let (Some(id), Some(output)) = (&response.id, &response.output) else {
            return;
        };
        let mut turns = self.base(parsed).turns;
        let asked_with = parsed.messages.messages();
        let asked_with = asked_with.iter().map(|message| &message.call_ids);
        turns.extend(
            asked_with
                .chain([&response.call_ids])
                .filter(|ids| !ids.is_empty())
                .cloned(),
        );
        let thread = interner.push(asked, Arc::clone(output), Vec::new());
        self.by_id
            .insert(id.clone(), Continuation { thread, turns });
    }

    /// Returns what the answer that the request names left behind.
    pub(super) fn find(&self, parsed: &ParsedRequest) -> Option<&Continuation> {
        self.by_id.get(parsed.previous_response.as_deref()?)
    }

    fn base(&self, parsed: &ParsedRequest) -> Continuation {
        self.find(parsed).cloned().unwrap_or_default()
    }
}
