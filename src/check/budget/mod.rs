//! `kind = "budget"`: what a run may cost at most, absolutely or relative to the reference.
//!
//! Tokens and dollars are those of all model calls, served ones as recorded. The time of served steps
//! is not measured, so `latency` is that of live steps, and unknown where there are none.

mod limit;
mod measure;

use serde::Deserialize;
use toml::Spanned;

use super::registry::{ReadError, Table, keys};
use super::{Check, CheckContext, Finding, Outcome};
use crate::model::Timeline;
use limit::Limit;
use measure::Amount;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    tokens: Option<Spanned<toml::Value>>,
    usd: Option<Spanned<toml::Value>>,
    latency: Option<Spanned<toml::Value>>,
    steps: Option<Spanned<toml::Value>>,
    model_calls: Option<Spanned<toml::Value>>,
    tool_calls: Option<Spanned<toml::Value>>,
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Tokens,
    Usd,
    Latency,
    Steps,
    ModelCalls,
    ToolCalls,
}

/// What a run may cost at most.
#[derive(Debug)]
struct Budget(Vec<(What, Limit)>);

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    let given = [
        (What::Tokens, raw.tokens),
        (What::Usd, raw.usd),
        (What::Latency, raw.latency),
        (What::Steps, raw.steps),
        (What::ModelCalls, raw.model_calls),
        (What::ToolCalls, raw.tool_calls),
    ];
    let given = given
        .into_iter()
        .filter_map(|(what, limit)| Some((what, limit?)));
    let limits: Result<Vec<_>, ReadError> = given
        .map(|(what, limit)| Ok((what, Limit::read(what, &limit)?)))
        .collect();
    let limits = limits?;
    if limits.is_empty() {
        let message = "a `budget` check needs `tokens`, `usd`, `latency`, `steps`, `model_calls` or `tool_calls`";
        return Err(ReadError::new(message, None));
    }
    Ok(Box::new(Budget(limits)))
}

impl Check for Budget {
    fn kind(&self) -> &'static str {
        "budget"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let mut findings = Vec::new();
        let mut open = None;
        let mut used = Vec::new();
        for (what, limit) in &self.0 {
            match what.judge(*limit, context) {
                Ok(Ok(words)) => used.push(words),
                Ok(Err(finding)) => findings.push(finding),
                Err(why) => open = open.or(Some(why)),
            }
        }
        match open {
            Some(why) if findings.is_empty() => Outcome::not_run(why),
            Some(_) | None => Outcome::from_findings(findings, used.join(", ")),
        }
    }

    fn assertions(&self, _context: &CheckContext<'_>) -> usize {
        self.0.len()
    }
}

impl What {
    /// Returns what was used in words, or a finding; `Err` says why that is not known.
    fn judge(
        self,
        limit: Limit,
        context: &CheckContext<'_>,
    ) -> Result<Result<String, Finding>, String> {
        let found = self.of_candidate(context);
        let (most, origin) = match limit {
            Limit::Most(most) => (most, String::new()),
            Limit::Times(thousandths) => {
                let recorded = self.of_reference(context);
                if let Some(why) = recorded.unknown {
                    return Err(format!("of the recording: {why}"));
                }
                let most = u128::from(recorded.known) * u128::from(thousandths) / 1_000;
                let origin = format!(
                    " ({}x of {})",
                    limit::times(thousandths),
                    self.words(recorded.known)
                );
                (u64::try_from(most).unwrap_or(u64::MAX), origin)
            }
        };
        if found.known > most {
            let message = format!(
                "{} {}, allowed are at most {}{origin}",
                self.verb(),
                self.words(found.known),
                self.words(most)
            );
            let finding = Finding::new(message)
                .values(
                    format!("at most {}{origin}", self.words(most)),
                    self.words(found.known),
                )
                .step(found.dearest);
            return Ok(Err(finding));
        }
        if let Some(why) = found.unknown {
            return Err(why);
        }
        let note = match found.unmeasured {
            0 => String::new(),
            number => format!(" ({number} served steps were not measured)"),
        };
        Ok(Ok(format!(
            "{} of at most {}{note}",
            self.words(found.known),
            self.words(most)
        )))
    }

    fn of_candidate(self, context: &CheckContext<'_>) -> Amount {
        match self {
            Self::Latency => measure::live_time(context.candidate),
            Self::Tokens | Self::Usd | Self::Steps | Self::ModelCalls | Self::ToolCalls => {
                self.of(context.candidate, context)
            }
        }
    }

    /// Returns what the reference took for what the candidate is judged by.
    fn of_reference(self, context: &CheckContext<'_>) -> Amount {
        match self {
            Self::Latency => measure::time_of_unserved(context.reference, context.candidate),
            Self::Tokens | Self::Usd | Self::Steps | Self::ModelCalls | Self::ToolCalls => {
                self.of(context.reference, context)
            }
        }
    }

    fn of(self, timeline: &Timeline, context: &CheckContext<'_>) -> Amount {
        match self {
            Self::Tokens => measure::tokens(timeline),
            Self::Usd => measure::usd(timeline, context.prices),
            Self::Latency => measure::live_time(timeline),
            Self::Steps => Amount::count(timeline.steps.len()),
            Self::ModelCalls => Amount::count(timeline.model_steps().count()),
            Self::ToolCalls => {
                let steps = timeline.steps.iter();
                Amount::count(steps.filter(|step| step.tool().is_some()).count())
            }
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Tokens => "the run used",
            Self::Usd => "the run cost",
            Self::Latency => "its live model calls took",
            Self::Steps | Self::ModelCalls | Self::ToolCalls => "the run made",
        }
    }

    fn words(self, amount: u64) -> String {
        let unit = match self {
            Self::Usd => return crate::model::MicroUsd(amount).to_string(),
            Self::Latency => return limit::time(amount),
            Self::Tokens => "token",
            Self::Steps => "step",
            Self::ModelCalls => "model call",
            Self::ToolCalls => "tool call",
        };
        let plural = if amount == 1 { "" } else { "s" };
        format!("{amount} {unit}{plural}")
    }
}

#[cfg(test)]
mod tests;
