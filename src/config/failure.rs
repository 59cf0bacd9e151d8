//! What is wrong with a configuration file, where, and what was probably meant.

use std::io;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The content is not valid.
    #[error("{path}:{line}:{column}: {message}\n{snippet}{hint}")]
    Invalid {
        /// The file.
        path: Utf8PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// The line with a caret below.
        snippet: String,
        /// What was probably meant; empty where nothing is near.
        hint: String,
    },
}

impl ConfigError {
    /// Returns the error with its place in `text` and a suggestion.
    pub fn invalid(path: &Utf8Path, text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or_default();
        Self::at(path, text, error.message().to_owned(), span)
    }

    /// Returns an error about the place `span` of `text`, with a suggestion where there is one.
    pub(super) fn at(path: &Utf8Path, text: &str, message: String, span: Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let content = text.lines().nth(line - 1).unwrap_or_default();
        let width = text
            .get(span)
            .map_or(1, |found| {
                found.lines().next().unwrap_or_default().chars().count()
            })
            .max(1);
        let gutter = " ".repeat(line.to_string().len());
        let caret = format!("{}{}", " ".repeat(column - 1), "^".repeat(width));
        let snippet = format!("{gutter} |\n{line} | {content}\n{gutter} | {caret}");
        let hint = suggestion(&message)
            .map(|name| format!("\n{gutter} = did you mean `{name}`?"))
            .unwrap_or_default();
        Self::Invalid {
            path: path.to_owned(),
            line,
            column,
            message,
            snippet,
            hint,
        }
    }
}

/// The least similarity (Jaro-Winkler, 0 to 1) of a name that is suggested.
const NEAR: f64 = 0.7;

/// Returns the expected name that is nearest to the one found, out of serde's message:
/// ``unknown field `a`, expected one of `b`, `c` ``.
fn suggestion(message: &str) -> Option<&str> {
    let (found, expected) = message.split_once(", expected ")?;
    let found = found.split('`').nth(1)?;
    expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .filter(|(similarity, _name)| *similarity >= NEAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_similarity, name)| name)
}
