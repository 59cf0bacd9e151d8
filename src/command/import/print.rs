//! What an import says of what it did.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::ImportOptions;
use super::keep::Kept;
use crate::command::CommandError;
use crate::command::output::{json, printable, written};
use crate::exit::Exit;
use crate::interop::ImportReport;
use crate::model::{Fidelity, Lost};

/// Prints the reports; exit 1 where a trace was refused for what it lost.
///
/// # Errors
/// Nothing could be made of any trace.
pub(super) fn ended(
    kept: &Kept,
    options: &ImportOptions,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let shown = if options.json {
        json(kept, out)
    } else {
        text(kept, out)
    };
    written(shown)?;
    if !kept.refused.is_empty() {
        return Ok(Exit::Fail);
    }
    match (kept.imported.as_slice(), kept.failed.as_slice()) {
        ([], [only]) => Err(CommandError::usage(format!(
            "trace {} can't be imported: {}",
            printable(&only.trace),
            only.why
        ))),
        ([], [first, ..]) => Err(CommandError::usage(format!(
            "none of {} traces can be imported; the first is {}: {}",
            kept.failed.len(),
            printable(&first.trace),
            first.why
        ))),
        (_, []) => Ok(Exit::Pass),
        (_, _) => Ok(Exit::Fail),
    }
}

fn text(kept: &Kept, out: &mut dyn Write) -> io::Result<()> {
    for report in &kept.imported {
        one(report, "imported", out)?;
    }
    for report in &kept.refused {
        one(report, "refused", out)?;
    }
    let is_alone = kept.imported.is_empty() && kept.failed.len() == 1;
    for failed in kept.failed.iter().filter(|_failed| !is_alone) {
        writeln!(
            out,
            "failed: trace {}: {}",
            printable(&failed.trace),
            failed.why
        )?;
    }
    if let [only] = kept.imported.as_slice() {
        writeln!(out, "next: rewind show {}", only.session)?;
    }
    Ok(())
}

fn one(report: &ImportReport, verb: &str, out: &mut dyn Write) -> io::Result<()> {
    let (name, trace) = (printable(&report.name), printable(&report.trace));
    let session = match verb {
        "refused" => String::new(),
        _ => format!(" as session {}", report.session),
    };
    writeln!(
        out,
        "{verb}: {name}, trace {trace} of {}{session}",
        report.source
    )?;
    let count = |kind: &str| report.steps.iter().filter(|step| step.kind == kind).count();
    writeln!(
        out,
        "  {} steps: {} of the model, {} of tools",
        report.steps.len(),
        count("model"),
        count("tool"),
    )?;
    let spans = &report.spans;
    let parts = [
        (spans.model, "of the model"),
        (spans.tool, "of tools"),
        (spans.agent, "of agents"),
        (spans.context, "around them"),
        (spans.folded, "told twice"),
        (spans.repeated, "sent twice"),
    ];
    let parts = parts.iter().filter(|(count, _what)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    writeln!(out, "  {} spans: {}", spans.total, parts.join(", "))?;
    writeln!(
        out,
        "  replay of model steps: {} exact, {} by history, {} only shown",
        report.count(Fidelity::Exact),
        report.count(Fidelity::History),
        report.count(Fidelity::Shown),
    )?;
    let lost = lost(report);
    if !lost.is_empty() {
        writeln!(out, "  lost: {lost}")?;
    }
    for line in notes(report) {
        writeln!(out, "  note: {}", printable(&line))?;
    }
    for score in &report.scores {
        let value = score
            .value
            .as_str()
            .map_or_else(|| score.value.to_string(), str::to_owned);
        writeln!(
            out,
            "  score: {} {}",
            printable(&score.name),
            printable(&value)
        )?;
    }
    for warning in &report.warnings {
        writeln!(out, "  warning: {}", printable(warning))?;
    }
    Ok(())
}

/// Returns what was lost, and of how many steps.
fn lost(report: &ImportReport) -> String {
    let mut counts: BTreeMap<Lost, usize> = BTreeMap::new();
    for lost in report.steps.iter().flat_map(|step| &step.lost) {
        *counts.entry(*lost).or_default() += 1;
    }
    let told = counts.iter().map(|(lost, count)| format!("{lost} {count}"));
    told.collect::<Vec<_>>().join(", ")
}

/// Returns what there is to say of steps, each once.
fn notes(report: &ImportReport) -> Vec<String> {
    let mut steps: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for step in &report.steps {
        for note in &step.notes {
            steps.entry(note).or_default().push(step.step.to_string());
        }
    }
    let told = steps
        .into_iter()
        .map(|(note, steps)| match steps.as_slice() {
            [only] => format!("step {only}: {note}"),
            [first, .., last] => format!("{} steps from {first} to {last}: {note}", steps.len()),
            [] => note.to_owned(),
        });
    told.collect()
}
