//! The page of a session.

use serde::Serialize;

use super::checks::Beside;
use super::data::Data;
use super::shared::{First, TraceView, address, first, trace_view};
use super::{HtmlError, ROOM, TRACES, fill};
use crate::model::{Session, Timeline};
use crate::price::PriceTable;
use crate::replay::{Tally, savings};
use crate::report::cost::cost;
use crate::report::diff_report::Is;
use crate::report::trace::{Side, Texts, Trace, Traces};
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
    tone: &'static str,
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
    facts: Vec<String>,
    tone: &'static str,
    first: Option<First>,
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
            facts: facts(&trace),
            tone: tone(&trace),
            first: first(&trace, &id),
            is_unaffected: replay.is_some_and(|replay| replay.is_unaffected),
            drift: replay
                .iter()
                .flat_map(|replay| &replay.drift)
                .map(ToString::to_string)
                .collect(),
            trace: trace_view(&trace, &id, Beside::default(), &mut room),
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
        tone: comparisons.last().map_or("none", |last| last.tone),
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

/// Returns what became of a timeline, in one sentence.
fn sentence(trace: &Trace) -> String {
    let left = &trace.left;
    let Some(right) = &trace.right else {
        return match (left.exit, left.failed) {
            (Some(status), _) if status != 0 => format!("The run ended with status {status}"),
            (_, 0) => "The run ended without an error".to_owned(),
            (_, failed) => format!("{} failed", count(failed.into(), "step")),
        };
    };
    let point = if trace.address.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("step {}", trace.address)
    } else {
        format!("`{}`", trace.address)
    };
    let end = match (ended(left), ended(right)) {
        (false, true) => "comes to its end",
        (_, false) => "fails",
        (true, true) if trace.has_other_answer => "ends with another answer",
        (true, true) => "ends with the same answer",
    };
    format!("Forked at {point}, `{}` {end}", right.label)
}

/// Returns what else there is to say of a fork, such as `27 of 30 steps are the same`.
fn facts(trace: &Trace) -> Vec<String> {
    let Some(right) = &trace.right else {
        return Vec::new();
    };
    let left = &trace.left;
    let same = trace.count(Is::Same);
    let mut facts = vec![format!(
        "{same} of {} are the same",
        count(trace.rows.len() as u64, "step")
    )];
    match (left.failed, right.failed) {
        (0, 0) => {}
        (before, 0) => facts.push(format!(
            "{} of `{}` gone",
            count(before.into(), "failed step"),
            left.label
        )),
        (before, now) => facts.push(format!(
            "{}, {before} before",
            count(now.into(), "failed step")
        )),
    }
    if left.exit != right.exit {
        let word = |exit: Option<i32>| exit.map_or_else(|| "?".to_owned(), |exit| exit.to_string());
        facts.push(format!(
            "exit {} became {}",
            word(left.exit),
            word(right.exit)
        ));
    }
    facts
}

/// Returns whether a run came to a good end.
fn ended(side: &Side) -> bool {
    side.failed == 0 && side.exit.is_none_or(|status| status == 0) && side.faults.is_empty()
}

/// Returns how a timeline is coloured: by whether a failure is gone, or there.
fn tone(trace: &Trace) -> &'static str {
    let now = trace.right.as_ref().unwrap_or(&trace.left);
    match (ended(&trace.left), ended(now)) {
        (false, true) => "pass",
        (_, false) => "fail",
        (true, true) => "none",
    }
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
