//! `[judge]`: the model that scores answers.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::agent::command;
use super::value::{Period, cap, http_url, jobs, limit};
use crate::judge::{JudgeDialect, Sight, Votes, built_in_names};

/// `[judge]`: the model that scores answers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Judge {
    /// The model.
    pub model: Option<String>,
    /// The base URL; the public one of the dialect's provider where it is not set.
    #[serde(deserialize_with = "http_url")]
    pub url: Option<String>,
    /// What the endpoint speaks; by the model's name where it is not set.
    pub dialect: Option<JudgeDialect>,
    /// The variable that holds the key.
    pub key_env: Option<String>,
    /// A rules file: the scripted model judges.
    pub scripted: Option<Utf8PathBuf>,
    /// How often each answer is judged; 1 where it is not set.
    pub votes: Option<Votes>,
    /// The temperature; the provider's own where it is not set.
    #[serde(deserialize_with = "temperature")]
    pub temperature: Option<f64>,
    /// The seed of the first vote.
    pub seed: Option<u64>,
    /// How many calls run at once; 4 where it is not set.
    #[serde(deserialize_with = "jobs")]
    pub max_concurrent: Option<usize>,
    /// The most calls in a minute; no limit where it is not set.
    #[serde(deserialize_with = "rate")]
    pub requests_per_minute: Option<u32>,
    /// How long one vote may take, with waiting, repetition and repair; 2 minutes where it is not set.
    #[serde(deserialize_with = "limit")]
    pub timeout: Option<Period>,
    /// The most dollars that the calls of a run may cost; no limit where it is not set.
    #[serde(deserialize_with = "cap")]
    pub max_usd: Option<f64>,
    /// `[judge.panel.NAME]`: several judges in place of one.
    pub panel: BTreeMap<String, PanelMember>,
    /// `[judge.rubric.NAME]`: criteria of the user's own.
    pub rubric: BTreeMap<String, Rubric>,
    /// `[judge.exec.NAME]`: programs of the user's own that judge.
    pub exec: BTreeMap<String, ExecEvaluator>,
    /// What judges see beside question and answer, whatever the evaluator.
    pub see: Option<Sight>,
}

/// `[judge.exec.NAME]`: a program that judges.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with `command`, such as [judge.exec.length]"
)]
pub struct ExecEvaluator {
    /// The command and its arguments.
    #[serde(deserialize_with = "command")]
    pub command: Vec<String>,
    /// How long it may run; 1 minute where it is not set.
    #[serde(default, deserialize_with = "limit")]
    pub timeout: Option<Period>,
    /// Values for the program.
    #[serde(default)]
    pub with: serde_json::Value,
    /// An answer that it must pass.
    #[serde(default)]
    pub good: Option<String>,
    /// An answer that it must fail.
    #[serde(default)]
    pub bad: Option<String>,
}

/// `[judge.panel.NAME]`: one of several judges; how they are asked stands in `[judge]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `model`, such as [judge.panel.second]"
)]
pub struct PanelMember {
    /// The model.
    pub model: Option<String>,
    /// The base URL; the public one of the dialect's provider where it is not set.
    #[serde(deserialize_with = "http_url")]
    pub url: Option<String>,
    /// What the endpoint speaks; by the model's name where it is not set.
    pub dialect: Option<JudgeDialect>,
    /// The variable that holds the key.
    pub key_env: Option<String>,
    /// A rules file: the scripted model judges.
    pub scripted: Option<Utf8PathBuf>,
    /// The temperature; the provider's own where it is not set.
    #[serde(deserialize_with = "temperature")]
    pub temperature: Option<f64>,
    /// The seed of the first vote.
    pub seed: Option<u64>,
}

impl Judge {
    /// Returns whether anybody judges.
    pub fn is_named(&self) -> bool {
        !self.judges().is_empty()
    }

    /// Returns the judges with their names: those of the panel, else the one of `[judge]`, which is called `judge`.
    pub fn judges(&self) -> Vec<(String, PanelMember)> {
        if !self.panel.is_empty() {
            let panel = self.panel.iter();
            return panel
                .map(|(name, member)| (name.clone(), member.clone()))
                .collect();
        }
        let one = PanelMember {
            model: self.model.clone(),
            url: self.url.clone(),
            dialect: self.dialect,
            key_env: self.key_env.clone(),
            scripted: self.scripted.clone(),
            temperature: self.temperature,
            seed: self.seed,
        };
        let is_named = one.model.is_some() || one.scripted.is_some();
        is_named
            .then(|| ("judge".to_owned(), one))
            .into_iter()
            .collect()
    }

