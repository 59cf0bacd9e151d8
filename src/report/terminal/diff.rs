//! The difference between two timelines.

use std::io::{self, Write};

use serde_json::Value;

use super::Style;
use crate::diff::{FieldChange, Side, StepDiff, TextDiff};
use crate::report::diff_report::{DiffReport, DiffRow, Is, Metrics};
use crate::report::escape::plain;
use crate::report::units::{count, duration, excerpt, tokens};

/// Which steps are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// Those that differ.
    #[default]
    Differing,
    /// All.
    All,
}

/// Writes the difference: a line for each step that differs, below it how.
///
/// # Errors
/// The writer failed.
pub fn diff(
    report: &DiffReport,
    shown: Shown,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let names = format!("{} → {}", plain(&report.left), plain(&report.right));
    if report.is_equal {
        writeln!(out, "{}: no difference", style.bold(&names))?;
    } else {
        let same = count(report.count(Is::Same) as u64, "same step");
        writeln!(
            out,
            "{}: {} changed, {} removed, {} added, {same}",
            style.bold(&names),
            report.count(Is::Changed),
            report.count(Is::Removed),
            report.count(Is::Added),
        )?;
    }
    for row in &report.steps {
        if row.is == Is::Same && shown == Shown::Differing {
            continue;
        }
        step(row, style, out)?;
    }
    if let Some(answer) = &report.answer {
        writeln!(out, "\nfinal answer")?;
        text(answer, style, out)?;
    }
    if let Some(exit) = &report.exit {
        let status = |status: Option<i32>| status.map_or("unknown".to_owned(), |s| s.to_string());
        writeln!(out, "\nexit {} → {}", status(exit.left), status(exit.right))?;
    }
    Ok(())
}

fn step(row: &DiffRow, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let number = |number: Option<crate::model::StepIndex>| {
        number.map(|number| number.to_string()).unwrap_or_default()
    };
    let mark = match row.is {
        Is::Same => "=",
        Is::Changed => "~",
        Is::Removed => "-",
        Is::Added => "+",
    };
    let line = format!(
        "{mark} {:>4} {:>4}  {} {} ({})",
        number(row.left),
        number(row.right),
        row.kind,
        row.name,
        row.agent,
    );
    let line = plain(&line);
    let line = match row.is {
        Is::Same => style.dim(&line),
        Is::Changed => style.bold(&line),
        Is::Removed => style.bad(&line),
        Is::Added => style.good(&line),
    };
    let used = used(row.left_metrics.as_ref(), row.right_metrics.as_ref());
    let gap = if used.is_empty() { "" } else { "  " };
    writeln!(out, "{line}{gap}{}", style.dim(&used))?;
    row.diff
        .as_ref()
        .map_or(Ok(()), |diff| details(diff, row.kind, style, out))
}

