//! Which baselines run here: by name or tag, those that failed last time, one part of all.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::GateOptions;
use super::policy::{Base, trusted};
use crate::baseline::Baselines;
use crate::command::baseline::{chosen, directory, fitting};
use crate::command::report::{FILE_NAME, read_file};

use crate::command::{CommandError, Context};
use crate::config::Config;
use crate::gate::{Caps, Case, Shard, Shown, share_out, weight};

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
    Ok(failed
        .into_iter()
        .flat_map(|shown| report.shown(shown))
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

/// Leaves the cases of one part, and returns its share of the caps.
pub(super) fn take_part(cases: &mut Vec<Case>, shard: Option<Shard>, caps: Caps) -> Caps {
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
