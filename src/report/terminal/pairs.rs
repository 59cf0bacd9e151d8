//! Timelines compared in pairs: a table, and how often the place decided.

use std::io::{self, Write};

use super::Style;
use super::scores::cost_line;
use super::table::{Align, lines};
use crate::gate::Shown;
use crate::report::escape::plain;
use crate::report::eval_pairs::{PairLine, PairReport};
use crate::report::units::{count, excerpt};

/// Writes the table, the position bias, and what was not measured.
///
/// # Errors
/// The writer failed.
pub fn pairs(report: &PairReport, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let note = if report.is_scripted { " (rules)" } else { "" };
    writeln!(
        out,
        "session {}, judged in pairs by {}{note}, each pair in both orders\n",
        plain(&report.name),
        plain(&report.judge)
    )?;
    let head = ["pair", "evaluator", "wins", "losses", "ties", "result"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(report.pairs.iter().map(row));
    let align = [
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ];
    for line in lines(&rows, &align) {
        writeln!(out, "{line}")?;
    }
    let bias = report.position_bias;
    writeln!(
        out,
        "\nposition bias: of {}, {} went to whatever stood first and {} to whatever stood second (counted as ties)",
        count(bias.compared as u64, "comparison"),
        bias.first,
        bias.second
    )?;
    for pair in &report.pairs {
        let place = format!(
            "{} vs {}, {}",
            plain(&pair.timeline),
            plain(&pair.versus),
            plain(&pair.evaluator)
        );
        match (&pair.not_measured, reason(pair)) {
            (Some(why), _) => writeln!(
                out,
                "\n{} {place}: {}",
                style.shown("not measured", Shown::NotMeasured),
                plain(&excerpt(why, 400))
            )?,
            (None, Some(why)) => writeln!(out, "\n{place}: {}", plain(&excerpt(why, 200)))?,
            (None, None) => {}
        }
    }
    let cost = cost_line(report.judge_cost, report.is_scripted);
    writeln!(out, "\n{}", style.dim(&cost))
}

fn row(pair: &PairLine) -> Vec<String> {
    let spread = match (&pair.win_share, &pair.not_testable) {
        (Some(share), _) => format!(
            " ({:.0}% to {:.0}% of comparisons won, {:.0}%)",
            share.low * 100.0,
            share.high * 100.0,
            share.level * 100.0
        ),
        (None, Some(why)) => format!(", {why}"),
        (None, None) => String::new(),
    };
    let result = match (&pair.not_measured, &pair.winner) {
        (Some(_why), _) => "not measured".to_owned(),
        (None, Some(winner)) => format!("{} is better{spread}", plain(winner)),
        (None, None) => format!("a tie{spread}"),
    };
    vec![
        format!("{} vs {}", plain(&pair.timeline), plain(&pair.versus)),
        plain(&pair.evaluator),
        pair.wins.to_string(),
        pair.losses.to_string(),
        pair.ties.to_string(),
        result,
    ]
}

/// Returns the first reasoning of a judge.
fn reason(pair: &PairLine) -> Option<&str> {
    let rounds = pair.rounds.iter();
    let said = rounds.flat_map(|round| [&round.forward, &round.reversed]);
    let mut reasons = said.map(|said| said.reasoning.trim());
    reasons.find(|text| !text.is_empty())
}
