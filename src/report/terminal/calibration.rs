//! What a judge's verdicts are worth: the table, the figures with their intervals, and where judge and people differ.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::Style;
use super::scores::cost_line;
use super::table::{Align, lines};
use crate::calibration::{Estimate, People, Threshold};
use crate::gate::Shown;
use crate::report::calibration_report::{CalibrationReport, Unmeasured};
use crate::report::escape::plain;
use crate::report::units::{count, excerpt};

/// Writes the table, the figures, and on what judge and people differ.
///
/// # Errors
/// The writer failed.
pub fn calibration(
    report: &CalibrationReport,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let record = &report.record;
    let items = record.items;
    let note = if report.is_scripted { " (rules)" } else { "" };
    let measured = u64::from(items.pass) + u64::from(items.fail);
    writeln!(
        out,
        "{}, judged by {}{note}, on {}",
        plain(&record.evaluator),
        plain(&record.asked.model),
        count(measured, "labelled answer")
    )?;
    if u64::from(items.groups) < measured {
        let groups = count(u64::from(items.groups), "group");
        writeln!(out, "in {groups}, which the intervals know")?;
    }
    if items.undecided > 0 {
        let number = count(u64::from(items.undecided), "more");
        let number = number.trim_end_matches('s');
        writeln!(out, "{number}, on which people are divided, left out")?;
    }
    if measured > 0 {
        writeln!(out)?;
        write_table(report, out)?;
        writeln!(out)?;
        write_figures(report, out)?;
        write_thresholds(report, out)?;
        write_corrected(report, out)?;
    }
    if let Some(people) = &report.people {
        write_people(people, out)?;
    }
    write_items(report, style, out)?;
    writeln!(
        out,
        "\n{}",
        style.dim(&cost_line(report.judge_cost, report.is_scripted))
    )?;
    match &report.written_to {
        Some(path) => writeln!(out, "record: {}", plain(path)),
        None => Ok(()),
    }
}

fn write_table(report: &CalibrationReport, out: &mut dyn Write) -> io::Result<()> {
    let table = report.record.figures.confusion;
    let row = |name: &str, one: String, other: String| vec![name.to_owned(), one, other];
    let rows = [
        row("", "judge passes".to_owned(), "judge fails".to_owned()),
        row(
            "people pass",
            table.true_pass.to_string(),
            table.false_fail.to_string(),
        ),
        row(
            "people fail",
            table.false_pass.to_string(),
            table.true_fail.to_string(),
        ),
    ];
    write_rows(&rows, &[Align::Left, Align::Right, Align::Right], out)
}

fn write_figures(report: &CalibrationReport, out: &mut dyn Write) -> io::Result<()> {
    let figures = &report.record.figures;
    let row = |name: &str, found: Option<Estimate>, what: &str| {
        let (value, interval) = match found {
            Some(Estimate { value, low, high }) => (
                number(value),
                format!("{} to {}", number(low), number(high)),
            ),
            None => ("-".to_owned(), "the labels can't tell".to_owned()),
        };
        vec![name.to_owned(), value, interval, what.to_owned()]
    };
    let rows = [
        row("agreement", figures.agreement, ""),
        row("kappa", figures.kappa, "agreement beyond chance"),
        row(
            "TPR",
            figures.true_positive_rate,
            "of what people pass, the judge passes",
        ),
        row(
            "TNR",
            figures.true_negative_rate,
            "of what people fail, the judge fails",
        ),
    ];
    let align = [Align::Left, Align::Right, Align::Left, Align::Left];
    write_rows(&rows, &align, out)?;
    let repeats = u64::from(report.record.repeats);
    match report.record.flips {
        Some(flips) => writeln!(
            out,
            "flips      {} of {} in {}; two askings differ in {} of all cases",
            flips.flipped,
            count(u64::from(flips.items), "answer"),
            count(repeats, "asking"),
            number(flips.rate)
        ),
        None => writeln!(
            out,
            "flips      not measured: no answer was asked about twice"
        ),
    }
}

