//! Live answers that are kept from one run to the next.

use std::sync::Arc;

use camino::Utf8PathBuf;

use super::{GateOptions, Profile};
use crate::command::judging::Kept;
use crate::command::{CommandError, Context, WayOut, redactor};
use crate::config::Config;
use crate::gate::{Answers, Case, ForkRun, Verdicts};
use crate::model::Timeline;

/// Returns the folder of kept answers, where there is one.
///
/// # Errors
/// Usage: redaction rules that can't be used.
pub(super) fn answers(
    options: &GateOptions,
    config: &Config,
    context: &Context,
    way_out: &WayOut,
) -> Result<Option<Arc<Answers>>, CommandError> {
    let Some(dir) = dir(options, config, context) else {
        return Ok(None);
    };
    if way_out.is_scripted {
        // It costs nothing, and its answers follow its rules.
        return Ok(None);
    }
    let mut source = options.upstream.overrides.clone();
    for (name, entry) in &config.upstream.providers {
        source.extend(entry.url.iter().map(|url| format!("{name}={url}")));
    }
    let redactor = redactor(config, way_out)?;
    let answers = Answers::open(dir, source.join("\n"), redactor);
    Ok(Some(Arc::new(answers)))
}

/// Returns the verdicts of judges that are known: those that were accepted, and those of the folder.
///
/// # Errors
/// Usage: redaction rules that can't be used.
pub(super) fn kept(
    options: &GateOptions,
    cases: &[Case],
    config: &Config,
    context: &Context,
    way_out: &WayOut,
) -> Result<Kept, CommandError> {
    // Rules that judge may change without a new name.
    let dir = dir(options, config, context).filter(|_dir| config.judge.scripted.is_none());
    let redactor = redactor(config, way_out)?;
    let daily = dir.map(Verdicts::open);
    Ok(Kept::of(cases, daily, redactor, options.fresh))
}

/// Returns the folder that keeps what was paid for, where there is one.
fn dir(options: &GateOptions, config: &Config, context: &Context) -> Option<Utf8PathBuf> {
    if options.profile == Profile::Nightly {
        // What was heard before says nothing of today.
        return None;
    }
    let typed = options.cache_dir.as_ref();
    let written = config.gate.cache_dir.as_ref();
    typed
        .map(|typed| context.cwd.join(typed))
        .or_else(|| written.map(|written| config.root.join(written)))
}

/// Returns a note on the baselines of which the accepted answers were judged anew.
pub(super) fn rejudged_note(cases: &[Case]) -> Option<String> {
    let judged = cases.iter().filter(|case| case.rejudged.is_some());
    let names: Vec<&str> = judged.map(|case| case.baseline.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "who judges, or by what, was changed: the accepted answers were judged anew ({})",
            names.join(", ")
        )
    })
}

/// Returns a note on the live answers that were not asked for again.
pub(super) fn remembered_note(runs: &[Vec<ForkRun>]) -> Option<String> {
    let timelines = runs
        .iter()
        .flatten()
        .flat_map(|run| run.timelines.iter().flatten());
    let calls = timelines.flat_map(Timeline::model_steps);
    let count = calls.filter(|(_step, call)| call.is_remembered()).count();
    (count > 0).then(|| format!("{count} live answers from the cache, $0"))
}
