//! `rewind selftest`: what the checks of the baselines notice.

use std::collections::BTreeMap;
use std::io::Write;

use camino::Utf8PathBuf;
use serde::Serialize;

use super::baseline::{all, directory};
use super::output::{json, written};
use super::{CommandError, Context, load_config};
use crate::baseline::{Baseline, read_session};
use crate::exit::Exit;
use crate::gate::reference;
use crate::model::Session;
use crate::selftest::{Regression, Seeded, SelfTest, Subject, selftest};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct SelfTestOptions {
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The directory of the baselines; as configured where it is not given.
    pub baselines: Option<Utf8PathBuf>,
    /// The least share of regressions that must be caught, from 0 to 1.
    pub min: Option<f64>,
    /// Whether to print JSON.
    pub json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    caught: usize,
    seeded: usize,
    unchanged: usize,
    false_alarms: usize,
    regressions: &'a [Seeded],
    failing_unchanged: &'a BTreeMap<String, Vec<String>>,
    undecided: &'a BTreeMap<String, Vec<String>>,
}

/// Seeds regressions into the recordings and writes what the checks noticed to `out`.
///
/// Exit code 1 where an unchanged copy fails, or less than `min` is caught.
///
/// # Errors
/// Usage: a configuration, definition or recording that can't be read; exit 5 where there is no baseline.
pub fn run(
    options: &SelfTestOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let min = options.min.unwrap_or_default();
    if !(0.0..=1.0).contains(&min) {
        return Err(CommandError::usage(format!("--min {min} is no share"))
            .help("give a number from 0 to 1, such as 0.9"));
    }
    let config = load_config(options.config.as_deref(), context)?;
    let dir = directory(options.baselines.as_deref(), &config, context);
    let baselines = all(&dir)?;
    let read = |baseline: &Baseline| -> Result<(Baseline, Session), CommandError> {
        let session = read_session(&baseline.recording_dir()).map_err(CommandError::usage)?;
        Ok((baseline.clone(), session))
    };
    let known: Vec<(Baseline, Session)> = baselines.iter().map(read).collect::<Result<_, _>>()?;
    let references: Vec<_> = known
        .iter()
        .filter_map(|(baseline, session)| Some((baseline, reference(session, baseline)?)))
        .collect();
    let subjects: Vec<Subject<'_>> = references
        .iter()
        .enumerate()
        .map(|(nth, (baseline, timeline))| {
            let others = references
                .iter()
                .cycle()
                .skip(nth + 1)
                .take(references.len() - 1);
            let mut answers =
                others.filter_map(|(_other, timeline)| timeline.outcome.answer.as_deref());
            Subject {
                name: &baseline.name,
                reference: timeline,
                checks: &baseline.definition.checks,
                foreign: answers.find(|answer| Some(*answer) != timeline.outcome.answer.as_deref()),
            }
        })
        .collect();
    let found = selftest(&subjects);
    let (caught, seeded) = found.total();
    let report = Report {
        caught,
        seeded,
        unchanged: found.unchanged,
        false_alarms: found.false_alarms.len(),
        regressions: &found.seeded,
        failing_unchanged: &found.false_alarms,
        undecided: &found.undecided,
    };
    written(if options.json {
        json(&report, out)
    } else {
        table(&found, out)
    })?;
    let is_enough = share(caught, seeded) + 1e-9 >= min;
    Ok(if found.false_alarms.is_empty() && is_enough {
        Exit::Pass
    } else {
        Exit::Fail
    })
}

fn table(found: &SelfTest, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{:<18} {:>8} {:>8}", "regression", "caught", "seeded")?;
    for regression in Regression::ALL {
        let (caught, seeded) = found.of(regression);
        if seeded > 0 {
            writeln!(out, "{:<18} {caught:>8} {seeded:>8}", regression.name())?;
        }
    }
    let (caught, seeded) = found.total();
    let percent = share(caught, seeded) * 100.0;
    writeln!(
        out,
        "{:<18} {caught:>8} {seeded:>8}   {percent:.0} %",
        "all"
    )?;
    let alarms = found.false_alarms.len();
    writeln!(
        out,
        "{:<18} {alarms:>8} {:>8}   false alarms",
        "unchanged", found.unchanged
    )?;
    writeln!(out, "\n{:<18} {:>8} {:>8}", "check", "caught", "alone")?;
    for (check, (alone, any)) in found.by_check() {
        writeln!(out, "{check:<18} {any:>8} {alone:>8}")?;
    }
    let missed: Vec<_> = found
        .seeded
        .iter()
        .filter(|one| one.caught_by.is_empty())
        .collect();
    if !missed.is_empty() {
        writeln!(out, "\nno gating check notices:")?;
    }
    for one in missed.iter().take(MOST_MISSED) {
        writeln!(out, "  {}: {}", one.baseline, one.what)?;
    }
    if missed.len() > MOST_MISSED {
        writeln!(
            out,
            "  … and {} more, see --json",
            missed.len() - MOST_MISSED
        )?;
    }
    for (baseline, checks) in &found.false_alarms {
        writeln!(
            out,
            "\nfalse alarm: {baseline}, unchanged, fails {}",
            checks.join(", ")
        )?;
    }
    for (baseline, checks) in &found.undecided {
        writeln!(
            out,
            "\nnot decided from a timeline alone: {baseline}: {}",
            checks.join(", ")
        )?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "there are few of them")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

/// How many regressions that nobody notices are named.
const MOST_MISSED: usize = 20;
