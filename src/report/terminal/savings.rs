//! What was not paid again.

use std::io::{self, Write};

use super::Style;
use super::table::{Align, lines};
use crate::model::Timeline;
use crate::replay::{Savings, Tally};
use crate::report::cost::cost as price;
use crate::report::escape::plain;
use crate::report::units::{duration, percent, tokens};

/// Writes what one fork did not pay again, beside what it paid.
pub(super) fn block(savings: &Savings, out: &mut dyn Write) -> io::Result<()> {
    let (served, live) = (&savings.saved, &savings.paid);
    let rows = vec![
        row("", "steps", "tokens", "cost", "time"),
        numbers("not paid again", served),
        numbers("paid", live),
    ];
    for line in lines(&rows, &COLUMNS) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Writes the table over all forks of a session: what they would have cost as whole runs, what they
/// did cost.
///
/// # Errors
/// The writer failed.
pub fn over_forks(
    forks: &[(&Timeline, Savings)],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let all: Savings = forks.iter().map(|(_timeline, savings)| *savings).sum();
    let (before, after) = (all.saved + all.paid, all.paid);
    let attempts = forks.len();
    let plural = if attempts == 1 { "" } else { "s" };
    writeln!(
        out,
        "{}",
        style.bold(&format!("savings over {attempts} attempt{plural}"))
    )?;
    let mut rows = vec![row("", "steps", "tokens", "cost", "time")];
    rows.extend(forks.iter().map(|(timeline, savings)| {
        let at = timeline
            .forked_from
            .as_ref()
            .map_or("", |fork| fork.address.as_str());
        numbers(
            &plain(&format!("{} (from {at})", timeline.label)),
            &savings.paid,
        )
    }));
    rows.push(numbers("before: every attempt from the start", &before));
    rows.push(numbers("after: what was paid", &after));
    let cost = match before.unpriced {
        0 => percent(all.saved.cost.0, before.cost.0),
        _ => "-".to_owned(),
    };
    rows.push(row(
        "saved",
        &percent(all.saved.calls.into(), before.calls.into()),
        &percent(all.saved.tokens(), before.tokens()),
        &cost,
        &percent(all.saved.time_us, before.time_us),
    ));
    for line in lines(&rows, &COLUMNS) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn numbers(name: &str, totals: &Tally) -> Vec<String> {
    row(
        name,
        &totals.calls.to_string(),
        &tokens(totals.tokens()),
        &price(totals),
        &duration(totals.time_us),
    )
}

fn row(name: &str, steps: &str, tokens: &str, cost: &str, time: &str) -> Vec<String> {
    [name, steps, tokens, cost, time].map(str::to_owned).into()
}

const COLUMNS: [Align; 5] = [
    Align::Left,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Right,
];
