//! Takes secrets out of texts before anything is hashed or stored.
//!
//! A [`Redactor`] replaces each secret by a placeholder that names its kind, such as
//! `[redacted:openai-key]`. The placeholder is the same for every secret of a kind and leads back to
//! nothing, so redacting can't break matching and a recording holds no secret. Redacting twice
//! changes nothing more.

mod detectors;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

use regex::{Regex, RegexSet};
use serde_json::Value;

use crate::wire::Scrub;
use detectors::DETECTORS;

/// What is redacted beside the built-in secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedactRules {
    /// Patterns of the user's, each with the name that stands in its placeholder.
    pub patterns: Vec<(String, String)>,
    /// Exact values, such as the provider keys that this process holds; short ones are ignored.
    pub values: Vec<String>,
}

/// A rule that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the redact pattern `{name}` is no regular expression")]
pub struct RedactError {
    name: String,
    #[source]
    source: Box<regex::Error>,
}

/// A secret found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of secret it is, as in its placeholder.
    pub kind: String,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
}

struct Pattern {
    kind: String,
    source: String,
    /// Compiled when the set first says that it hits: most runs need none of them.
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn regex(&self) -> Option<&Regex> {
        // The set holds the same pattern, so it compiles.
        self.regex
            .get_or_init(|| Regex::new(&self.source).ok())
            .as_ref()
    }
}

/// Replaces secrets by placeholders.
pub struct Redactor {
    /// Says in one pass which patterns are worth running.
    set: RegexSet,
    patterns: Vec<Pattern>,
}

/// The fewest characters that an exact value needs to be looked for.
const MIN_VALUE_CHARS: usize = 8;

impl Redactor {
    /// Returns a redactor for the built-in secrets and these.
    ///
    /// # Errors
    /// A pattern that is no regular expression.
    pub fn new(rules: &RedactRules) -> Result<Self, RedactError> {
        let values: BTreeSet<&str> = rules
            .values
            .iter()
            .map(String::as_str)
            .filter(|value| value.chars().count() >= MIN_VALUE_CHARS)
            .collect();
        let values = values
            .into_iter()
            .map(|value| ("secret".to_owned(), regex::escape(value)));
        let built_in = DETECTORS
            .iter()
            .map(|detector| (detector.kind.to_owned(), detector.pattern.to_owned()));
        let all: Vec<(String, String)> = values
            .chain(rules.patterns.iter().cloned())
            .chain(built_in)
            .collect();
        for (name, pattern) in &rules.patterns {
            Regex::new(pattern).map_err(|source| RedactError {
                name: name.clone(),
                source: Box::new(source),
            })?;
        }
        let set = RegexSet::new(all.iter().map(|(_kind, pattern)| pattern)).map_err(|source| {
            RedactError {
                name: "all patterns together".to_owned(),
                source: Box::new(source),
            }
        })?;
        let patterns = all
            .into_iter()
            .map(|(kind, source)| Pattern {
                kind,
                source,
                regex: OnceLock::new(),
            })
            .collect();
        Ok(Self { set, patterns })
    }

    /// Returns `text` without secrets; borrowed where there are none.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let findings = self.find(text);
        if findings.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut clean = String::with_capacity(text.len());
        let mut rest = 0;
        for finding in findings {
            clean.push_str(text.get(rest..finding.range.start).unwrap_or_default());
            clean.push_str(&placeholder(&finding.kind));
            rest = finding.range.end;
        }
        clean.push_str(text.get(rest..).unwrap_or_default());
        Cow::Owned(clean)
    }

    /// Returns `bytes` without secrets; bytes that are no UTF-8 are kept as they are.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match std::str::from_utf8(bytes) {
            Ok(text) => match self.text(text) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
            Err(_binary) => self.binary(bytes),
        }
    }

    /// Redacts the readable runs of a body that is not UTF-8 as a whole.
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
        let name = name.to_ascii_lowercase();
        let is_secret = SECRET_HEADERS.contains(&name.as_str())
            || SECRET_NAME_PARTS.iter().any(|part| name.contains(part));
        (!is_secret).then(|| self.text(value).into_owned())
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

    /// Returns the secrets in `text`, in order, without overlaps.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let hits = self.set.matches(text);
        if !hits.matched_any() {
            return Vec::new();
        }
        let mut findings: Vec<Finding> = Vec::new();
        for pattern in hits.iter().filter_map(|index| self.patterns.get(index)) {
            let Some(regex) = pattern.regex() else {
                continue;
            };
            for captures in regex.captures_iter(text) {
                // A pattern with a group means the group only: the rest is its context.
                let Some(found) = captures.name("secret").or_else(|| captures.get(0)) else {
                    continue;
                };
                let range = found.range();
                let is_free = findings
                    .iter()
                    .all(|other| range.end <= other.range.start || other.range.end <= range.start);
                if is_free && !range.is_empty() && !is_harmless(found.as_str()) {
                    findings.push(Finding {
                        kind: pattern.kind.clone(),
                        range,
                    });
                }
            }
        }
        findings.sort_by_key(|finding| finding.range.start);
        findings
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
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl Scrub for Redactor {
    fn scrub(&self, value: &mut Value) {
        self.walk(value);
    }
}

/// Headers whose whole value is a credential.
const SECRET_HEADERS: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-amz-security-token",
    "www-authenticate",
];

/// What the name of a header that holds a credential contains.
const SECRET_NAME_PARTS: [&str; 4] = ["api-key", "apikey", "auth-token", "secret"];

fn placeholder(kind: &str) -> String {
    format!("[redacted:{kind}]")
}

/// Returns whether a text only looks like a secret: a placeholder of ours, a run's own key, a
/// reference to a variable.
fn is_harmless(text: &str) -> bool {
    let text = text.trim_matches(['"', '\'', '\\', ' ']);
    text.starts_with("[redacted:")
        || text.starts_with("rewind-")
        || text.starts_with("${")
        || text.starts_with("$(")
        || text.starts_with("{{")
        || (text.starts_with('<') && text.ends_with('>'))
        || text
            .chars()
            .all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '-' | '…'))
}

fn is_secret_parameter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "key",
        "api_key",
        "apikey",
        "api-key",
        "token",
        "access_token",
        "sig",
        "signature",
    ]
    .contains(&name.as_str())
        || name.starts_with("x-amz-signature")
        || name.starts_with("x-amz-credential")
        || name.starts_with("x-amz-security-token")
}

/// Returns whether a JSON field of this name holds a credential and nothing else.
fn is_secret_field(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_'], "");
    [
        "apikey",
        "authorization",
        "accesstoken",
        "refreshtoken",
        "clientsecret",
        "secretkey",
        "secretaccesskey",
        "privatekey",
        "password",
        "passwd",
    ]
    .contains(&name.as_str())
}

#[cfg(test)]
mod tests;
