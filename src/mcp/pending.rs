//! The requests that are on their way, in both directions.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::message::Id;
use super::order::Orders;
use super::outcome::{Asked, Ending, Kept};

/// A request of the client that the server works on.
#[derive(Debug)]
pub(super) struct Open {
    /// The run's name for it.
    pub(super) ticket: String,
    /// Its method.
    pub(super) method: String,
    /// Whether it is a step.
    pub(super) is_step: bool,
    number: u64,
    asked: Vec<Asked>,
}

impl Open {
    /// Returns what is kept of it, now that it has ended.
    pub(super) fn kept(self, ending: Ending, orders: Orders) -> Kept {
        Kept {
            asked: self.asked,
            ending,
            orders,
        }
    }
}

/// The requests that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    open: HashMap<Id, Open>,
    own: HashMap<Id, oneshot::Sender<()>>,
    begun: u64,
}

impl Pending {
    /// Returns whether the client has a request with this id on its way.
    pub(super) fn has(&self, id: &Id) -> bool {
        self.inner().open.contains_key(id)
    }

    /// Notes a request of the client that goes on to the server.
    pub(super) fn open(&self, id: Id, ticket: String, method: &str, is_step: bool) {
        let mut inner = self.inner();
        inner.begun += 1;
        let open = Open {
            ticket,
            method: method.to_owned(),
            is_step,
            number: inner.begun,
            asked: Vec::new(),
        };
        inner.open.insert(id, open);
    }

    /// Takes the request that has ended.
    pub(super) fn close(&self, id: &Id) -> Option<Open> {
        self.inner().open.remove(id)
    }

    /// Takes all of them, in the order of their beginning.
    pub(super) fn close_all(&self) -> Vec<Open> {
        let mut all: Vec<Open> = self.inner().open.drain().map(|(_id, open)| open).collect();
        all.sort_by_key(|open| open.number);
        all
    }

    /// Notes that the server asked its client something: for the sake of the step that began last.
    pub(super) fn asked(&self, asked: Asked) {
        let mut inner = self.inner();
        let steps = inner.open.values_mut().filter(|open| open.is_step);
        if let Some(open) = steps.max_by_key(|open| open.number) {
            open.asked.push(asked);
        }
    }

    /// Returns the id of a request of Rewind's own, and what tells that it was answered.
    pub(super) fn own(&self) -> (Id, oneshot::Receiver<()>) {
        let mut inner = self.inner();
        inner.begun += 1;
        let id = Id::own(inner.begun);
        let (answered, answer) = oneshot::channel();
        inner.own.insert(id.clone(), answered);
        (id, answer)
    }

    /// Returns whether this answers a request of Rewind's own.
    pub(super) fn is_own_answer(&self, id: &Id) -> bool {
        match self.inner().own.remove(id) {
            Some(answered) => {
                // Whoever asked may have gone.
                let _gone = answered.send(());
                true
            }
            None => false,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
