//! Follows how the pieces of a stream use up the texts of the answer.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::sources::Table;

/// The least length in bytes of a source that a token may refer to as a whole.
const MIN_WHOLE: usize = 16;
/// The least length in bytes of a piece by which a lost place is found again.
const MIN_LANDMARK: usize = 6;

/// The writing side: knows where each source goes on, and where the reader believes it does.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    places: HashMap<usize, usize>,
    believed: HashMap<usize, usize>,
    latest: Option<usize>,
}

impl Tracker {
    /// Takes note of a piece that is written out.
    pub(super) fn follow(&mut self, table: &Table<'_>, piece: &str) {
        if let Some((key, start)) = self.find(table, piece) {
            self.places.insert(key, start + piece.len());
            self.latest = Some(key);
        }
    }

    /// Returns a reference to `piece`: `[source]`, `[source, length]` or `[source, length, start]`.
    pub(super) fn refer(&mut self, table: &mut Table<'_>, piece: &str) -> Option<Vec<Value>> {
        if piece.len() >= MIN_WHOLE
            && let Some((key, _source)) = table.sources().find(|(_key, one)| one.text == piece)
        {
            return Some(vec![json!(table.number(key))]);
        }
        let (key, start) = self.find(table, piece)?;
        let end = start + piece.len();
        let mut reference = vec![json!(table.number(key)), json!(piece.len())];
        if self.believed.get(&key).copied().unwrap_or(0) != start {
            reference.push(json!(start));
        }
        self.places.insert(key, end);
        self.believed.insert(key, end);
        self.latest = Some(key);
        Some(reference)
    }

    /// Returns the source that goes on with `piece`, and where: the latest one first.
    fn find(&self, table: &Table<'_>, piece: &str) -> Option<(usize, usize)> {
        if piece.is_empty() {
            return None;
        }
        let latest = self
            .latest
            .and_then(|key| table.source(key).map(|source| (key, source)));
        let candidates = || latest.into_iter().chain(table.sources());
        let place = |key: usize| self.places.get(&key).copied().unwrap_or(0);
        let next = candidates().find_map(|(key, source)| {
            let start = place(key);
            let rest = source.text.get(start..)?;
            rest.starts_with(piece).then_some((key, start))
        });
        next.or_else(|| {
            let mut sources = candidates().filter(|_one| piece.len() >= MIN_LANDMARK);
            sources.find_map(|(key, source)| {
                let start = place(key);
                let ahead = source.text.get(start..)?.find(piece)?;
                Some((key, start + ahead))
            })
        })
    }
}

/// The reading side.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    texts: &'a [String],
    places: HashMap<usize, usize>,
}

impl<'a> Reader<'a> {
    /// Returns a reader of these sources.
    pub(super) fn new(texts: &'a [String]) -> Self {
        Self {
            texts,
            places: HashMap::new(),
        }
    }

    /// Returns the text that a reference means; `None` where there is none.
    pub(super) fn read(&mut self, reference: &[Value]) -> Option<&'a str> {
        let numbers: Vec<usize> = reference
            .iter()
            .map(|number| {
                number
                    .as_u64()
                    .and_then(|number| usize::try_from(number).ok())
            })
            .collect::<Option<_>>()?;
        let (source, length, start) = match *numbers.as_slice() {
            [source] => return self.texts.get(source).map(String::as_str),
            [source, length] => {
                let place = self.places.get(&source).copied().unwrap_or(0);
                (source, length, place)
            }
            [source, length, start] => (source, length, start),
            _ => return None,
        };
        let end = start.checked_add(length)?;
        let text = self.texts.get(source)?.get(start..end)?;
        self.places.insert(source, end);
        Some(text)
    }
}
