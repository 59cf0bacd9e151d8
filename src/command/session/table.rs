//! The table of `rewind sessions`.

use crate::command::output::printable;
use crate::model::{Source, Usage};
use crate::store::SessionSummary;

/// Returns the table: a heading, then one line a session.
pub(super) fn lines(sessions: &[SessionSummary]) -> Vec<String> {
    let heading = [
        "SESSION",
        "NAME",
        "RECORDED",
        "STEPS",
        "TOKENS IN + OUT",
        "MODELS",
        "TIMELINES",
    ];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(sessions.iter().map(row));
    let widths: Vec<usize> = (0..heading.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}

fn row(session: &SessionSummary) -> [String; 7] {
    let first = session.timelines.first();
    let usage: Usage = first.map(|timeline| timeline.usage).unwrap_or_default();
    let models = first.map_or_else(String::new, |timeline| timeline.models.join(", "));
    let labels: Vec<String> = session
        .timelines
        .iter()
        .map(|timeline| {
            let state = if timeline.is_complete {
                ""
            } else {
                " (incomplete)"
            };
            format!("{}{state}", printable(&timeline.label))
        })
        .collect();
    let source = match &session.source {
        Source::Recorded => String::new(),
        Source::Demo => " (demo)".to_owned(),
        Source::Imported(kind) => format!(" (from {kind})"),
    };
    [
        session.id.to_string(),
        printable(&session.name) + &printable(&source),
        session.recorded_at.strftime("%Y-%m-%d %H:%M").to_string(),
        first.map_or(0, |timeline| timeline.steps).to_string(),
        format!("{} + {}", usage.input, usage.output),
        printable(&models),
        labels.join(", "),
    ]
}
