//! `kind = "no_error"`: the run ended well and no step failed.

use std::collections::HashMap;

use serde::Deserialize;

use super::registry::{ReadError, Table, keys};
use super::{Check, CheckContext, Finding, Outcome};
use crate::model::{Status, Step, Timeline};

/// The run ended with status 0, is whole, and no step failed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoError {
    /// Whether a failure that the reference has too is none.
    #[serde(default)]
    allow_recorded: bool,
}

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    Ok(Box::new(keys::<NoError>(table)?))
}

impl Check for NoError {
    fn kind(&self) -> &'static str {
        "no_error"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let mut findings = self.exit(context);
        let faults = context.candidate.outcome.faults.iter();
        findings.extend(faults.map(|fault| Finding::new("the run is not whole").values("", fault)));
        let mut known = HashMap::new();
        if self.allow_recorded {
            for failure in failures(context.reference) {
                *known.entry(failure.message).or_insert(0_usize) += 1;
            }
        }
        for failure in failures(context.candidate) {
            match known.get_mut(&failure.message) {
                Some(count) if *count > 0 => *count -= 1,
                Some(_) | None => findings.push(failure),
            }
        }
        let steps = super::registry::count(context.candidate.steps.len(), "step");
        Outcome::from_findings(findings, format!("looked at the exit status and {steps}"))
    }
}

impl NoError {
    fn exit(&self, context: &CheckContext<'_>) -> Vec<Finding> {
        let found = context.candidate.outcome.exit;
        let recorded = context.reference.outcome.exit;
        match found {
            None | Some(0) => Vec::new(),
            Some(_) if self.allow_recorded && found == recorded => Vec::new(),
            Some(status) => {
                let message = format!("the agent exited with status {status}");
                vec![Finding::new(message).values("0", status.to_string())]
            }
        }
    }
}

fn failures(timeline: &Timeline) -> impl Iterator<Item = Finding> {
    timeline.steps.iter().filter_map(|step| {
        let what = match step.status {
            Status::Ok | Status::NoResult => return None,
            Status::Error => "failed",
            Status::Partial => "broke off",
        };
        let finding = match step.tool() {
            Some(tool) => Finding::new(format!("tool `{}` {what}", tool.name)),
            None => Finding::new(format!("a model call of {} {what}", step.agent)),
        };
        Some(finding.values("", detail(step)).step(Some(step.number)))
    })
}

fn detail(step: &Step) -> String {
    if let Some(tool) = step.tool() {
        return tool
            .result
            .as_deref()
            .map(crate::model::plain_text)
            .unwrap_or_default();
    }
    let error = step.call().and_then(|call| call.response.error.as_ref());
    error.map_or_else(String::new, |error| error.message.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::registry::tests::check;
    use super::*;
    use crate::lineage::testing::{Talk, research, timeline};

    fn run(toml: &str, reference: &Timeline, candidate: &Timeline) -> Vec<(String, Option<u32>)> {
        let context = CheckContext::new(reference, candidate);
        match check(&format!("kind = 'no_error'\n{toml}")).run(&context) {
            Outcome::Failed { findings, .. } => findings
                .into_iter()
                .map(|f| (f.message, f.step.map(|step| step.0)))
                .collect(),
            Outcome::Passed { .. } | Outcome::NotRun { .. } => Vec::new(),
        }
    }

    #[test]
    fn every_failure_is_named_with_its_step() {
        let reference = timeline("main", vec![research()]);
        let talk = Talk::new("a researcher", "?")
            .calls(&[("web_search", json!({}))])
            .gets_error("no network")
            .fails(500, "overloaded");
        let mut candidate = timeline("new", vec![talk]);
        candidate.outcome.exit = Some(3);
        assert_eq!(
            run("", &reference, &candidate),
            [
                ("the agent exited with status 3".to_owned(), None),
                ("tool `web_search` failed".to_owned(), Some(2)),
                ("a model call of researcher failed".to_owned(), Some(3)),
            ]
        );
        assert_eq!(run("", &reference, &reference), []);
    }

    #[test]
    fn failures_of_the_recording_pass_where_allowed_but_no_more_of_them() {
        let fail = |talk: Talk| {
            talk.calls(&[("web_search", json!({}))])
                .gets_error("no network")
        };
        let talk = || Talk::new("a researcher", "?");
        let reference = timeline("main", vec![fail(talk()).says("sorry")]);
        let candidate = timeline("new", vec![fail(fail(talk())).says("sorry")]);
        let allow = "allow_recorded = true";
        assert_eq!(run(allow, &reference, &reference), []);
        assert_eq!(run("", &reference, &reference).len(), 1);
        assert_eq!(run(allow, &reference, &candidate).len(), 1);
    }
}