/// Returns tokens and time of both sides, where they differ with an arrow between.
fn used(left: Option<&Metrics>, right: Option<&Metrics>) -> String {
    let pair = |pick: fn(&Metrics) -> Option<String>| -> Option<String> {
        match (left.and_then(pick), right.and_then(pick)) {
            (Some(a), Some(b)) if a == b => Some(a),
            (Some(a), Some(b)) => Some(format!("{a} → {b}")),
            (one, other) => one.or(other),
        }
    };
    let all = [
        pair(|m| {
            Some(format!(
                "{} tokens",
                tokens(m.input_tokens? + m.output_tokens?)
            ))
        }),
        pair(|m| Some(duration(m.duration_us?))),
        pair(|m| Some(m.cost_micro_usd?.to_string())),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn details(diff: &StepDiff, kind: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if let Some(status) = &diff.status {
        let name = |value: crate::model::Status| {
            serde_json::to_value(value)
                .ok()
                .and_then(|v| v.as_str().map(str::to_owned))
        };
        let word = |value| name(value).unwrap_or_default().replace('_', " ");
        writeln!(
            out,
            "      status {} → {}",
            word(status.left),
            word(status.right)
        )?;
    }
    if let Some(error) = &diff.error {
        let word =
            |text: &Option<String>| excerpt(&plain(text.as_deref().unwrap_or("none")), VALUE_CHARS);
        writeln!(
            out,
            "      error {} → {}",
            word(&error.left),
            word(&error.right)
        )?;
    }
    // The arguments of a model's calls stand at the tool steps, too: there they are shown.
    let (inner, outer): (Vec<&FieldChange>, Vec<&FieldChange>) = diff
        .fields
        .iter()
        .partition(|change| kind == "model" && change.pointer.contains("/arguments"));
    for change in outer {
        field(change, style, out)?;
    }
    if !inner.is_empty() {
        writeln!(out, "      it calls tools with other arguments")?;
    }
    if let Some(reasoning) = &diff.reasoning {
        writeln!(out, "      reasoning:")?;
        text(reasoning, style, out)?;
    }
    diff.text
        .as_ref()
        .map_or(Ok(()), |diff| text(diff, style, out))
}

fn field(change: &FieldChange, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let value = |value: &Option<Value>| {
        value
            .as_ref()
            .map(|value| excerpt(&plain(&value.to_string()), VALUE_CHARS))
    };
    let place = if change.pointer.is_empty() {
        "/"
    } else {
        change.pointer.as_str()
    };
    writeln!(out, "      {}", plain(place))?;
    if let Some(left) = value(&change.left) {
        writeln!(out, "{}", style.bad(&format!("      - {left}")))?;
    }
    if let Some(right) = value(&change.right) {
        writeln!(out, "{}", style.good(&format!("      + {right}")))?;
    }
    Ok(())
}

fn text(diff: &TextDiff, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for line in diff.lines.iter().take(MAX_LINES) {
        let words: String = line
            .pieces
            .iter()
            .map(|piece| {
                let text = plain(&piece.text);
                if piece.is_changed {
                    style.strong(&text)
                } else {
                    text
                }
            })
            .collect();
        match line.side {
            Side::Both => writeln!(out, "        {words}")?,
            Side::Left => writeln!(out, "      {} {words}", style.bad("-"))?,
            Side::Right => writeln!(out, "      {} {words}", style.good("+"))?,
            Side::Gap => writeln!(out, "      {}", style.dim("…"))?,
        }
    }
    let beyond = diff.lines.len().saturating_sub(MAX_LINES);
    if beyond > 0 {
        writeln!(out, "      and {} more", count(beyond as u64, "line"))?;
    }
    Ok(())
}

/// How much of a value is shown.
const VALUE_CHARS: usize = 200;

/// How many lines of a text are shown.
const MAX_LINES: usize = 60;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lineage::testing::{Talk, research, timeline};
    use crate::model::SessionId;
    use crate::price::PriceTable;

    fn report() -> DiffReport {
        let main = timeline("main", vec![research()]);
        let talk = Talk::new("a researcher", "population of Tokyo?")
            .uses(
                "web_search",
                json!({"q": "Tokyo population", "max": 5}),
                "14 million",
            )
            .uses("calculator", json!({"sum": "1+1"}), "2\u{1b}[2J")
            .uses("web_search", json!({"q": "Tokyo size"}), "2194 km2")
            .says("Tokyo has 37 million people.");
        let mut other = timeline("fixed", vec![talk]);
        other.outcome.exit = Some(1);
        DiffReport::new(
            SessionId::generate(),
            &main,
            &other,
            &PriceTable::built_in(),
        )
    }

    fn shown(report: &DiffReport, shown: Shown, style: Style) -> String {
        let mut out = Vec::new();
        diff(report, shown, style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_differs_is_shown_step_by_step() {
        insta::assert_snapshot!(shown(&report(), Shown::Differing, Style::Plain));
        insta::assert_snapshot!(shown(&report(), Shown::All, Style::Plain));
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let coloured = shown(&report(), Shown::All, Style::Colour);
        let bare = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(bare, shown(&report(), Shown::All, Style::Plain));
    }
}
