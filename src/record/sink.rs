//! Where recorded calls go as soon as they are whole.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{Ancillary, Call, ToolCapture};

/// Takes calls while a run goes on.
///
/// A call may be given again under the same ordinal, when the agent retried it: the later one counts.
pub trait Sink: Send + Sync {
    /// Takes a call.
    ///
    /// # Errors
    /// [`SinkError`] when it could not be kept; the recording goes on in memory.
    fn call(&self, call: &Arc<Call>) -> Result<(), SinkError>;

    /// Takes traffic without a number.
    ///
    /// # Errors
    /// [`SinkError`] when it could not be kept; the recording goes on in memory.
    fn ancillary(&self, ancillary: &Ancillary) -> Result<(), SinkError>;

    /// Takes a captured tool call: when it begins, and again when its outcome is there.
    ///
    /// # Errors
    /// [`SinkError`] when it could not be kept; the recording goes on in memory.
    fn tool(&self, _tool: &Arc<ToolCapture>) -> Result<(), SinkError> {
        Ok(())
    }

    /// Waits until what was taken so far outlives this process, for a while at most.
    fn settle(&self) {}

    /// Returns the calls that became durable since this was last asked: nobody else need keep their
    /// bodies.
    fn stored(&self) -> Vec<Arc<Call>> {
        Vec::new()
    }
}

/// A call that could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SinkError {
    message: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl SinkError {
    /// Returns an error with a cause.
    pub fn new(message: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            message: message.into(),
            source: Some(Box::new(source)),
        }
    }

    /// Returns an error without a cause of its own.
    pub fn plain(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }
}

/// Keeps what it is given in memory, in the order in which it came.
#[derive(Debug, Default)]
pub struct MemorySink {
    calls: Mutex<Vec<Arc<Call>>>,
    ancillary: Mutex<Vec<Ancillary>>,
    tools: Mutex<Vec<Arc<ToolCapture>>>,
}

impl MemorySink {
    /// Returns the calls in the order in which they came, repeated ordinals included.
    pub fn calls(&self) -> Vec<Arc<Call>> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.clone()
    }

    /// Returns the traffic without a number.
    pub fn ancillary_traffic(&self) -> Vec<Ancillary> {
        let ancillary = self.ancillary.lock();
        ancillary.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sink for MemorySink {
    fn call(&self, call: &Arc<Call>) -> Result<(), SinkError> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(Arc::clone(call));
        Ok(())
    }

    fn ancillary(&self, ancillary: &Ancillary) -> Result<(), SinkError> {
        let mut all = self
            .ancillary
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.push(ancillary.clone());
        Ok(())
    }

    fn tool(&self, tool: &Arc<ToolCapture>) -> Result<(), SinkError> {
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        tools.push(Arc::clone(tool));
        Ok(())
    }
}

/// Drops what it is given; for runs whose recorder alone keeps it.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSink;

impl Sink for NoSink {
    fn call(&self, _call: &Arc<Call>) -> Result<(), SinkError> {
        Ok(())
    }

    fn ancillary(&self, _ancillary: &Ancillary) -> Result<(), SinkError> {
        Ok(())
    }
}
