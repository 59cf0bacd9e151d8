//! One slot a step: gives ordinals, and sees which requests are only another try of the same step.
//!
//! A try that failed (408, 409, 429, 5xx, a broken connection, an abort) leaves its slot open: a
//! later equal request takes the slot over, with its ordinal and its beginning, and the failed try
//! becomes an [`Attempt`]. Equal requests that are under way at the same time are steps of their
//! own, unless the client says that it retries.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Attempt, Call, ContentId, Dialect, Treatment};

/// What two tries of the same step have in common.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// The hash over the canonical request with its ids.
    pub(super) fingerprint: ContentId,
    /// The hash over the history, without ids.
    pub(super) history: ContentId,
    /// The treatment.
    pub(super) treatment: Arc<Treatment>,
    /// Who asks whom.
    pub(super) sender: Sender,
}

/// The provider, the dialect and the agent's header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sender {
    pub(super) provider: String,
    pub(super) dialect: Dialect,
    pub(super) agent: Option<String>,
}

impl Identity {
    fn is_retried_by(&self, later: &Self, is_marked: bool) -> bool {
        self.sender == later.sender
            && (self.fingerprint == later.fingerprint || (is_marked && self.has_content_of(later)))
    }

    fn has_content_of(&self, other: &Self) -> bool {
        self.history == other.history
            && (Arc::ptr_eq(&self.treatment, &other.treatment)
                || self.treatment.id() == other.treatment.id())
    }
}

/// The right to fill a slot with the outcome of one try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ticket {
    /// The ordinal of the step.
    pub(super) ordinal: u32,
    /// Which try of the step it is, from 1.
    tried: u32,
    /// When this try began.
    pub(super) began_us: u64,
    /// When the first try began.
    pub(super) first_began_us: u64,
}

impl Ticket {
    /// Returns whether an earlier try of the step failed.
    pub(super) fn is_retry(&self) -> bool {
        self.tried > 1
    }
}

/// Why a try does not count as the step's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    /// The status that was answered; `None` where the connection failed.
    pub(super) status: Option<u16>,
    /// What went wrong, in words; empty for a plain error status.
    pub(super) error: String,
}

/// What became of a try.
#[derive(Debug)]
pub(super) struct Closed {
    /// The call that the step has now; that of the try itself where the step has none yet.
    pub(super) call: Arc<Call>,
    /// Whether it is the step's answer, and so to be kept.
    pub(super) is_answer: bool,
}

#[derive(Debug)]
struct Slot {
    identity: Identity,
    first_began_us: u64,
    try_began_us: u64,
    tries: u32,
    attempts: Vec<Attempt>,
    failure: Option<Failure>,
    call: Option<Arc<Call>>,
}

/// The slots of a timeline, by ordinal.
#[derive(Debug, Default)]
pub(super) struct Slots {
    steps: Vec<Slot>,
    failed: BTreeSet<usize>,
    under_way: BTreeSet<usize>,
    /// So many steps at the beginning have a call, and so keep their ordinals.
    firm: usize,
    /// Calls that are stored, but whose ordinals may change still.
    stored: Vec<Arc<Call>>,
}

impl Slots {
    /// Opens a slot for a request, or the slot of the step that it retries; `is_marked` says whether
    /// the client calls it a retry.
    pub(super) fn open(&mut self, identity: Identity, began_us: u64, is_marked: bool) -> Ticket {
        let index = self
            .retried(&identity, is_marked)
            .unwrap_or(self.steps.len());
        self.failed.remove(&index);
        self.under_way.insert(index);
        if let Some(slot) = self.steps.get_mut(index) {
            slot.begin_again(began_us);
            return slot.ticket(index);
        }
        let slot = Slot {
            identity,
            first_began_us: began_us,
            try_began_us: began_us,
            tries: 1,
            attempts: Vec::new(),
            failure: None,
            call: None,
        };
        let ticket = slot.ticket(index);
        self.steps.push(slot);
        ticket
    }

    /// Fills a slot with the outcome of a try.
    pub(super) fn close(
        &mut self,
        ticket: &Ticket,
        call: Call,
        failure: Option<Failure>,
    ) -> Closed {
        let index = usize::try_from(ticket.ordinal).unwrap_or(usize::MAX);
        let Some(slot) = self.steps.get_mut(index) else {
            return Closed {
                call: Arc::new(call),
                is_answer: false,
            };
        };
        if ticket.tried < slot.tries {
            let kept = slot.add_late_attempt(ticket, &call, failure);
            return Closed {
                is_answer: kept.is_some(),
                call: kept.unwrap_or_else(|| Arc::new(call)),
            };
        }
        self.under_way.remove(&index);
        if failure.is_some() {
            self.failed.insert(index);
        }
        let call = Arc::new(Call {
            ordinal: ticket.ordinal,
            began_us: slot.first_began_us,
            attempts: slot.attempts.clone(),
            ..call
        });
        slot.failure = failure;
        slot.call = Some(Arc::clone(&call));
        Closed {
            call,
            is_answer: true,
        }
    }

