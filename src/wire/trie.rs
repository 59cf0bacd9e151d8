//! The conversations that were read, by their text: what begins as one of them is recognised by
//! comparing bytes, without being scanned, hashed or parsed.
//!
//! A node is an item of a request's list behind the items before it. What follows a node is found
//! among its newest followers by comparison; where there are more, by a hash. When the bound is reached everything is
//! forgotten, and what is still in use comes back with its next request. The text is kept as it came,
//! unscrubbed, and never leaves the memory of this process.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;
use serde_json::value::RawValue;

use super::parser::Item;
use super::{ParsedMessage, ParsedThread};

/// What a list of items comes to at some place, if it ends there.
#[derive(Clone, Default)]
pub(super) struct Ending {
    /// The history, without the turn that is still open.
    pub(super) thread: ParsedThread,
    /// The system and developer messages.
    pub(super) prompts: Arc<Vec<Arc<ParsedMessage>>>,
    /// The pieces of the open turn.
    pub(super) open: Arc<Vec<Arc<Item>>>,
}

/// A place in the trie; it stays good for as long as nothing is forgotten.
#[derive(Clone, Default)]
pub(super) struct Place {
    node: Option<usize>,
    generation: u64,
    /// How many items lead to it.
    pub(super) depth: usize,
    /// What a list that ends here comes to.
    pub(super) ending: Ending,
}

/// The conversations read in one dialect; to be shared.
pub(super) struct Trie {
    limit: usize,
    hasher: RandomState,
    nodes: RwLock<Nodes>,
}

#[derive(Default)]
struct Nodes {
    /// Grows each time that everything is forgotten.
    generation: u64,
    weight: usize,
    all: Vec<Node>,
    /// What stands first in a list.
    first: Vec<usize>,
    /// By the node before it and the hash of its text, where a node has more followers than are
    /// compared.
    by_hash: HashMap<(Option<usize>, u64), usize, RandomState>,
}

struct Node {
    text: Box<str>,
    ending: Ending,
    followers: Vec<usize>,
}

impl Trie {
    /// Returns an empty trie that keeps about `limit` bytes of text at most.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            hasher: RandomState::default(),
            nodes: RwLock::default(),
        }
    }

    /// Lets `walk` step from item to item without anything being added meanwhile.
    pub(super) fn walk<T>(&self, walk: impl FnOnce(&mut Walk<'_>) -> T) -> (T, Place) {
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        let mut steps = Walk {
            hasher: &self.hasher,
            nodes: &nodes,
            at: None,
            depth: 0,
        };
        let result = walk(&mut steps);
        let place = steps.place();
        (result, place)
    }

    /// Adds the items that follow `place`, each with what a list that ends there comes to.
    pub(super) fn add(&self, place: &Place, items: &[&RawValue], endings: Vec<Ending>) {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        if nodes.generation != place.generation {
            return;
        }
        let mut before = place.node;
        for (item, ending) in items.iter().zip(endings) {
            let text = item.get();
            if !is_comparable(text) {
                return;
            }
            // Where it is known, another request was faster.
            if let Some(known) = nodes.find(&self.hasher, before, text) {
                before = Some(known);
                continue;
            }
            if nodes.weight.saturating_add(text.len()) > self.limit {
                nodes.forget();
                return;
            }
            before = Some(nodes.add(&self.hasher, before, text, ending));
        }
    }
}

impl Nodes {
    fn add(
        &mut self,
        hasher: &RandomState,
        before: Option<usize>,
        text: &str,
        ending: Ending,
    ) -> usize {
        let index = self.all.len();
        self.weight = self.weight.saturating_add(text.len() + NODE_WEIGHT);
        self.all.push(Node {
            text: Box::from(text),
            ending,
            followers: Vec::new(),
        });
        let followers = match before.and_then(|before| self.all.get_mut(before)) {
            Some(node) => &mut node.followers,
            None => &mut self.first,
        };
        followers.push(index);
        let unhashed = match followers.len() {
            0..=COMPARED => Vec::new(),
            FIRST_HASHED => followers.clone(),
            _more => vec![index],
        };
        for index in unhashed {
            if let Some(node) = self.all.get(index) {
                let hash = hasher.hash_one(&*node.text);
                self.by_hash.insert((before, hash), index);
            }
        }
        index
    }

    /// Returns the follower of `before` with this text.
    fn find(&self, hasher: &RandomState, before: Option<usize>, text: &str) -> Option<usize> {
        let followers = self.followers(before);
        if followers.len() <= COMPARED {
            let mut followers = followers.iter().copied();
            return followers.find(|index| self.is_text(*index, text));
        }
        let index = *self.by_hash.get(&(before, hasher.hash_one(text)))?;
        self.is_text(index, text).then_some(index)
    }

    fn forget(&mut self) {
        *self = Self {
            generation: self.generation.wrapping_add(1),
            ..Self::default()
        };
    }

    fn is_text(&self, index: usize, text: &str) -> bool {
        self.all.get(index).is_some_and(|node| *node.text == *text)
    }

