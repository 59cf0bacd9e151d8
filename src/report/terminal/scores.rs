//! The scores of judges: a table of timelines and evaluators, and what differs.

use std::io::{self, Write};

use super::Style;
use super::table::{Align, lines};
use crate::gate::Shown;
use crate::report::escape::plain;
use crate::report::eval_report::{Delta, EvalReport, JudgeCost, Score};
use crate::report::units::{count, excerpt, tokens};

/// Writes the table, the deltas, and what was not measured.
///
/// # Errors
/// The writer failed.
pub fn scores(report: &EvalReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let judge = plain(&report.judge);
    let note = if report.is_scripted { " (rules)" } else { "" };
    writeln!(
        out,
        "session {}, judged by {judge}{note}\n",
        plain(&report.name)
    )?;
    let mut align = vec![Align::Left];
    align.extend(report.evaluators.iter().map(|_evaluator| Align::Right));
    for line in lines(&rows(report), &align) {
        writeln!(out, "{line}")?;
    }
    if !report.deltas.is_empty() {
        writeln!(out)?;
    }
    for delta in &report.deltas {
        writeln!(
            out,
            "{}",
            delta_line(delta, report.evaluators.len() > 1, style)
        )?;
    }
    write_reasons(report, style, out)?;
    writeln!(
        out,
        "\n{}",
        style.dim(&cost_line(report.judge_cost, report.is_scripted))
    )
}

/// Returns the head and a row for each timeline.
fn rows(report: &EvalReport) -> Vec<Vec<String>> {
    let mut head = vec!["timeline".to_owned()];
    head.extend(report.evaluators.iter().map(|one| plain(&one.name)));
    let mut rows = vec![head];
    for scores in report.scores.chunks(report.evaluators.len().max(1)) {
        let label = scores.first().map(|score| plain(&score.timeline));
        let mut row = vec![label.unwrap_or_default()];
        row.extend(scores.iter().map(cell));
        rows.push(row);
    }
    rows
}

/// Returns a score, and how many of several votes made it.
fn cell(score: &Score) -> String {
    let measured = score.votes.iter().filter(|vote| vote.score.is_some());
    match (score.score, score.votes.len()) {
        (None, _) => "not measured".to_owned(),
        (Some(value), 0 | 1) => format!("{value:.3}"),
        (Some(value), votes) => format!("{value:.3} ({} of {votes} votes)", measured.count()),
    }
}

fn delta_line(delta: &Delta, is_one_of_many: bool, style: Style) -> String {
    let of = if is_one_of_many {
        format!(", {}", plain(&delta.evaluator))
    } else {
        String::new()
    };
    let value = match delta.delta {
        None => style.shown("not measured", Shown::NotMeasured),
        // What rounds to nothing has no sign.
        Some(value) if value.abs() < 0.005 => "0.00".to_owned(),
        Some(value) if value > 0.0 => style.good(&format!("{value:+.2}")),
        Some(value) => style.bad(&format!("{value:+.2}")),
    };
    format!(
        "Delta ({} vs {}){of}: {value}",
        plain(&delta.timeline),
        plain(&delta.versus)
    )
}

/// Writes why a score is missing, and why it is not 1 where the judge says so.
fn write_reasons(report: &EvalReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut is_first = true;
    for score in &report.scores {
        let place = format!("{}, {}", plain(&score.timeline), plain(&score.evaluator));
        let why = match &score.not_measured {
            Some(why) => format!(
                "{} {place}: {}",
                style.shown("not measured", Shown::NotMeasured),
                plain(&excerpt(why, 400))
            ),
            None => match reason(score) {
                Some(reason) => format!("{place}: {}", plain(&excerpt(&reason, 200))),
                None => continue,
            },
        };
        if is_first {
            writeln!(out)?;
            is_first = false;
        }
        writeln!(out, "{why}")?;
    }
    Ok(())
}

/// Returns the reasoning on the first statement that does not fully hold.
fn reason(score: &Score) -> Option<String> {
    let mut verdicts = score.votes.iter().flat_map(|vote| &vote.verdicts);
    let verdict = verdicts.find(|verdict| verdict.score < 1.0)?;
    Some(verdict.reasoning.clone()).filter(|text| !text.trim().is_empty())
}

/// Returns what the judge took.
pub(super) fn cost_line(cost: JudgeCost, is_scripted: bool) -> String {
    let known = match cost.cached_votes {
        0 => String::new(),
        number => format!(
            ", {} known from before at no cost",
            count(number as u64, "vote")
        ),
    };
    let paid = match (is_scripted, cost.unpriced) {
        (true, _) => String::new(),
        (false, 0) => format!(", {}", cost.cost_micro_usd),
        (false, number) => format!(
            ", {} and {} without a known price",
            cost.cost_micro_usd,
            count(u64::from(number), "call")
        ),
    };
    format!(
        "judge: {}, {} in, {} out{paid}{known}",
        count(u64::from(cost.calls), "call"),
        tokens(cost.input_tokens),
        tokens(cost.output_tokens),
    )
}
