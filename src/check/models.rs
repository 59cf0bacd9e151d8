//! `kind = "model"`: which models are asked.

use std::collections::BTreeMap;

use glob::Pattern;
use serde::Deserialize;
use toml::Spanned;

use super::registry::{ReadError, Table, count, keys, patterns};
use super::{Check, CheckContext, Finding, Outcome};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    expect: Option<Spanned<Names>>,
    #[serde(default)]
    agents: BTreeMap<String, Spanned<Names>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the name of a model or a list of them")]
enum Names {
    One(String),
    Many(Vec<String>),
}

/// The models that may be asked; names are globs.
#[derive(Debug)]
struct Models {
    /// By any agent that is not named; empty allows all.
    expect: Vec<Pattern>,
    /// By this agent.
    agents: BTreeMap<String, Vec<Pattern>>,
}

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    let expect = raw.expect.map(globs).transpose()?.unwrap_or_default();
    let agents = raw.agents.into_iter();
    let agents: Result<BTreeMap<_, _>, ReadError> = agents
        .map(|(agent, names)| Ok((agent, globs(names)?)))
        .collect();
    let agents = agents?;
    if expect.is_empty() && agents.is_empty() {
        let message = "a `model` check needs `expect` or `agents`, such as expect = \"gpt-4o*\"";
        return Err(ReadError::new(message, None));
    }
    Ok(Box::new(Models { expect, agents }))
}

fn globs(names: Spanned<Names>) -> Result<Vec<Pattern>, ReadError> {
    let span = names.span();
    let names = match names.into_inner() {
        Names::One(name) => vec![name],
        Names::Many(names) => names,
    };
    if names.is_empty() {
        return Err(ReadError::new("name at least one model", Some(span)));
    }
    let names: Vec<Spanned<String>> = names
        .into_iter()
        .map(|name| Spanned::new(span.clone(), name))
        .collect();
    patterns(&names)
}

impl Check for Models {
    fn kind(&self) -> &'static str {
        "model"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let mut findings = Vec::new();
        let mut calls = 0;
        for (step, call) in context.candidate.model_steps() {
            let wanted = self.agents.get(&step.agent).unwrap_or(&self.expect);
            if wanted.is_empty() {
                continue;
            }
            calls += 1;
            let asked = call.request.treatment.model.as_deref();
            let model = asked.or(call.response.model.as_deref()).unwrap_or("(none)");
            if !wanted.iter().any(|pattern| pattern.matches(model)) {
                let message = format!("agent `{}` asked model `{model}`", step.agent);
                let wanted: Vec<&str> = wanted.iter().map(Pattern::as_str).collect();
                findings.push(
                    Finding::new(message)
                        .values(wanted.join(" or "), model)
                        .step(Some(step.number)),
                );
            }
        }
        let is_silent = |agent: &&String| {
            let mut steps = context.candidate.model_steps();
            !steps.any(|(step, _call)| step.agent == **agent)
        };
        findings.extend(
            self.agents
                .keys()
                .filter(is_silent)
                .map(|agent| Finding::new(format!("agent `{agent}` made no model call"))),
        );
        if calls == 0 && findings.is_empty() {
            findings.push(Finding::new("the agent made no model call"));
        }
        Outcome::from_findings(
            findings,
            format!("looked at {}", count(calls, "model call")),
        )
    }

    fn assertions(&self, _context: &CheckContext<'_>) -> usize {
        self.agents.len() + usize::from(!self.expect.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::registry::tests::{check, try_check};
    use super::*;
    use crate::lineage::testing::{Talk, research, timeline};

    fn messages(toml: &str, talks: Vec<Talk>) -> Vec<String> {
        let reference = timeline("main", vec![research()]);
        let run = timeline("new", talks);
        match check(&format!("kind = 'model'\n{toml}")).run(&CheckContext::new(&reference, &run)) {
            Outcome::Failed { findings, .. } => findings
                .into_iter()
                .map(|finding| finding.message)
                .collect(),
            Outcome::Passed { .. } => Vec::new(),
            Outcome::NotRun { why } => panic!("{why}"),
        }
    }

    #[test]
    fn a_model_is_expected_everywhere_or_of_one_agent() {
        // All agents of these runs ask gpt-4o.
        assert_eq!(messages("expect = 'gpt-4o*'", vec![research()]), [""; 0]);
        let other = "expect = ['claude-*', 'gpt-5']\nagents = { researcher = 'gpt-4o' }";
        assert_eq!(messages(other, vec![research()]), [""; 0]);
        let writer = || Talk::new("a writer", "write").at(10).says("done");
        assert_eq!(
            messages(other, vec![research(), writer()]),
            ["agent `writer` asked model `gpt-4o`"]
        );
        assert_eq!(
            messages("agents = { editor = 'gpt-4o' }", vec![writer()]),
            ["agent `editor` made no model call"]
        );
    }

    #[test]
    fn a_run_without_model_calls_does_not_pass() {
        assert_eq!(
            messages("expect = '*'", vec![]),
            ["the agent made no model call"]
        );
    }

    #[test]
    fn a_check_that_expects_nothing_is_an_error() {
        for toml in ["kind = 'model'", "kind = 'model'\nexpect = []"] {
            assert!(try_check(toml).is_err(), "{toml}");
        }
    }
}