    fn followers(&self, of: Option<usize>) -> &[usize] {
        match of {
            Some(index) => self.all.get(index).map_or(&[], |node| &node.followers),
            None => &self.first,
        }
    }
}

/// A way through the trie.
pub(super) struct Walk<'t> {
    hasher: &'t RandomState,
    nodes: &'t Nodes,
    at: Option<usize>,
    depth: usize,
}

impl Walk<'_> {
    /// Goes to the item that `rest` begins with, if it is one of the newest that were seen here;
    /// returns its length.
    pub(super) fn step_over(&mut self, rest: &[u8]) -> Option<usize> {
        let newest = self.nodes.followers(self.at).iter().rev().take(COMPARED);
        for index in newest {
            let text = self.nodes.all.get(*index)?.text.as_bytes();
            if rest.starts_with(text) {
                self.go_to(*index);
                return Some(text.len());
            }
        }
        None
    }

    /// Goes to this item, if it was seen here.
    pub(super) fn step_to(&mut self, item: &RawValue) -> bool {
        let found = self.nodes.find(self.hasher, self.at, item.get());
        if let Some(index) = found {
            self.go_to(index);
        }
        found.is_some()
    }

    fn go_to(&mut self, index: usize) {
        self.at = Some(index);
        self.depth = self.depth.saturating_add(1);
    }

    fn place(&self) -> Place {
        let node = self.at.and_then(|index| self.nodes.all.get(index));
        Place {
            node: self.at,
            generation: self.nodes.generation,
            depth: self.depth,
            ending: node.map(|node| node.ending.clone()).unwrap_or_default(),
        }
    }
}

/// Returns whether a text that begins another one is a whole value there: objects end where they
/// end, numbers may go on.
fn is_comparable(text: &str) -> bool {
    text.starts_with('{')
}

/// How many of the newest followers are compared before one is looked up.
const COMPARED: usize = 3;

/// With so many followers their hashes are kept.
const FIRST_HASHED: usize = COMPARED + 1;

/// What a node weighs beside its text, in bytes.
const NODE_WEIGHT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn add(trie: &Trie, texts: &[&str]) {
        let items: Vec<_> = texts.iter().map(|text| raw(text)).collect();
        let items: Vec<&RawValue> = items.iter().map(AsRef::as_ref).collect();
        let (known, place) = trie.walk(|walk| known(walk, &items));
        let endings = vec![Ending::default(); items.len() - known];
        trie.add(&place, &items[known..], endings);
    }

    fn known(walk: &mut Walk<'_>, items: &[&RawValue]) -> usize {
        items.iter().take_while(|item| walk.step_to(item)).count()
    }

    fn depth(trie: &Trie, text: &str) -> usize {
        let mut rest = text.as_bytes();
        let walk = |walk: &mut Walk<'_>| {
            while let Some(length) = walk.step_over(rest) {
                rest = &rest[length..];
            }
        };
        trie.walk(walk).1.depth
    }

    #[test]
    fn what_was_added_is_known_from_its_beginning_on() {
        let trie = Trie::new(10_000);
        add(&trie, &[r#"{"a":1}"#, r#"{"b":2}"#]);
        add(&trie, &[r#"{"a":1}"#, r#"{"c":3}"#]);
        assert_eq!(depth(&trie, r#"{"a":1}{"b":2}{"d":4}"#), 2);
        assert_eq!(depth(&trie, r#"{"a":1}{"c":3}"#), 2);
        assert_eq!(depth(&trie, r#"{"a":1}{"a":1}"#), 1);
        assert_eq!(depth(&trie, r#"{"b":2}"#), 0);
    }

    #[test]
    fn one_of_many_is_found_by_its_hash() {
        let trie = Trie::new(1_000_000);
        let texts: Vec<String> = (0..100).map(|n| format!("{{\"n\":{n}}}")).collect();
        for text in &texts {
            add(&trie, &[text]);
        }
        for text in &texts {
            let item = raw(text);
            assert_eq!(trie.walk(|walk| known(walk, &[&item])).0, 1, "{text}");
        }
    }

    #[test]
    fn a_full_trie_begins_anew_and_old_places_add_nothing() {
        let trie = Trie::new(2 * NODE_WEIGHT);
        add(&trie, &[r#"{"a":1}"#]);
        let old = trie.walk(|walk| walk.step_over(br#"{"a":1}"#)).1;
        assert_eq!(old.depth, 1);
        add(&trie, &[r#"{"b":1}"#]);
        add(&trie, &[r#"{"c":1}"#]);
        assert_eq!(depth(&trie, r#"{"a":1}"#), 0);
        let item = raw(r#"{"d":1}"#);
        trie.add(&old, &[&item], vec![Ending::default()]);
        assert_eq!(depth(&trie, r#"{"d":1}"#), 0);
        add(&trie, &[r#"{"e":1}"#]);
        assert_eq!(depth(&trie, r#"{"e":1}"#), 1);
    }

    #[test]
    fn only_objects_are_kept() {
        let trie = Trie::new(10_000);
        add(&trie, &["12", r#"{"a":1}"#]);
        assert_eq!(depth(&trie, "123"), 0);
    }
}
