//! Makes requests in the normal form out of parsed ones, sharing what they have in common.

use std::collections::{HashMap, VecDeque};
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
    /// Those used last, newest first: an agent has few, and a comparison costs less than a hash.
    recent: VecDeque<Arc<Treatment>>,
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
        let request = Request {
            dialect: parsed.dialect,
            treatment: self.treatment(parsed),
            thread,
            stream: parsed.stream,
            agent,
        };
        (request, is_continued)
    }

    fn treatment(&mut self, parsed: &ParsedRequest) -> Arc<Treatment> {
        if let Some(known) = self.recent.iter().find(|known| is_of(known, parsed)) {
            return Arc::clone(known);
        }
        let system = parsed.system.iter();
        let treatment = Treatment {
            model: parsed.model.clone(),
            system: system.map(|message| Arc::clone(&message.message)).collect(),
            tools: Arc::clone(&parsed.tools),
            settings: Arc::clone(&parsed.settings),
        };
        let known = self.treatments.entry(treatment.id());
        let treatment = Arc::clone(known.or_insert_with(|| Arc::new(treatment)));
        self.recent.truncate(RECENT - 1);
        self.recent.push_front(Arc::clone(&treatment));
        treatment
    }

    /// Keeps what an answer leaves at the provider, for requests that go on from it by its id.
    pub fn keep(&mut self, request: &Request, parsed: &ParsedRequest, response: &Response) {
        self.continuations
            .keep(&request.thread, parsed, response, &mut self.interner);
    }
}

/// Returns whether a request has this treatment.
fn is_of(treatment: &Treatment, parsed: &ParsedRequest) -> bool {
    let system = treatment.system.iter().map(|message| message.id());
    treatment.tools.id() == parsed.tools.id()
        && treatment.settings.id() == parsed.settings.id()
        && treatment.model == parsed.model
        && system.eq(parsed.system.iter().map(|parsed| parsed.message.id()))
}

/// How many treatments are compared before one is looked up.
const RECENT: usize = 8;
