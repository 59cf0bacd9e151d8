//! Writes calls to the store from a thread of its own.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::sink::{Sink, SinkError};
use crate::model::{Ancillary, Call, ToolCapture};
use crate::store::TimelineWriter;

/// Hands calls to a [`TimelineWriter`] in the order in which they come.
///
/// A call counts as taken when it is queued; a failure of the store shows with the next call, and
/// with [`close`](Self::close). Should more calls wait than the queue holds, the next one waits too.
#[derive(Debug)]
pub struct StoreSink {
    queue: Mutex<Option<SyncSender<Item>>>,
    failure: Arc<Mutex<Option<String>>>,
    stored: Arc<Mutex<Vec<Arc<Call>>>>,
    thread: Mutex<Option<JoinHandle<TimelineWriter>>>,
}

#[derive(Debug)]
enum Item {
    Call(Arc<Call>),
    Ancillary(Box<Ancillary>),
    Tool(Arc<ToolCapture>),
    /// To be told when everything before it is written.
    Settle(SyncSender<()>),
}

impl StoreSink {
    /// Starts the thread that writes with `writer`.
    pub fn start(writer: TimelineWriter) -> Self {
        let (queue, items) = sync_channel(QUEUE);
        let failure = Arc::new(Mutex::new(None));
        let stored = Arc::new(Mutex::new(Vec::new()));
        let (failed, done) = (Arc::clone(&failure), Arc::clone(&stored));
        let thread = std::thread::spawn(move || write(writer, &items, &failed, &done));
        Self {
            queue: Mutex::new(Some(queue)),
            failure,
            stored,
            thread: Mutex::new(Some(thread)),
        }
    }

    /// Writes what is queued and gives the writer back, to finish the timeline; blocks meanwhile.
    ///
    /// `None` when it was closed before.
    pub fn close(&self) -> Option<TimelineWriter> {
        drop(lock(&self.queue).take());
        let thread = lock(&self.thread).take()?;
        // A panic of the thread was reported by its own hook; the calls are in memory still.
        thread.join().ok()
    }

    fn put(&self, item: Item) -> Result<(), SinkError> {
        let queue = lock(&self.queue).clone();
        let sent = queue.is_some_and(|queue| queue.send(item).is_ok());
        if !sent {
            return Err(SinkError::plain(
                "the thread that writes the store has ended",
            ));
        }
        match lock(&self.failure).take() {
            Some(failure) => Err(SinkError::plain(failure)),
            None => Ok(()),
        }
    }
}

impl Sink for StoreSink {
    fn call(&self, call: &Arc<Call>) -> Result<(), SinkError> {
        self.put(Item::Call(Arc::clone(call)))
    }

    fn ancillary(&self, ancillary: &Ancillary) -> Result<(), SinkError> {
        self.put(Item::Ancillary(Box::new(ancillary.clone())))
    }

    fn tool(&self, tool: &Arc<ToolCapture>) -> Result<(), SinkError> {
        self.put(Item::Tool(Arc::clone(tool)))
    }

    fn settle(&self) {
        let queue = lock(&self.queue).clone();
        let (told, settled) = sync_channel(1);
        let asked = queue.is_some_and(|queue| queue.try_send(Item::Settle(told)).is_ok());
        if asked && settled.recv_timeout(SETTLE).is_err() {
            tracing::debug!("the store is slow; the agent goes on meanwhile");
        }
    }

    fn stored(&self) -> Vec<Arc<Call>> {
        std::mem::take(&mut *lock(&self.stored))
    }
}

fn write(
    mut writer: TimelineWriter,
    items: &Receiver<Item>,
    failure: &Mutex<Option<String>>,
    stored: &Mutex<Vec<Arc<Call>>>,
) -> TimelineWriter {
    for item in items {
        let written = match item {
            Item::Call(call) => writer.put(&call).map(|()| lock(stored).push(call)),
            Item::Ancillary(ancillary) => writer.ancillary(&ancillary),
            Item::Tool(tool) => writer.tool(&tool),
            Item::Settle(told) => {
                if told.try_send(()).is_err() {
                    tracing::debug!("an answer did not wait for the store");
                }
                continue;
            }
        };
        if let Err(error) = written {
            *lock(failure) = Some(error.to_string());
        }
    }
    writer
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long an answer waits for the store at most: no disk may stop an agent.
const SETTLE: Duration = Duration::from_secs(1);

/// How many calls may wait to be written.
const QUEUE: usize = 64;
