//! Conversations as parsed: shared chains of messages with their ids, and the thread that they make.
//!
//! The requests of an agent repeat the conversation so far. Here the beginning that two requests share
//! is one chain, so what a longer request costs is its new messages.

use std::sync::Arc;

use crate::model::{Answers, ContentId, Thread};

use super::ParsedMessage;
use super::link::link;

/// The history of a request: messages in order, without system and developer messages.
#[derive(Clone, Debug, Default)]
pub struct ParsedThread(Option<Arc<Node>>);

#[derive(Debug)]
struct Node {
    parent: ParsedThread,
    message: Arc<ParsedMessage>,
    thread: Thread,
    exact: ContentId,
}

impl ParsedThread {
    /// Returns the thread of these messages.
    pub fn new(messages: &[Arc<ParsedMessage>]) -> Self {
        let base = Self::default();
        base.extended(messages).pop().unwrap_or(base)
    }

    /// Returns the conversation in the normal form, taken as one that begins here.
    pub fn thread(&self) -> Thread {
        self.0
            .as_ref()
            .map_or_else(Thread::empty, |node| node.thread.clone())
    }

    /// Returns the number of messages.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |node| node.thread.len())
    }

    /// Returns whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the hash over the messages as they stood on the wire, ids included.
    pub fn exact(&self) -> ContentId {
        self.0
            .as_ref()
            .map_or_else(|| ContentId::from_bytes([0; 32]), |node| node.exact)
    }

    /// Returns the messages in order.
    pub fn messages(&self) -> Vec<Arc<ParsedMessage>> {
        let mut messages: Vec<_> = self.nodes().map(|node| Arc::clone(&node.message)).collect();
        messages.reverse();
        messages
    }

    /// Returns the threads that this one becomes with each of these messages, in order.
    pub(super) fn extended(&self, messages: &[Arc<ParsedMessage>]) -> Vec<Self> {
        let mut threads: Vec<Self> = Vec::with_capacity(messages.len());
        let mut links = None;
        for (index, message) in messages.iter().enumerate() {
            let parent = threads.last().unwrap_or(self);
            let answers = if parent.is_answered_in_order_by(message) {
                Answers::new()
            } else {
                links
                    .get_or_insert_with(|| self.links(messages))
                    .get(index)
                    .cloned()
                    .unwrap_or_default()
            };
            let next = parent.pushed(message, answers);
            threads.push(next);
        }
        threads
    }

    fn pushed(&self, message: &Arc<ParsedMessage>, answers: Answers) -> Self {
        let exact = [self.exact(), message.exact];
        Self(Some(Arc::new(Node {
            parent: self.clone(),
            message: Arc::clone(message),
            thread: self.thread().push(Arc::clone(&message.message), answers),
            exact: ContentId::of_parts(exact.iter().map(|id| id.as_bytes().as_slice())),
        })))
    }

    /// Returns which calls the results in each of `messages` answer.
    fn links(&self, messages: &[Arc<ParsedMessage>]) -> Vec<Answers> {
        let mut all = self.messages();
        all.extend(messages.iter().cloned());
        link(&all).split_off(self.len())
    }

    /// Returns whether the results of a message, which may have none, plainly answer the next calls of
    /// the latest turn: what [`link()`] finds too, without a look at the whole conversation.
    fn is_answered_in_order_by(&self, message: &ParsedMessage) -> bool {
        if message.result_ids.is_empty() {
            return true;
        }
        let mut answered: usize = 0;
        for node in self.nodes() {
            if !node.message.call_ids.is_empty() {
                let mut calls = node.message.call_ids.iter().skip(answered);
                return message.result_ids.iter().all(|id| calls.next() == Some(id));
            }
            if !node.thread.last_answers().is_empty() {
                return false;
            }
            answered = answered.saturating_add(node.message.result_ids.len());
        }
        false
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.0.as_deref(), |node| node.parent.0.as_deref())
    }
}

impl PartialEq for ParsedThread {
    fn eq(&self, other: &Self) -> bool {
        self.exact() == other.exact() && self.thread() == other.thread()
    }
}

impl Drop for ParsedThread {
    /// Unlinks node by node: the derived drop would recurse once a message.
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(node) = next {
            match Arc::try_unwrap(node) {
                Ok(mut node) => next = node.parent.0.take(),
                Err(_shared) => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Message, Part, Pooled, Role, ThreadInterner};
    use crate::wire::link::thread;

    fn message(calls: Vec<String>, results: Vec<String>) -> Arc<ParsedMessage> {
        let parts = results.iter().map(|_id| Part::tool_result("x")).collect();
        let text = format!("{calls:?}{results:?}");
        Arc::new(ParsedMessage {
            message: Pooled::new(Message::new(Role::Tool, parts)),
            exact: ContentId::of(text.as_bytes()),
            call_ids: calls,
            result_ids: results,
        })
    }

    fn messages() -> impl Strategy<Value = Vec<Arc<ParsedMessage>>> {
        let ids = || prop::collection::vec("[ab]?", 0..3);
        let one = prop_oneof![
            ids().prop_map(|calls| message(calls, Vec::new())),
            ids().prop_map(|results| message(Vec::new(), results)),
        ];
        prop::collection::vec(one, 0..8)
    }

    proptest! {
        #[test]
        fn a_thread_grown_in_pieces_is_the_thread_of_the_whole(
            messages in messages(),
            cut in 0usize..8,
        ) {
            let whole = thread(&Thread::empty(), &messages, &mut ThreadInterner::default());
            let (head, tail) = messages.split_at(cut.min(messages.len()));
            let base = ParsedThread::new(head);
            let grown = base.extended(tail).pop().unwrap_or(base);
            prop_assert_eq!(grown.thread(), whole);
            prop_assert_eq!(&grown, &ParsedThread::new(&messages));
            prop_assert_eq!(grown.messages(), messages);
        }
    }

    #[test]
    fn a_very_long_thread_can_be_dropped() {
        let messages = vec![message(Vec::new(), Vec::new()); 100_000];
        assert_eq!(ParsedThread::new(&messages).len(), 100_000);
    }
}
