//! `[judge]`: the model that scores answers.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::value::{Period, cap, http_url, jobs, limit};
use crate::judge::JudgeDialect;

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
    #[serde(deserialize_with = "votes")]
    pub votes: Option<u32>,
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
    /// `[judge.rubric.NAME]`: criteria of the user's own.
    pub rubric: BTreeMap<String, Rubric>,
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

fn votes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(from)? {
        votes @ 1..=99 => Ok(Some(votes)),
        votes => Err(D::Error::custom(format!(
            "{votes} is no number of votes; write 1 to 99"
        ))),
    }
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