/// Writes what other thresholds would do, where the judge gave more than two scores.
fn write_thresholds(report: &CalibrationReport, out: &mut dyn Write) -> io::Result<()> {
    if report.thresholds.len() < 3 {
        return Ok(());
    }
    let used = Threshold::new(&report.record.scores, report.record.threshold);
    let is = |one: Option<Threshold>, row: &Threshold| {
        one.is_some_and(|one| one.threshold.total_cmp(&row.threshold).is_eq())
    };
    let mut shown: Vec<Threshold> = report.thresholds.clone();
    if shown.len() > MOST_THRESHOLDS {
        // Tenths, and what stands out.
        shown = (1..=9)
            .map(|tenth| Threshold::new(&report.record.scores, f64::from(tenth) / 10.0))
            .chain(report.best_by_youden)
            .chain(report.best_by_kappa)
            .collect();
    }
    shown.push(used);
    shown.sort_by(|one, other| one.threshold.total_cmp(&other.threshold));
    shown.dedup_by(|one, other| one.threshold.total_cmp(&other.threshold).is_eq());
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let head = ["threshold", "TPR", "TNR", "kappa", ""].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    for row in &shown {
        let notes = [
            (is(Some(used), row), "counted above"),
            (is(report.best_by_kappa, row), "best kappa"),
            (is(report.best_by_youden, row), "best TPR + TNR"),
        ];
        let notes = notes.iter().filter(|(holds, _note)| *holds);
        rows.push(vec![
            number(row.threshold),
            share(row.true_positive_rate),
            share(row.true_negative_rate),
            share(row.kappa),
            notes
                .map(|(_holds, note)| *note)
                .collect::<Vec<_>>()
                .join(", "),
        ]);
    }
    writeln!(out)?;
    let right = Align::Right;
    write_rows(&rows, &[right, right, right, right, Align::Left], out)
}

fn write_corrected(report: &CalibrationReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    if report.corrected.is_empty() {
        return writeln!(
            out,
            "No pass rate of this judge says what people would pass."
        );
    }
    for line in &report.corrected {
        writeln!(
            out,
            "where it passes {} of {}, people would pass {} ({} to {})",
            line.judge_passes,
            line.answers,
            number(line.people_would_pass),
            number(line.low),
            number(line.high)
        )?;
    }
    Ok(())
}

fn write_people(people: &People, out: &mut dyn Write) -> io::Result<()> {
    let alpha = people
        .alpha
        .map_or_else(|| "- (all labels are equal)".to_owned(), number);
    writeln!(
        out,
        "\npeople among themselves: alpha {alpha}, {} of {}",
        count(people.items as u64, "answer"),
        count(people.names.len() as u64, "annotator")
    )?;
    for pair in &people.pairs {
        let kappa = pair.kappa.map_or_else(|| "-".to_owned(), number);
        writeln!(
            out,
            "  {} and {}: kappa {kappa}, agreement {}, {}",
            plain(&pair.first),
            plain(&pair.second),
            number(pair.agreement),
            count(u64::from(pair.items), "answer")
        )?;
    }
    Ok(())
}

/// Writes on what judge and people differ, and what was not measured.
fn write_items(report: &CalibrationReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let place = |line: usize, id: Option<&String>| match id {
        Some(id) => format!("line {line} ({})", plain(&excerpt(id, 60))),
        None => format!("line {line}"),
    };
    if !report.disagreements.is_empty() || !report.not_measured.is_empty() {
        writeln!(out)?;
    }
    for one in report.disagreements.iter().take(MOST_ITEMS) {
        let people = if one.people_pass { "pass" } else { "fail" };
        let why = match one.reasoning.trim() {
            "" => String::new(),
            reasoning => format!(": {}", plain(&excerpt(reasoning, 160))),
        };
        writeln!(
            out,
            "{}: people {people} it, the judge gives {:.2}{why}",
            place(one.line, one.id.as_ref()),
            one.score
        )?;
    }
    let left = report.disagreements.len().saturating_sub(MOST_ITEMS);
    if left > 0 {
        writeln!(out, "and {left} more, by --json")?;
    }
    let mut by_reason: BTreeMap<&str, Vec<&Unmeasured>> = BTreeMap::new();
    for one in &report.not_measured {
        by_reason.entry(&one.why).or_default().push(one);
    }
    for (why, items) in by_reason {
        let Some(first) = items.first() else { continue };
        let place = place(first.line, first.id.as_ref());
        let place = match items.len() {
            1 => place,
            number => format!("{number} answers, the first in {place}"),
        };
        writeln!(
            out,
            "{} {place}: {}",
            style.shown("not measured", Shown::NotMeasured),
            plain(&excerpt(why, 400))
        )?;
    }
    Ok(())
}

fn write_rows(rows: &[Vec<String>], align: &[Align], out: &mut dyn Write) -> io::Result<()> {
    for line in lines(rows, align) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Returns a number with three digits, without a sign where it rounds to nothing.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    if text == "-0.000" {
        "0.000".to_owned()
    } else {
        text
    }
}

/// The most scores that are shown as thresholds one by one.
const MOST_THRESHOLDS: usize = 12;
/// The most items that are shown on which judge and people differ.
const MOST_ITEMS: usize = 20;
