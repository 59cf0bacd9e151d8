//! `kind = "loop"`: no tool is called with equal arguments again and again.

use std::collections::BTreeMap;

use glob::Pattern;
use serde::Deserialize;
use toml::Spanned;

use super::registry::{ReadError, Table, count, keys, patterns};
use super::tool_use::{ToolUse, tool_uses};
use super::{Check, CheckContext, Finding, Outcome};
use crate::model::canonical_json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    max: Option<Spanned<usize>>,
    #[serde(default)]
    except: Vec<Spanned<String>>,
}

/// How often a call may be made with equal arguments in one conversation.
#[derive(Debug)]
struct Loop {
    max: usize,
    except: Vec<Pattern>,
}

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    let max = match raw.max {
        Some(max) if *max.get_ref() == 0 => {
            let message = "`max` must be at least 1; to forbid a tool, write kind = \"tools\"";
            return Err(ReadError::new(message, Some(max.span())));
        }
        Some(max) => max.into_inner(),
        None => DEFAULT_MAX_EQUAL,
    };
    Ok(Box::new(Loop {
        max,
        except: patterns(&raw.except)?,
    }))
}

impl Check for Loop {
    fn kind(&self) -> &'static str {
        "loop"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let uses = tool_uses(context.candidate);
        let mut calls: BTreeMap<_, Vec<&ToolUse<'_>>> = BTreeMap::new();
        for one in &uses {
            if !self.except.iter().any(|except| except.matches(one.name)) {
                let key = (one.lane, one.name, canonical_json(one.arguments));
                calls.entry(key).or_default().push(one);
            }
        }
        let findings = calls
            .iter()
            .filter_map(|((_lane, name, arguments), calls)| {
                let first_beyond = calls.get(self.max)?;
                let message = format!(
                    "tool `{name}` was called {} with equal arguments, allowed is at most {}",
                    count(calls.len(), "time"),
                    self.max
                );
                Some(
                    Finding::new(message)
                        .values(format!("at most {}", self.max), arguments.as_str())
                        .step(first_beyond.step),
                )
            });
        let mut findings: Vec<Finding> = findings.collect();
        findings.sort_by_key(|finding| finding.step);
        Outcome::from_findings(
            findings,
            format!("looked at {}", count(uses.len(), "tool call")),
        )
    }
}

/// How often a call may be made with equal arguments in one conversation where the check does not say.
pub const DEFAULT_MAX_EQUAL: usize = 3;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::registry::tests::{check, try_check};
    use super::*;
    use crate::lineage::testing::{Talk, timeline};
    use crate::model::StepIndex;

    fn worker(name: &str, times: usize) -> Talk {
        let talk = Talk::new(&format!("a {name}"), "is it ready?");
        let used = (0..times).fold(talk, |talk, _n| talk.uses("poll", json!({"id": 1}), "no"));
        used.uses("poll", json!({"id": 2}), "no").says("done")
    }

    #[test]
    fn the_call_that_is_one_too_many_is_named() {
        let run = timeline("new", vec![worker("clerk", 4)]);
        let context = CheckContext::new(&run, &run);
        let Outcome::Failed { findings, .. } = check("kind = 'loop'").run(&context) else {
            panic!("it passed")
        };
        assert_eq!(
            findings[0].message,
            "tool `poll` was called 4 times with equal arguments, allowed is at most 3"
        );
        assert_eq!(findings[0].step, Some(StepIndex(8)));
        for fine in ["max = 4", "except = ['po*']"] {
            let outcome = check(&format!("kind = 'loop'\n{fine}")).run(&context);
            assert_eq!(outcome, Outcome::passed("looked at 5 tool calls"));
        }
    }

    #[test]
    fn equal_calls_of_different_conversations_are_no_loop() {
        let run = timeline("new", vec![worker("clerk", 3), worker("writer", 3).at(10)]);
        let outcome = check("kind = 'loop'").run(&CheckContext::new(&run, &run));
        assert_eq!(outcome, Outcome::passed("looked at 8 tool calls"));
    }

    #[test]
    fn a_loop_needs_at_least_one_call() {
        assert!(try_check("kind = 'loop'\nmax = 0").is_err());
    }
}
