//! Makes requests in the normal form out of parsed ones, sharing what they have in common.

use std::collections::HashMap;
use std::sync::Arc;

use super::continuation::Continuations;
use crate::model::{ContentId, Request, Response, ThreadInterner, Treatment};
use crate::wire::{self, ParsedRequest};

/// The requests of one timeline: equal conversations and treatments are kept once, and answers that
/// later requests name by id (`previous_response_id`) are known.
#[derive(Debug, Default)]
pub struct Requests {
    interner: ThreadInterner,
    continuations: Continuations,
    treatments: HashMap<ContentId, Arc<Treatment>>,
}

impl Requests {
    /// Builds the request of a parsed one; says whether all that it goes on from is known.
    pub fn request(&mut self, parsed: &ParsedRequest, agent: Option<String>) -> (Request, bool) {
        let known = self.continuations.find(parsed);
        let is_continued = known.is_some();
        let thread = match known {
            Some(known) => {
                let messages = parsed.messages.messages();
                wire::thread_after(&known.thread, &known.turns(), &messages, &mut self.interner)
            }
            None => self.interner.adopt(&parsed.messages.thread()),
        };
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
    pub fn keep(&mut self, request: &Request, parsed: &ParsedRequest, response: &Response) {
        self.continuations
            .keep(&request.thread, parsed, response, &mut self.interner);
    }
}
