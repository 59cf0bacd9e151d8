//! Takes secrets out of texts before anything is hashed or stored.
//!
//! A [`Redactor`] replaces each secret by a placeholder that names its kind, such as
//! `[redacted:openai-key]`. The placeholder is the same for every secret of a kind and leads back to
//! nothing, so redacting can't break matching and a recording holds no secret. Redacting twice
//! changes nothing more.
//!
//! Personal data is found by [`find_personal`]; where the rules ask for it, it is replaced by pseudonyms of the
//! same shape, drawn by lot for each session, which [`find_pseudonyms`] knows again. Secrets are known by their shape, their context or their
//! value: a password that stands in plain prose is not seen.

mod detectors;
mod names;
mod personal;
mod search;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Value};

use crate::wire::Scrub;
use names::{is_secret_field, is_secret_header, is_secret_parameter};
use personal::Vault;
pub use personal::{
    PersonalFinding, PersonalKind, Pseudonym, find_personal, find_personal_in, find_pseudonyms,
};
use search::{Hit, Pattern, Patterns, is_harmless, merged};

/// What is redacted beside the built-in secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedactRules {
    /// Patterns of the user's, each with the name that stands in its placeholder.
    pub patterns: Vec<(String, String)>,
    /// Exact values, such as the provider keys that this process holds; those of fewer than 8
    /// characters are ignored.
    pub values: Vec<String>,
    /// The kinds of personal data that are replaced by pseudonyms.
    pub personal: BTreeSet<PersonalKind>,
}

/// A rule that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// The pattern does not compile.
    #[error("the redact pattern `{name}` is no regular expression")]
    Pattern {
        /// The name of the pattern.
        name: String,
        /// Why.
        #[source]
        source: Box<regex::Error>,
    },
    /// The name can't stand in a placeholder.
    #[error(
        "the redact pattern `{name}` needs another name: 1 to 48 letters, digits, `-`, `_` or `.`"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The patterns are too large together.
    #[error("the redact patterns are too large together; shorten them")]
    TooLarge(#[source] Box<regex::Error>),
}

/// A secret found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of secret it is, as in its placeholder.
    pub kind: String,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    /// What is to stand in its place.
    pub replacement: String,
}

/// Replaces secrets by placeholders, and personal data by pseudonyms where that is wanted.
pub struct Redactor {
    /// Exact values and the user's patterns; they name a place before the built-in ones do.
    own: Option<Arc<Patterns>>,
    personal: Option<Vault>,
}

/// The fewest characters that an exact value needs to be looked for.
const MIN_VALUE_CHARS: usize = 8;

/// No built-in secret is shorter than this.
const SHORTEST_SECRET: usize = 16;

/// How often a text is gone over: a placeholder may bring a name and its value closer together.
const MAX_PASSES: usize = 4;

impl Redactor {
    /// Returns a redactor for the built-in secrets and these.
    ///
    /// # Errors
    /// A pattern that is no regular expression, or whose name can't stand in a placeholder.
    pub fn new(rules: &RedactRules) -> Result<Self, RedactError> {
        for (name, pattern) in &rules.patterns {
            if !is_placeholder_name(name) {
                return Err(RedactError::Name { name: name.clone() });
            }
            Regex::new(pattern).map_err(|source| RedactError::Pattern {
                name: name.clone(),
                source: Box::new(source),
            })?;
        }
        let long = |value: &&String| value.chars().count() >= MIN_VALUE_CHARS;
        let values: BTreeSet<String> = rules
            .values
            .iter()
            .filter(long)
            .flat_map(|value| forms(value))
            .collect();
        let values = values.iter().map(|value| regex::escape(value));
        let patterns = rules.patterns.iter().cloned();
        let own: Vec<Pattern> = values
            .map(|value| ("secret".to_owned(), value))
            .chain(patterns)
            .map(|(kind, pattern)| Pattern::of_shape(kind, pattern))
            .collect();
        let own = if own.is_empty() {
            None
        } else {
            let own = Patterns::new(own);
            let own = own.map_err(|source| RedactError::TooLarge(Box::new(source)))?;
            Some(Arc::new(own))
        };
        let personal = (!rules.personal.is_empty()).then(|| Vault::new(&rules.personal));
        Ok(Self { own, personal })
    }

    /// Returns the redactor for another session: its pseudonyms are other ones.
    #[must_use]
    pub fn of_session(self: &Arc<Self>) -> Arc<Self> {
        match &self.personal {
            None => Arc::clone(self),
            Some(vault) => Arc::new(Self {
                own: self.own.clone(),
                personal: Some(vault.anew()),
            }),
        }
    }

    /// Returns whether personal data is replaced by pseudonyms.
    pub fn has_pseudonyms(&self) -> bool {
        self.personal.is_some()
    }

    /// Takes note of the pseudonyms in a text: none of them will stand for anybody else.
    pub fn reserve(&self, text: &str) {
        if let Some(vault) = &self.personal {
            vault.reserve(text);
        }
    }

