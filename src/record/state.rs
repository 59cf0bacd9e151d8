//! What a recorder remembers of its timeline.

use std::collections::HashMap;
use std::sync::Arc;

use super::continuation::{Continuation, Continuations};
use super::sink::SinkError;
use super::slots::{Identity, Slots};
use crate::model::{Ancillary, ContentId, Request, Response, ThreadInterner, Treatment};
use crate::wire::{self, ParsedRequest};

/// The memory of a recorder, behind its lock.
#[derive(Default)]
pub(super) struct State {
    pub(super) slots: Slots,
    interner: ThreadInterner,
    continuations: Continuations,
    treatments: HashMap<ContentId, Arc<Treatment>>,
    pub(super) ancillary: Vec<Ancillary>,
    pub(super) faults: Vec<String>,
    /// How often the sink refused.
    pub(super) unkept: u32,
}

impl State {
    /// Builds the request of a parsed one; says whether all that it goes on from is known.
    pub(super) fn request(
        &mut self,
        parsed: &ParsedRequest,
        agent: Option<String>,
    ) -> (Request, bool) {
        let known = self.continuations.find(parsed).cloned();
        let is_continued = known.is_some();
        let Continuation { thread, turns } = known.unwrap_or_default();
        let thread = wire::thread_after(&thread, &turns, &parsed.messages, &mut self.interner);
        let treatment = Treatment {
            model: parsed.model.clone(),
            system: parsed
                .system
                .iter()
                .map(|message| Arc::clone(&message.message))
                .collect(),
            tools: Arc::clone(&parsed.tools),
            settings: Arc::clone(&parsed.settings),
        };
        let treatment = self
            .treatments
            .entry(treatment.id())
            .or_insert_with(|| Arc::new(treatment));
        let request = Request {
            dialect: parsed.dialect,
            treatment: Arc::clone(treatment),
            thread,
            stream: parsed.stream,
            agent,
        };
        (request, is_continued)
    }

    /// Keeps what an answer leaves at the provider, for requests that go on from it by its id.
    pub(super) fn keep(&mut self, request: &Request, parsed: &ParsedRequest, response: &Response) {
        self.continuations
            .keep(&request.thread, parsed, response, &mut self.interner);
    }

    /// Notes what the sink said.
    pub(super) fn note(&mut self, kept: Result<(), SinkError>) {
        let Err(error) = kept else {
            return;
        };
        self.unkept = self.unkept.saturating_add(1);
        if self.unkept == 1 {
            self.add_fault(format!(
                "a call could not be stored while the agent ran: {error}"
            ));
        }
    }

    /// Adds a fault, once.
    pub(super) fn add_fault(&mut self, fault: String) {
        tracing::warn!("{fault}");
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

/// Returns what two tries of this request have in common.
pub(super) fn identity(provider: &str, request: &Request, parsed: &ParsedRequest) -> Identity {
    Identity {
        fingerprint: parsed.fingerprint,
        content: ContentId::of_parts([
            request.thread.id().as_bytes().as_slice(),
            request.treatment.id().as_bytes(),
        ]),
        sender: ContentId::of_parts([
            provider.as_bytes(),
            request.dialect.as_str().as_bytes(),
            request.agent.as_deref().unwrap_or_default().as_bytes(),
        ]),
    }
}
