//! Finds secrets in a text: one pass says which patterns hit, only those are then run.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::{Regex, RegexSet};

use super::detectors::{DETECTORS, Detector, Proof, Start, WORD_START};
use super::names::secret_field_names;

/// A pattern and what it finds.
pub(super) struct Pattern {
    kind: String,
    source: String,
    proof: Proof,
    /// Compiled when the set first says that it hits: most runs need none of them.
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Returns a pattern whose shape is proof enough.
    pub(super) fn of_shape(kind: String, source: String) -> Self {
        Self {
            kind,
            source,
            proof: Proof::Shape,
            regex: OnceLock::new(),
        }
    }

    fn regex(&self) -> Option<&Regex> {
        // The set holds the same pattern, so it compiles.
        self.regex
            .get_or_init(|| Regex::new(&self.source).ok())
            .as_ref()
    }
}

impl From<&Detector> for Pattern {
    fn from(detector: &Detector) -> Self {
        let source = match detector.start {
            Start::Anywhere => detector.pattern.to_owned(),
            Start::Word => format!("{WORD_START}(?P<secret>{})", detector.pattern),
        };
        Self {
            proof: detector.proof,
            ..Self::of_shape(detector.kind.to_owned(), source)
        }
    }
}

/// Patterns that are looked for together.
pub(super) struct Patterns {
    set: RegexSet,
    patterns: Vec<Pattern>,
}

impl Patterns {
    /// Returns these patterns as one.
    ///
    /// # Errors
    /// One is no regular expression, or all together are too large.
    pub(super) fn new(patterns: Vec<Pattern>) -> Result<Self, regex::Error> {
        Self::beside(patterns, None)
    }

    /// Returns these patterns, with one more that [`may_hit`](Self::may_hit) knows and nothing else.
    fn beside(patterns: Vec<Pattern>, more: Option<&str>) -> Result<Self, regex::Error> {
        let sources = patterns.iter().map(|pattern| pattern.source.as_str());
        let set = RegexSet::new(sources.chain(more))?;
        Ok(Self { set, patterns })
    }

    /// Returns the built-in ones, compiled once; they may hit where a field is named that holds a
    /// credential, too.
    pub(super) fn built_in() -> Option<&'static Self> {
        // A test compiles every one of them, so there is always something here.
        static BUILT_IN: LazyLock<Option<Patterns>> = LazyLock::new(|| {
            let detectors = DETECTORS.iter().map(Pattern::from).collect();
            Patterns::beside(detectors, Some(&secret_field_names())).ok()
        });
        BUILT_IN.as_ref()
    }

    /// Returns whether one of them has its shape in `text`.
    pub(super) fn may_hit(&self, text: &str) -> bool {
        self.set.is_match(text)
    }

    /// Appends what they find in `text`.
    pub(super) fn find<'a>(&'a self, text: &str, hits: &mut Vec<Hit<'a>>) {
        let found = self.set.matches(text);
        if !found.matched_any() {
            return;
        }
        for pattern in found.iter().filter_map(|index| self.patterns.get(index)) {
            let Some(regex) = pattern.regex() else {
                continue;
            };
            for captures in regex.captures_iter(text) {
                // A pattern with a group means the group only: the rest is its context.
                let found = captures.name("secret").or_else(|| captures.get(0));
                if let Some(found) = found.filter(|found| is_secret(found.as_str(), pattern.proof))
                {
                    hits.push(Hit {
                        kind: &pattern.kind,
                        range: found.range(),
                        rank: hits.len(),
                    });
                }
            }
        }
    }
}

/// A place that a pattern found.
pub(super) struct Hit<'a> {
    pub(super) kind: &'a str,
    pub(super) range: Range<usize>,
    /// Its place in the order of the patterns: the lowest of several at one place names it.
    rank: usize,
}

/// Returns the hits in the order of the text: those that overlap as one, so that no end of a secret
/// stays behind, and without the placeholders that already stand in it.
pub(super) fn merged<'a>(mut hits: Vec<Hit<'a>>, text: &str) -> Vec<Hit<'a>> {
    hits.retain(|hit| !hit.range.is_empty());
    hits.sort_by_key(|hit| (hit.range.start, hit.rank));
    let mut merged: Vec<Hit<'a>> = Vec::with_capacity(hits.len());
    for hit in hits {
        match merged
            .last_mut()
            .filter(|last| hit.range.start < last.range.end)
        {
            Some(last) => {
                last.range.end = last.range.end.max(hit.range.end);
                if hit.rank < last.rank {
                    (last.kind, last.rank) = (hit.kind, hit.rank);
                }
            }
            None => merged.push(hit),
        }
    }
    if !merged.is_empty() && text.contains("[redacted:") {
        return without_placeholders(merged, text);
    }
    merged
}

fn without_placeholders<'a>(hits: Vec<Hit<'a>>, text: &str) -> Vec<Hit<'a>> {
    static PLACEHOLDER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\[redacted:[^\]\s]{1,64}\]").ok());
    let Some(placeholder) = PLACEHOLDER.as_ref() else {
        return hits;
    };
    let mut rest = placeholder
        .find_iter(text)
        .map(|found| found.range())
        .peekable();
    let mut kept = Vec::with_capacity(hits.len());
    for hit in hits {
        let mut from = hit.range.start;
        while rest.next_if(|place| place.end <= from).is_some() {}
        // A placeholder may reach into the next hit, so the last one is looked at again there.
        while let Some(place) = rest
            .peek()
            .filter(|place| place.start < hit.range.end)
            .cloned()
        {
            if from < place.start {
                kept.push(Hit {
                    range: from..place.start,
                    ..hit
                });
            }
            from = from.max(place.end);
            if place.end > hit.range.end {
                break;
            }
            rest.next();
        }
        if from < hit.range.end {
            kept.push(Hit {
                range: from..hit.range.end,
                ..hit
            });
        }
    }
    kept
}

fn is_secret(text: &str, proof: Proof) -> bool {
    if is_harmless(text) {
        return false;
    }
    match proof {
        Proof::Shape => true,
        Proof::Random => is_random(text),
        Proof::RandomNoUuid => is_random(text) && uuid::Uuid::try_parse(text).is_err(),
    }
}

/// Returns whether a text looks drawn by lot: it has a digit, or letters of both cases.
fn is_random(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    has(u8::is_ascii_digit) || (has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase))
}

/// Returns whether a text only stands for a secret: a run's own key, a reference to a variable, a
/// blank to be filled in.
pub(super) fn is_harmless(text: &str) -> bool {
    let text = text.trim_matches(['"', '\'', '\\', ' ']);
    text.starts_with("rewind-")
        || text.starts_with("${")
        || text.starts_with("$(")
        || text.starts_with("{{")
        || (text.starts_with('<') && text.ends_with('>'))
        || text
            .chars()
            .all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '-' | '…'))
}