    /// Returns the names of the variables that hold keys of judges.
    pub fn key_variables(&self) -> impl Iterator<Item = &str> {
        let panel = self.panel.values();
        let panel = panel.filter_map(|member| member.key_env.as_deref());
        self.key_env.as_deref().into_iter().chain(panel)
    }

    /// Returns what of the section does not go together.
    fn fault(&self) -> Option<String> {
        let mut programs = self.exec.keys();
        let double = programs.find(|name| {
            self.rubric.contains_key(*name) || built_in_names().contains(&name.as_str())
        });
        if let Some(name) = double {
            return Some(format!(
                "[judge.exec.{name}] has the name of another evaluator; give it one of its own"
            ));
        }
        if self.panel.is_empty() {
            return None;
        }
        let one = [
            ("model", self.model.is_some()),
            ("url", self.url.is_some()),
            ("dialect", self.dialect.is_some()),
            ("key_env", self.key_env.is_some()),
            ("scripted", self.scripted.is_some()),
            ("temperature", self.temperature.is_some()),
            ("seed", self.seed.is_some()),
        ];
        if let Some((key, _is_set)) = one.iter().find(|(_key, is_set)| *is_set) {
            return Some(format!(
                "`{key}` of [judge] is of no use beside [judge.panel.…]; write it in each of the panel's tables"
            ));
        }
        if self.panel.len() < 2 {
            return Some("a panel has at least two judges, such as [judge.panel.first] and [judge.panel.second]".to_owned());
        }
        for (place, (name, member)) in self.panel.iter().enumerate() {
            if member.model.is_none() && member.scripted.is_none() {
                return Some(format!(
                    "[judge.panel.{name}] has no `model`; write such as model = \"gpt-4o-mini\""
                ));
            }
            let mut before = self.panel.iter().take(place);
            if let Some((other, _same)) = before.find(|(_name, other)| *other == member) {
                return Some(format!(
                    "[judge.panel.{other}] and [judge.panel.{name}] are the same judge, which agrees with itself"
                ));
            }
        }
        None
    }
}

/// Reads the section and holds its keys against each other.
pub(super) fn section<'de, D: Deserializer<'de>>(from: D) -> Result<Judge, D::Error> {
    let judge = Judge::deserialize(from)?;
    match judge.fault() {
        Some(fault) => Err(D::Error::custom(fault)),
        None => Ok(judge),
    }
}

/// `[judge.rubric.NAME]`: a list of statements, each of which holds or does not.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with `statements`, such as [judge.rubric.tone]"
)]
pub struct Rubric {
    /// The statements.
    #[serde(deserialize_with = "statements")]
    pub statements: Vec<RubricStatement>,
    /// Whether the judge sees what the tools returned.
    #[serde(default)]
    pub tools: bool,
    /// An answer that meets the rubric: the judge must pass it.
    #[serde(default)]
    pub good: Option<String>,
    /// An answer that does not: the judge must fail it.
    #[serde(default)]
    pub bad: Option<String>,
}

/// One statement of a rubric.
#[derive(Debug, Clone, PartialEq)]
pub struct RubricStatement {
    /// What holds or does not.
    pub text: String,
    /// Its share in the score, compared with the others.
    pub weight: f64,
}

/// A statement as it is written.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a statement is a text, or { text = \"…\", weight = 2 }"
)]
enum Written {
    Text(String),
    Weighted(Weighted),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Weighted {
    text: String,
    weight: f64,
}

fn statements<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<RubricStatement>, D::Error> {
    let written = Vec::<Written>::deserialize(from)?;
    if written.is_empty() {
        return Err(D::Error::custom("a rubric has at least one statement"));
    }
    let statements = written.into_iter().map(|written| match written {
        Written::Text(text) => RubricStatement { text, weight: 1.0 },
        Written::Weighted(Weighted { text, weight }) => RubricStatement { text, weight },
    });
    let statements: Vec<RubricStatement> = statements.collect();
    for statement in &statements {
        if statement.text.trim().is_empty() {
            return Err(D::Error::custom("a statement must not be empty"));
        }
        if !(statement.weight > 0.0 && statement.weight <= 1000.0) {
            return Err(D::Error::custom(format!(
                "{} is no weight; write a number above 0 and up to 1000",
                statement.weight
            )));
        }
    }
    Ok(statements)
}

fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(from)? {
        0 => Err(D::Error::custom(
            "at least 1 request in a minute has to go out",
        )),
        rate => Ok(Some(rate)),
    }
}

fn temperature<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let temperature = f64::deserialize(from)?;
    if (0.0..=2.0).contains(&temperature) {
        Ok(Some(temperature))
    } else {
        Err(D::Error::custom(format!(
            "{temperature} is no temperature; write a number from 0 to 2"
        )))
    }
}
