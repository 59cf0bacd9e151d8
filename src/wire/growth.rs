//! A conversation that grows by the items of a request, with what it comes to after each.

use std::sync::Arc;

use crate::model::{Message, Role};

use super::parser::Item;
use super::trie::Ending;
use super::{ParsedMessage, ParsedThread};

/// A conversation on its way from one place to another.
pub(super) struct Growth {
    base: ParsedThread,
    /// The messages that the history has grown by.
    messages: Vec<Arc<ParsedMessage>>,
    prompts: Arc<Vec<Arc<ParsedMessage>>>,
    open: Arc<Vec<Arc<Item>>>,
    marks: Vec<Mark>,
    is_marking: bool,
}

/// How far the conversation was after an item.
struct Mark {
    messages: usize,
    prompts: Arc<Vec<Arc<ParsedMessage>>>,
    open: Arc<Vec<Arc<Item>>>,
}

impl Growth {
    /// Returns a conversation that goes on from here.
    pub(super) fn new(from: Ending) -> Self {
        Self {
            base: from.thread,
            messages: Vec::new(),
            prompts: from.prompts,
            open: from.open,
            marks: Vec::new(),
            is_marking: true,
        }
    }

    /// Returns the pieces of the turn that is open.
    pub(super) fn open(&self) -> &[Arc<Item>] {
        &self.open
    }

    /// Adds a piece to the open turn.
    pub(super) fn piece(&mut self, piece: &Arc<Item>) {
        Arc::make_mut(&mut self.open).push(Arc::clone(piece));
        self.mark();
    }

    /// Closes the open turn, which has become this message; without one there was no turn.
    pub(super) fn turn_ended(&mut self, turn: Option<Arc<ParsedMessage>>) {
        self.messages.extend(turn);
        self.open = Arc::default();
    }

    /// Adds a message; no turn is open.
    pub(super) fn message(&mut self, message: &Arc<ParsedMessage>) {
        if is_system(&message.message) {
            Arc::make_mut(&mut self.prompts).push(Arc::clone(message));
        } else {
            self.messages.push(Arc::clone(message));
        }
        self.mark();
    }

    /// Returns what the conversation came to after each item, as far as that is worth keeping, and
    /// what it comes to in the end.
    pub(super) fn endings(self) -> (Vec<Ending>, Ending) {
        let threads = self.base.extended(&self.messages);
        let thread = |messages: usize| match messages.checked_sub(1) {
            Some(last) => threads.get(last).cloned().unwrap_or_default(),
            None => self.base.clone(),
        };
        let last = Ending {
            thread: thread(self.messages.len()),
            prompts: self.prompts,
            open: self.open,
        };
        let ending = |mark: Mark| Ending {
            thread: thread(mark.messages),
            prompts: mark.prompts,
            open: mark.open,
        };
        (self.marks.into_iter().map(ending).collect(), last)
    }

    /// Notes where the conversation is. Each mark has a copy of what was collected when that changes,
    /// so there are no more of them once it is much.
    fn mark(&mut self) {
        self.is_marking &= self.open.len().max(self.prompts.len()) <= FEW;
        if self.is_marking {
            self.marks.push(Mark {
                messages: self.messages.len(),
                prompts: Arc::clone(&self.prompts),
                open: Arc::clone(&self.open),
            });
        }
    }
}

/// As many pieces of one turn, or system messages, as a conversation has.
const FEW: usize = 64;

fn is_system(message: &Message) -> bool {
    match message.role {
        Role::System | Role::Developer => true,
        Role::User | Role::Assistant | Role::Tool => false,
    }
}
