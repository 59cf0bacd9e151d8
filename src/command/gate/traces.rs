//! The timelines that a run's page shows, kept beside its result.

use std::fs;
use std::io;

use camino::Utf8Path;

use super::GateOptions;
use crate::command::Context;
use crate::config::Config;
use crate::gate::{Case, ForkRun};
use crate::price::PriceTable;
use crate::report::{Content, Trace, Traces, shown_sample};

/// Returns the timelines of each fork, as much of them as may be shown.
pub(super) fn traces(
    cases: &[Case],
    runs: &[Vec<ForkRun>],
    content: Content,
    prices: &PriceTable,
) -> Traces {
    let mut traces = Traces::default();
    for (case, runs) in cases.iter().zip(runs) {
        for run in runs {
            let at = shown_sample(&run.evidence.samples);
            let Some(timeline) = run.timelines.get(at).and_then(Option::as_ref) else {
                continue;
            };
            let name = format!("{}@{}", run.evidence.baseline, run.evidence.fork);
            let trace = Trace::of_fork(&case.reference, timeline, content.into(), prices);
            traces.forks.insert(name, trace);
        }
    }
    traces
}

/// Returns how much of what agents and models wrote may be shown: as typed, else as configured, else nothing where
/// it is not known who sees it.
pub(super) fn content(options: &GateOptions, config: &Config, context: &Context) -> Content {
    let by_default = if context.is_ci() {
        Content::None
    } else {
        Content::Full
    };
    let asked_for = options.content.or(config.report.content);
    asked_for.unwrap_or(by_default)
}

/// Returns the timelines that stand beside a result; none where they can't be read.
pub(crate) fn read(report: &Utf8Path) -> Traces {
    let path = report.with_file_name(FILE_NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Traces::default(),
        Err(error) => {
            tracing::warn!("{path} can't be read, so the page shows no timelines: {error}");
            return Traces::default();
        }
    };
    Traces::parse(&text).unwrap_or_else(|error| {
        tracing::warn!("{path} holds no timelines, so the page shows none: {error}");
        Traces::default()
    })
}

/// The name of the file with the timelines of a run.
pub(crate) const FILE_NAME: &str = "timelines.json";
