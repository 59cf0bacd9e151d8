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
    /// The last turn with tool calls.
    last: Option<Arc<Turn>>,
}

/// A turn with tool calls; conversations share the turns that they have in common.
#[derive(Debug)]
struct Turn {
    before: Option<Arc<Turn>>,
    /// The provider's ids of its tool calls.
    ids: Vec<String>,
}

impl Continuation {
    /// Returns the provider's ids of the tool calls of each turn that has some, oldest first.
    pub(super) fn turns(&self) -> Vec<Vec<String>> {
        let turns = std::iter::successors(self.last.as_ref(), |turn| turn.before.as_ref());
        let mut ids: Vec<_> = turns.map(|turn| turn.ids.clone()).collect();
        ids.reverse();
        ids
    }
}

impl Drop for Turn {
    /// Takes a long conversation apart turn by turn instead of recursively.
    fn drop(&mut self) {
        let mut before = self.before.take();
        while let Some(mut turn) = before.and_then(Arc::into_inner) {
            before = turn.before.take();
        }
    }
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
        let (Some(id), Some(output)) = (&response.id, &response.output) else {
            return;
        };
        if parsed.dialect != Dialect::OpenaiResponses {
            // No other provider keeps conversations, and there may be thousands of long ones.
            return;
        }
        let mut last = self.find(parsed).and_then(|known| known.last.clone());
        let asked_with = parsed.messages.messages();
        let asked_with = asked_with.iter().map(|message| &message.call_ids);
        for ids in asked_with.chain([&response.call_ids]) {
            if !ids.is_empty() {
                last = Some(Arc::new(Turn {
                    before: last,
                    ids: ids.clone(),
                }));
            }
        }
        let thread = interner.push(asked, Arc::clone(output), Vec::new());
        self.by_id.insert(id.clone(), Continuation { thread, last });
    }

    /// Returns what the answer that the request names left behind.
    pub(super) fn find(&self, parsed: &ParsedRequest) -> Option<&Continuation> {
        self.by_id.get(parsed.previous_response.as_deref()?)
    }
}