    /// Gives up a try that is to leave no trace; what the slot held before stays.
    pub(super) fn withdraw(&mut self, ticket: &Ticket) {
        let Ok(index) = usize::try_from(ticket.ordinal) else {
            return;
        };
        self.under_way.remove(&index);
        // A slot at the end can be used again; one in the middle stays empty.
        let is_empty = |slot: &Slot| slot.call.is_none() && slot.attempts.is_empty();
        if index + 1 == self.steps.len() && self.steps.last().is_some_and(is_empty) {
            self.steps.pop();
        }
    }

    /// Lets go of the bodies of calls that are stored, where nothing can change the call any more.
    pub(super) fn slim(&mut self, stored: Vec<Arc<Call>>) {
        self.stored.extend(stored);
        let has_call = |slot: &Slot| slot.call.is_some();
        while self.steps.get(self.firm).is_some_and(has_call) {
            self.firm += 1;
        }
        for call in std::mem::take(&mut self.stored) {
            let index = usize::try_from(call.ordinal).unwrap_or(usize::MAX);
            if index >= self.firm {
                self.stored.push(call);
                continue;
            }
            if let Some(slot) = self.steps.get_mut(index) {
                slot.slim(&call);
            }
        }
    }

    /// Returns the calls so far in order, with ordinals that leave out empty slots.
    pub(super) fn calls(&self) -> Vec<Arc<Call>> {
        let calls = self.steps.iter().filter_map(|slot| slot.call.as_ref());
        (0..)
            .zip(calls)
            .map(|(ordinal, call)| {
                if call.ordinal == ordinal {
                    return Arc::clone(call);
                }
                Arc::new(Call {
                    ordinal,
                    ..Call::clone(call)
                })
            })
            .collect()
    }

    /// Returns the slot whose step this request tries again.
    fn retried(&self, identity: &Identity, is_marked: bool) -> Option<usize> {
        let fits = |index: &&usize| {
            self.steps
                .get(**index)
                .is_some_and(|slot| slot.identity.is_retried_by(identity, is_marked))
        };
        if let Some(index) = self.failed.iter().find(fits) {
            return Some(*index);
        }
        // The client gave up a try whose end has not been noticed yet.
        let mut given_up = self.under_way.iter().filter(fits);
        match (given_up.next(), given_up.next()) {
            (Some(index), None) if is_marked => Some(*index),
            (_, _) => None,
        }
    }
}

impl Slot {
    fn ticket(&self, index: usize) -> Ticket {
        Ticket {
            ordinal: u32::try_from(index).unwrap_or(u32::MAX),
            tried: self.tries,
            began_us: self.try_began_us,
            first_began_us: self.first_began_us,
        }
    }

    /// Lets go of the body of `stored`, if that is the slot's last word.
    fn slim(&mut self, stored: &Arc<Call>) {
        let is_last_word = self.tries == 1
            && self.failure.is_none()
            && self
                .call
                .as_ref()
                .is_some_and(|call| Arc::ptr_eq(call, stored));
        if is_last_word {
            let mut slim = Call::clone(stored);
            slim.exchange.body = None;
            self.call = Some(Arc::new(slim));
        }
    }

    fn begin_again(&mut self, began_us: u64) {
        if let (Some(failure), Some(call)) = (self.failure.take(), &self.call) {
            self.attempts.push(Attempt {
                status: failure.status,
                error: failure.error,
                began_us: self.try_began_us,
                ended_us: call.ended_us,
            });
        }
        self.tries += 1;
        self.try_began_us = began_us;
    }

