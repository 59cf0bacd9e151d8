//! `kind = "tools"`: tools that must be used, tools that may never be.

use glob::Pattern;
use serde::Deserialize;

use super::registry::{ReadError, Table, keys, patterns};
use super::tool_use::{further_uses, refused_messages, tool_uses};
use super::{Check, CheckContext, Finding, Outcome};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    required: Vec<toml::Spanned<String>>,
    #[serde(default)]
    forbidden: Vec<toml::Spanned<String>>,
}

/// Tools that must be used, tools that may never be; names are globs.
#[derive(Debug)]
pub(super) struct Tools {
    required: Vec<Pattern>,
    forbidden: Vec<Pattern>,
}

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    if raw.required.is_empty() && raw.forbidden.is_empty() {
        return Err(ReadError::new(
            "a `tools` check needs `required` or `forbidden`",
            None,
        ));
    }
    Ok(Box::new(Tools {
        required: patterns(&raw.required)?,
        forbidden: patterns(&raw.forbidden)?,
    }))
}

impl Check for Tools {
    fn kind(&self) -> &'static str {
        "tools"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        let mut uses = tool_uses(context.candidate);
        let refused = refused_messages(context);
        let further = further_uses(&refused, &uses);
        uses.extend(further);
        let forbidden = uses.iter().filter_map(|one| {
            let pattern = self
                .forbidden
                .iter()
                .find(|pattern| pattern.matches(one.name))?;
            let message = if pattern.as_str() == one.name {
                format!("forbidden tool `{}` was called", one.name)
            } else {
                format!("tool `{}` was called, which `{pattern}` forbids", one.name)
            };
            Some(
                Finding::new(message)
                    .values("", one.arguments.to_string())
                    .step(one.step),
            )
        });
        let findings: Vec<Finding> = forbidden.collect();
        if !findings.is_empty() {
            return Outcome::Failed {
                findings,
                is_violation: true,
            };
        }
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let missing = self
            .required
            .iter()
            .filter(|pattern| !uses.iter().any(|one| pattern.matches(one.name)))
            .map(|pattern| Finding::new(format!("required tool `{pattern}` was never called")));
        let calls = crate::check::registry::count(uses.len(), "tool call");
        Outcome::from_findings(missing.collect(), format!("looked at {calls}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::registry::tests::check;
    use super::*;
    use crate::lineage::testing::{Talk, research, timeline};
    use crate::model::{Message, Part, Pooled, Role, StepIndex, Thread};

    fn findings(outcome: &Outcome) -> Vec<String> {
        match outcome {
            Outcome::Failed { findings, .. } => findings
                .iter()
                .map(|finding| finding.message.clone())
                .collect(),
            Outcome::Passed { .. } | Outcome::NotRun { .. } => Vec::new(),
        }
    }

    #[test]
    fn a_forbidden_call_is_a_violation_that_names_its_step() {
        let reference = timeline("main", vec![research()]);
        let talk = Talk::new("a clerk", "refund me").uses("issue_refund", json!({"id": 7}), "ok");
        let candidate = timeline("new", vec![talk.says("done")]);
        let tools = check("kind = 'tools'\nforbidden = ['delete_*', 'issue_refund']");
        let context = CheckContext::new(&reference, &candidate);
        let outcome = tools.run(&context);
        let Outcome::Failed {
            findings,
            is_violation: true,
        } = &outcome
        else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            findings[0].message,
            "forbidden tool `issue_refund` was called"
        );
        assert_eq!(findings[0].step, Some(StepIndex(2)));
        assert_eq!(findings[0].found, r#"{"id":7}"#);
    }

    #[test]
    fn a_forbidden_call_in_a_refused_request_is_found_too() {
        let reference = timeline("main", vec![research()]);
        let call = Part::tool_call("delete_all_files", json!({}));
        let refused = [Thread::empty().push(
            Pooled::new(Message::new(Role::Assistant, vec![call])),
            Vec::new(),
        )];
        let tools = check("kind = 'tools'\nforbidden = ['delete_*']\nrequired = ['web_search']");
        let context = CheckContext {
            refused: &refused,
            is_complete: false,
            ..CheckContext::new(&reference, &reference)
        };
        assert_eq!(
            findings(&tools.run(&context)),
            ["tool `delete_all_files` was called, which `delete_*` forbids"]
        );
    }

    #[test]
    fn a_required_tool_is_missed_only_in_a_run_that_was_seen_whole() {
        let reference = timeline("main", vec![research()]);
        let candidate = timeline("new", vec![Talk::new("a researcher", "?").says("no idea")]);
        let tools = check("kind = 'tools'\nrequired = ['web_search', 'web_*']");
        let whole = CheckContext::new(&reference, &candidate);
        assert_eq!(
            findings(&tools.run(&whole)),
            [
                "required tool `web_search` was never called",
                "required tool `web_*` was never called"
            ]
        );
        let part = CheckContext {
            is_complete: false,
            ..whole
        };
        assert!(matches!(tools.run(&part), Outcome::NotRun { .. }));
        let good = CheckContext {
            candidate: &reference,
            ..whole
        };
        assert_eq!(tools.run(&good), Outcome::passed("looked at 2 tool calls"));
    }
}
