//! Server-sent events: cut into events byte by byte as they came, and read.
//!
//! [`SseSplitter`] never changes a byte: what it gives out, joined, is what went in. [`event_data`]
//! reads the `event` and `data` fields of one event. Neither interprets the data.
//! Format: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use serde_json::Value;

/// Cuts a byte stream into events, each with the blank line that ends it.
///
/// Lines end with LF, CRLF or CR, and pieces may be cut anywhere. An event that ends with CR is
/// given out when the next byte shows that no LF belongs to it, or at the end.
#[derive(Debug, Default)]
pub struct SseSplitter {
    buffer: BytesMut,
    /// How many bytes of the buffer have been looked at.
    scanned: usize,
    /// The byte before the next one; 0 at the beginning of an event.
    previous: u8,
    line_has_text: bool,
    event_has_lines: bool,
}

impl SseSplitter {
    /// Returns a splitter at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the stream and returns the events that it completes.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Bytes> {
        self.buffer.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.next_end() {
            events.push(self.buffer.split_to(end).freeze());
            self.scanned = 0;
            self.previous = 0;
            self.line_has_text = false;
            self.event_has_lines = false;
        }
        events
    }

    /// Returns what is left when the stream ends: an event without its blank line, `None` for nothing.
    pub fn finish(mut self) -> Option<Bytes> {
        let rest = self.buffer.split().freeze();
        (!rest.is_empty()).then_some(rest)
    }

    /// Returns the length of the first complete event in the buffer.
    ///
    /// Blank lines before an event belong to it.
    fn next_end(&mut self) -> Option<usize> {
        while let Some(byte) = self.buffer.get(self.scanned).copied() {
            let follows_cr = std::mem::replace(&mut self.previous, byte) == b'\r';
            if follows_cr && byte != b'\n' {
                if self.is_at_blank_line() {
                    return Some(self.scanned);
                }
                self.begin_line();
            }
            self.scanned += 1;
            match byte {
                b'\n' if self.is_at_blank_line() => return Some(self.scanned),
                b'\n' => self.begin_line(),
                b'\r' => {}
                _ => self.line_has_text = true,
            }
        }
        None
    }

    fn is_at_blank_line(&self) -> bool {
        self.event_has_lines && !self.line_has_text
    }

    fn begin_line(&mut self) {
        self.event_has_lines |= self.line_has_text;
        self.line_has_text = false;
    }
}

/// Returns the events of a whole stream; an unfinished one at the end comes last.
pub fn split_events(stream: &[u8]) -> Vec<Bytes> {
    let mut splitter = SseSplitter::new();
    let mut events = splitter.push(stream);
    events.extend(splitter.finish());
    events
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventData {
    /// The value of its `event` field; empty where there is none.
    pub event: String,
    /// Its `data` lines joined by line feeds; `None` for a comment or a keep-alive.
    pub data: Option<String>,
    /// Whether the blank line that ends it is there.
    pub is_complete: bool,
}

/// Reads one event; bytes that are no UTF-8 are replaced.
pub fn event_data(event: &[u8]) -> EventData {
    // Looking for what is no UTF-8 is slow, and it is rare.
    let text = std::str::from_utf8(event)
        .map_or_else(|_other| String::from_utf8_lossy(event), Cow::Borrowed);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut read = EventData::default();
    for line in lines(text) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut read.event),
            "data" => match &mut read.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => read.data = Some(value.to_owned()),
            },
            _ => {}
        }
    }
    read.is_complete = ["\n\n", "\n\r\n", "\r\r"]
        .iter()
        .any(|end| text.ends_with(end));
    read
}

/// Returns whether a body reads like an event stream.
pub fn is_event_stream(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let start = body.trim_ascii_start();
    [b"data:".as_slice(), b"event:", b"id:", b"retry:", b":"]
        .iter()
        .any(|field| start.starts_with(field))
}

