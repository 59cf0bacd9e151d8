//! Resolves which call a tool result answers, from provider ids to positions, and builds threads.
//!
//! Ids are the provider's and differ with every recording; positions do not. [`link()`] works on a
//! whole conversation, [`link_after`] on one that continues another (`previous_response_id`).

use std::sync::Arc;

use crate::model::{Answers, CallRef, Thread, ThreadInterner};

use super::ParsedMessage;

/// Returns for each message which calls its tool results answer; empty for the usual order.
///
/// The latest turn that holds an id wins. An empty id (the API before tools) stands for the usual
/// order: the n-th result since the latest turn with calls answers its n-th call, also when the
/// results come in several messages.
pub fn link(messages: &[Arc<ParsedMessage>]) -> Vec<Answers> {
    link_after(&[], messages)
}

/// Returns the same for messages that continue a conversation.
///
/// `base_call_ids` holds the ids of each turn with calls of that conversation, oldest first.
pub fn link_after(base_call_ids: &[Vec<String>], messages: &[Arc<ParsedMessage>]) -> Vec<Answers> {
    let mut turns: Vec<Turn<'_>> = base_call_ids.iter().map(|ids| Turn::new(ids)).collect();
    let mut links = Vec::with_capacity(messages.len());
    for message in messages {
        links.push(answers(&mut turns, message));
        if !message.call_ids.is_empty() {
            turns.push(Turn::new(&message.call_ids));
        }
    }
    links
}

/// Returns `base` with these messages, which answer only calls among themselves.
pub fn thread(
    base: &Thread,
    messages: &[Arc<ParsedMessage>],
    interner: &mut ThreadInterner,
) -> Thread {
    thread_after(base, &[], messages, interner)
}

/// Returns `base` with these messages, which may answer calls of `base`; see [`link_after`].
pub fn thread_after(
    base: &Thread,
    base_call_ids: &[Vec<String>],
    messages: &[Arc<ParsedMessage>],
    interner: &mut ThreadInterner,
) -> Thread {
    let links = link_after(base_call_ids, messages);
    messages
        .iter()
        .zip(links)
        .fold(base.clone(), |thread, (message, answers)| {
            interner.push(&thread, Arc::clone(&message.message), answers)
        })
}

/// A turn with calls, and how much of it is answered.
struct Turn<'a> {
    ids: &'a [String],
    answered: Vec<bool>,
    results: usize,
}

impl<'a> Turn<'a> {
    fn new(ids: &'a [String]) -> Self {
        Self {
            ids,
            answered: vec![false; ids.len()],
            results: 0,
        }
    }

    /// Returns the position of the call with this id; of several the first that is not answered yet.
    fn position(&self, id: &str) -> Option<usize> {
        let with_id =
            || (0..self.ids.len()).filter(|at| self.ids.get(*at).is_some_and(|i| i == id));
        with_id()
            .find(|at| self.answered.get(*at) == Some(&false))
            .or_else(|| with_id().next())
    }
}

