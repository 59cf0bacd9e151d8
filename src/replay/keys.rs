//! What requests are compared by: hashes of their normalised history, remembered per conversation.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::normalise::{NormaliseError, Normaliser, Template};
use super::order::in_call_order;
use super::rules::Rules;
use super::volatile::{Days, Mapping};
use crate::model::{ContentId, Drift, Message, Part, Pooled, Thread};

/// A conversation as it is compared.
#[derive(Debug, Clone)]
pub(super) struct History {
    /// The hash over the templates of its messages and its links.
    pub(super) key: ContentId,
    /// The conversation with tool results in the order of their calls.
    pub(super) ordered: Thread,
}

/// Computes and remembers what requests are compared by; shared by all replays under the same rules.
#[derive(Debug)]
pub struct Keys {
    normaliser: Normaliser,
    tool_results: BTreeSet<String>,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    templates: HashMap<ContentId, Arc<Template>>,
    /// By the id of an ordered conversation.
    keys: HashMap<ContentId, ContentId>,
    /// By the id of a conversation as it came, where some results are out of order.
    reordered: HashMap<ContentId, Thread>,
    /// Conversations without results out of order.
    plain: HashMap<ContentId, bool>,
}

impl Keys {
    /// Returns the keys under these rules.
    ///
    /// # Errors
    /// A normalise rule that can't be used.
    pub fn new(rules: &Rules) -> Result<Self, NormaliseError> {
        Ok(Self {
            normaliser: Normaliser::new(&rules.normalise)?.with_people(rules.has_people),
            tool_results: rules.tool_results.clone(),
            cache: Mutex::default(),
        })
    }

    /// Returns the normaliser.
    pub fn normaliser(&self) -> &Normaliser {
        &self.normaliser
    }

    /// Returns the conversation as it is compared.
    pub(super) fn history(&self, thread: &Thread) -> History {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let ordered = if cache.is_plain(thread) {
            thread.clone()
        } else {
            let reordered = cache.reordered.entry(thread.id());
            reordered.or_insert_with(|| in_call_order(thread)).clone()
        };
        let key = self.key(&mut cache, &ordered);
        History { key, ordered }
    }

    /// Returns the key of a conversation that is ordered already.
    pub(super) fn key_of(&self, ordered: &Thread) -> ContentId {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        self.key(&mut cache, ordered)
    }

    fn key(&self, cache: &mut Cache, ordered: &Thread) -> ContentId {
        let mut unknown = Vec::new();
        let mut key = ContentId::of(b"history");
        for ancestor in ordered.ancestors() {
            if let Some(known) = cache.keys.get(&ancestor.id()) {
                key = *known;
                break;
            }
            unknown.push(ancestor);
        }
        for ancestor in unknown.into_iter().rev() {
            let template = self.node_template(cache, ancestor);
            let links = format!("{:?}", ancestor.last_answers());
            let parts = [
                key.as_bytes().as_slice(),
                template.id.as_bytes(),
                links.as_bytes(),
            ];
            key = ContentId::of_parts(parts);
            cache.keys.insert(ancestor.id(), key);
        }
        key
    }

    /// Returns the template of the last message, results that may differ masked.
    fn node_template(&self, cache: &mut Cache, node: &Thread) -> Arc<Template> {
        let empty = Arc::new(Template {
            id: ContentId::of(b""),
            values: Vec::new(),
        });
        let Some(message) = node.last() else {
            return empty;
        };
        if let Some(masked) = self.masked(node) {
            return Arc::new(self.normaliser.template(&masked.0));
        }
        let template = cache.templates.entry(message.id());
        template
            .or_insert_with(|| Arc::new(self.normaliser.template(message.value())))
            .clone()
    }

    /// Returns the last message with the results of tools that may differ taken out, and their names.
    fn masked(&self, node: &Thread) -> Option<(Message, Vec<String>)> {
        if self.tool_results.is_empty() {
            return None;
        }
        let message = node.last()?;
        let names = super::treatment::result_names(node);
        let mut names = names.into_iter();
        let mut masked = Vec::new();
        let parts = message.parts.iter().map(|part| match part {
            Part::ToolResult { .. } => match names.next().flatten() {
                Some(name) if self.tool_results.contains(&name) => {
                    masked.push(name.clone());
                    Part::tool_result(format!("<any result of {name}>"))
                }
                Some(_) | None => part.clone(),
            },
            Part::Text { .. }
            | Part::ToolCall { .. }
            | Part::Reasoning { .. }
            | Part::Refusal { .. }
            | Part::Media { .. }
            | Part::Other { .. } => part.clone(),
        });
        let parts: Vec<Part> = parts.collect();
        (!masked.is_empty()).then(|| {
            (
                Message {
                    parts,
                    ..message.value().clone()
                },
                masked,
            )
        })
    }

    /// Compares two ordered conversations of equal key, value by value.
    ///
    /// Returns `None` where volatile values don't map onto each other, else the results that differ
    /// and may.
    pub(super) fn verify(
        &self,
        recorded: &Thread,
        live: &Thread,
        days: Days,
    ) -> Option<Vec<Drift>> {
        let mut drift = Vec::new();
        let mut pairs = Vec::new();
        {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            for (recorded, live) in recorded.ancestors().zip(live.ancestors()) {
                if let (Some(a), Some(b)) = (recorded.last(), live.last())
                    && a.id() != b.id()
                    && let Some((_message, names)) = self.masked(live)
                {
                    drift.extend(names.into_iter().map(|name| Drift::ToolResult { name }));
                }
                pairs.push((
                    self.node_template(&mut cache, recorded),
                    self.node_template(&mut cache, live),
                ));
            }
        }
        let mut mapping = Mapping::new(days);
        for (recorded, _live) in &pairs {
            mapping.know(&recorded.values);
        }
        pairs
            .iter()
            .all(|(a, b)| mapping.admit(&a.values, &b.values))
            .then_some(drift)
    }

    /// Returns whether two lists of messages are equal after normalisation.
    pub(super) fn same_messages(
        &self,
        recorded: &[Arc<Pooled<Message>>],
        live: &[Arc<Pooled<Message>>],
        days: Days,
    ) -> bool {
        let template = |message: &Arc<Pooled<Message>>| self.normaliser.template(message.value());
        let recorded: Vec<Template> = recorded.iter().map(template).collect();
        let live: Vec<Template> = live.iter().map(template).collect();
        let mut mapping = Mapping::new(days);
        for recorded in &recorded {
            mapping.know(&recorded.values);
        }
        recorded.len() == live.len()
            && recorded
                .iter()
                .zip(&live)
                .all(|(a, b)| a.id == b.id && mapping.admit(&a.values, &b.values))
    }

    /// Returns whether two texts are equal after normalisation.
    pub(super) fn same_text(&self, recorded: &str, live: &str, days: Days) -> bool {
        let (recorded, live) = (
            self.normaliser.template(&recorded),
            self.normaliser.template(&live),
        );
        let mut mapping = Mapping::new(days);
        mapping.know(&recorded.values);
        recorded.id == live.id && mapping.admit(&recorded.values, &live.values)
    }
}

impl Cache {
    fn is_plain(&mut self, thread: &Thread) -> bool {
        let mut unknown = Vec::new();
        let mut plain = true;
        for ancestor in thread.ancestors() {
            if let Some(known) = self.plain.get(&ancestor.id()) {
                plain = *known;
                break;
            }
            unknown.push(ancestor);
        }
        for ancestor in unknown.into_iter().rev() {
            plain = plain && ancestor.last_answers().is_empty();
            self.plain.insert(ancestor.id(), plain);
        }
        plain
    }
}
