//! `kind = "exec"`: a program of the user's own judges; JSON on its standard input, a verdict in JSON on
//! its standard output.
//!
//! A program that crashes, hangs, or says anything but a verdict has not judged.

mod input;

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::registry::{ReadError, Table, keys};
use super::schema::json;
use super::{Check, CheckContext, Finding, Outcome, Program, ProgramEnd};
use crate::model::StepIndex;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    command: Spanned<Vec<String>>,
    timeout: Option<Spanned<String>>,
    with: Option<Spanned<toml::Value>>,
}

/// A program that judges.
#[derive(Debug)]
struct Exec {
    command: Vec<String>,
    timeout: Duration,
    /// Values for the program.
    with: Value,
}

/// What the program says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    pass: bool,
    #[serde(default)]
    why: String,
    #[serde(default)]
    findings: Vec<Noted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    message: String,
    #[serde(default)]
    expected: Text,
    #[serde(default)]
    found: Text,
    step: Option<u32>,
}

/// A text, or any other value as JSON.
#[derive(Deserialize, Default)]
#[serde(transparent)]
struct Text(Value);

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    if raw.command.get_ref().first().is_none_or(String::is_empty) {
        let message = "`command` needs a program, such as command = [\"python3\", \"check.py\"]";
        return Err(ReadError::new(message, Some(raw.command.span())));
    }
    let timeout = raw.timeout.map(|text| {
        period(text.get_ref()).ok_or_else(|| {
            let message = format!(
                "`{}` is no time; write such as \"30s\" or \"2m\"",
                text.get_ref()
            );
            ReadError::new(message, Some(text.span()))
        })
    });
    let with = raw.with.map(|with| {
        let span = with.span();
        json(with.into_inner()).map_err(|message| ReadError::new(message, Some(span)))
    });
    Ok(Box::new(Exec {
        command: raw.command.into_inner(),
        timeout: timeout.transpose()?.unwrap_or(DEFAULT_TIMEOUT),
        with: with.transpose()?.unwrap_or_default(),
    }))
}

/// Reads whole seconds or minutes.
fn period(text: &str) -> Option<Duration> {
    let units = [('s', 1_u64), ('m', 60)];
    let (number, seconds) = units
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.trim().strip_suffix(unit)?, seconds)))?;
    let number: u64 = number.trim().parse().ok().filter(|number| *number > 0)?;
    number
        .checked_mul(seconds)
        .filter(|seconds| *seconds <= MOST_SECONDS)
        .map(Duration::from_secs)
}

impl Check for Exec {
    fn kind(&self) -> &'static str {
        "exec"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let stdin = input::document(&self.with, context).to_string();
        let program = Program {
            command: &self.command,
            stdin: &stdin,
            timeout: self.timeout,
        };
        let verdict = context
            .outside
            .run(&program)
            .and_then(|end| Verdict::read(&end));
        match verdict {
            Ok(verdict) => verdict.outcome(self.name()),
            Err(why) => Outcome::not_run(format!("program `{}`: {why}", self.name())),
        }
    }
}

impl Exec {
    fn name(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }
}

impl Verdict {
    /// Returns what the program says, or why that is no verdict.
    fn read(end: &ProgramEnd) -> Result<Self, String> {
        if end.status != 0 {
            let stderr = String::from_utf8_lossy(&end.stderr);
            let last = stderr.lines().rfind(|line| !line.trim().is_empty());
            let said = last.map_or(String::new(), |line| format!(": {}", shortened(line)));
            return Err(format!("it exited with status {}{said}", end.status));
        }
        let text = String::from_utf8_lossy(&end.stdout);
        if text.trim().is_empty() {
            return Err("it printed no verdict, such as {\"pass\": true}".to_owned());
        }
        let verdict: Self = serde_json::from_str(text.trim())
            .map_err(|error| format!("what it printed is no verdict: {error}"))?;
        if verdict.pass && !verdict.findings.is_empty() {
            return Err("it says `pass` and lists findings, which can't both be".to_owned());
        }
        Ok(verdict)
    }

    fn outcome(self, program: &str) -> Outcome {
        if self.pass {
            let why = match shortened(&self.why).as_str() {
                "" => format!("program `{program}` says so"),
                why => why.to_owned(),
            };
            return Outcome::passed(why);
        }
        let mut findings: Vec<Finding> = self.findings.into_iter().map(Noted::finding).collect();
        if findings.is_empty() {
            let message = match shortened(&self.why).as_str() {
                "" => format!("program `{program}` says no"),
                why => why.to_owned(),
            };
            findings.push(Finding::new(message));
        }
        findings.truncate(MAX_FINDINGS);
        Outcome::from_findings(findings, "")
    }
}

impl Noted {
    fn finding(self) -> Finding {
        let message = match shortened(&self.message).as_str() {
            "" => "it says no".to_owned(),
            message => message.to_owned(),
        };
        Finding::new(message)
            .values(self.expected.excerpt(), self.found.excerpt())
            .step(self.step.filter(|step| *step > 0).map(StepIndex))
    }
}

impl Text {
    fn excerpt(self) -> String {
        let text = match self.0 {
            Value::Null => String::new(),
            Value::String(text) => text,
            value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                value.to_string()
            }
        };
        text.chars().take(MAX_VALUE).collect()
    }
}

/// Returns the first line of a text, not too much of it.
fn shortened(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    line.chars().take(MAX_MESSAGE).collect()
}

/// How long a program may run where the check does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// The longest time that can be written.
const MOST_SECONDS: u64 = 24 * 60 * 60;

/// The most characters of a message that are kept.
const MAX_MESSAGE: usize = 300;

/// The most characters of a value that are kept.
const MAX_VALUE: usize = 4_000;

/// Beyond this many findings nobody reads on.
const MAX_FINDINGS: usize = 20;

#[cfg(test)]
mod tests;
