//! What the checks noticed, for people.

use std::io::{self, Write};

use crate::selftest::{Regression, Seeded, SelfTest, Tally};

/// Writes the tables; `took` is what a judge took.
pub(super) fn write(found: &SelfTest, took: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    regressions(found, out)?;
    baselines(found, out)?;
    checks(found, out)?;
    let missed = |one: &&Seeded| !one.is_caught() && !one.is_open();
    list(
        "no gating check notices:",
        found.seeded.iter().filter(missed),
        out,
    )?;
    let open = found.seeded.iter().filter(|one| one.is_open());
    list("open, since a check could not be decided here:", open, out)?;
    for one in found.unchanged.iter().filter(|one| !one.failed.is_empty()) {
        let (baseline, what, failed) = (&one.baseline, &one.what, one.failed.join(", "));
        writeln!(out, "\nfalse alarm: {baseline}, {what}, fails {failed}")?;
    }
    if let Some(took) = took {
        writeln!(out, "\n{took}")?;
    }
    Ok(())
}

fn regressions(found: &SelfTest, out: &mut dyn Write) -> io::Result<()> {
    let (caught, open, seeded) = ("caught", "open", "seeded");
    writeln!(
        out,
        "{:<18} {caught:>8} {open:>8} {seeded:>8}",
        "regression"
    )?;
    let line = |out: &mut dyn Write, name: &str, tally: Tally, end: &str| {
        let Tally {
            caught,
            open,
            seeded,
        } = tally;
        writeln!(out, "{name:<18} {caught:>8} {open:>8} {seeded:>8}{end}")
    };
    for regression in Regression::ALL {
        let tally = found.of(regression);
        if tally.seeded > 0 {
            line(out, regression.name(), tally, "")?;
        }
    }
    let total = found.total();
    let share = format!("   {}", percent(total.share()));
    line(out, "all", total, &share)?;
    let (alarms, copies) = (found.false_alarms(), found.unchanged.len());
    writeln!(
        out,
        "{:<18} {alarms:>8} {:>8} {copies:>8}   false alarms",
        "unchanged", ""
    )
}

fn baselines(found: &SelfTest, out: &mut dyn Write) -> io::Result<()> {
    let (caught, open, seeded) = ("caught", "open", "seeded");
    writeln!(
        out,
        "\n{:<24} {caught:>8} {open:>8} {seeded:>8} {:>6} false alarms",
        "baseline", ""
    )?;
    for (name, one) in found.by_baseline() {
        let Tally {
            caught,
            open,
            seeded,
        } = one.tally;
        let (share, alarms, copies) = (percent(one.tally.share()), one.false_alarms, one.unchanged);
        let alarms = format!("{alarms} of {copies}");
        writeln!(
            out,
            "{name:<24} {caught:>8} {open:>8} {seeded:>8} {share:>6} {alarms:>12}"
        )?;
    }
    Ok(())
}

fn checks(found: &SelfTest, out: &mut dyn Write) -> io::Result<()> {
    let (caught, alone, decided) = ("caught", "alone", "decided");
    writeln!(
        out,
        "\n{:<24} {caught:>8} {alone:>8} {decided:>8} {:>6} false alarms",
        "check", ""
    )?;
    for (name, one) in found.by_check() {
        let (caught, alone, decided) = (one.caught, one.alone, one.decided);
        let share = Tally {
            caught,
            open: 0,
            seeded: decided,
        };
        let share = if decided == 0 {
            "-".to_owned()
        } else {
            percent(share.share())
        };
        let alarms = format!("{} of {}", one.false_alarms, one.unchanged);
        writeln!(
            out,
            "{name:<24} {caught:>8} {alone:>8} {decided:>8} {share:>6} {alarms:>12}"
        )?;
    }
    Ok(())
}

fn list<'a>(
    title: &str,
    all: impl Iterator<Item = &'a Seeded>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let all: Vec<&Seeded> = all.collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    for one in all.iter().take(MOST_LISTED) {
        let by = if one.undecided_by.is_empty() {
            String::new()
        } else {
            format!(" ({})", one.undecided_by.join(", "))
        };
        writeln!(out, "  {}: {}{by}", one.baseline, one.what)?;
    }
    if all.len() > MOST_LISTED {
        let more = all.len() - MOST_LISTED;
        writeln!(out, "  … and {more} more, see --json")?;
    }
    Ok(())
}

/// Returns a share as people read it.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// How many regressions of a kind are named.
const MOST_LISTED: usize = 20;
