//! The decoded copy of an answer that is passing by.

use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::model::Body;
use crate::proxy::decode::Decoder;
use crate::proxy::sse::EventSplitter;

/// Takes the pieces of a body and keeps what must be recorded.
pub(super) struct Copy {
    /// `None` after a piece could not be decoded, or more came than is kept.
    decoder: Option<Decoder>,
    kind: Kind,
    /// How many bytes of memory the kept events may take.
    limit: usize,
    /// A coding that is not known: the bytes are kept as they are, and so must be the header.
    unknown_coding: Option<String>,
}

enum Kind {
    /// The first piece is not copied as long as it is the only one.
    Whole {
        first: Bytes,
        joined: Vec<u8>,
        length: usize,
    },
    Events(EventSplitter),
}

impl Copy {
    /// Returns the copy of an answer with this head; at most `limit` decoded bytes are kept.
    ///
    /// Of a stream that are [`STREAM_FACTOR`] times as many, as long as they take less than `limit` when
    /// packed.
    pub(super) fn new(
        headers: &HeaderMap,
        length: Option<u64>,
        head: Instant,
        limit: usize,
    ) -> Self {
        let is_stream = is_event_stream(headers);
        let kind = if is_stream {
            Kind::Events(EventSplitter::new(head))
        } else {
            let length = length.and_then(|length| usize::try_from(length).ok());
            Kind::Whole {
                first: Bytes::new(),
                joined: Vec::new(),
                length: length.unwrap_or(0).min(limit),
            }
        };
        let most = limit.saturating_mul(if is_stream { STREAM_FACTOR } else { 1 });
        match Decoder::new(headers, most) {
            Ok(decoder) => Self {
                decoder: Some(decoder),
                kind,
                limit,
                unknown_coding: None,
            },
            Err(error) => {
                tracing::warn!("an answer is kept encoded: {error}");
                let coding = headers.get(CONTENT_ENCODING);
                Self {
                    decoder: Decoder::new(&HeaderMap::new(), most).ok(),
                    kind,
                    limit,
                    unknown_coding: coding.and_then(|c| c.to_str().ok()).map(str::to_owned),
                }
            }
        }
    }

    /// Returns the coding in which the body is kept, where it could not be taken off.
    pub(super) fn kept_coding(&self) -> Option<String> {
        self.unknown_coding.clone()
    }

    /// Takes the next piece, which came at `at`.
    pub(super) fn push(&mut self, piece: Bytes, at: Instant) {
        let Some(decoder) = &mut self.decoder else {
            return;
        };
        match decoder.push(piece) {
            Ok(readable) if self.kind.memory() < self.limit => self.kind.push(readable, at),
            Ok(_too_much) => {
                tracing::warn!("the rest of an answer is not recorded: it is too long");
                self.decoder = None;
            }
            Err(error) => {
                tracing::warn!("the rest of an answer is not recorded: {error}");
                self.decoder = None;
            }
        }
    }

    /// Returns whether the event came that ends the answer in its dialect.
    pub(super) fn is_over(&self) -> bool {
        match &self.kind {
            Kind::Whole { .. } => false,
            Kind::Events(splitter) => splitter.is_over(),
        }
    }

    /// Returns the body, and whether it is whole; `is_complete` says whether it was sent to its end.
    pub(super) fn finish(mut self, at: Instant, is_complete: bool) -> (Body, bool) {
        let is_over = self.is_over();
        let rest = self.decoder.take().map(Decoder::finish);
        let is_decoded = match rest {
            Some(Ok(rest)) => {
                self.kind.push(rest, at);
                true
            }
            // After the last event nothing of worth can be missing.
            Some(Err(_cut)) => is_over,
            None => false,
        };
        let body = match self.kind {
            Kind::Whole { first, joined, .. } if joined.is_empty() => Body::Whole(first),
            Kind::Whole { joined, .. } => Body::Whole(joined.into()),
            Kind::Events(splitter) => Body::Events(splitter.finish(at)),
        };
        (body, is_decoded && (is_complete || is_over))
    }
}

impl Kind {
    /// Returns how much of the limit is used up, where the decoder does not see to it.
    fn memory(&self) -> usize {
        match self {
            Self::Whole { .. } => 0,
            Self::Events(splitter) => splitter.memory(),
        }
    }

    fn push(&mut self, piece: Bytes, at: Instant) {
        match self {
            Self::Events(splitter) => splitter.push(&piece, at),
            Self::Whole { first, joined, .. } if first.is_empty() && joined.is_empty() => {
                *first = piece;
            }
            Self::Whole {
                first,
                joined,
                length,
            } => {
                if joined.is_empty() {
                    joined.reserve_exact((*length).max(first.len() + piece.len()));
                    joined.extend_from_slice(&std::mem::take(first));
                }
                joined.extend_from_slice(&piece);
            }
        }
    }
}

/// How many times as long as other answers streams may be: most of a long one is repetition.
const STREAM_FACTOR: usize = 4;

fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("text/event-stream")
}
