//! Lets the body of an answer know when everything before it has left for the client.
//!
//! When a stream breaks off, the connection is closed without the ending chunk. What was sent until
//! then must not be lost in a buffer, so the body waits for [`Flushes`] before it reports the error.
//! The connection calls `poll_flush` on its socket only once its own buffer is empty. What is to be done
//! after an answer was sent is done then, too.

use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::proxy::After;

/// Counts how often the socket of one connection was flushed; wakes who waits for the next time.
#[derive(Clone, Default)]
pub(super) struct Flushes(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    count: u64,
    waiting: Option<Waker>,
    after: Vec<After>,
}

impl Drop for State {
    /// The connection is gone; what was to be done after its answers is done all the same.
    fn drop(&mut self) {
        run(std::mem::take(&mut self.after));
    }
}

fn run(all: Vec<After>) {
    for after in all {
        if std::panic::catch_unwind(AssertUnwindSafe(after)).is_err() {
            tracing::error!("noting an answer panicked");
        }
    }
}

impl Flushes {
    /// Returns the number of flushes so far.
    pub(super) fn count(&self) -> u64 {
        self.lock().count
    }

    /// Is ready once there were more than `seen` flushes.
    pub(super) fn poll_after(&self, seen: u64, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.count > seen {
            return Poll::Ready(());
        }
        state.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Leaves work for the next flush, or for the end of the connection.
    pub(super) fn after(&self, after: After) {
        self.lock().after.push(after);
    }

    fn flushed(&self) {
        let mut state = self.lock();
        state.count += 1;
        if let Some(waker) = state.waiting.take() {
            waker.wake();
        }
        let after = std::mem::take(&mut state.after);
        drop(state);
        run(after);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The socket of one connection.
pub(super) struct Flushed<S> {
    stream: S,
    flushes: Flushes,
}

impl<S> Flushed<S> {
    /// Wraps a socket; `flushes` learns of each flush.
    pub(super) fn new(stream: S, flushes: Flushes) -> Self {
        Self { stream, flushes }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Flushed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Flushed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.flushes.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
