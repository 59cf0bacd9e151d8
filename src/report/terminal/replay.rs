//! The summary of one replay.

use std::io::{self, Write};

use super::savings::block;
use super::{Style, words};
use crate::model::{ReplayReport, Timeline};
use crate::replay::Savings;
use crate::report::escape::plain;
use crate::report::units::{count, excerpt};

/// Writes what a replay did, what it found out, and what was not paid again.
///
/// # Errors
/// The writer failed.
pub fn replay(
    timeline: &Timeline,
    savings: &Savings,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let report = timeline.replay.clone().unwrap_or_default();
    let from = timeline.forked_from.as_ref().map_or(String::new(), |fork| {
        let step = fork
            .step
            .map(|step| format!(", live from step {step}"))
            .unwrap_or_default();
        format!(" (from {} at {}{step})", fork.label, fork.address)
    });
    let name = style.bold(&plain(&timeline.label));
    writeln!(out, "timeline {name}{}", plain(&from))?;
    writeln!(out, "calls    {}", calls(&report))?;
    if let Some(tools) = tools(&report) {
        writeln!(out, "tools    {tools}")?;
    }
    words::findings(timeline, out)?;
    if let Some(answer) = &timeline.outcome.answer {
        writeln!(out, "answer   {}", excerpt(&plain(answer), ANSWER_CHARS))?;
    }
    if let Some(status) = timeline.outcome.exit {
        let line = format!("exit     {status}");
        writeln!(out, "{}", if status == 0 { line } else { style.bad(&line) })?;
    }
    for fault in &timeline.outcome.faults {
        writeln!(out, "{}", style.bad(&format!("fault    {}", plain(fault))))?;
    }
    block(savings, out)
}

fn calls(report: &ReplayReport) -> String {
    let mut parts = vec![
        format!("{} served", report.served),
        format!("{} live", report.live),
    ];
    if report.refused > 0 {
        parts.push(format!("{} refused", report.refused));
    }
    if !report.skipped.is_empty() {
        let steps: Vec<String> = report.skipped.iter().map(ToString::to_string).collect();
        let what = count(report.skipped.len() as u64, "recorded step");
        parts.push(format!("{what} never asked for ({})", steps.join(", ")));
    }
    parts.join(", ")
}

/// Returns what became of captured tool calls; `None` where there were none.
fn tools(report: &ReplayReport) -> Option<String> {
    let served = (report.tools_served > 0).then(|| format!("{} served", report.tools_served));
    let ran = report.tools_ran.iter().map(|tool| {
        let times = count(u64::from(tool.times), "time");
        format!(
            "{} ({}) ran for real, {times}",
            plain(&tool.name),
            tool.effect
        )
    });
    let parts: Vec<String> = served.into_iter().chain(ran).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// How much of the final answer is shown.
const ANSWER_CHARS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::testing::{Talk, fork, research, timeline};
    use crate::model::{Divergence, DivergenceKind, Rung, StepIndex};
    use crate::price::PriceTable;
    use crate::replay::savings;

    #[test]
    fn a_replay_that_diverged_says_where_and_what_to_do() {
        let main = timeline("main", vec![research()]);
        let talk = Talk::new("a researcher", "population of Tokyo?")
            .served_from(1, Rung::Exact)
            .uses(
                "web_search",
                serde_json::json!({"q": "Tokyo population"}),
                "13 million",
            );
        let mut cut = fork("fork-1", &main, "auto", vec![talk]);
        cut.outcome.exit = Some(1);
        cut.replay = Some(ReplayReport {
            served: 1,
            refused: 1,
            skipped: vec![StepIndex(3), StepIndex(5)],
            divergences: vec![Divergence {
                kind: DivergenceKind::History,
                step: Some(StepIndex(3)),
                agent: "researcher".into(),
                pointer: "/messages/2/content".into(),
                recorded: "14 million".into(),
                found: "13 million".into(),
                message: "the result of tool `web_search` differs from step 3".into(),
                remedy: "[replay] tool_results = { web_search = \"recorded\" }".into(),
            }],
            ..ReplayReport::default()
        });
        let mut out = Vec::new();
        let savings = savings(&cut, Some(&main), &PriceTable::built_in());
        replay(&cut, &savings, Style::Plain, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
