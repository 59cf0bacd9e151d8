//! The body of an answer on its way to the agent.
//!
//! Whatever is ready leaves in one piece, and a stream that is not ready is flushed by hyper, so an event
//! never waits for the next one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::Stream as _;
use hyper::body::{Body, Frame, SizeHint};

use super::flush::Flushes;
use crate::proxy::{AnswerBody, Broken, ByteStream};

/// An [`AnswerBody`] as hyper sends it.
pub(super) enum Outgoing {
    /// All at once, with a length.
    Full(Option<Bytes>),
    /// All at once, framed as a stream.
    Framed(Option<Bytes>),
    /// Piece by piece.
    Streamed(Streamed),
}

impl Outgoing {
    /// Wraps a body; `length` is what the answer's head promises for a stream.
    pub(super) fn new(body: AnswerBody, length: Option<u64>, flushes: Flushes) -> Self {
        match body {
            AnswerBody::Full(bytes) => Self::Full(Some(bytes).filter(|b| !b.is_empty())),
            AnswerBody::Events(events) => Self::Framed(Some(events).filter(|b| !b.is_empty())),
            AnswerBody::Stream(stream) => Self::Streamed(Streamed {
                stream,
                length,
                after: After::More,
                flushes,
            }),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Full(bytes) | Self::Framed(bytes) => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Streamed(streamed) => streamed
                .poll_piece(cx)
                .map(|piece| piece.map(|result| result.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            // Says "not yet" before the first frame, so that an empty stream is framed as one too.
            Self::Framed(_) | Self::Streamed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Framed(_) => SizeHint::default(),
            Self::Streamed(streamed) => streamed
                .length
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// A body that comes piece by piece.
pub(super) struct Streamed {
    stream: ByteStream,
    length: Option<u64>,
    after: After,
    flushes: Flushes,
}

/// What follows the pieces that were handed out.
enum After {
    /// More of the stream.
    More,
    /// Its end.
    End,
    /// The break, as soon as everything before it has left.
    Break(Broken),
    /// The break, after the next flush; there were this many before.
    Flushing(Broken, u64),
}

impl Streamed {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        if matches!(self.after, After::More)
            && let Some(piece) = ready!(self.poll_ready_pieces(cx))
        {
            return Poll::Ready(Some(Ok(piece)));
        }
        match std::mem::replace(&mut self.after, After::End) {
            After::More | After::End => Poll::Ready(None),
            After::Break(broken) => self.wait_for_flush(broken, self.flushes.count(), cx),
            After::Flushing(broken, seen) => self.wait_for_flush(broken, seen, cx),
        }
    }

    fn wait_for_flush(
        &mut self,
        broken: Broken,
        seen: u64,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        if self.flushes.poll_after(seen, cx).is_ready() {
            return Poll::Ready(Some(Err(broken)));
        }
        self.after = After::Flushing(broken, seen);
        Poll::Pending
    }

    /// Returns everything that is ready as one piece; `None` where the stream ended or broke before any.
    fn poll_ready_pieces(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        while first.len() + joined.len() < ENOUGH {
            match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Ready(Some(Ok(piece))) if piece.is_empty() => {}
                Poll::Ready(Some(Ok(piece))) if first.is_empty() => first = piece,
                Poll::Ready(Some(Ok(piece))) => joined.extend_from_slice(&piece),
                Poll::Ready(Some(Err(broken))) => {
                    self.after = After::Break(broken);
                    break;
                }
                Poll::Ready(None) => {
                    self.after = After::End;
                    break;
                }
                Poll::Pending if first.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        if joined.is_empty() {
            return Poll::Ready(Some(first).filter(|first| !first.is_empty()));
        }
        let mut all = BytesMut::with_capacity(first.len() + joined.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&joined);
        Poll::Ready(Some(all.freeze()))
    }
}

/// Pieces are joined up to this size, in bytes.
const ENOUGH: usize = 64 * 1024;
