//! Conversations as shared, immutable chains of messages, so that a context which grows with each
//! step takes linear space.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ContentId, Message, Pooled};

/// Which tool call a tool result answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct CallRef {
    /// How many assistant turns with tool calls lie between: 0 is the latest one before the result.
    pub turns_back: u32,
    /// The position among that turn's calls, from 0.
    pub index: u32,
}

/// What a thread node holds beside its message: the calls its tool results answer, in order.
///
/// Empty means the usual order: the n-th result since the latest turn with calls answers its n-th
/// call. `None` in a place is a result whose call is not in the conversation.
pub type Answers = Vec<Option<CallRef>>;

#[derive(Debug)]
struct Node {
    parent: Thread,
    message: Arc<Pooled<Message>>,
    answers: Answers,
    len: u32,
    id: ContentId,
}

/// A conversation: messages in order, sharing their beginnings with other conversations.
#[derive(Clone, Debug, Default)]
pub struct Thread(Option<Arc<Node>>);

impl Thread {
    /// Returns the empty conversation.
    pub fn empty() -> Self {
        Self(None)
    }

    /// Returns this conversation with one message more.
    #[must_use]
    pub fn push(&self, message: Arc<Pooled<Message>>, answers: Answers) -> Self {
        let id = child_id(self.id(), message.id(), &answers);
        let len = self.len_u32().saturating_add(1);
        Self(Some(Arc::new(Node {
            parent: self.clone(),
            message,
            answers,
            len,
            id,
        })))
    }

    /// Returns the number of messages.
    pub fn len(&self) -> usize {
        self.len_u32() as usize
    }

    /// Returns whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the hash over all messages, their order and their links.
    pub fn id(&self) -> ContentId {
        self.0
            .as_ref()
            .map_or_else(|| ContentId::of(b"empty thread"), |node| node.id)
    }

    /// Returns the conversation without its last message; empty for the empty one.
    #[must_use]
    pub fn parent(&self) -> Self {
        self.0
            .as_ref()
            .map_or_else(Self::default, |node| node.parent.clone())
    }

    /// Returns the last message.
    pub fn last(&self) -> Option<&Arc<Pooled<Message>>> {
        self.0.as_ref().map(|node| &node.message)
    }

    /// Returns the links of the last message's tool results; empty means the usual order.
    pub fn last_answers(&self) -> &[Option<CallRef>] {
        self.0.as_ref().map_or(&[], |node| node.answers.as_slice())
    }

    /// Returns the conversations from this one to its first message, longest first.
    pub fn ancestors(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self).filter(|thread| !thread.is_empty()), |thread| {
            thread
                .0
                .as_ref()
                .map(|node| &node.parent)
                .filter(|parent| !parent.is_empty())
        })
    }

    /// Returns the messages in order.
    pub fn messages(&self) -> Vec<Arc<Pooled<Message>>> {
        let mut messages: Vec<_> = self
            .ancestors()
            .filter_map(|thread| thread.last().cloned())
            .collect();
        messages.reverse();
        messages
    }

    /// Returns whether both are the same chain, not only equal ones.
    fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn len_u32(&self) -> u32 {
        self.0.as_ref().map_or(0, |node| node.len)
    }
}

impl PartialEq for Thread {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Drop for Thread {
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

/// Returns the id of the thread that `parent` becomes with one message more.
fn child_id(parent: ContentId, message: ContentId, answers: &[Option<CallRef>]) -> ContentId {
    let links: Vec<u8> = answers
        .iter()
        .flat_map(|answer| match answer {
            Some(call) => [call.turns_back.to_le_bytes(), call.index.to_le_bytes()].concat(),
            None => vec![0xff; 8],
        })
        .collect();
    ContentId::of_parts([parent.as_bytes().as_slice(), message.as_bytes(), &links])
}

/// Keeps every conversation once: equal conversations come back as the same chain.
#[derive(Debug, Default)]
pub struct ThreadInterner {
    threads: HashMap<ContentId, Thread>,
}

impl ThreadInterner {
    /// Returns `parent` with one message more, sharing an equal conversation made before.
    pub fn push(
        &mut self,
        parent: &Thread,
        message: Arc<Pooled<Message>>,
        answers: Answers,
    ) -> Thread {
        let id = child_id(parent.id(), message.id(), &answers);
        self.threads
            .entry(id)
            .or_insert_with(|| parent.push(message, answers))
            .clone()
    }

    /// Returns the conversation that equals `thread`, sharing what was made before.
    pub fn adopt(&mut self, thread: &Thread) -> Thread {
        let mut unknown = Vec::new();
        let mut known = Thread::empty();
        for ancestor in thread.ancestors() {
            if let Some(same) = self.threads.get(&ancestor.id()) {
                known = same.clone();
                break;
            }
            unknown.push(ancestor);
        }
        for ancestor in unknown.into_iter().rev() {
            let Some(node) = &ancestor.0 else {
                continue;
            };
            let next = if node.parent.is_same(&known) {
                ancestor.clone()
            } else {
                known.push(Arc::clone(&node.message), node.answers.clone())
            };
            self.threads.insert(next.id(), next.clone());
            known = next;
        }
        known
    }

    /// Returns the conversation with this id.
    pub fn find(&self, id: ContentId) -> Option<&Thread> {
        self.threads.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;

    fn message(text: &str) -> Arc<Pooled<Message>> {
        Pooled::new(Message::text(Role::User, text))
    }

    #[test]
    fn a_thread_lists_its_messages_in_order() {
        let thread = Thread::empty()
            .push(message("a"), Vec::new())
            .push(message("b"), Vec::new());
        let texts: Vec<_> = thread.messages().iter().map(|m| m.plain_text()).collect();
        assert_eq!(texts, ["a", "b"]);
        assert_eq!(thread.len(), 2);
    }

    #[test]
    fn interned_threads_are_shared() {
        let mut interner = ThreadInterner::default();
        let a = interner.push(&Thread::empty(), message("a"), Vec::new());
        let again = interner.push(&Thread::empty(), message("a"), Vec::new());
        assert!(Arc::ptr_eq(
            a.0.as_ref().unwrap(),
            again.0.as_ref().unwrap()
        ));
    }

    #[test]
    fn adopted_threads_share_their_beginning() {
        let long = |last: &str| {
            let thread = Thread::empty().push(message("a"), Vec::new());
            thread.push(message(last), Vec::new())
        };
        let mut interner = ThreadInterner::default();
        let (b, c) = (long("b"), long("c"));
        assert!(interner.adopt(&b).is_same(&b));
        let adopted = interner.adopt(&c);
        assert_eq!(adopted, c);
        assert!(adopted.parent().is_same(&b.parent()));
        assert!(interner.adopt(&long("c")).is_same(&adopted));
        assert!(interner.adopt(&Thread::empty()).is_empty());
    }

    #[test]
    fn a_very_long_thread_can_be_dropped() {
        let mut thread = Thread::empty();
        let shared = message("a");
        for _ in 0..200_000 {
            thread = thread.push(Arc::clone(&shared), Vec::new());
        }
        assert_eq!(thread.len(), 200_000);
    }
}
