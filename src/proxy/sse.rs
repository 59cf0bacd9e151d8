//! Cuts a stream of server-sent events into its events, without reading them.
//!
//! [`EventSplitter`] loses no byte: its events, one after the other, are what went in. Source of the
//! framing: WHATWG HTML, section 9.2 "Server-sent events"; lines end in LF, CR LF or CR.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::model::{Events, StreamEvent};

/// Collects the events of one stream with the times between them.
pub(super) struct EventSplitter {
    events: Events,
    open: BytesMut,
    /// How much of `open` was searched for a blank line.
    searched: usize,
    last: Instant,
    is_over: bool,
}

impl EventSplitter {
    /// Returns a splitter for a stream whose response head came at `head`.
    pub(super) fn new(head: Instant) -> Self {
        Self {
            events: Events::default(),
            open: BytesMut::new(),
            searched: 0,
            last: head,
            is_over: false,
        }
    }

    /// Takes the next decoded bytes, which came at `at`.
    pub(super) fn push(&mut self, piece: &[u8], at: Instant) {
        self.open.extend_from_slice(piece);
        while let Some(end) = self.next_end() {
            let event = self.open.split_to(end).freeze();
            self.searched = 0;
            self.is_over |= ends_the_answer(&event);
            self.add(event, at);
        }
    }

    /// Returns how many bytes of memory the events take, about.
    pub(super) fn memory(&self) -> usize {
        self.events.memory()
    }

    /// Returns whether an event came after which the providers send nothing more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Returns all events; bytes without an ending blank line make a last one.
    pub(super) fn finish(mut self, at: Instant) -> Events {
        if !self.open.is_empty() {
            let rest = self.open.split().freeze();
            self.add(rest, at);
        }
        self.events
    }

    fn add(&mut self, bytes: Bytes, at: Instant) {
        let delay = at.saturating_duration_since(self.last).as_micros();
        self.last = at;
        self.events.push(StreamEvent {
            delay_us: u64::try_from(delay).unwrap_or(u64::MAX),
            bytes,
        });
    }

    /// Returns where the first event ends: behind the blank line.
    fn next_end(&mut self) -> Option<usize> {
        let from = self.searched.saturating_sub(3);
        let rest = self.open.get(from..).unwrap_or_default();
        let mut position = 0;
        while let Some(found) = rest
            .get(position..)?
            .iter()
            .position(|b| matches!(b, b'\n' | b'\r'))
        {
            position += found;
            let here = rest.get(position..)?;
            if let Some(length) = blank_line(here) {
                return Some(from + position + length);
            }
            position += 1;
        }
        self.searched = self.open.len();
        None
    }
}

/// Returns the length of the two line ends that `bytes` begin with.
fn blank_line(bytes: &[u8]) -> Option<usize> {
    [
        b"\r\n\r\n".as_slice(),
        b"\n\r\n",
        b"\r\n\n",
        b"\n\n",
        b"\r\r",
    ]
    .iter()
    .find(|ends| bytes.starts_with(ends))
    .map(|ends| ends.len())
}

/// Returns whether this is the last event of an answer, by the providers' conventions.
fn ends_the_answer(event: &[u8]) -> bool {
    [
        b"data: [DONE]".as_slice(),
        b"data:[DONE]",
        b"event: message_stop",
        b"event: response.completed",
        b"event: response.incomplete",
        b"event: response.failed",
    ]
    .iter()
    .any(|start| event.starts_with(start))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<String> {
        let at = Instant::now();
        let mut splitter = EventSplitter::new(at);
        for piece in pieces {
            splitter.push(piece, at);
        }
        let events = splitter.finish(at);
        events
            .iter()
            .map(|event| String::from_utf8_lossy(&event.bytes).into_owned())
            .collect()
    }

    #[test]
    fn every_kind_of_line_end_separates_events() {
        assert_eq!(
            split(&[b"a\n\nb\r\n\r\nc\r\rd\n\n"]),
            ["a\n\n", "b\r\n\r\n", "c\r\r", "d\n\n"]
        );
    }

    #[test]
    fn an_event_that_comes_in_pieces_is_one_event() {
        assert_eq!(
            split(&[b"data: 1", b"\r\n", b"\r", b"\ndata", b": 2\n\n"]),
            ["data: 1\r\n\r\n", "data: 2\n\n"]
        );
    }

    #[test]
    fn an_event_that_broke_off_is_kept() {
        assert_eq!(
            split(&[b"data: 1\n\ndata: {\"te"]),
            ["data: 1\n\n", "data: {\"te"]
        );
    }

    #[test]
    fn delays_are_those_between_the_events() {
        let head = Instant::now();
        let mut splitter = EventSplitter::new(head);
        splitter.push(b"a\n\nb", head + Duration::from_micros(70));
        splitter.push(b"\n\n", head + Duration::from_micros(100));
        let delays: Vec<u64> = splitter.finish(head).iter().map(|e| e.delay_us).collect();
        assert_eq!(delays, [70, 30]);
    }

    #[test]
    fn the_last_event_of_every_dialect_is_recognised() {
        for last in [
            "data: [DONE]\n\n",
            "event: message_stop\ndata: {}\n\n",
            "event: response.completed\ndata: {}\n\n",
        ] {
            let mut splitter = EventSplitter::new(Instant::now());
            splitter.push(b"data: {\"x\": \"data: [DONE]\"}\n\n", Instant::now());
            assert!(!splitter.is_over());
            splitter.push(last.as_bytes(), Instant::now());
            assert!(splitter.is_over(), "{last}");
        }
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_and_cuts_do_not_matter_for_lf_streams(
            text in "[ab\n]{0,60}",
            size in 1_usize..9,
        ) {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let events = split(&pieces);
            prop_assert_eq!(events.concat(), text.clone());
            prop_assert_eq!(events, split(&[text.as_bytes()]));
        }
    }
}
