//! The one list of the kinds of checks, and how a check is read from its table.

use std::ops::Range;

use glob::Pattern;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use toml::de::{DeValue, ValueDeserializer};

use super::{
    Check, budget, combine, exec, exit_status, judge, loops, models, no_error, output, tools,
    trajectory,
};

/// The keys and values of a check, without those that every check has.
pub(super) type Table<'a> = toml::Spanned<DeValue<'a>>;

type Reader = fn(Table<'_>) -> Result<Box<dyn Check>, ReadError>;

/// All kinds; a new one is a file and a line here.
const KINDS: &[(&str, Reader)] = &[
    ("all", combine::read_all),
    ("answer", output::read_answer),
    ("any", combine::read_any),
    ("budget", budget::read),
    ("exec", exec::read),
    ("exit_status", exit_status::read),
    ("judge", judge::read),
    ("loop", loops::read),
    ("model", models::read),
    ("no_error", no_error::read),
    ("not", combine::read_not),
    ("output", output::read),
    ("tools", tools::read),
    ("trajectory", trajectory::read),
];

/// A table that is no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadError {
    /// What is wrong and what would be right.
    pub message: String,
    /// Where in the file, in bytes; `None` for the table as a whole.
    pub span: Option<Range<usize>>,
}

impl ReadError {
    /// Returns an error at this place.
    pub fn new(message: impl Into<String>, span: Option<Range<usize>>) -> Self {
        Self {
            message: message.into(),
            span,
        }
    }
}

impl From<toml::de::Error> for ReadError {
    fn from(error: toml::de::Error) -> Self {
        Self::new(error.message(), error.span())
    }
}

/// Returns the names of all kinds, sorted.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _read)| *name)
}

/// Returns the check of this kind that the rest of its table describes.
///
/// # Errors
/// The kind is unknown, or the table has a key or value that the kind does not know.
pub fn read(kind: &str, table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let Some((_name, read)) = KINDS.iter().find(|(name, _read)| *name == kind) else {
        let names: Vec<String> = kinds().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "unknown kind `{kind}`, expected one of {}",
            names.join(", ")
        );
        return Err(ReadError::new(message, None));
    };
    read(table)
}

/// Reads the keys of a kind.
pub(super) fn keys<T: DeserializeOwned>(table: Table<'_>) -> Result<T, ReadError> {
    Ok(T::deserialize(ValueDeserializer::from(table))?)
}

/// Reads a check that stands inside another: its kind and its keys.
pub(super) fn read_nested(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let span = table.span();
    let DeValue::Table(mut keys) = table.into_inner() else {
        let message = "a check is a table, such as { kind = \"no_error\" }";
        return Err(ReadError::new(message, Some(span)));
    };
    for key in ["id", "severity", "weight", "k_of_n"] {
        if let Some((key, _value)) = keys.get_key_value(key) {
            let message = format!(
                "`{}` belongs to the whole check, not to one inside it",
                key.get_ref()
            );
            return Err(ReadError::new(message, Some(key.span())));
        }
    }
    let Some(kind) = keys.remove("kind") else {
        let names: Vec<String> = kinds().map(|name| format!("`{name}`")).collect();
        let message = format!("this check has no `kind`; use one of {}", names.join(", "));
        return Err(ReadError::new(message, Some(span)));
    };
    let place = kind.span();
    let DeValue::String(kind) = kind.into_inner() else {
        return Err(ReadError::new("`kind` must be a text", Some(place)));
    };
    let is_known = kinds().any(|known| known == kind);
    let fallback = if is_known { span.clone() } else { place };
    let rest = toml::Spanned::new(span, DeValue::Table(keys));
    read(&kind, rest).map_err(|error| {
        let span = error.span.or(Some(fallback));
        ReadError { span, ..error }
    })
}

/// Reads tool names as globs.
pub(super) fn patterns(texts: &[toml::Spanned<String>]) -> Result<Vec<Pattern>, ReadError> {
    texts
        .iter()
        .map(|text| {
            if text.get_ref().is_empty() {
                let message =
                    "an empty name fits nothing; write a name, in which `*` stands for any text";
                return Err(ReadError::new(message, Some(text.span())));
            }
            Pattern::new(text.get_ref()).map_err(|error| {
                let message = format!("`{}` is no glob: {}", text.get_ref(), error.msg);
                ReadError::new(message, Some(text.span()))
            })
        })
        .collect()
}

/// Returns `1 step`, `2 steps`.
pub(super) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// A text or a list of texts.
#[derive(Debug, Default)]
pub(super) struct OneOrMany(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a text or a list of texts")]
        enum Either {
            One(String),
            Many(Vec<String>),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::One(text) => Self(vec![text]),
            Either::Many(texts) => Self(texts),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Reads a check from the text of its table.
    pub(in crate::check) fn check(text: &str) -> Box<dyn Check> {
        try_check(text).unwrap()
    }

    pub(in crate::check) fn try_check(text: &str) -> Result<Box<dyn Check>, ReadError> {
        let mut table = toml::de::DeTable::parse(text).unwrap();
        let span = table.span();
        let kind = table.get_mut().remove("kind").unwrap();
        let kind = kind.get_ref().as_str().unwrap().to_owned();
        let rest = DeValue::Table(table.into_inner());
        read(&kind, toml::Spanned::new(span, rest))
    }

    #[test]
    fn every_kind_is_listed_once_and_in_order() {
        assert!(KINDS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn what_is_wrong_with_a_table_is_said_with_its_place() {
        let message = |text: &str| try_check(text).unwrap_err().message;
        let shown = [
            message("kind = 'trajectry'"),
            message("kind = 'answer'"),
            message("kind = 'answer'\nregex = '('"),
            message("kind = 'answer'\ncontains = 3"),
            message("kind = 'tools'\nforbiden = ['x']"),
            message("kind = 'tools'\nforbidden = ['[']"),
            message("kind = 'no_error'\nallow_recorded = 1"),
            message("kind = 'trajectory'\nmode = 'greedy'"),
            message("kind = 'trajectory'\n[tools.x]\nignore = ['a']"),
            message("kind = 'trajectory'\n[tools.x]\ntolerance = -1.0"),
        ]
        .join("\n---\n");
        insta::assert_snapshot!(shown);
        let text = "kind = 'answer'\nregex = '('";
        let span = try_check(text).unwrap_err().span.unwrap();
        assert_eq!(text.get(span), Some("'('"));
    }
}
