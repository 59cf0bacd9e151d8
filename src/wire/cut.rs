//! Cuts a request body into its top-level pieces, stepping over what was read before.
//!
//! Understands plain bodies only: an object whose names hold no escapes, with one list of messages.
//! Everything else, and everything that is wrong, is left to [`RawBody::cut`], which is slower and says
//! what is wrong.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::raw::{RawBody, RawField, RawList};
use super::trie::{Place, Trie, Walk};

/// A request body: where its list leads in a trie, and what else it has.
pub(super) struct Cut<'a> {
    /// The other fields, in their order.
    pub(super) fields: Vec<RawField<'a>>,
    /// The messages; `None` where they are left out or null.
    pub(super) list: Option<CutList<'a>>,
}

/// The field that holds the messages.
pub(super) enum CutList<'a> {
    /// The place up to which the items were read before, and the items behind it.
    Items(Place, Vec<&'a RawValue>),
    /// A text in its place.
    Text(String),
}

impl<'a> Cut<'a> {
    /// Cuts a body whose messages stand in the field `list`.
    ///
    /// # Errors
    /// The body is no JSON object, or its list is neither an array nor a text.
    pub(super) fn new(
        body: &'a [u8],
        list: &'static str,
        trie: &Trie,
    ) -> Result<Self, serde_json::Error> {
        let cutter = Cutter { body, at: 0 };
        if let Some(cut) = cutter.body(list, trie) {
            return Ok(cut);
        }
        let body = RawBody::cut(body, list)?;
        let list = body.list.map(|list| match list {
            RawList::Text(text) => CutList::Text(text),
            RawList::Items(mut items) => {
                let known = |walk: &mut Walk<'_>| {
                    let known = items.iter().take_while(|item| walk.step_to(item));
                    known.count()
                };
                let (known, place) = trie.walk(known);
                CutList::Items(place, items.split_off(known))
            }
        });
        Ok(Self {
            fields: body.fields,
            list,
        })
    }

    /// Takes a field out; `None` where it is null.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let index = self.fields.iter().position(|(field, _)| field == name)?;
        let (_name, raw) = self.fields.remove(index);
        (raw.get() != "null").then_some(raw)
    }
}

/// A body and how far it was read; `None` of a method means that this is no plain body.
struct Cutter<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Cutter<'a> {
    fn body(mut self, list: &str, trie: &Trie) -> Option<Cut<'a>> {
        let mut cut = Cut {
            fields: Vec::new(),
            list: None,
        };
        self.expect(b'{')?;
        loop {
            let name = self.name()?;
            self.expect(b':')?;
            if name == list {
                let (rest, place) = trie.walk(|walk| self.items(walk));
                let list = CutList::Items(place, rest?);
                if cut.list.replace(list).is_some() {
                    return None;
                }
            } else {
                let value = self.value()?;
                if cut.fields.len() > MANY || cut.fields.iter().any(|(known, _)| known == name) {
                    return None;
                }
                cut.fields.push((Cow::Borrowed(name), value));
            }
            match self.next()? {
                b',' => {}
                b'}' => break,
                _other => return None,
            }
        }
        self.skip_space();
        (self.at == self.body.len()).then_some(cut)
    }

    /// Steps over the items that are known, and returns the others.
    fn items(&mut self, walk: &mut Walk<'_>) -> Option<Vec<&'a RawValue>> {
        let mut rest = Vec::new();
        self.expect(b'[')?;
        self.skip_space();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(rest);
        }
        loop {
            self.skip_space();
            let known = if rest.is_empty() {
                walk.step_over(self.body.get(self.at..)?)
            } else {
                None
            };
            if let Some(length) = known {
                self.at += length;
            } else {
                let item = self.value()?;
                if !(rest.is_empty() && walk.step_to(item)) {
                    rest.push(item);
                }
            }
            match self.next()? {
                b',' => {}
                b']' => return Some(rest),
                _other => return None,
            }
        }
    }

    /// Returns the next name, which holds no escape.
    fn name(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let rest = self.body.get(self.at..)?;
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        let name = rest.get(..end)?;
        self.at += end;
        self.expect(b'"')?;
        std::str::from_utf8(name).ok()
    }

    fn value(&mut self) -> Option<&'a RawValue> {
        let rest = self.body.get(self.at..)?;
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// Returns the next byte that is no white space, and steps over it.
    fn next(&mut self) -> Option<u8> {
        self.skip_space();
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }
}

/// More fields than a request has.
const MANY: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns what the fast way makes of a body, and what the slow way does.
    fn both(body: &[u8]) -> (Option<String>, Option<String>) {
        let trie = Trie::new(1000);
        let fast = Cutter { body, at: 0 }.body("messages", &trie);
        let fast = fast.map(|cut| {
            let list = cut.list.map(|list| match list {
                CutList::Items(_place, items) => RawList::Items(items),
                CutList::Text(text) => RawList::Text(text),
            });
            format!("{:?}{list:?}", cut.fields)
        });
        let slow = RawBody::cut(body, "messages").ok();
        let slow = slow.map(|cut| format!("{:?}{:?}", cut.fields, cut.list));
        (fast, slow)
    }

    #[test]
    fn a_plain_body_is_cut_the_fast_way() {
        let body = br#" { "model" : "m","messages":[ {"a": "]}"} ,{"b":[1]}, 3 ] , "n":1.5e3 } "#;
        let (fast, slow) = both(body);
        assert!(fast.is_some());
        assert_eq!(fast, slow);
        let empty = both(br#"{"messages":[]}"#);
        assert!(empty.0.is_some());
        assert_eq!(empty.0, empty.1);
    }

    #[test]
    fn what_is_wrong_or_odd_is_left_to_the_slow_way() {
        let bodies = [
            "",
            "{}",
            "[1]",
            "{\"messages\":[1}",
            "{\"messages\":[1,]}",
            "{\"messages\":[1]} x",
            "{\"messages\":\"text\"}",
            "{\"messages\":null}",
            "{\"messages\":[],\"messages\":[]}",
            "{\"a\":1,\"a\":2}",
            "{\"\\u0061\":1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\" 1}",
        ];
        for body in bodies {
            assert_eq!(both(body.as_bytes()).0, None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_never_says_anything_else_than_the_slow_one(
            body in r#"[\[\]{}:, ]?(\{("(a|messages)":(\[((\{\}|1|"x"),?){0,2}\]|1|"b"|\{\}|nul),?){0,3}\} ?\}?)"#,
        ) {
            let (fast, slow) = both(body.as_bytes());
            if fast.is_some() {
                prop_assert_eq!(fast, slow);
            }
        }
    }
}