fn answers(turns: &mut [Turn<'_>], message: &ParsedMessage) -> Answers {
    let mut is_usual = true;
    let mut answers = Answers::new();
    for id in &message.result_ids {
        let usual = turns.last_mut().map(|turn| {
            turn.results = turn.results.saturating_add(1);
            turn.results.saturating_sub(1)
        });
        let answer = find(turns, id, usual);
        let expected = usual.and_then(|usual| reference(0, usual));
        is_usual &= answer.is_some() && answer == expected;
        answers.push(answer);
    }
    if is_usual { Answers::new() } else { answers }
}

fn find(turns: &mut [Turn<'_>], id: &str, usual: Option<usize>) -> Option<CallRef> {
    let mut found = turns
        .iter_mut()
        .rev()
        .enumerate()
        .find_map(|(turns_back, turn)| Some((turns_back, turn.position(id)?, turn)));
    if found.is_none() && id.is_empty() {
        let latest = turns.last_mut();
        found = latest.and_then(|turn| {
            let usual = usual.filter(|usual| *usual < turn.ids.len())?;
            Some((0, usual, turn))
        });
    }
    let (turns_back, index, turn) = found?;
    if let Some(answered) = turn.answered.get_mut(index) {
        *answered = true;
    }
    reference(turns_back, index)
}

fn reference(turns_back: usize, index: usize) -> Option<CallRef> {
    Some(CallRef {
        turns_back: u32::try_from(turns_back).ok()?,
        index: u32::try_from(index).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContentId, Message, Part, Pooled, Role};

    fn message(calls: &[&str], results: &[&str]) -> Arc<ParsedMessage> {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let parts = results.iter().map(|id| Part::tool_result(*id)).collect();
        Arc::new(ParsedMessage {
            message: Pooled::new(Message::new(Role::Tool, parts)),
            exact: ContentId::of(b""),
            call_ids: owned(calls),
            result_ids: owned(results),
        })
    }

    fn at(turns_back: usize, index: usize) -> Option<CallRef> {
        reference(turns_back, index)
    }

    #[test]
    fn results_in_call_order_need_no_links() {
        let one_each = [
            message(&["a", "b"], &[]),
            message(&[], &["a"]),
            message(&[], &["b"]),
        ];
        assert!(link(&one_each).iter().all(Vec::is_empty));
        let together = [message(&["a", "b"], &[]), message(&[], &["a", "b"])];
        assert!(link(&together).iter().all(Vec::is_empty));
    }

    #[test]
    fn results_in_another_order_name_their_calls() {
        let swapped = [
            message(&["a", "b"], &[]),
            message(&[], &["b"]),
            message(&[], &["a"]),
        ];
        assert_eq!(link(&swapped), [vec![], vec![at(0, 1)], vec![at(0, 0)]]);
        let late = [
            message(&["a"], &[]),
            message(&["b"], &[]),
            message(&[], &["a", "b"]),
        ];
        assert_eq!(link(&late)[2], [at(1, 0), at(0, 0)]);
    }

    #[test]
    fn a_result_without_a_call_answers_nothing() {
        assert_eq!(link(&[message(&[], &["x"])]), [vec![None]]);
        let known = [message(&["a"], &[]), message(&[], &["x", "a"])];
        assert_eq!(link(&known)[1], [None, at(0, 0)]);
    }

    #[test]
    fn repeated_ids_are_answered_by_the_latest_turn_in_order() {
        let turns = [
            message(&["call_0"], &[]),
            message(&[], &["call_0"]),
            message(&["call_0", "call_0"], &[]),
            message(&[], &["call_0", "call_0"]),
        ];
        assert!(link(&turns).iter().all(Vec::is_empty));
        let without_ids = [message(&[""], &[]), message(&[], &[""])];
        assert!(link(&without_ids).iter().all(Vec::is_empty));
    }

    #[test]
    fn a_continued_conversation_answers_calls_of_its_base() {
        let base = [vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]];
        let next = [message(&[], &["b", "c"]), message(&["d"], &[])];
        assert!(link_after(&base, &next).iter().all(Vec::is_empty));
        let odd = [message(&[], &["c", "a"])];
        assert_eq!(link_after(&base, &odd), [vec![at(0, 1), at(1, 0)]]);
    }

    #[test]
    fn threads_differ_by_their_links() {
        let mut interner = ThreadInterner::default();
        let mut build = |order: [&str; 2]| {
            let same_content = |id: &str| {
                let mut result = (*message(&[], &["x"])).clone();
                result.result_ids = vec![id.to_owned()];
                Arc::new(result)
            };
            let messages = [
                message(&["a", "b"], &[]),
                same_content(order[0]),
                same_content(order[1]),
            ];
            thread(&Thread::empty(), &messages, &mut interner)
        };
        assert_eq!(build(["a", "b"]), build(["a", "b"]));
        assert_ne!(build(["a", "b"]), build(["b", "a"]));
    }
}
