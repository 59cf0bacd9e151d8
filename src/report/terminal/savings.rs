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

/// Writes the table over the attempts of a session: what they would have cost as whole runs, what
/// they did cost.
///
/// An attempt is a fork in which at least one call went live. A fork that was served whole tried
/// nothing that had to be paid for; counting it would make the savings look better than they are.
///
/// # Errors
/// The writer failed.
pub fn over_forks(
    forks: &[(&Timeline, Savings)],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (attempts, whole): (Vec<_>, Vec<_>) = forks
        .iter()
        .partition(|(_timeline, savings)| savings.paid.calls > 0);
    if !attempts.is_empty() {
        over_attempts(&attempts, style, out)?;
    }
    match whole.len() {
        0 => Ok(()),
        1 => writeln!(out, "1 replay asked nothing live; it is no attempt"),
        count => writeln!(
            out,
            "{count} replays asked nothing live; they are no attempts"
        ),
    }
}

fn over_attempts(
    attempts: &[(&Timeline, Savings)],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let all: Savings = attempts.iter().map(|(_timeline, savings)| *savings).sum();
    let (before, after) = (all.saved + all.paid, all.paid);
    let count = attempts.len();
    let plural = if count == 1 { "" } else { "s" };
    let title = format!("savings over {count} attempt{plural}");
    writeln!(out, "{}", style.bold(&title))?;
    let mut rows = vec![row("", "steps", "tokens", "cost", "time")];
    rows.extend(attempts.iter().map(|(timeline, savings)| {
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
        &percent(all.saved.steps().into(), before.steps().into()),
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
        &totals.steps().to_string(),
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
