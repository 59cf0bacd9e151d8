//! `rewind baseline list`: all baselines, and which of them want to be looked at.

use std::collections::BTreeSet;
use std::io::Write;

use serde::Serialize;

use super::retired::retired_on;
use super::{Place, all, directory};
use crate::baseline::{Baseline, Evidence, QuarantineState, read_session};
use crate::command::output::{json, written};
use crate::command::{CommandError, Context, load_config};
use crate::exit::Exit;
use crate::gate::reference;

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Where the configuration and the baselines are.
    pub place: Place,
    /// Whether only those are listed that want to be looked at.
    pub stale: bool,
    /// Whether to print JSON.
    pub json: bool,
}

/// A baseline in the list.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    steps: usize,
    forks: Vec<String>,
    checks: usize,
    tags: Vec<String>,
    models: Vec<String>,
    /// Days since the evidence was accepted; `None` where nothing was.
    age_days: Option<i64>,
    is_quarantined: bool,
    /// Why it wants to be looked at.
    stale: Vec<String>,
}

/// Lists the baselines on `out`.
///
/// # Errors
/// A definition or evidence that can't be read; exit 5 where there is no baseline.
pub fn list(
    options: &ListOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(options.place.config.as_deref(), context)?;
    let dir = directory(options.place.baselines.as_deref(), &config, context);
    let all = all(&dir)?;
    let listed = all.iter().map(listed).collect::<Result<Vec<_>, _>>()?;
    let listed: Vec<Listed> = listed
        .into_iter()
        .filter(|one| !options.stale || !one.stale.is_empty())
        .collect();
    if options.json {
        return written(json(&listed, out));
    }
    if listed.is_empty() {
        return written(writeln!(out, "no baseline is stale"));
    }
    let width = listed
        .iter()
        .map(|one| one.name.chars().count())
        .max()
        .unwrap_or(0);
    for one in &listed {
        let quarantine = if one.is_quarantined {
            ", in quarantine"
        } else {
            ""
        };
        let age = one.age_days.map_or_else(
            || "never accepted".to_owned(),
            |days| format!("accepted {days} days ago"),
        );
        let line = writeln!(
            out,
            "{:width$}  {} steps, {} checks, forks {}, {age}{quarantine}",
            one.name,
            one.steps,
            one.checks,
            one.forks.join(" ")
        );
        written(line)?;
        for why in &one.stale {
            written(writeln!(out, "{:width$}    {why}", ""))?;
        }
    }
    Ok(Exit::Pass)
}

fn listed(baseline: &Baseline) -> Result<Listed, CommandError> {
    let session = read_session(&baseline.recording_dir()).map_err(CommandError::usage)?;
    let evidence = Evidence::read(&baseline.dir).map_err(CommandError::usage)?;
    let timeline = reference(&session, baseline);
    let models: BTreeSet<String> = timeline
        .into_iter()
        .flat_map(crate::model::Timeline::model_steps)
        .filter_map(|(_step, call)| call.request.treatment.model.clone())
        .collect();
    let definition = &baseline.definition;
    let accepted_at = evidence
        .as_ref()
        .and_then(|known| known.provenance.when.parse::<jiff::Timestamp>().ok());
    let age_days = accepted_at.map(|at| jiff::Timestamp::now().duration_since(at).as_hours() / 24);
    let state = definition
        .quarantine
        .as_ref()
        .map(|quarantine| (quarantine, quarantine.state(jiff::Zoned::now().date())));
    let mut reasons = Vec::new();
    match (&evidence, age_days) {
        (None, _) => reasons
            .push("nothing was accepted yet: run the gate, then rewind baseline accept".to_owned()),
        (Some(known), Some(days)) if days > STALE_DAYS => {
            let never = if was_ever_affected(known) {
                ""
            } else {
                ", when it was made, and nothing since: it may be that no change concerns it"
            };
            reasons.push(format!(
                "accepted {days} days ago{never}; record it anew with --rerecord, or remove it"
            ));
        }
        (Some(_), _) => {}
    }
    for model in &models {
        if let Some(day) = retired_on(model, jiff::Zoned::now().date()) {
            reasons.push(format!("its model `{model}` was retired on {day}"));
        }
    }
    if let Some((quarantine, QuarantineState::Expired)) = state {
        reasons.push(format!("its quarantine expired on {}", quarantine.until));
    }
    Ok(Listed {
        name: baseline.name.clone(),
        steps: timeline.map_or(0, |timeline| timeline.steps.len()),
        forks: definition.forks.iter().map(ToString::to_string).collect(),
        checks: definition.checks.len(),
        tags: definition.tags.clone(),
        models: models.into_iter().collect(),
        age_days,
        is_quarantined: state.is_some_and(|(_, state)| state == QuarantineState::Active),
        stale: reasons,
    })
}

/// Returns whether evidence was ever accepted because a change made a difference: it replaced other
/// evidence, or comes from a live run.
fn was_ever_affected(known: &Evidence) -> bool {
    let mut samples = known.forks.values().flat_map(|fork| &fork.samples);
    known.provenance.replaces.is_some() || samples.any(|sample| sample.live)
}

/// The age of evidence from which on a baseline is stale, in days.
const STALE_DAYS: i64 = 90;
