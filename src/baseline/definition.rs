//! `baseline.toml`: what people write about a baseline.

use std::collections::{BTreeMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::digests::digests;
use super::expected;
use super::problem::{DefinitionError, invalid};
use super::quarantine::Quarantine;
use super::schema_file::put_in;
use crate::check::{self, KOfN, ReadError, Severity};
use crate::model::{ContentId, ForkPoint, SampleRange};

/// Which timeline of the recording is held up as right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reference {
    /// `main` when it ended without error, else the newest fork.
    #[default]
    Automatic,
    /// The one with this label.
    Label(String),
}

/// How an agent must behave on one input.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The agent, as in `[agents.NAME]`; `None` takes the one whose command was recorded.
    pub agent: Option<String>,
    /// The input of the agent, JSON where it is a table or an array; `None` takes the recorded one.
    pub input: Option<String>,
    /// The right answer, where it is known: what each judge gets whose check has none of its own.
    pub expected: Option<String>,
    /// Whether the input was written as `turns`.
    pub is_conversation: bool,
    /// The agent's command; empty takes the one of `[agent] command`.
    pub command: Vec<String>,
    /// Which timeline of the recording is held up as right.
    pub reference: Reference,
    /// Where runs go live, in the order given; never empty, without repetition.
    pub forks: Vec<ForkPoint>,
    /// Where further runs go live at night.
    pub nightly_forks: Vec<ForkPoint>,
    /// Free words to select baselines by.
    pub tags: Vec<String>,
    /// The folder of the recording, relative to the baseline's; `session` where not given.
    pub recording: Utf8PathBuf,
    /// What is verified, in the order given.
    pub checks: Vec<check::Definition>,
    /// The hashes of the checks' tables as they are written, without `severity` and `weight`, by id.
    pub digests: BTreeMap<String, ContentId>,
    /// Whether it is shown without counting, for a while.
    pub quarantine: Option<Quarantine>,
    /// How many samples of a fork run live; `None` takes what is configured.
    pub samples: Option<SampleRange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    agent: Option<String>,
    input: Option<Spanned<Value>>,
    turns: Option<Spanned<Vec<String>>>,
    expected: Option<Spanned<String>>,
    #[serde(default)]
    command: Vec<String>,
    timeline: Option<Spanned<String>>,
    #[serde(default)]
    forks: Vec<Spanned<RawFork>>,
    #[serde(default)]
    nightly_forks: Vec<Spanned<RawFork>>,
    #[serde(default)]
    tags: Vec<String>,
    recording: Option<Utf8PathBuf>,
    quarantine: Option<Quarantine>,
    samples: Option<SampleRange>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a fork point such as 14, \"auto\" or \"tool:NAME#1\""
)]
enum RawFork {
    Number(i64),
    Text(String),
}

/// What every check has, whatever its kind.
#[derive(Deserialize)]
struct RawCheck {
    kind: Spanned<String>,
    id: Option<Spanned<String>>,
    #[serde(default)]
    severity: Severity,
    weight: Option<Spanned<f64>>,
    k_of_n: Option<Spanned<[u32; 2]>>,
}

impl Definition {
    /// Makes the nightly forks forks like the others.
    pub fn add_nightly_forks(&mut self) {
        for fork in std::mem::take(&mut self.nightly_forks) {
            if !self.forks.contains(&fork) {
                self.forks.push(fork);
            }
        }
    }

    /// Returns the definition that `text`, the content of the file at `path`, holds.
    ///
    /// # Errors
    /// The text is no TOML, a key or value is unknown, or a file that a check names can't be read; the
    /// error shows the line.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Self, DefinitionError> {
        let dir = path.parent().unwrap_or(Utf8Path::new(""));
        parse(text, dir).map_err(|error| invalid(path, text, &error))
    }

    /// Returns the definition in the file at `path`.
    ///
    /// # Errors
    /// The file can't be read or does not hold a definition.
    pub fn read(path: &Utf8Path) -> Result<Self, DefinitionError> {
        let text = std::fs::read_to_string(path).map_err(|source| DefinitionError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }
}

