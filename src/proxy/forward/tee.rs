//! The stream that passes an answer on and watches it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::FutureExt as _;
use futures_util::stream::{Stream, StreamExt as _};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::{End, Open};
use crate::proxy::{Broken, ByteStream};

/// Passes the pieces of a body on, a last one only after the capture was told.
///
/// Each piece is held until the stream was asked for the next. Is that not there yet, the piece goes out
/// at once, unless it carries the event that ends the answer: then the end of the stream is awaited
/// for a moment, since the client may act on that event without waiting for it.
pub(super) struct Tee {
    stream: ByteStream,
    /// `None` once the capture was told.
    open: Option<Open>,
    /// How many bytes came.
    seen: usize,
    /// The telling of a long capture, beside the thread that serves others.
    closing: Option<JoinHandle<()>>,
    /// Bytes that are still to come, where the head says so.
    left: Option<u64>,
    held: Option<Bytes>,
    /// Ends the wait for the end of the stream.
    patience: Option<Pin<Box<Sleep>>>,
    after: After,
}

/// What follows the held piece.
enum After {
    More,
    End,
    Break(Broken),
}

impl Tee {
    /// Returns the stream for a body of `length` bytes, where that is known.
    pub(super) fn new(stream: ByteStream, open: Open, length: Option<u64>) -> Self {
        Self {
            stream,
            open: Some(open),
            seen: 0,
            closing: None,
            left: length,
            held: None,
            patience: None,
            after: After::More,
        }
    }

    fn close(&mut self, end: End) {
        let Some(open) = self.open.take() else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) if self.seen > LONG => {
                self.closing = Some(runtime.spawn_blocking(|| open.close(end)));
            }
            Ok(_) | Err(_) => open.close(end),
        }
    }

    /// Is ready once a capture that is being told is told.
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(closing) = &mut self.closing else {
            return Poll::Ready(());
        };
        let told = std::task::ready!(closing.poll_unpin(cx));
        self.closing = None;
        if let Err(error) = told {
            tracing::error!("a long answer could not be recorded: {error}");
        }
        Poll::Ready(())
    }

    /// Notes a piece before it goes out.
    fn take_in(&mut self, piece: &Bytes) {
        if let Some(open) = &mut self.open {
            open.copy.push(piece.clone(), Instant::now());
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(piece.len() as u64);
        }
        self.seen = self.seen.saturating_add(piece.len());
        self.patience = None;
    }

    /// Returns whether the held piece may go out although it is not known what follows.
    fn may_go(&mut self, cx: &mut Context<'_>) -> bool {
        let is_over = self.open.as_ref().is_some_and(|open| open.copy.is_over());
        if !is_over {
            return true;
        }
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        if patience.poll_unpin(cx).is_pending() {
            return false;
        }
        self.close(End::Complete);
        self.poll_closed(cx).is_ready()
    }

    fn ended(&mut self) {
        self.close(End::Complete);
        self.after = After::End;
    }

    fn broke(&mut self, broken: Broken) {
        self.close(End::Broken(broken.to_string()));
        self.after = After::Break(broken);
    }
}

impl Stream for Tee {
    type Item = Result<Bytes, Broken>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let tee = self.get_mut();
        loop {
            std::task::ready!(tee.poll_closed(cx));
            match std::mem::replace(&mut tee.after, After::End) {
                After::More => tee.after = After::More,
                After::End => return Poll::Ready(tee.held.take().map(Ok)),
                After::Break(broken) => {
                    let Some(piece) = tee.held.take() else {
                        return Poll::Ready(Some(Err(broken)));
                    };
                    tee.after = After::Break(broken);
                    return Poll::Ready(Some(Ok(piece)));
                }
            }
            if tee.left == Some(0) {
                tee.ended();
                continue;
            }
            match tee.stream.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(piece))) => {
                    tee.take_in(&piece);
                    if let Some(before) = tee.held.replace(piece) {
                        return Poll::Ready(Some(Ok(before)));
                    }
                }
                Poll::Ready(Some(Err(broken))) => tee.broke(broken),
                Poll::Ready(None) => tee.ended(),
                Poll::Pending if tee.held.is_some() && tee.may_go(cx) => {
                    return Poll::Ready(tee.held.take().map(Ok));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        self.close(End::ClientGone);
    }
}

/// The capture of an answer with more bytes than this takes long enough to keep others waiting.
const LONG: usize = 1 << 20;

/// How long the end of a stream is awaited after the event that ends the answer.
const PATIENCE: Duration = Duration::from_millis(100);
