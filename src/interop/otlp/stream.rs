//! OTLP in JSON, read as it comes: of a document no more is held than its spans and one of them as JSON.

use std::sync::Arc;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess};
use serde::{Deserialize as _, Deserializer};
use serde_json::{Map, Value};

use super::json::{self, Around, CONTAINERS, MAX_DEPTH};
use crate::interop::Span;
use crate::text::{Branches, read_branches};

/// What is found in a document.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) spans: Vec<Span>,
    /// The first names in the first object, for an error that says what is there.
    pub(super) names: Vec<String>,
    /// What the document is, in words.
    pub(super) shape: &'static str,
}

/// Reads a value that may hold spans.
pub(super) struct Walk<'f> {
    found: &'f mut Found,
    depth: usize,
}

impl<'f> Walk<'f> {
    pub(super) fn new(found: &'f mut Found) -> Self {
        Self { found, depth: 0 }
    }

    fn below(&mut self) -> Walk<'_> {
        Walk {
            found: self.found,
            depth: self.depth.saturating_add(1),
        }
    }

    fn note(&mut self, shape: &'static str) {
        if self.depth == 0 {
            self.found.shape = shape;
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, from: D) -> Result<(), D::Error> {
        if self.depth > MAX_DEPTH {
            return IgnoredAny::deserialize(from).map(|_ignored| ());
        }
        let walk = Walk {
            found: &mut *self.found,
            depth: self.depth,
        };
        read_branches(from, walk)?;
        if self.found.shape.is_empty() {
            self.note("a bare value");
        }
        Ok(())
    }
}

impl<'de> Branches<'de> for Walk<'_> {
    fn list<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.note("an empty list");
        while items.next_element_seed(self.below())?.is_some() {
            self.note(LIST);
        }
        Ok(())
    }

    fn object<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.note("an object");
        let is_first = self.found.names.is_empty();
        let first = self.found.spans.len();
        let mut fields = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if is_first && self.found.names.len() < NAMES {
                self.found.names.push(name.clone());
            }
            if CONTAINERS.contains(&name.as_str()) {
                entries.next_value_seed(self.below())?;
            } else {
                fields.insert(name, entries.next_value::<Value>()?);
            }
        }
        if json::is_span(&fields) {
            if self.found.spans.len() >= MAX_SPANS {
                let message = format!("there are more than {MAX_SPANS} spans");
                return Err(A::Error::custom(message));
            }
            self.found.spans.push(json::span(fields));
            return Ok(());
        }
        // What is said of the spans may stand behind them.
        let around = Around::of(&fields);
        for span in self.found.spans.iter_mut().skip(first) {
            around.surround(span);
        }
        Ok(())
    }
}

impl Around {
    /// Returns what an object says of the spans in it.
    fn of(fields: &Map<String, Value>) -> Self {
        let resource = fields.get("resource").and_then(Value::as_object);
        let resource = resource.and_then(|resource| resource.get("attributes").cloned());
        let scope = ["scope", "instrumentationLibrary", "instrumentation_library"]
            .into_iter()
            .find_map(|name| fields.get(name)?.get("name")?.as_str());
        Self {
            resource: resource.map(|own| Arc::new(json::attributes(own))),
            scope: scope.map(str::to_owned),
        }
    }

    /// Adds it to a span, unless something nearer has said it.
    fn surround(&self, span: &mut Span) {
        if let (Some(resource), true) = (&self.resource, span.resource.is_empty()) {
            span.resource = Arc::clone(resource);
        }
        if let (Some(scope), true) = (&self.scope, span.scope.is_empty()) {
            span.scope.clone_from(scope);
        }
    }
}

/// A list with something in it, in words.
pub(super) const LIST: &str = "a list whose first entry is no object";

/// The most names in an error.
const NAMES: usize = 6;

/// The most spans of a file.
const MAX_SPANS: usize = 2_000_000;
