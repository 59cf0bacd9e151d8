//! Personal data in recordings: what stands where.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Part, Session, StepKind};
use crate::redact::{PersonalKind, find_personal, find_personal_in};

/// Personal data in one step of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    /// The label of the timeline.
    pub(super) timeline: String,
    /// The number of the step; `None` for the input and the expected answer.
    pub(super) step: Option<u32>,
    /// What it is.
    pub(super) kind: &'static str,
    /// As it stands there.
    pub(super) text: String,
}

/// Returns the personal data in a session, each text once, at the first step that has it.
pub(super) fn personal_data(session: &Session) -> Vec<Found> {
    let mut seen: BTreeSet<(PersonalKind, String)> = BTreeSet::new();
    let mut found = Vec::new();
    let mut add =
        |timeline: &str, step: Option<u32>, findings: Vec<crate::redact::PersonalFinding>| {
            for finding in findings {
                if seen.insert((finding.kind, finding.text.clone())) {
                    found.push(Found {
                        timeline: timeline.to_owned(),
                        step,
                        kind: finding.kind.as_str(),
                        text: finding.text,
                    });
                }
            }
        };
    let root = session.root_input.as_ref().map(ToString::to_string);
    let head = session
        .input
        .iter()
        .chain(&root)
        .chain(&session.command)
        .chain(&session.expected)
        .chain([&session.name]);
    for text in head {
        add("", None, find_personal(text));
    }
    for timeline in &session.timelines {
        for step in &timeline.steps {
            let findings = match &step.kind {
                StepKind::Model(call) => call_data(call),
                StepKind::Tool(tool) => {
                    let mut findings = find_personal_in(&tool.arguments);
                    findings.extend(tool.result.iter().flatten().flat_map(part_data));
                    findings
                }
            };
            add(&timeline.label, Some(step.number.0), findings);
        }
        let outcome = timeline
            .outcome
            .answer
            .iter()
            .chain(&timeline.outcome.faults);
        for text in outcome {
            add(&timeline.label, None, find_personal(text));
        }
    }
    found
}

fn call_data(call: &crate::model::Call) -> Vec<crate::redact::PersonalFinding> {
    let treatment = &call.request.treatment;
    let thread = call.request.thread.messages();
    let messages = treatment
        .system
        .iter()
        .chain(&thread)
        .chain(&call.response.output)
        .chain(&call.response.alternatives);
    let mut findings: Vec<_> = messages
        .flat_map(|message| {
            find_personal_in(&serde_json::to_value(message.value()).unwrap_or_default())
        })
        .collect();
    let rest = [
        serde_json::to_value(treatment.tools.value()),
        serde_json::to_value(treatment.settings.value()),
        serde_json::to_value(&call.no_ops),
    ];
    findings.extend(
        rest.into_iter()
            .flatten()
            .flat_map(|value| find_personal_in(&value)),
    );
    if let Some(error) = &call.response.error {
        findings.extend(find_personal(&error.message));
    }
    if call.response.output.is_none()
        && let Some(body) = &call.exchange.body
    {
        findings.extend(find_personal(&String::from_utf8_lossy(&body.to_bytes())));
    }
    findings
}

fn part_data(part: &Part) -> Vec<crate::redact::PersonalFinding> {
    find_personal_in(&serde_json::to_value(part).unwrap_or_default())
}

/// Writes findings, one a line.
pub(super) fn write(found: &[Found], out: &mut dyn Write) -> io::Result<()> {
    for one in found {
        let place = match one.step {
            Some(step) => format!("{} step {step}", one.timeline),
            None => "input".to_owned(),
        };
        writeln!(out, "  {place}: {} {}", one.kind, one.text)?;
    }
    Ok(())
}