fn parse(text: &str, dir: &Utf8Path) -> Result<Definition, ReadError> {
    let mut document = DeTable::parse(text)?;
    let span = document.span();
    let mut checks = document.get_mut().remove("check");
    let schemas = checks.as_mut().map(|checks| put_in(checks, dir));
    let mut outside = schemas.transpose()?.unwrap_or_default();
    let rest = Spanned::new(span, DeValue::Table(document.into_inner()));
    let raw = Raw::deserialize(ValueDeserializer::from(rest)).map_err(with_checks)?;
    if let (Some(expected), Some(checks)) = (&raw.expected, checks.as_mut()) {
        expected::put_in(checks, expected, &mut outside);
    }
    let is_conversation = raw.turns.is_some();
    let input = input(raw.input, raw.turns)?;
    let reference = match raw.timeline {
        None => Reference::Automatic,
        Some(label) if label.get_ref().is_empty() => {
            return Err(ReadError::new(
                "`timeline` must name a timeline",
                Some(label.span()),
            ));
        }
        Some(label) => Reference::Label(label.into_inner()),
    };
    let mut forks = fork_points(raw.forks)?;
    if forks.is_empty() {
        forks.extend(DEFAULT_FORKS);
    }
    let checks = checks.map(read_checks).transpose()?.unwrap_or_default();
    Ok(Definition {
        agent: raw.agent,
        input,
        expected: raw.expected.map(Spanned::into_inner),
        is_conversation,
        command: raw.command,
        reference,
        forks,
        nightly_forks: fork_points(raw.nightly_forks)?,
        tags: raw.tags,
        recording: raw
            .recording
            .unwrap_or_else(|| Utf8PathBuf::from("session")),
        digests: digests(text, &checks, &outside),
        checks,
        quarantine: raw.quarantine,
        samples: raw.samples,
    })
}

/// Returns the input as text: that of a table or an array is JSON, that of turns an array of texts.
fn input(
    input: Option<Spanned<Value>>,
    turns: Option<Spanned<Vec<String>>>,
) -> Result<Option<String>, ReadError> {
    match (input, turns) {
        (Some(_input), Some(turns)) => Err(ReadError::new(
            "a baseline has `input` or `turns`, not both",
            Some(turns.span()),
        )),
        (None, Some(turns)) if turns.get_ref().is_empty() => Err(ReadError::new(
            "`turns` must hold at least one text",
            Some(turns.span()),
        )),
        (None, Some(turns)) => {
            let turns = turns.into_inner().into_iter().map(Value::String);
            Ok(Some(Value::Array(turns.collect()).to_string()))
        }
        (Some(input), None) => {
            let span = input.span();
            match input.into_inner() {
                Value::String(text) => Ok(Some(text)),
                json @ (Value::Object(_) | Value::Array(_)) => Ok(Some(json.to_string())),
                Value::Null | Value::Bool(_) | Value::Number(_) => Err(ReadError::new(
                    "`input` is a text, or a table or an array that the agent gets as JSON",
                    Some(span),
                )),
            }
        }
        (None, None) => Ok(None),
    }
}

/// Adds `check`, which is read apart, to the keys that an error lists.
fn with_checks(error: toml::de::Error) -> ReadError {
    let mut error = ReadError::from(error);
    if error.message.starts_with("unknown field") {
        let (before, after) = ("expected one of ", "expected one of `check`, ");
        error.message = error.message.replace(before, after);
    }
    error
}

fn fork_points(raw: Vec<Spanned<RawFork>>) -> Result<Vec<ForkPoint>, ReadError> {
    let mut seen = HashSet::new();
    let mut points = Vec::with_capacity(raw.len());
    for fork in raw {
        let span = fork.span();
        let text = match fork.into_inner() {
            RawFork::Number(number) => number.to_string(),
            RawFork::Text(text) => text,
        };
        let point: ForkPoint = text
            .parse()
            .map_err(|error| ReadError::new(format!("{error}"), Some(span.clone())))?;
        if !seen.insert(point.clone()) {
            let message = format!("fork point `{point}` is listed twice");
            return Err(ReadError::new(message, Some(span)));
        }
        points.push(point);
    }
    Ok(points)
}

