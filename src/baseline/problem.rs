//! What is wrong with a `baseline.toml`, and where.

use std::fmt;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use toml::Spanned;

use crate::check::ReadError;

/// A `baseline.toml` that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what a baseline looks like.
    #[error(transparent)]
    Invalid(Box<Invalid>),
}

/// A place in a `baseline.toml` that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    path: Utf8PathBuf,
    /// Line and column from 1, and the text of the line.
    place: Option<(usize, usize, String)>,
    width: usize,
    message: String,
    help: Option<String>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((line, column, text)) = &self.place else {
            write!(f, "{}: {}", self.path, self.message)?;
            return self.write_help(f);
        };
        writeln!(f, "{}:{line}:{column}: {}", self.path, self.message)?;
        let gutter = line.to_string().len();
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{line} | {text}")?;
        let (before, marks) = (
            " ".repeat(column.saturating_sub(1)),
            "^".repeat(self.width.max(1)),
        );
        write!(f, "{:gutter$} | {before}{marks}", "")?;
        self.write_help(f)
    }
}

impl Invalid {
    fn write_help(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.help
            .as_ref()
            .map_or(Ok(()), |help| write!(f, "\n{help}"))
    }
}

impl DefinitionError {
    /// Returns the error that an evaluator at this place of the file at `path` is none of those that there are.
    pub fn unknown_evaluator(path: &Utf8Path, found: &Spanned<String>, known: &[&str]) -> Self {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(source) => {
                let path = path.to_owned();
                return Self::Read { path, source };
            }
        };
        let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "unknown evaluator `{}`, expected one of {}",
            found.get_ref(),
            names.join(", ")
        );
        invalid(path, &text, &ReadError::new(message, Some(found.span())))
    }
}

/// Returns the error at the place that `error` names in `text`.
pub(super) fn invalid(path: &Utf8Path, text: &str, error: &ReadError) -> DefinitionError {
    let place = error.span.as_ref().and_then(|span| place(text, span));
    let width = match (&place, &error.span) {
        (Some((_line, column, line)), Some(span)) => {
            let marked = text.get(span.clone()).unwrap_or_default();
            let on_line = marked.lines().next().unwrap_or_default().chars().count();
            on_line.min(
                line.chars()
                    .count()
                    .saturating_sub(column.saturating_sub(1)),
            )
        }
        _ => 1,
    };
    DefinitionError::Invalid(Box::new(Invalid {
        path: path.to_owned(),
        place,
        width,
        message: error.message.trim().to_owned(),
        help: suggestion(&error.message),
    }))
}

fn place(text: &str, span: &Range<usize>) -> Option<(usize, usize, String)> {
    let before = text.get(..span.start)?;
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let content = text.lines().nth(line - 1).unwrap_or_default().to_owned();
    Some((line, column, content))
}

/// Returns "did you mean" for a message that names an unknown word and the known ones.
fn suggestion(message: &str) -> Option<String> {
    let (unknown, known) = message.split_once(", expected ")?;
    let word = unknown.strip_prefix("unknown ")?.split('`').nth(1)?;
    let names = known.split('`').skip(1).step_by(2);
    let best = names
        .map(|name| (strsim::normalized_damerau_levenshtein(word, name), name))
        .filter(|(likeness, _name)| *likeness >= LEAST_LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!("did you mean `{}`?", best.1))
}

/// How alike two words must be to be mistaken for each other.
const LEAST_LIKENESS: f64 = 0.6;
