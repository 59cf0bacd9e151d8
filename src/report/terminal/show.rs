//! A session as a tree, with totals and what its forks did not pay again.

use std::io::{self, Write};

use super::savings::{block, over_forks};
use super::table::{Align, lines};
use super::tree::{self, Item};
use super::{Style, words};
use crate::model::{Session, Source, Step, StepKind, Timeline};
use crate::price::PriceTable;
use crate::replay::{Savings, savings};
use crate::report::cost::cost;
use crate::report::escape::plain;
use crate::report::units::{count, duration, excerpt, tokens};

/// Writes a session: its head, each timeline as a tree, and the savings over all forks.
///
/// `only` restricts it to one timeline, by its label.
///
/// # Errors
/// The writer failed.
pub fn show(
    session: &Session,
    only: Option<&str>,
    prices: &PriceTable,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    head(session, style, out)?;
    let chosen = session
        .timelines
        .iter()
        .filter(|timeline| only.is_none_or(|label| timeline.label == label));
    for timeline in chosen {
        writeln!(out)?;
        let savings = savings(timeline, parent_of(session, timeline), prices);
        one(timeline, &savings, style, out)?;
    }
    let forks: Vec<(&Timeline, Savings)> = session
        .timelines
        .iter()
        .filter(|timeline| timeline.forked_from.is_some())
        .map(|timeline| {
            (
                timeline,
                savings(timeline, parent_of(session, timeline), prices),
            )
        })
        .collect();
    if only.is_none() && !forks.is_empty() {
        writeln!(out)?;
        over_forks(&forks, style, out)?;
    }
    Ok(())
}

/// Returns the timeline that a fork was replayed from.
pub(super) fn parent_of<'a>(session: &'a Session, timeline: &Timeline) -> Option<&'a Timeline> {
    session.timeline(&timeline.forked_from.as_ref()?.label)
}

fn head(session: &Session, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let source = match &session.source {
        Source::Recorded => "recorded".to_owned(),
        Source::Demo => "demo".to_owned(),
        Source::Imported(kind) => format!("imported from {}", plain(kind)),
    };
    let at = session.recorded_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let name = style.bold(&plain(&session.name));
    writeln!(out, "session {name}  {}  {source} {at}", session.id)?;
    if !session.command.is_empty() {
        writeln!(
            out,
            "command  {}",
            excerpt(&plain(&session.command.join(" ")), LINE_CHARS)
        )?;
    }
    if let Some(input) = &session.input {
        writeln!(out, "input    {}", excerpt(&plain(input), LINE_CHARS))?;
    }
    Ok(())
}

fn one(
    timeline: &Timeline,
    savings: &Savings,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}", style.bold(&plain(&title(timeline))))?;
    let tree = tree::lines(timeline);
    let rows: Vec<Vec<String>> = std::iter::once(header())
        .chain(tree.iter().map(|line| row(line, timeline)))
        .collect();
    let align = [
        Align::Right,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ];
    for (index, line) in lines(&rows, &align).into_iter().enumerate() {
        let failed = index
            .checked_sub(1)
            .and_then(|index| tree.get(index))
            .is_some_and(|line| matches!(line.item, Item::Step(step) if words::is_failed(step)));
        match (index, failed) {
            (0, _) => writeln!(out, "{}", style.dim(&line))?,
            (_, true) => writeln!(out, "{}", style.bad(&line))?,
            (_, false) => writeln!(out, "{line}")?,
        }
    }
    ending(timeline, savings, style, out)
}

fn title(timeline: &Timeline) -> String {
    let steps = count(timeline.steps.len() as u64, "step");
    let from = match &timeline.forked_from {
        Some(fork) => format!(", forked from {} at {}", fork.label, fork.address),
        None => String::new(),
    };
    let whole = if timeline.is_complete {
        ""
    } else {
        ", not finished"
    };
    format!("timeline {}: {steps}{from}{whole}", timeline.label)
}

fn header() -> Vec<String> {
    ["step", "", "in", "out", "time", ""]
        .map(str::to_owned)
        .into()
}

fn row(line: &tree::Line<'_>, timeline: &Timeline) -> Vec<String> {
    match line.item {
        Item::Agent(name) => {
            let name = format!("{}{}", line.branch, plain(name));
            vec![
                String::new(),
                name,
                String::new(),
                String::new(),
                String::new(),
                String::new(),
            ]
        }
        Item::Step(step) => {
            let usage = step.call().and_then(|call| call.response.usage);
            let text = |number: Option<u64>| number.map(tokens).unwrap_or_default();
            vec![
                step.number.to_string(),
                format!("{}{}", line.branch, label(step)),
                text(usage.map(|usage| usage.input)),
                text(usage.map(|usage| usage.output)),
                step.duration_us().map(duration).unwrap_or_default(),
                words::marks(step, timeline.forked_from.is_some()),
            ]
        }
    }
}

