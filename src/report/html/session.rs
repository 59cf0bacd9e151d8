//! The page of a session.

use std::collections::BTreeMap;

use serde::Serialize;

use super::data::Data;
use super::shared::{TraceView, address, trace_view};
use super::{HtmlError, ROOM, TRACES, fill};
use crate::model::{Session, Timeline};
use crate::price::PriceTable;
use crate::replay::{Tally, savings};
use crate::report::cost::cost;
use crate::report::trace::{Texts, Trace, Traces};
use crate::report::units::{count, duration, tokens};

/// What the page shows.
#[derive(Serialize)]
struct SessionView<'a> {
    name: &'a str,
    id: String,
    recorded_at: String,
    command: String,
    input: Option<&'a str>,
    has_content: bool,
    headline: String,
    timelines: Vec<TimelineView<'a>>,
    comparisons: Vec<ComparisonView>,
}

/// A line of the table of timelines.
#[derive(Serialize)]
struct TimelineView<'a> {
    label: &'a str,
    from: String,
    href: String,
    calls: usize,
    paid: TallyView,
    saved: TallyView,
    exit: Option<i32>,
    faults: usize,
}

#[derive(Serialize)]
struct TallyView {
    calls: u32,
    tokens: String,
    cost: String,
    time: String,
}

/// A timeline, beside the one that it was replayed from.
#[derive(Serialize)]
struct ComparisonView {
    id: String,
    sentence: String,
    is_unaffected: bool,
    drift: Vec<String>,
    trace: TraceView,
}

/// Returns the page of a session; `texts` says how much of what was said stands in it.
///
/// # Errors
/// The template can't be filled, which would be a fault of this program.
pub fn session_page(
    session: &Session,
    texts: Texts,
    prices: &PriceTable,
) -> Result<String, HtmlError> {
    let has_content = texts != Texts::None;
    let mut room = ROOM;
    let mut traces = Traces::default();
    let mut comparisons = Vec::new();
    for (id, timeline, trace) in compared(session, texts, prices) {
        let replay = timeline.replay.as_ref();
        comparisons.push(ComparisonView {
            sentence: sentence(&trace),
            is_unaffected: replay.is_some_and(|replay| replay.is_unaffected),
            drift: replay
                .iter()
                .flat_map(|replay| &replay.drift)
                .map(ToString::to_string)
                .collect(),
            trace: trace_view(&trace, &id, BTreeMap::new(), &mut room),
            id: id.clone(),
        });
        traces.forks.insert(id, trace);
    }
    let view = SessionView {
        name: &session.name,
        id: session.id.to_string(),
        recorded_at: session
            .recorded_at
            .strftime("%Y-%m-%d %H:%M UTC")
            .to_string(),
        command: if has_content {
            session.command.join(" ")
        } else {
            String::new()
        },
        input: session.input.as_deref().filter(|_input| has_content),
        has_content,
        headline: comparisons
            .last()
            .map(|comparison| comparison.sentence.clone())
            .unwrap_or_default(),
        timelines: session
            .timelines
            .iter()
            .map(|timeline| timeline_view(session, timeline, prices))
            .collect(),
        comparisons,
    };
    let title = format!("{} · Rewind", session.name);
    let generator = format!("rewind {}", env!("CARGO_PKG_VERSION"));
    let data = vec![Data::new(TRACES, &traces)];
    fill("session.html", title, generator, data, view)
}

/// Returns what the page of a session shows of its timelines.
pub fn session_traces(session: &Session, texts: Texts, prices: &PriceTable) -> Traces {
    let compared = compared(session, texts, prices).into_iter();
    Traces {
        forks: compared.map(|(id, _timeline, trace)| (id, trace)).collect(),
    }
}

/// Returns each fork beside its parent, or the one timeline where nothing was forked.
fn compared<'s>(
    session: &'s Session,
    texts: Texts,
    prices: &PriceTable,
) -> Vec<(String, &'s Timeline, Trace)> {
    let forks = session.timelines.iter().filter_map(|fork| {
        let parent = session.timeline(&fork.forked_from.as_ref()?.label)?;
        let id = format!("{}/{}", address(&parent.label), address(&fork.label));
        Some((id, fork, Trace::of_fork(parent, fork, texts, prices)))
    });
    let forks: Vec<_> = forks.collect();
    if !forks.is_empty() {
        return forks;
    }
    let alone = session.timelines.first().into_iter();
    let alone = alone.map(|one| (address(&one.label), one, Trace::of_one(one, texts, prices)));
    alone.collect()
}

/// Returns what became of a fork, in one sentence.
fn sentence(trace: &Trace) -> String {
    let left = &trace.left;
    let Some(right) = &trace.right else {
        return match (left.exit, left.failed) {
            (Some(status), _) if status != 0 => format!("The run ended with status {status}"),
            (_, 0) => "The run ended without an error".to_owned(),
            (_, failed) => format!("{} failed", count(failed.into(), "step")),
        };
    };
    let first = trace.first_row.and_then(|row| trace.rows.get(row));
    let first = first.and_then(|row| row.right.as_ref().or(row.left.as_ref()));
    let mut parts = vec![match first {
        Some(step) => format!("`{}` first differs at step {}", right.label, step.number),
        None => format!("`{}` makes the same steps", right.label),
    }];
    parts.push(if trace.has_other_answer {
        "its final answer is another one".to_owned()
    } else {
        "its final answer is the same".to_owned()
    });
    match (left.failed, right.failed) {
        (0, 0) => {}
        (before, 0) => parts.push(format!(
            "{} of `{}` gone",
            count(before.into(), "failed step"),
            left.label
        )),
        (before, now) => parts.push(format!(
            "{}, {before} before",
            count(now.into(), "failed step")
        )),
    }
    if left.exit != right.exit {
        let word = |exit: Option<i32>| exit.map_or_else(|| "?".to_owned(), |exit| exit.to_string());
        parts.push(format!(
            "exit {} became {}",
            word(left.exit),
            word(right.exit)
        ));
    }
    format!("Forked at {}, {}", trace.address, parts.join(", "))
}

fn timeline_view<'a>(
    session: &Session,
    timeline: &'a Timeline,
    prices: &PriceTable,
) -> TimelineView<'a> {
    let fork = timeline.forked_from.as_ref();
    let parent = fork.and_then(|fork| session.timeline(&fork.label));
    let savings = savings(timeline, parent, prices);
    let view = |tally: &Tally| TallyView {
        calls: tally.calls,
        tokens: tokens(tally.tokens()),
        cost: cost(tally),
        time: duration(tally.time_us),
    };
    TimelineView {
        label: &timeline.label,
        from: fork
            .map(|fork| format!("{} at {}", fork.label, fork.address))
            .unwrap_or_default(),
        href: parent
            .map(|parent| format!("{}/{}", address(&parent.label), address(&timeline.label)))
            .unwrap_or_default(),
        calls: timeline.model_steps().count(),
        paid: view(&savings.paid),
        saved: view(&savings.saved),
        exit: timeline.outcome.exit,
        faults: timeline.outcome.faults.len(),
    }
}
