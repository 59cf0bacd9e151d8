//! `kind = "output"`: what a text of the run says; `kind = "answer"`: what the final answer says.

mod place;
mod rules;
mod similarity;

use regex::Regex;
use serde::Deserialize;
use serde_json_path::JsonPath;
use toml::Spanned;

use super::arguments::ArgumentRule;
use super::combine::negated;
use super::registry::{OneOrMany, ReadError, Table, keys};
use super::schema::{Schema, json};
use super::{Check, CheckContext, Outcome};
use place::{Absent, Place, Subject};
use rules::{Picked, Rules, Similarity};
use similarity::Method;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    of: Option<Spanned<String>>,
    equals: Option<String>,
    #[serde(default)]
    contains: OneOrMany,
    #[serde(default)]
    not_contains: OneOrMany,
    regex: Option<Spanned<String>>,
    #[serde(default)]
    ignore_case: bool,
    json_schema: Option<Spanned<toml::Value>>,
    jsonpath: Option<Spanned<String>>,
    value: Option<Spanned<toml::Value>>,
    number: Option<Spanned<f64>>,
    tolerance: Option<Spanned<f64>>,
    similarity: Option<RawSimilarity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSimilarity {
    to: Option<String>,
    #[serde(default)]
    method: Method,
    min: Spanned<f64>,
}

/// What a text of the run says.
#[derive(Debug)]
struct Output {
    kind: &'static str,
    place: Place,
    rules: Rules,
}

/// Reads an `output` check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let mut raw: Raw = keys(table)?;
    let place = match raw.of.take() {
        None => Place::Answer,
        Some(text) => text
            .get_ref()
            .parse()
            .map_err(|error: place::InvalidPlace| {
                ReadError::new(error.to_string(), Some(text.span()))
            })?,
    };
    finish("output", place, raw)
}

/// Reads an `answer` check from its table.
pub(super) fn read_answer(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    if let Some(of) = &raw.of {
        let message =
            "an `answer` check reads the final answer; to read elsewhere, write kind = \"output\"";
        return Err(ReadError::new(message, Some(of.span())));
    }
    finish("answer", Place::Answer, raw)
}

fn finish(kind: &'static str, place: Place, raw: Raw) -> Result<Box<dyn Check>, ReadError> {
    let tolerance = tolerance(&raw)?;
    let number = raw.number.as_ref().map(finite).transpose()?;
    let texts = || raw.contains.0.iter().chain(&raw.not_contains.0);
    if texts().any(String::is_empty) {
        let message =
            "an empty text stands in every text; take it out of `contains` and `not_contains`";
        return Err(ReadError::new(message, None));
    }
    let regex = raw
        .regex
        .map(|text| compile(&text, raw.ignore_case))
        .transpose()?;
    let rules = Rules {
        equals: raw.equals,
        contains: raw.contains.0,
        not_contains: raw.not_contains.0,
        regex,
        ignore_case: raw.ignore_case,
        schema: raw.json_schema.map(Schema::read).transpose()?,
        picked: picked(raw.jsonpath, raw.value, tolerance)?,
        number: number.map(|number| (number, tolerance)),
        similarity: raw.similarity.map(similarity).transpose()?,
    };
    if rules.count() == 0 {
        let message = format!(
            "check `{kind}` needs `equals`, `contains`, `not_contains`, `regex`, `json_schema`, \
             `jsonpath`, `value`, `number` or `similarity`"
        );
        return Err(ReadError::new(message, None));
    }
    Ok(Box::new(Output { kind, place, rules }))
}

fn finite(number: &Spanned<f64>) -> Result<f64, ReadError> {
    if number.get_ref().is_finite() {
        return Ok(*number.get_ref());
    }
    let message = "`number` must be one that can stand in a text, such as 37.4";
    Err(ReadError::new(message, Some(number.span())))
}

fn compile(text: &Spanned<String>, ignore_case: bool) -> Result<Regex, ReadError> {
    regex::RegexBuilder::new(text.get_ref())
        .case_insensitive(ignore_case)
        .build()
        .map_err(|error| {
            let message = format!("invalid regular expression: {error}");
            ReadError::new(message, Some(text.span()))
        })
}