    /// Takes the end of a try that was retried before it ended.
    fn add_late_attempt(
        &mut self,
        ticket: &Ticket,
        call: &Call,
        failure: Option<Failure>,
    ) -> Option<Arc<Call>> {
        let failure = failure.unwrap_or_else(|| Failure {
            status: Some(call.exchange.status),
            error: "the agent did not wait for this answer".to_owned(),
        });
        self.attempts.push(Attempt {
            status: failure.status,
            error: failure.error,
            began_us: ticket.began_us,
            ended_us: call.ended_us,
        });
        self.attempts.sort_by_key(|attempt| attempt.began_us);
        let kept = self.call.as_ref()?;
        let kept = Arc::new(Call {
            attempts: self.attempts.clone(),
            ..Call::clone(kept)
        });
        self.call = Some(Arc::clone(&kept));
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Body;
    use crate::record::testing::call;

    fn identity(text: &str) -> Identity {
        Identity {
            fingerprint: ContentId::of(text.as_bytes()),
            history: ContentId::of(b"history"),
            treatment: call(200, 0).request.treatment,
            sender: Sender {
                provider: "openai".to_owned(),
                dialect: Dialect::OpenaiChat,
                agent: None,
            },
        }
    }

    fn busy() -> Failure {
        Failure {
            status: Some(429),
            error: String::new(),
        }
    }

    fn with_body(status: u16, ended_us: u64) -> Call {
        let mut call = call(status, ended_us);
        call.exchange.body = Some(Body::default());
        call
    }

    #[test]
    fn a_failed_try_and_its_retry_are_one_step() {
        let mut slots = Slots::default();
        let first = slots.open(identity("a"), 10, false);
        slots.close(&first, call(429, 20), Some(busy()));
        let again = slots.open(identity("a"), 30, false);
        assert_eq!((again.ordinal, again.first_began_us), (0, 10));
        let kept = slots.close(&again, call(200, 40), None).call;
        assert_eq!((kept.began_us, kept.ended_us), (10, 40));
        assert_eq!(kept.attempts.len(), 1);
        assert_eq!(kept.attempts[0].status, Some(429));
        assert_eq!(
            (kept.attempts[0].began_us, kept.attempts[0].ended_us),
            (10, 20)
        );
        assert_eq!(slots.calls().len(), 1);
    }

    #[test]
    fn equal_requests_at_the_same_time_are_two_steps() {
        let mut slots = Slots::default();
        let one = slots.open(identity("a"), 10, false);
        let two = slots.open(identity("a"), 11, false);
        assert_ne!(one.ordinal, two.ordinal);
        slots.close(&one, call(200, 20), None);
        slots.close(&two, call(200, 21), None);
        assert_ne!(slots.open(identity("a"), 30, false).ordinal, one.ordinal);
    }

    #[test]
    fn a_request_that_was_answered_is_not_retried() {
        let mut slots = Slots::default();
        let one = slots.open(identity("a"), 10, false);
        slots.close(&one, call(200, 20), None);
        assert_eq!(slots.open(identity("a"), 30, true).ordinal, 1);
    }

    #[test]
    fn a_marked_retry_may_differ_in_its_ids_alone() {
        let mut slots = Slots::default();
        let one = slots.open(identity("a"), 10, false);
        slots.close(&one, call(500, 20), Some(busy()));
        assert_eq!(slots.open(identity("b"), 30, false).ordinal, 1);
        assert_eq!(slots.open(identity("c"), 31, true).ordinal, 0);
    }

    #[test]
    fn a_retry_before_the_end_of_its_try_was_noticed_is_the_same_step() {
        let mut slots = Slots::default();
        let lost = slots.open(identity("a"), 10, false);
        let again = slots.open(identity("a"), 30, true);
        assert_eq!(again.ordinal, lost.ordinal);
        slots.close(&again, call(200, 40), None);
        let kept = slots.close(&lost, call(499, 41), Some(busy())).call;
        assert_eq!(kept.exchange.status, 200);
        assert_eq!(kept.attempts.len(), 1);
    }

    #[test]
    fn a_withdrawn_request_leaves_no_gap() {
        let mut slots = Slots::default();
        let refused = slots.open(identity("a"), 0, false);
        let kept = slots.open(identity("b"), 1, false);
        slots.withdraw(&refused);
        slots.close(&kept, call(200, 5), None);
        let last = slots.open(identity("c"), 6, false);
        slots.withdraw(&last);
        assert_eq!(slots.open(identity("d"), 7, false).ordinal, last.ordinal);
        let ordinals: Vec<_> = slots.calls().iter().map(|call| call.ordinal).collect();
        assert_eq!(ordinals, [0]);
    }

    #[test]
    fn a_stored_call_lets_go_of_its_body_once_its_ordinal_is_sure() {
        let bodies = |slots: &Slots| -> Vec<bool> {
            let calls = slots.calls();
            calls
                .iter()
                .map(|call| call.exchange.body.is_some())
                .collect()
        };
        let mut slots = Slots::default();
        let slow = slots.open(identity("a"), 0, false);
        let quick = slots.open(identity("b"), 1, false);
        let stored = slots.close(&quick, with_body(200, 5), None).call;
        slots.slim(vec![stored]);
        assert_eq!(bodies(&slots), [true], "the first may be withdrawn still");
        let stored = slots.close(&slow, with_body(200, 9), None).call;
        slots.slim(Vec::new());
        assert_eq!(bodies(&slots), [true, false]);
        slots.slim(vec![stored]);
        assert_eq!(bodies(&slots), [false, false]);
    }

    #[test]
    fn a_call_that_may_be_tried_again_keeps_its_body() {
        let mut slots = Slots::default();
        let first = slots.open(identity("a"), 0, false);
        let stored = slots.close(&first, with_body(503, 5), Some(busy())).call;
        slots.slim(vec![stored]);
        assert!(slots.calls()[0].exchange.body.is_some());
    }

    #[test]
    fn two_failures_leave_two_attempts() {
        let mut slots = Slots::default();
        for (began, status) in [(0, 429), (10, 503), (20, 200)] {
            let ticket = slots.open(identity("a"), began, began > 0);
            let failure = (status != 200).then(|| Failure {
                status: Some(status),
                error: String::new(),
            });
            slots.close(&ticket, call(status, began + 5), failure);
        }
        let calls = slots.calls();
        let statuses: Vec<_> = calls[0].attempts.iter().map(|a| a.status).collect();
        assert_eq!(statuses, [Some(429), Some(503)]);
    }
}
