//! `kind = "answer"`: what the final answer says.

use regex::Regex;
use serde::Deserialize;

use super::registry::{OneOrMany, ReadError};
use super::{Check, CheckContext, Finding, Outcome};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    equals: Option<String>,
    #[serde(default)]
    contains: OneOrMany,
    #[serde(default)]
    not_contains: OneOrMany,
    regex: Option<toml::Spanned<String>>,
    #[serde(default)]
    ignore_case: bool,
}

/// What the final answer says. White space at both ends never counts.
#[derive(Debug)]
pub(super) struct Answer {
    equals: Option<String>,
    contains: Vec<String>,
    not_contains: Vec<String>,
    regex: Option<Regex>,
    ignore_case: bool,
}

/// Reads the check from its table.
pub(super) fn read(table: toml::de::ValueDeserializer<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw = Raw::deserialize(table)?;
    let regex = raw
        .regex
        .map(|text| compile(&text, raw.ignore_case))
        .transpose()?;
    let answer = Answer {
        equals: raw.equals,
        contains: raw.contains.0,
        not_contains: raw.not_contains.0,
        regex,
        ignore_case: raw.ignore_case,
    };
    let is_empty = answer.equals.is_none()
        && answer.contains.is_empty()
        && answer.not_contains.is_empty()
        && answer.regex.is_none();
    if is_empty {
        let message = "an `answer` check needs `equals`, `contains`, `not_contains` or `regex`";
        return Err(ReadError::new(message, None));
    }
    Ok(Box::new(answer))
}

fn compile(text: &toml::Spanned<String>, ignore_case: bool) -> Result<Regex, ReadError> {
    regex::RegexBuilder::new(text.get_ref())
        .case_insensitive(ignore_case)
        .build()
        .map_err(|error| {
            let message = format!("invalid regular expression: {error}");
            ReadError::new(message, Some(text.span()))
        })
}

impl Check for Answer {
    fn kind(&self) -> &'static str {
        "answer"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let Some(answer) = &context.candidate.outcome.answer else {
            let findings = vec![Finding::new("there is no final answer")];
            return Outcome::Failed {
                findings,
                is_violation: false,
            };
        };
        let findings = self.findings(answer);
        Outcome::from_findings(findings, "looked at the final answer")
    }
}

impl Answer {
    fn findings(&self, answer: &str) -> Vec<Finding> {
        let folded = self.fold(answer.trim());
        let mut findings = Vec::new();
        if let Some(expected) = &self.equals
            && self.fold(expected.trim()) != folded
        {
            let message = "the final answer is not the expected one";
            findings.push(Finding::new(message).values(expected, answer));
        }
        let missing = self
            .contains
            .iter()
            .filter(|text| !folded.contains(&self.fold(text)));
        findings.extend(missing.map(|text| {
            Finding::new("the final answer lacks an expected text").values(text, answer)
        }));
        let unwanted = self
            .not_contains
            .iter()
            .filter(|text| folded.contains(&self.fold(text)));
        findings.extend(unwanted.map(|text| {
            Finding::new("the final answer has an unwanted text")
                .values(format!("not: {text}"), answer)
        }));
        if let Some(regex) = &self.regex
            && !regex.is_match(answer)
        {
            let message = "the final answer does not match the regular expression";
            findings.push(Finding::new(message).values(regex.as_str(), answer));
        }
        findings
    }

    fn fold(&self, text: &str) -> String {
        if self.ignore_case {
            text.to_lowercase()
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::registry::tests::check;
    use super::*;
    use crate::lineage::testing::{research, timeline};

    fn outcome(toml: &str, answer: Option<&str>) -> Outcome {
        let reference = timeline("main", vec![research()]);
        let mut candidate = reference.clone();
        candidate.outcome.answer = answer.map(str::to_owned);
        let context = CheckContext {
            reference: &reference,
            candidate: &candidate,
            refused: &[],
            is_complete: true,
        };
        check(&format!("kind = 'answer'\n{toml}")).run(&context)
    }

    #[test]
    fn an_answer_must_say_everything_that_is_asked_of_it() {
        let rules = "contains = ['14 million', 'Tokyo']\nnot_contains = 'sorry'\nregex = '\\d+'";
        assert!(!outcome(rules, Some("Tokyo: 14 million")).is_failed());
        let Outcome::Failed { findings, .. } = outcome(rules, Some("sorry, no idea")) else {
            panic!("it passed")
        };
        let brief: Vec<_> = findings
            .iter()
            .map(|f| (&*f.message, &*f.expected))
            .collect();
        assert_eq!(
            brief,
            [
                ("the final answer lacks an expected text", "14 million"),
                ("the final answer lacks an expected text", "Tokyo"),
                ("the final answer has an unwanted text", "not: sorry"),
                (
                    "the final answer does not match the regular expression",
                    r"\d+"
                ),
            ]
        );
    }

    #[test]
    fn white_space_at_the_ends_and_case_where_told_do_not_count() {
        assert!(!outcome("equals = 'yes'", Some("yes\n")).is_failed());
        assert!(outcome("equals = 'yes'", Some("Yes")).is_failed());
        assert!(!outcome("equals = 'yes'\nignore_case = true", Some("YES")).is_failed());
        assert!(!outcome("regex = '^y'\nignore_case = true", Some("YES")).is_failed());
    }

    #[test]
    fn no_answer_fails_even_what_it_may_not_say() {
        assert!(outcome("not_contains = 'x'", None).is_failed());
    }
}