fn read_checks(value: Spanned<DeValue<'_>>) -> Result<Vec<check::Definition>, ReadError> {
    let span = value.span();
    let DeValue::Array(tables) = value.into_inner() else {
        let message = "checks are written as `[[check]]`, in double brackets";
        return Err(ReadError::new(message, Some(span)));
    };
    let mut checks: Vec<check::Definition> = Vec::with_capacity(tables.len());
    for table in tables {
        let span = table.span();
        let (id, check) = read_check(table)?;
        let is_taken = |id: &str| checks.iter().any(|check| check.id == id);
        let id = match id {
            Some(id) if is_taken(id.get_ref()) => {
                let message = format!("two checks have the id `{}`", id.get_ref());
                return Err(ReadError::new(message, Some(id.span())));
            }
            Some(id) if id.get_ref().trim().is_empty() => {
                return Err(ReadError::new("an id must not be empty", Some(span)));
            }
            Some(id) => id.into_inner(),
            None => free_id(check.check.kind(), is_taken),
        };
        checks.push(check::Definition { id, ..check });
    }
    Ok(checks)
}

/// Returns the kind, or the kind with the first free number from 2.
fn free_id(kind: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(kind) {
        return kind.to_owned();
    }
    let mut ids = (2_u32..).map(|number| format!("{kind}-{number}"));
    ids.find(|id| !is_taken(id))
        .unwrap_or_else(|| kind.to_owned())
}

fn read_check(
    table: Spanned<DeValue<'_>>,
) -> Result<(Option<Spanned<String>>, check::Definition), ReadError> {
    let span = table.span();
    let DeValue::Table(mut table) = table.into_inner() else {
        let message = "checks are written as `[[check]]`, in double brackets";
        return Err(ReadError::new(message, Some(span)));
    };
    let mut common = DeTable::new();
    for key in ["kind", "id", "severity", "weight", "k_of_n"] {
        if let Some((key, value)) = table.remove_entry(key) {
            common.insert(key, value);
        }
    }
    if !common.contains_key("kind") {
        let kinds: Vec<String> = check::kinds().map(|kind| format!("`{kind}`")).collect();
        let message = format!("this check has no `kind`; use one of {}", kinds.join(", "));
        return Err(ReadError::new(message, Some(span)));
    }
    let common = Spanned::new(span.clone(), DeValue::Table(common));
    let common = RawCheck::deserialize(ValueDeserializer::from(common))?;
    let rest = Spanned::new(span.clone(), DeValue::Table(table));
    let kind = common.kind.get_ref();
    let is_known = check::kinds().any(|known| known == kind);
    let fallback = if is_known { span } else { common.kind.span() };
    let check = check::read(kind, rest).map_err(|error| {
        let span = error.span.or(Some(fallback));
        ReadError { span, ..error }
    })?;
    let definition = check::Definition {
        id: String::new(),
        severity: common.severity,
        weight: weight(common.weight)?,
        k_of_n: common.k_of_n.map(k_of_n).transpose()?,
        check: check.into(),
    };
    Ok((common.id, definition))
}

fn k_of_n(written: Spanned<[u32; 2]>) -> Result<KOfN, ReadError> {
    let span = written.span();
    KOfN::try_from(written.into_inner()).map_err(|message| ReadError::new(message, Some(span)))
}

fn weight(weight: Option<Spanned<f64>>) -> Result<f64, ReadError> {
    let Some(weight) = weight else { return Ok(1.0) };
    if *weight.get_ref() > 0.0 && weight.get_ref().is_finite() {
        return Ok(weight.into_inner());
    }
    let message = "a weight must be above 0; to leave a check out, write severity = \"off\"";
    Err(ReadError::new(message, Some(weight.span())))
}

/// Where runs go live if the definition does not say.
pub const DEFAULT_FORKS: [ForkPoint; 2] = [ForkPoint::Last, ForkPoint::Auto];

#[cfg(test)]
mod tests;
