//! The scores of judges: a table of timelines and evaluators, and what differs.

use std::io::{self, Write};

use super::Style;
use super::table::{Align, lines};
use crate::gate::Shown;
use crate::report::escape::plain;
use crate::report::eval_delta::{Delta, Over};
use crate::report::eval_panel::Agreement;
use crate::report::eval_report::{EvalReport, JudgeCost, Score};
use crate::report::units::{count, excerpt, tokens};

/// Writes the table, the deltas, and what was not measured.
///
/// # Errors
/// The writer failed.
pub fn scores(report: &EvalReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let judge = plain(&report.judge);
    let is_by_programs = report.evaluators.iter().all(|one| one.is_program);
    let judge = if is_by_programs {
        "programs".to_owned()
    } else {
        judge
    };
    let by = match report.panel.len() {
        _ if is_by_programs => "judged by".to_owned(),
        0 => "judged by".to_owned(),
        number => format!("judged by a panel of {number}:"),
    };
    let note = if report.is_scripted && !is_by_programs {
        " (rules)"
    } else {
        ""
    };
    writeln!(out, "session {}, {by} {judge}{note}\n", plain(&report.name))?;
    let mut align = vec![Align::Left];
    align.extend(report.evaluators.iter().map(|_evaluator| Align::Right));
    for line in lines(&rows(report), &align) {
        writeln!(out, "{line}")?;
    }
    for line in agreement_lines(report) {
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
    if let Some(line) = voting_line(report) {
        writeln!(out, "\n{line}")?;
    }
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
        row.extend(scores.iter().map(|score| {
            let judges = report.panel.iter().flat_map(|judge| &judge.scores);
            let judges: Vec<&Score> = judges
                .filter(|one| one.timeline == score.timeline && one.evaluator == score.evaluator)
                .collect();
            if judges.is_empty() {
                cell(score)
            } else {
                panel_cell(score, &judges)
            }
        }));
        rows.push(row);
    }
    // The judges of a panel stand below, each with its own scores.
    for judge in &report.panel {
        for scores in report.scores.chunks(report.evaluators.len().max(1)) {
            let label = scores.first().map(|score| plain(&score.timeline));
            let mut row = vec![format!(
                "{} by {}",
                label.unwrap_or_default(),
                plain(&judge.name)
            )];
            row.extend(scores.iter().map(|score| {
                let mut own = judge.scores.iter();
                let own = own
                    .find(|one| one.timeline == score.timeline && one.evaluator == score.evaluator);
                own.map(cell).unwrap_or_default()
            }));
            rows.push(row);
        }
    }
    rows
}

/// Returns the score of a panel, and how many judges made it.
fn panel_cell(score: &Score, judges: &[&Score]) -> String {
    let measured = judges.iter().filter(|judge| judge.score.is_some()).count();
    let against = match score.disagreeing {
        0 => String::new(),
        number => format!(", {number} against"),
    };
    match score.score {
        None => "not measured".to_owned(),
        Some(value) => format!(
            "{value:.3} ({measured} of {} judges{against})",
            judges.len()
        ),
    }
}

/// Returns how far the judges of a panel agree.
fn agreement_lines(report: &EvalReport) -> Vec<String> {
    let of = |one: &Agreement| match report.evaluators.len() {
        1 => String::new(),
        _ => format!(", {}", plain(&one.evaluator)),
    };
    let lines = report.agreement.iter().map(|one| {
        let alpha = match one.alpha {
            Some(alpha) => format!("{alpha:.2}"),
            None => "not defined (too few scores, or all are equal)".to_owned(),
        };
        format!(
            "agreement of the judges (Krippendorff's alpha){}: {alpha}, over {}",
            of(one),
            count(one.answers as u64, "answer")
        )
    });
    let mut lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

/// Returns a score, and how many of several votes made it.
fn cell(score: &Score) -> String {
    let measured = score.votes.iter().filter(|vote| vote.score.is_some());
    match (score.score, score.votes.len()) {
        (None, _) => "not measured".to_owned(),
        (Some(value), 0 | 1) => format!("{value:.3}"),
        (Some(value), votes) => {
            let against = match score.disagreeing {
                0 => String::new(),
                number => format!(", {number} against"),
            };
            format!(
                "{value:.3} ({} of {votes} votes{against})",
                measured.count()
            )
        }
    }
}

/// Returns how many votes there were, and how many of them disagree; `None` where each answer has one.
fn voting_line(report: &EvalReport) -> Option<String> {
    let voting = report.voting;
    if voting.max < 2 || voting.asked == 0 {
        return None;
    }
    let judges = report.panel.len().max(1);
    let most = u64::from(voting.max) * (report.scores.len() * judges) as u64;
    let asked = if voting.min == voting.max {
        count(voting.asked as u64, "vote")
    } else {
        format!("{} of at most {most}", count(voting.asked as u64, "vote"))
    };
    let rate = match voting.measured {
        0 => 0,
        measured => (voting.disagreeing * 200 + measured) / (measured * 2),
    };
    let against = match voting.disagreeing {
        0 => "none".to_owned(),
        number => number.to_string(),
    };
    Some(format!(
        "{asked}, {against} against the majority on the same answer ({rate}%)"
    ))
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
    let spread = match (&delta.interval, &delta.not_testable) {
        (Some(interval), _) => format!(
            " ({:+.2} to {:+.2}, {:.0}%{})",
            interval.low,
            interval.high,
            interval.level * 100.0,
            match delta.over {
                Over::Votes => "",
                Over::Judges => "; mean of what the judges see",
            }
        ),
        (None, Some(why)) => format!(", {why}"),
        (None, None) => String::new(),
    };
    format!(
        "Delta ({} vs {}){of}: {value}{spread}",
        plain(&delta.timeline),
        plain(&delta.versus)
    )
}

/// Writes why a score is missing, and why it is not 1 where the judge says so.
fn write_reasons(report: &EvalReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut is_first = true;
    let pooled = report.scores.iter().map(|score| (score, String::new()));
    let alone = report.panel.iter().flat_map(|judge| {
        let missing = judge.scores.iter().filter(|score| score.score.is_none());
        missing.map(|score| (score, format!(" by {}", plain(&judge.name))))
    });
    for (score, by) in pooled.chain(alone) {
        let place = format!(
            "{}, {}{by}",
            plain(&score.timeline),
            plain(&score.evaluator)
        );
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