fn tolerance(raw: &Raw) -> Result<f64, ReadError> {
    let Some(tolerance) = &raw.tolerance else {
        return Ok(0.0);
    };
    let message = if raw.number.is_none() && raw.value.is_none() {
        "`tolerance` needs `number` or `value`"
    } else if *tolerance.get_ref() >= 0.0 && tolerance.get_ref().is_finite() {
        return Ok(*tolerance.get_ref());
    } else {
        "`tolerance` must be a number of at least 0"
    };
    Err(ReadError::new(message, Some(tolerance.span())))
}

fn picked(
    path: Option<Spanned<String>>,
    value: Option<Spanned<toml::Value>>,
    tolerance: f64,
) -> Result<Option<Picked>, ReadError> {
    if path.is_none() && value.is_none() {
        return Ok(None);
    }
    let path = path.map(|text| match JsonPath::parse(text.get_ref()) {
        Ok(path) => Ok((text.get_ref().clone(), path)),
        Err(error) => {
            let message = format!("`{}` is no JSONPath: {error}", text.get_ref());
            Err(ReadError::new(message, Some(text.span())))
        }
    });
    let value = value.map(|value| {
        let span = value.span();
        json(value.into_inner()).map_err(|message| ReadError::new(message, Some(span)))
    });
    Ok(Some(Picked {
        path: path.transpose()?,
        value: value.transpose()?,
        rule: ArgumentRule {
            tolerance,
            ..ArgumentRule::default()
        },
    }))
}

fn similarity(raw: RawSimilarity) -> Result<Similarity, ReadError> {
    let min = *raw.min.get_ref();
    if !(min > 0.0 && min <= 1.0) {
        let message = "`min` must be above 0 and at most 1";
        return Err(ReadError::new(message, Some(raw.min.span())));
    }
    Ok(Similarity {
        to: raw.to,
        method: raw.method,
        min,
    })
}

impl Check for Output {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        self.judge(context, |found| found)
    }

    fn run_negated(&self, context: &CheckContext<'_>) -> Outcome {
        self.judge(context, |found| negated(self.kind, found, context))
    }

    fn assertions(&self, _context: &CheckContext<'_>) -> usize {
        self.rules.count()
    }
}

impl Output {
    /// Returns what `verdict` makes of what was found in the text; where there is no text to look at, or
    /// no JSON in it that the rules ask for, that is a failure whatever the verdict.
    fn judge(
        &self,
        context: &CheckContext<'_>,
        verdict: impl FnOnce(Outcome) -> Outcome,
    ) -> Outcome {
        if !context.is_complete && !self.place.is_final() {
            return Outcome::incomplete();
        }
        let subject = match self.place.read(context) {
            Ok(subject) => subject,
            Err(Absent::Missing(_)) if !context.is_complete => return Outcome::incomplete(),
            Err(Absent::Missing(finding)) => return Outcome::from_findings(vec![finding], ""),
            Err(Absent::Unknown(why)) => return verdict(Outcome::not_run(why)),
        };
        if let Some(finding) = self.rules.unreadable(&subject) {
            return Outcome::from_findings(vec![finding.step(subject.step)], "");
        }
        verdict(self.found(&subject, context))
    }

    /// Returns what was found in the text.
    fn found(&self, subject: &Subject, context: &CheckContext<'_>) -> Outcome {
        let reference = || match self.place.read_in(context.reference) {
            Ok(subject) => Ok(subject.text),
            Err(Absent::Missing(finding)) => Err(format!("in the recording, {}", finding.message)),
            Err(Absent::Unknown(why)) => Err(why),
        };
        let (findings, open) = self.rules.findings(subject, &reference);
        if findings.is_empty() {
            if let Some(why) = open {
                return Outcome::not_run(why);
            }
            if !context.is_complete {
                return Outcome::incomplete();
            }
        }
        let findings = findings
            .into_iter()
            .map(|finding| finding.step(subject.step));
        Outcome::from_findings(findings.collect(), format!("looked at {}", subject.what))
    }
}

#[cfg(test)]
mod tests;
