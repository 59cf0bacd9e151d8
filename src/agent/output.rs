//! Keeps what an agent writes, in bounded memory: the beginning of its output, the end of its errors.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::launch::GRACE_FOR_PIPES;

/// Which part of a stream is kept when it exceeds its limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keep {
    /// The first bytes.
    Beginning,
    /// The last bytes.
    End,
}

/// Where a stream is shown beside being kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Show {
    /// Nowhere.
    Nowhere,
    /// On Rewind's own standard output.
    OnStdout,
}

/// A stream that is read to its end in the background, so that the agent never blocks on it.
pub(super) struct Reading {
    kept: Arc<Mutex<VecDeque<u8>>>,
    task: JoinHandle<()>,
}

impl Reading {
    /// Begins to read `stream`, keeping at most `limit` bytes and showing all of it as `show` says.
    pub(super) fn start(
        mut stream: impl AsyncRead + Unpin + Send + 'static,
        keep: Keep,
        limit: usize,
        show: Show,
    ) -> Self {
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let shared = Arc::clone(&kept);
        let task = tokio::spawn(async move {
            let mut chunk = vec![0_u8; 16 * 1024];
            // An error of the pipe ends the stream as its end does.
            while let Ok(count) = stream.read(&mut chunk).await {
                let Some(bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else {
                    break;
                };
                match show {
                    Show::Nowhere => {}
                    Show::OnStdout => show_on_stdout(bytes.to_vec()).await,
                }
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                add(&mut kept, bytes, keep, limit);
            }
        });
        Self { kept, task }
    }

    /// Returns what was kept once the stream ended, or soon after if a process still holds it open.
    pub(super) async fn finish(mut self) -> Vec<u8> {
        if timeout(GRACE_FOR_PIPES, &mut self.task).await.is_err() {
            self.task.abort();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *kept).into()
    }
}

/// Writes to Rewind's own standard output; should nobody read that, the agent is not to notice.
async fn show_on_stdout(bytes: Vec<u8>) {
    let written = tokio::task::spawn_blocking(move || {
        let mut out = io::stdout().lock();
        out.write_all(&bytes).and_then(|()| out.flush())
    });
    if !matches!(written.await, Ok(Ok(()))) {
        tracing::debug!("standard output is closed");
    }
}

fn add(kept: &mut VecDeque<u8>, bytes: &[u8], keep: Keep, limit: usize) {
    match keep {
        Keep::Beginning => {
            let room = limit.saturating_sub(kept.len());
            kept.extend(bytes.iter().take(room));
        }
        Keep::End => {
            kept.extend(bytes);
            let excess = kept.len().saturating_sub(limit);
            kept.drain(..excess);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_limit_keeps_the_beginning_or_the_end() {
        let text = b"0123456789".as_slice();
        let beginning = Reading::start(text, Keep::Beginning, 4, Show::Nowhere)
            .finish()
            .await;
        assert_eq!(beginning, b"0123");
        let end = Reading::start(text, Keep::End, 4, Show::Nowhere)
            .finish()
            .await;
        assert_eq!(end, b"6789");
    }
}