fn label(step: &Step) -> String {
    match &step.kind {
        StepKind::Model(call) => words::model(call),
        StepKind::Tool(tool) => excerpt(
            &plain(&words::tool_call(&tool.name, &tool.arguments)),
            LABEL_CHARS,
        ),
    }
}

fn ending(
    timeline: &Timeline,
    savings: &Savings,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let outcome = &timeline.outcome;
    if let Some(answer) = &outcome.answer {
        writeln!(out, "answer   {}", excerpt(&plain(answer), ANSWER_CHARS))?;
    }
    match outcome.exit {
        Some(0) => writeln!(out, "exit     0")?,
        Some(status) => writeln!(out, "{}", style.bad(&format!("exit     {status}")))?,
        None => {}
    }
    for fault in &outcome.faults {
        writeln!(out, "{}", style.bad(&format!("fault    {}", plain(fault))))?;
    }
    words::findings(timeline, out)?;
    let all = savings.saved + savings.paid;
    writeln!(
        out,
        "total    {}, {} in, {} out, {}, {}",
        count(all.calls.into(), "model call"),
        tokens(all.input_tokens),
        tokens(all.output_tokens),
        cost(&all),
        duration(all.time_us),
    )?;
    if timeline.forked_from.is_some() {
        block(savings, out)?;
    }
    Ok(())
}

/// How much of a command or an input is shown.
const LINE_CHARS: usize = 100;

/// How much of a tool call is shown.
const LABEL_CHARS: usize = 60;

/// How much of the final answer is shown.
const ANSWER_CHARS: usize = 300;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lineage::testing::{Talk, fork, research, session, timeline};
    use crate::model::Rung;

    fn shown(session: &Session) -> String {
        let mut out = Vec::new();
        show(
            session,
            None,
            &PriceTable::built_in(),
            Style::Plain,
            &mut out,
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        text.replace(&session.id.to_string(), "ID")
    }

    #[test]
    fn one_agent_is_a_list_of_calls_with_their_tools() {
        insta::assert_snapshot!(shown(&session(
            "research",
            vec![timeline("main", vec![research()])]
        )));
    }

    #[test]
    fn parallel_workers_stand_under_the_tool_calls_that_started_them() {
        let worker = |city: &str, at| {
            Talk::new("a worker", &format!("facts about {city}"))
                .at(at)
                .uses("search", json!({"q": city}), "found")
                .says(&format!("{city} is old"))
        };
        let boss = Talk::new("the supervisor", "compare rome and oslo").calls(&[
            ("delegate", json!({"task": "facts about rome"})),
            ("delegate", json!({"task": "facts about oslo"})),
        ]);
        let boss = boss
            .gets(&["rome is old", "oslo is old"])
            .at(9_000_000)
            .says("both are old");
        let main = timeline(
            "main",
            vec![boss, worker("rome", 2_000_000), worker("oslo", 2_000_001)],
        );
        insta::assert_snapshot!(shown(&session("cities", vec![main])));
    }

    #[test]
    fn a_fork_shows_what_was_served_and_what_was_not_paid_again() {
        let main = timeline("main", vec![research()]);
        let talk = Talk::new("a researcher", "population of Tokyo?")
            .served_from(1, Rung::Drift)
            .uses(
                "web_search",
                json!({"q": "Tokyo population", "max": 5}),
                "14 million",
            )
            .uses(
                "web_search",
                json!({"q": "Tokyo area", "max": 5}),
                "2194 km2",
            )
            .live()
            .says("Tokyo has 14 million people [1].");
        let mut fixed = fork("fixed", &main, "5", vec![talk]);
        fixed.replay = Some(crate::model::ReplayReport {
            drift: vec![crate::model::Drift::SystemPrompt],
            served: 2,
            live: 1,
            ..Default::default()
        });
        insta::assert_snapshot!(shown(&session("research", vec![main, fixed])));
    }

    #[test]
    fn failures_are_said_in_plain_words() {
        let talk = Talk::new("a clerk", "refund me")
            .calls(&[("refund", json!("{\"id\": "))])
            .gets_error("no such order\u{1b}[2J")
            .calls(&[("refund", json!({"id": 7}))])
            .fails(529, "Overloaded");
        let mut main = timeline("main", vec![talk]);
        main.outcome.exit = Some(1);
        main.outcome
            .faults
            .push("the recording stopped: disk full".into());
        main.is_complete = false;
        insta::assert_snapshot!(shown(&session("refund", vec![main])));
    }
}
