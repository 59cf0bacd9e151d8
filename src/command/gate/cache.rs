//! Live answers that are kept from one run to the next.

use std::sync::Arc;

use super::{GateOptions, Profile};
use crate::command::{CommandError, Context, WayOut, redactor};
use crate::config::Config;
use crate::gate::{Answers, ForkRun};
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
    let dir = match (&options.cache_dir, &config.gate.cache_dir) {
        (Some(typed), _) => context.cwd.join(typed),
        (None, Some(written)) => config.root.join(written),
        (None, None) => return Ok(None),
    };
    if options.profile == Profile::Nightly {
        // What was heard before says nothing of today.
        return Ok(None);
    }
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
