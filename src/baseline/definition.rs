//! `baseline.toml`: what people write about a baseline.

use std::collections::{BTreeMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::digests::digests;
use super::problem::{DefinitionError, invalid};
use super::quarantine::Quarantine;
use crate::check::{self, ReadError, Severity};
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
}

impl Definition {
    /// Returns the definition that `text`, the content of the file at `path`, holds.
    ///
    /// # Errors
    /// The text is no TOML, or a key or value is unknown; the error shows the line.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Self, DefinitionError> {
        parse(text).map_err(|error| invalid(path, text, &error))
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

fn parse(text: &str) -> Result<Definition, ReadError> {
    let mut document = DeTable::parse(text)?;
    let span = document.span();
    let checks = document.get_mut().remove("check");
    let rest = Spanned::new(span, DeValue::Table(document.into_inner()));
    let raw = Raw::deserialize(ValueDeserializer::from(rest)).map_err(with_checks)?;
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
        is_conversation,
        command: raw.command,
        reference,
        forks,
        nightly_forks: fork_points(raw.nightly_forks)?,
        tags: raw.tags,
        recording: raw
            .recording
            .unwrap_or_else(|| Utf8PathBuf::from("session")),
        digests: digests(text, &checks),
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
    for key in ["kind", "id", "severity", "weight"] {
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
        check: check.into(),
    };
    Ok((common.id, definition))
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
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Definition::parse("baselines/x/baseline.toml".into(), text)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_definition_says_what_people_wrote() {
        let text = r#"
            input = "Tokyo population"
            timeline = "fixed"
            forks = [14, "tool:web_search#2", "auto"]
            nightly_forks = ["start"]
            tags = ["smoke"]
            recording = "../../recordings/tokyo"

            [[check]]
            kind = "trajectory"
            mode = "in_order"
            args = "subset"
            severity = "warn"
            [check.tools.web_search]
            ignore = ["/max"]

            [[check]]
            kind = "tools"
            forbidden = ["delete_*"]

            [[check]]
            kind = "answer"
            contains = "14 million"

            [[check]]
            kind = "answer"
            not_contains = "sorry"
        "#;
        let read = Definition::parse("b.toml".into(), text).unwrap();
        assert_eq!(read.input.as_deref(), Some("Tokyo population"));
        assert_eq!(read.reference, Reference::Label("fixed".into()));
        let forks: Vec<String> = read.forks.iter().map(ToString::to_string).collect();
        assert_eq!(forks, ["14", "tool:web_search#2", "auto"]);
        assert_eq!(read.nightly_forks, [ForkPoint::Start]);
        assert_eq!(read.recording, "../../recordings/tokyo");
        let checks: Vec<_> = read
            .checks
            .iter()
            .map(|check| (check.id.as_str(), check.severity))
            .collect();
        assert_eq!(
            checks,
            [
                ("trajectory", Severity::Warn),
                ("tools", Severity::Gate),
                ("answer", Severity::Gate),
                ("answer-2", Severity::Gate),
            ]
        );
    }

    #[test]
    fn an_empty_file_is_a_baseline_with_the_usual_forks() {
        let read = Definition::parse("b.toml".into(), "").unwrap();
        assert_eq!(read.forks, DEFAULT_FORKS);
        assert_eq!(read.recording, "session");
        assert!(read.checks.is_empty());
    }

    #[test]
    fn the_schema_has_the_keys_that_are_read_and_takes_what_is_read() {
        let schema = include_str!("../../schemas/baseline-toml.schema.json");
        let schema: Value = serde_json::from_str(schema).unwrap();
        let message = problem("zz = 1\n");
        let keys = message
            .lines()
            .next()
            .unwrap()
            .split_once("expected")
            .unwrap()
            .1;
        let keys: std::collections::BTreeSet<&str> = keys.split('`').skip(1).step_by(2).collect();
        let known = schema["properties"].as_object().unwrap().keys();
        assert_eq!(
            known
                .map(String::as_str)
                .collect::<std::collections::BTreeSet<_>>(),
            keys
        );
        let validator = jsonschema::validator_for(&schema).unwrap();
        let fits = |text: &str| validator.is_valid(&toml::from_str(text).unwrap());
        let page = include_str!("../../docs/formats.md");
        let example = page
            .split("```toml\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        for text in [
            example,
            "",
            "turns = [\"a\"]",
            "input = { a = 1 }\nforks = [3, \"last\"]",
        ] {
            Definition::parse("b.toml".into(), text).unwrap();
            assert!(fits(text), "{text}");
        }
        for text in [
            "zz = 1",
            "turns = []",
            "turns = [\"a\"]\ninput = \"b\"",
            "forks = [0]",
            "[[check]]",
        ] {
            problem(text);
            assert!(!fits(text), "{text}");
        }
    }

    #[test]
    fn an_input_is_a_text_json_or_turns() {
        let input = |text: &str| {
            let read = Definition::parse("b.toml".into(), text).unwrap();
            (read.input.unwrap(), read.is_conversation)
        };
        let table = "input = { question = \"why\", top = 3 }";
        assert_eq!(
            input(table),
            (r#"{"question":"why","top":3}"#.into(), false)
        );
        assert_eq!(
            input("turns = [\"a\", \"b\"]"),
            (r#"["a","b"]"#.into(), true)
        );
        assert!(problem("turns = [\"a\"]\ninput = \"b\"\n").contains("not both"));
        assert!(problem("turns = []\n").contains("at least one"));
    }

    #[test]
    fn what_is_wrong_is_shown_with_its_line_and_a_suggestion() {
        let shown = [
                problem("input = \"x\"\nforsk = [\"auto\"]\n"),
                problem("forks = [\"auto\", \"tool:\"]\n"),
                problem("forks = [\"auto\", \"auto\"]\n"),
                problem("forks = [0]\n"),
                problem("forks = [true]\n"),
                problem("checks = []\n"),
                problem("[check]\nkind = \"tools\"\n"),
                problem("[[check]]\nseverity = \"gate\"\n"),
                problem("[[check]]\nkind = \"trajectry\"\n"),
                problem("[[check]]\nkind = \"answer\"\n"),
                problem("[[check]]\nkind = \"answer\"\ncontans = \"é\" # ü\n"),
                problem("[[check]]\nkind = \"tools\"\nforbidden = [\"a\", \"é[\"]\n"),
                problem("[[check]]\nkind = \"trajectory\"\n[check.tools.x]\nargs = \"exakt\"\n"),
                problem("[[check]]\nid = \"a\"\nkind = \"no_error\"\n[[check]]\nid = \"a\"\nkind = \"no_error\"\n"),
                problem("[[check]]\nkind = \"no_error\"\nseverity = \"error\"\n"),
                problem("[[check]]\nkind = \"no_error\"\nweight = 0.0\n"),
                problem("[[check]]\nkind = \"not\"\ncheck = { kind = \"anser\" }\n"),
                problem("[[check]]\nkind = \"any\"\nchecks = [{ kind = \"loop\", mx = 3 }]\n"),
                problem("[[check]]\nkind = \"all\"\nchecks = [{ kind = \"loop\", severity = \"warn\" }]\n"),
                problem("input = \"x\n"),
                problem("input = 3\n"),
            ]
            .join("\n\n");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn the_guide_has_an_example_of_every_kind_that_can_be_read() {
        let guide = include_str!("../../docs/checks.md");
        let mut shown = HashSet::new();
        for block in guide.split("```toml\n").skip(1) {
            let text = block.split("```").next().unwrap();
            let read = Definition::parse("docs/checks.md".into(), text).unwrap();
            shown.extend(read.checks.iter().map(|check| check.check.kind()));
        }
        for kind in check::kinds() {
            assert!(shown.contains(kind), "no example of `{kind}`");
            assert!(
                guide.contains(&format!("\n## {kind}\n")),
                "no part on `{kind}`"
            );
        }
    }
}
