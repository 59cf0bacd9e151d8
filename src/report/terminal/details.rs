//! What is wrong with a fork, below the table of a gate run.

use std::io::{self, Write};

use super::Style;
use crate::check::{CheckResult, Finding, Outcome, Severity};
use crate::gate::{FaultKind, Sample};
use crate::model::Divergence;
use crate::report::comparison::{NUMBERS, compared};
use crate::report::cost::cost;
use crate::report::escape::{log, plain};
use crate::report::run_report::ForkReport;
use crate::report::units::{count, excerpt, tokens};

/// Writes what is wrong with a fork; `chars` is how much of a value is shown.
///
/// What several samples say alike stands there once.
pub(super) fn details(
    fork: &ForkReport,
    style: Style,
    chars: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    for unheard in &fork.evidence.unheard {
        writeln!(out, "  {}", plain(unheard))?;
    }
    let samples = &fork.evidence.samples;
    for (said, times) in counted(samples.iter().flat_map(|sample| items(sample, chars))) {
        let of = match samples.len() {
            0 | 1 => String::new(),
            all => format!(" (in {times} of {all} samples)"),
        };
        writeln!(out, "  {}{of}", said.line)?;
        for value in &said.values {
            writeln!(out, "    {value}")?;
        }
    }
    if let Some(compared) = compared(fork).filter(|compared| compared.has_both) {
        let parts = NUMBERS.iter().zip(&compared.cells);
        let parts: Vec<String> = parts.map(|(name, cell)| format!("{name} {cell}")).collect();
        let (parts, note) = (parts.join(", "), &compared.note);
        writeln!(out, "  accepted → now: {parts}; {note}")?;
    }
    if let Some(estimate) = &fork.live_estimate {
        let (calls, used) = (
            count(estimate.calls.into(), "call"),
            tokens(estimate.tokens()),
        );
        writeln!(
            out,
            "  a live run: {calls}, about {used} tokens, {}",
            cost(estimate)
        )?;
    }
    if !fork.agent_log.is_empty() {
        writeln!(out, "  the agent wrote to standard error:")?;
        for line in log(&fork.agent_log).lines() {
            let line: String = line.chars().take(chars).collect();
            writeln!(out, "    {}", style.dim(&line))?;
        }
    }
    Ok(())
}

/// A line, and values below it.
#[derive(PartialEq)]
struct Item {
    line: String,
    values: Vec<String>,
}

impl Item {
    fn new(line: String) -> Self {
        Self {
            line,
            values: Vec::new(),
        }
    }

    fn value(mut self, name: &str, text: &str, chars: usize) -> Self {
        if !text.is_empty() {
            let text = excerpt(&plain(text), chars);
            self.values.push(format!("{name}: {text}"));
        }
        self
    }
}

/// Returns each item once, in the order of their first places, with the number of times it came.
fn counted(items: impl Iterator<Item = Item>) -> Vec<(Item, usize)> {
    let mut counted: Vec<(Item, usize)> = Vec::new();
    for item in items {
        match counted.iter_mut().find(|(known, _times)| *known == item) {
            Some((_known, times)) => *times += 1,
            None => counted.push((item, 1)),
        }
    }
    counted
}

/// Returns what is wrong with one sample.
fn items(sample: &Sample, chars: usize) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some(fault) = &sample.fault {
        items.push(Item::new(plain(&fault.message)).value("it said", &fault.said, chars));
        // What a run that was ended from outside did not come to says nothing of the agent.
        if fault.kind == FaultKind::Stopped {
            return items;
        }
    }
    let checks = CheckResult::worst_first(&sample.checks).into_iter();
    for check in checks.filter(|check| sample.counts(check)) {
        items.extend(of_check(check, sample.replay.refused > 0, chars));
    }
    let of_divergence = |divergence: &Divergence| {
        Item::new(plain(&divergence.message))
            .value("recorded", &divergence.recorded, chars)
            .value("found", &divergence.found, chars)
            .value("to let it pass", &divergence.remedy, chars)
    };
    items.extend(sample.replay.divergences.iter().map(of_divergence));
    if !sample.replay.drift.is_empty() {
        let drift = sample.replay.drift.iter().map(ToString::to_string);
        let drift: Vec<String> = drift.collect();
        items.push(Item::new(format!(
            "this change alters: {}",
            plain(&drift.join(", "))
        )));
    }
    items
}

/// Returns what a check says; `is_cut` is whether the run was cut off.
fn of_check(check: &CheckResult, is_cut: bool, chars: usize) -> Vec<Item> {
    let findings = match &check.outcome {
        Outcome::Failed { findings, .. } => findings,
        // Of a run that was cut off, that is so of nearly all.
        Outcome::NotRun { why } if !is_cut => {
            return vec![Item::new(format!(
                "{} could not run: {}",
                check.id,
                plain(why)
            ))];
        }
        Outcome::NotRun { .. } | Outcome::Passed { .. } => return Vec::new(),
    };
    let name = match check.severity {
        Severity::Warn => format!("{} (warning)", check.id),
        Severity::Gate | Severity::Off => check.id.clone(),
    };
    let of_finding = |finding: &Finding| {
        let step = finding.step.map(|step| format!(" (step {step})"));
        let (step, message) = (step.unwrap_or_default(), plain(&finding.message));
        Item::new(format!("{name}: {message}{step}"))
            .value("expected", &finding.expected, chars)
            .value("found", &finding.found, chars)
    };
    let mut items: Vec<Item> = findings.iter().take(MAX_FINDINGS).map(of_finding).collect();
    let beyond = findings.len().saturating_sub(MAX_FINDINGS);
    if beyond > 0 {
        items.push(Item::new(format!("{name}: and {beyond} more")));
    }
    items
}

/// How many findings of a check are shown.
const MAX_FINDINGS: usize = 5;