    /// Returns `text` without secrets; borrowed where there are none.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        for _pass in 0..MAX_PASSES {
            let hits = self.hits(&clean);
            if hits.is_empty() {
                break;
            }
            clean = Cow::Owned(replaced(&clean, &hits));
        }
        match self.personal.as_ref().and_then(|one| one.replaced(&clean)) {
            Some(pseudonymous) => Cow::Owned(pseudonymous),
            None => clean,
        }
    }

    /// Returns `bytes` without secrets; of bytes that are no UTF-8, the readable runs.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match std::str::from_utf8(bytes) {
            Ok(text) => match self.text(text) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
            Err(_binary) => self.binary(bytes),
        }
    }

    fn binary<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut clean = Vec::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            clean.extend_from_slice(self.text(chunk.valid()).as_bytes());
            clean.extend_from_slice(chunk.invalid());
        }
        if clean == bytes {
            Cow::Borrowed(bytes)
        } else {
            Cow::Owned(clean)
        }
    }

    /// Returns the value of a header without secrets; `None` for a header that is one as a whole.
    pub fn header(&self, name: &str, value: &str) -> Option<String> {
        (!is_secret_header(name)).then(|| self.text(value).into_owned())
    }

    /// Returns a path without secrets in it or in the values of its query.
    pub fn path_and_query<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let Some((place, query)) = path.split_once('?') else {
            return self.text(path);
        };
        let pairs: Vec<Cow<'_, str>> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) if is_secret_parameter(name) && !value.is_empty() => {
                    Cow::Owned(format!("{name}={}", placeholder("query-value")))
                }
                Some(_) | None => self.text(pair),
            })
            .collect();
        let clean = format!("{}?{}", self.text(place), pairs.join("&"));
        if clean == path {
            Cow::Borrowed(path)
        } else {
            Cow::Owned(clean)
        }
    }

    /// Returns what is to be replaced in `text`, in order, without overlaps.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let finding = |hit: Hit<'_>| Finding {
            kind: hit.kind.to_owned(),
            range: hit.range,
            replacement: placeholder(hit.kind),
        };
        let mut found: Vec<Finding> = self.hits(text).into_iter().map(finding).collect();
        let people = self.personal.iter().flat_map(|vault| vault.find(text));
        let people: Vec<Finding> = people
            .filter(|(place, _pseudonym)| {
                let range = &place.range;
                let is_apart =
                    |one: &Finding| one.range.end <= range.start || range.end <= one.range.start;
                found.iter().all(is_apart)
            })
            .map(|(place, replacement)| Finding {
                kind: place.kind.as_str().to_owned(),
                range: place.range,
                replacement,
            })
            .collect();
        found.extend(people);
        found.sort_by_key(|one| one.range.start);
        found
    }

    /// Returns whether a text of JSON without escapes surely holds no secret, in a string or by the name
    /// of a field.
    ///
    /// `false` says nothing; of texts joined to one it is `false` at the least where it is for one.
    pub fn is_surely_clean(&self, json: &str) -> bool {
        // A pattern of the user's may mean a whole string, from `^` to `$`.
        self.own.is_none()
            && self.personal.is_none()
            && Patterns::built_in().is_some_and(|patterns| !patterns.may_hit(json))
    }

    fn hits(&self, text: &str) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        let own = self.own.as_deref();
        for patterns in own.into_iter().chain(Patterns::built_in()) {
            patterns.find(text, &mut hits);
        }
        merged(hits, text)
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(clean) = self.text(text) {
                    *text = clean;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Value::Object(fields) => {
                for (name, field) in fields.iter_mut() {
                    match field {
                        Value::String(text)
                            if is_secret_field(name) && !text.is_empty() && !is_harmless(text) =>
                        {
                            *text = placeholder("field");
                        }
                        Value::Null
                        | Value::Bool(_)
                        | Value::Number(_)
                        | Value::String(_)
                        | Value::Array(_)
                        | Value::Object(_) => self.walk(field),
                    }
                }
                self.rename(fields);
            }
            Value::Number(number) => {
                // A card's number may be one; its pseudonym has as many digits.
                if let Some(vault) = &self.personal
                    && !number.is_f64()
                    && let Some(text) = vault.replaced(&number.to_string())
                    && let Ok(pseudonym) = text.parse::<u64>()
                {
                    *value = pseudonym.into();
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Takes secrets out of the names of fields; of two that become one, a number tells them apart.
    fn rename(&self, fields: &mut Map<String, Value>) {
        let may_hold = |name: &&String| {
            name.len() >= SHORTEST_SECRET || self.own.is_some() || self.personal.is_some()
        };
        let clean = |name: &String| match self.text(name) {
            Cow::Borrowed(_same) => None,
            Cow::Owned(clean) => Some((name.clone(), clean)),
        };
        let renamed: Vec<(String, String)> =
            fields.keys().filter(may_hold).filter_map(clean).collect();
        for (name, clean) in renamed {
            let Some(field) = fields.remove(&name) else {
                continue;
            };
            let mut free = clean.clone();
            let mut nth = 2;
            while fields.contains_key(&free) {
                free = format!("{clean}-{nth}");
                nth += 1;
            }
            fields.insert(free, field);
        }
    }
}

impl Scrub for Redactor {
    fn scrub(&self, value: &mut Value) {
        self.walk(value);
    }
}

fn placeholder(kind: &str) -> String {
    format!("[redacted:{kind}]")
}

fn replaced(text: &str, hits: &[Hit<'_>]) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    for hit in hits {
        clean.push_str(text.get(rest..hit.range.start).unwrap_or_default());
        clean.push_str(&placeholder(hit.kind));
        rest = hit.range.end;
    }
    clean.push_str(text.get(rest..).unwrap_or_default());
    clean
}

/// Returns whether a name can stand in a placeholder and be known there again: 1 to 48 letters,
/// digits, `-`, `_` or `.`.
pub fn is_placeholder_name(name: &str) -> bool {
    (1..=48).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Returns a value as it stands, and as it stands inside JSON.
fn forms(value: &str) -> Vec<String> {
    let quoted = Value::from(value).to_string();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let mut forms = vec![value.to_owned()];
    forms.extend(inside.map(str::to_owned));
    forms
}

#[cfg(test)]
mod tests;