/// Returns the JSON of each event, comments and `[DONE]` aside.
///
/// An unfinished event at the end that is no JSON is where the stream broke off; it is left out.
pub(super) fn json_data(
    events: impl Iterator<Item = EventData>,
) -> impl Iterator<Item = Result<Value, serde_json::Error>> {
    events.filter_map(|event| event.parsed(event.json()?))
}

impl EventData {
    /// Returns the text of its JSON; `None` for a comment and for `[DONE]`.
    pub(super) fn json(&self) -> Option<&str> {
        let data = self.data.as_deref().map(str::trim)?;
        (!data.is_empty() && data != "[DONE]").then_some(data)
    }

    /// Parses its JSON; `None` where the stream broke off within.
    pub(super) fn parsed(&self, json: &str) -> Option<Result<Value, serde_json::Error>> {
        match serde_json::from_str(json) {
            Err(_cut) if !self.is_complete => None,
            value => Some(value),
        }
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let Some(end) = text.as_bytes().iter().position(is_end) else {
            rest = None;
            return Some(text);
        };
        let line = text.get(..end)?;
        let after = text.get(end..)?;
        let skip = if after.starts_with("\r\n") { 2 } else { 1 };
        rest = after.get(skip..);
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(stream: &[u8], cut: usize) -> Vec<Bytes> {
        let mut splitter = SseSplitter::new();
        let mut events: Vec<Bytes> = stream
            .chunks(cut)
            .flat_map(|piece| splitter.push(piece))
            .collect();
        events.extend(splitter.finish());
        events
    }

    #[test]
    fn each_event_keeps_its_blank_line() {
        for end in ["\n", "\r\n", "\r"] {
            let event = |data: &str| format!("event: x{end}data: {data}{end}{end}");
            let stream = format!("{}{}data: cut", event("1"), event("2"));
            for cut in 1..stream.len() {
                let events = split(stream.as_bytes(), cut);
                let expected = [event("1"), event("2"), "data: cut".to_owned()];
                assert_eq!(events, expected, "line end {end:?}, cut {cut}");
            }
        }
    }

    #[test]
    fn an_event_is_given_out_with_its_last_byte() {
        let mut splitter = SseSplitter::new();
        assert_eq!(splitter.push(b"data: 1\n\n"), ["data: 1\n\n"]);
        assert!(splitter.push(b"data: 2\r\n\r").is_empty());
        assert_eq!(splitter.push(b"\n"), ["data: 2\r\n\r\n"]);
        assert_eq!(splitter.finish(), None);
    }

    #[test]
    fn data_lines_are_joined_and_comments_left_out() {
        let read =
            event_data("\u{feff}: ping\nevent: delta\ndata: a\ndata:b\nid: 7\n\n".as_bytes());
        assert_eq!(read.event, "delta");
        assert_eq!(read.data.as_deref(), Some("a\nb"));
        assert!(read.is_complete);
        let comment = event_data(b": keep-alive\r\n\r\n");
        assert_eq!(comment.data, None);
        assert!(!event_data(b"data: a\n").is_complete);
    }

    #[test]
    fn a_json_body_is_no_event_stream() {
        assert!(is_event_stream(b"\n: comment\n\ndata: 1\n\n"));
        assert!(is_event_stream(b"event: a\ndata: 1\n\n"));
        assert!(!is_event_stream(b"{\"data\": 1}"));
        assert!(!is_event_stream(b""));
    }

    proptest! {
        #[test]
        fn events_joined_are_the_stream(
            stream in "[a:\n\r \u{feff}é]{0,60}",
            cuts in proptest::collection::vec(1usize..9, 0..40),
        ) {
            let mut splitter = SseSplitter::new();
            let mut rest = stream.as_bytes();
            let mut events = Vec::new();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                events.extend(splitter.push(piece));
                rest = after;
            }
            events.extend(splitter.push(rest));
            events.extend(splitter.finish());
            prop_assert_eq!(events.concat(), stream.as_bytes());
            prop_assert_eq!(events, split_events(stream.as_bytes()));
        }
    }
}
