//! Which baselines run here: by name or tag, those that failed last time, one part of all.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::policy::{Base, trusted};
use super::samples::{fitting_quotas, samples};
use super::{GateOptions, caps};
use crate::baseline::Baselines;
use crate::command::baseline::{chosen, directory, fitting};
use crate::command::report::{FILE_NAME, read_file};
use crate::command::rules::{for_imports, is_imported};
use crate::command::{CommandError, Context, WayOut};
use crate::config::Config;
use crate::gate::{Caps, Case, Shard, Shown, most_tests, share_out, weight};

/// Returns the baselines that are to run, and which of them are new in the change.
pub(super) fn baselines(
    options: &GateOptions,
    config: &Config,
    base: Option<&Base>,
    notes: &mut Vec<String>,
    context: &Context,
) -> Result<(Baselines, BTreeSet<String>), CommandError> {
    let dir = directory(options.baselines.as_deref(), config, context);
    let (selected, new) = match base {
        None => (fitting(&dir, &options.filter)?, BTreeSet::new()),
        Some(base) => {
            let known = trusted(options.trusted.as_deref(), context)?;
            let counted = base.baselines(&dir, &known)?;
            notes.extend(counted.notes);
            (
                chosen(counted.baselines, &dir, &options.filter)?,
                counted.new,
            )
        }
    };
    Ok((only_failed(selected, options, context)?, new))
}

/// Returns the names of the baselines that did not pass in the last report in `out`.
pub(super) fn failed_last(out: &Utf8Path) -> Result<BTreeSet<String>, CommandError> {
    let report = read_file(&out.join(FILE_NAME)).map_err(|error| {
        CommandError::usage(error).help(
            "`--only failed` reads the report of the last run from the folder that `--out` names; \
             run the gate once without it",
        )
    })?;
    let failed = [Shown::Fail, Shown::NotMeasured];
    let mut together = report.suite.iter().filter_map(|test| test.verdict);
    let is_together = together.any(|verdict| failed.contains(&verdict.row().shown));
    let part = report.forks.iter();
    let part = part.filter(|fork| is_together && fork.evidence.sessions > 0);
    Ok(failed
        .into_iter()
        .flat_map(|shown| report.shown(shown))
        .chain(part)
        .map(|fork| fork.evidence.baseline.clone())
        .collect())
}

/// Returns those of the selected baselines that failed last time.
fn only_failed(
    selected: Baselines,
    options: &GateOptions,
    context: &Context,
) -> Result<Baselines, CommandError> {
    if !options.only_failed {
        return Ok(selected);
    }
    let failed = failed_last(&context.cwd.join(&options.out))?;
    Ok(selected.retain(|baseline| failed.contains(&baseline.name)))
}

/// Leaves the cases of this part of the run, and returns what they may cost, and of how many tests the whole is.
///
/// # Errors
/// Usage: a quota that can't be met.
pub(super) fn part(
    options: &GateOptions,
    cases: &mut Vec<Case>,
    new: &BTreeSet<String>,
    config: &mut Config,
    way_out: &WayOut,
) -> Result<(Caps, Option<(u32, u32)>), CommandError> {
    for case in &mut *cases {
        case.is_new = new.contains(&case.baseline.name);
    }
    fitting_quotas(cases, samples(options, config, way_out.is_scripted))?;
    if cases.iter().any(|case| is_imported(&case.reference)) {
        for_imports(config);
    }
    let whole = options.shard.map(|_part| most_tests(cases.iter()));
    let caps = caps(options, config, way_out.is_scripted);
    Ok((take_part(cases, options.shard, caps), whole))
}

/// Leaves the cases of one part, and returns its share of the caps.
fn take_part(cases: &mut Vec<Case>, shard: Option<Shard>, caps: Caps) -> Caps {
    let Some(shard) = shard else {
        return caps;
    };
    let items: Vec<(&str, u64)> = cases
        .iter()
        .map(|case| (case.baseline.name.as_str(), weight(&case.reference)))
        .collect();
    let parts = share_out(&items, shard.total);
    let load = |part: Option<u32>| {
        let mine = items.iter().zip(&parts);
        let mine = mine.filter(|(_item, of)| part.is_none_or(|part| part == **of));
        mine.map(|((_name, weight), _of)| *weight)
            .fold(0, u64::saturating_add)
    };
    let caps = caps.share(load(Some(shard.index)), load(None));
    let mut parts = parts.into_iter();
    cases.retain(|_case| parts.next() == Some(shard.index));
    caps
}
