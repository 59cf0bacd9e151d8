//! `rewind baseline check`: validates all baselines without running anything, unless it is asked to.

use std::io::Write;

use serde::Serialize;

use super::data::personal_data;
use super::place::{self, LARGE_BASELINE, LARGEST_SUITE, bytes};
use super::stability::{self, Stability};
use super::{Place, directory, fitting};
use crate::baseline::{Baseline, Evidence, read_session};
use crate::command::gate::case;
use crate::command::output::{json, written};
use crate::command::rules::real_tools;
use crate::command::{CommandError, Context, load_config, set_up};
use crate::config::Config;
use crate::exit::Exit;
use crate::gate::reference;
use crate::replay::resolve;

/// What was typed.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
pub struct CheckOptions {
    /// Where the configuration and the baselines are.
    pub place: Place,
    /// Globs of names; all where there is none.
    pub filter: Vec<String>,
    /// Whether to replay each.
    pub replay: bool,
    /// How often.
    pub stability: u32,
    /// Whether personal data that nobody has looked at is a fault.
    pub data: bool,
    /// Whether to print JSON.
    pub json: bool,
}

/// What was found of one baseline.
#[derive(Debug, Serialize)]
struct Checked {
    name: String,
    bytes: u64,
    /// What keeps it from being used.
    errors: Vec<String>,
    /// What somebody should look at.
    warnings: Vec<String>,
}

/// Checks the baselines and writes to `out` what is wrong: exit 1 where anything is.
///
/// # Errors
/// Definitions that can't be read; a filter that matches none.
pub async fn check(
    options: &CheckOptions,
    context: &Context,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(options.place.config.as_deref(), context)?;
    let dir = directory(options.place.baselines.as_deref(), &config, context);
    let selected = fitting(&dir, &options.filter)?;
    let mut checked = Vec::new();
    for baseline in &selected {
        let mut found = validated(baseline, options, &config, context);
        if options.replay && found.errors.is_empty() {
            replayed(baseline, options, &config, context, &mut found).await?;
        }
        checked.push(found);
    }
    let total: u64 = checked.iter().map(|one| one.bytes).sum();
    let is_too_large = total > LARGEST_SUITE;
    if options.json {
        written(json(&checked, out))?;
    } else {
        for one in &checked {
            let word = if one.errors.is_empty() { "ok" } else { "FAIL" };
            written(writeln!(out, "{word} {} ({})", one.name, bytes(one.bytes)))?;
            for error in &one.errors {
                written(writeln!(
                    out,
                    "  error: {}",
                    error.trim_end().replace('\n', "\n    ")
                ))?;
            }
            for warning in &one.warnings {
                written(writeln!(out, "  warning: {warning}"))?;
            }
        }
    }
    if is_too_large {
        let line = format!(
            "error: all baselines together have {}, the limit is {}; drop some, or share recordings",
            bytes(total),
            bytes(LARGEST_SUITE)
        );
        written(writeln!(err, "{line}"))?;
    }
    let is_bad = is_too_large || checked.iter().any(|one| !one.errors.is_empty());
    Ok(if is_bad { Exit::Fail } else { Exit::Pass })
}

fn validated(
    baseline: &Baseline,
    options: &CheckOptions,
    config: &Config,
    context: &Context,
) -> Checked {
    let mut found = Checked {
        name: baseline.name.clone(),
        bytes: place::size(&baseline.dir),
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    if !baseline
        .recording_dir()
        .starts_with(baseline.dir.join("session"))
    {
        found.bytes += place::size(&baseline.recording_dir());
    }
    if found.bytes > LARGE_BASELINE {
        let size = bytes(found.bytes);
        found
            .warnings
            .push(format!("{size} are more than a reviewer can read"));
    }
    match case(baseline, config, context) {
        Ok((case, _config)) => {
            let definition = &baseline.definition;
            for fork in definition.forks.iter().chain(&definition.nightly_forks) {
                if let Err(error) = resolve(fork, &case.reference) {
                    found.errors.push(error.to_string());
                }
            }
            if let Some(known) = &case.accepted {
                let why = known.comparable_with(case.agent_name.as_deref(), case.recording);
                found
                    .warnings
                    .extend(why.map(|why| format!("incomparable: {why}")));
            } else {
                found.warnings.push("nothing was accepted yet".to_owned());
            }
            if definition.quarantine.is_some() {
                let until = if case.is_gating {
                    "has expired"
                } else {
                    "is on: it does not gate"
                };
                found.warnings.push(format!("quarantine {until}"));
            }
        }
        Err(error) => found.errors.push(with_help(&error)),
    }
    if options.data
        && let Some(error) = data(baseline)
    {
        found.errors.push(error);
    }
    found
}

fn with_help(error: &CommandError) -> String {
    match &error.help {
        Some(help) => format!("{}\n{help}", error.message()),
        None => error.message(),
    }
}

/// Returns what looks like personal data and was not looked at.
fn data(baseline: &Baseline) -> Option<String> {
    let evidence = Evidence::read(&baseline.dir).ok().flatten();
    if evidence.is_some_and(|known| known.provenance.reviewed_by.is_some()) {
        return None;
    }
    let session = read_session(&baseline.recording_dir()).ok()?;
    reference(&session, baseline)?;
    let found = personal_data(&session);
    if found.is_empty() {
        return None;
    }
    let mut lines = Vec::new();
    super::data::write(&found, &mut lines).ok()?;
    Some(format!(
        "{} text(s) look like personal data, and nobody has said that they may stay:\n{}",
        found.len(),
        String::from_utf8_lossy(&lines)
    ))
}

async fn replayed(
    baseline: &Baseline,
    options: &CheckOptions,
    config: &Config,
    context: &Context,
    found: &mut Checked,
) -> Result<(), CommandError> {
    let (case, own) = case(baseline, config, context)?;
    if let Err(error) = set_up(&own, &case.agent, &mut std::io::sink()).await {
        found.errors.push(error.to_string());
        return Ok(());
    }
    real_tools(&[case.reference.as_ref()], config, context)?;
    match stability::replay(&case, options.stability.max(1), config, context).await? {
        Stability::Stable(_) => {}
        Stability::Unstable(unstable) => {
            let mut text = Vec::new();
            drop(unstable.write(&mut text));
            found
                .errors
                .push(String::from_utf8_lossy(&text).into_owned());
        }
    }
    Ok(())
}
