//! `rewind baseline show` and `rm`.

use std::fs;
use std::io::{self, Write};

use serde::Serialize;

use super::place::{self, bytes, unwritable};
use super::{Place, all, directory, named, shown};
use crate::baseline::{Baseline, Evidence, read_session};
use crate::command::output::{json, printable, written};
use crate::command::{CommandError, Context, load_config};
use crate::exit::Exit;
use crate::gate::reference;
use crate::model::ForkPoint;
use crate::replay::{Fork, resolve};

/// A baseline as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    input: Option<String>,
    recording: String,
    reference: String,
    steps: usize,
    forks: Vec<String>,
    nightly_forks: Vec<String>,
    checks: Vec<ShownCheck>,
    tags: Vec<String>,
    bytes: u64,
    accepted: Option<Evidence>,
}

#[derive(Debug, Serialize)]
struct ShownCheck {
    id: String,
    kind: &'static str,
    severity: crate::check::Severity,
}

/// Shows the baseline `name` on `out`.
///
/// # Errors
/// There is none, or it can't be read.
pub fn show(
    place: &Place,
    name: &str,
    as_json: bool,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(place.config.as_deref(), context)?;
    let dir = directory(place.baselines.as_deref(), &config, context);
    let all = all(&dir)?;
    let baseline = named(&all, name, &dir)?;
    let what = read(baseline, context)?;
    written(if as_json {
        json(&what, out)
    } else {
        print(&what, out)
    })
}

fn read(baseline: &Baseline, context: &Context) -> Result<Shown, CommandError> {
    let session = read_session(&baseline.recording_dir()).map_err(CommandError::usage)?;
    let accepted = Evidence::read(&baseline.dir).map_err(CommandError::usage)?;
    let definition = &baseline.definition;
    let timeline = reference(&session, baseline);
    let forks = |forks: &[ForkPoint]| {
        let named =
            forks.iter().map(
                |fork| match timeline.map(|timeline| resolve(fork, timeline)) {
                    Some(Ok(Fork::At(step))) => format!("{fork} (step {step})"),
                    Some(Ok(Fork::Auto | Fork::Never)) => fork.to_string(),
                    Some(Err(_)) | None => format!("{fork} (not there)"),
                },
            );
        named.collect::<Vec<_>>()
    };
    Ok(Shown {
        name: baseline.name.clone(),
        input: definition.input.clone().or(session.input.clone()),
        recording: shown(&baseline.recording_dir(), context).to_string(),
        reference: timeline.map_or_else(String::new, |timeline| timeline.label.clone()),
        steps: timeline.map_or(0, |timeline| timeline.steps.len()),
        forks: forks(&definition.forks),
        nightly_forks: forks(&definition.nightly_forks),
        checks: definition
            .checks
            .iter()
            .map(|check| ShownCheck {
                id: check.id.clone(),
                kind: check.check.kind(),
                severity: check.severity,
            })
            .collect(),
        tags: definition.tags.clone(),
        bytes: place::size(&baseline.dir),
        accepted,
    })
}

fn print(what: &Shown, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "baseline {}, {}", what.name, bytes(what.bytes))?;
    if let Some(input) = &what.input {
        writeln!(out, "  input: {}", printable(input))?;
    }
    writeln!(
        out,
        "  recording: {}, timeline {}, {} steps",
        what.recording, what.reference, what.steps
    )?;
    writeln!(out, "  forks: {}", what.forks.join(", "))?;
    if !what.nightly_forks.is_empty() {
        writeln!(out, "  at night also: {}", what.nightly_forks.join(", "))?;
    }
    if !what.tags.is_empty() {
        writeln!(out, "  tags: {}", what.tags.join(", "))?;
    }
    let Some(accepted) = &what.accepted else {
        for check in &what.checks {
            writeln!(out, "  check {}", check.id)?;
        }
        return writeln!(out, "  nothing was accepted yet");
    };
    for check in &what.checks {
        let said: Vec<String> = accepted
            .forks
            .iter()
            .filter_map(|(fork, known)| {
                let results = &known.checks.get(&check.id)?.results;
                let passed = results
                    .iter()
                    .filter(|said| **said == crate::baseline::Said::Passed);
                Some(format!("{fork} {}/{}", passed.count(), results.len()))
            })
            .collect();
        writeln!(out, "  check {}: passed {}", check.id, said.join(", "))?;
    }
    let who = &accepted.provenance;
    writeln!(
        out,
        "  accepted {} by {}: {}",
        who.when,
        who.who,
        printable(&who.reason)
    )?;
    if let Some(commit) = &who.commit {
        writeln!(out, "  at commit {commit}")?;
    }
    Ok(())
}

/// Removes the baseline `name`. A recording that stands elsewhere stays.
///
/// # Errors
/// There is none, or it can't be removed.
pub fn remove(
    place: &Place,
    name: &str,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(place.config.as_deref(), context)?;
    let dir = directory(place.baselines.as_deref(), &config, context);
    let all = all(&dir)?;
    let baseline = named(&all, name, &dir)?;
    let inner = all
        .iter()
        .find(|other| other.dir != baseline.dir && other.dir.starts_with(&baseline.dir));
    if let Some(inner) = inner {
        return Err(CommandError::usage(format!(
            "baseline `{}` stands inside `{}`",
            inner.name, baseline.name
        ))
        .help("remove that one first"));
    }
    fs::remove_dir_all(&baseline.dir).map_err(|error| unwritable(&baseline.dir, &error))?;
    written(writeln!(out, "baseline {} removed", baseline.name))
}
