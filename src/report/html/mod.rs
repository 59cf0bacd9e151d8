//! One session as one self-contained HTML file: no network, no script, everything escaped.
//!
//! Each fork stands beside the timeline that it was replayed from, step by step as aligned, with the
//! fork point, what the change alters, where it diverged, the final answers and what was not paid
//! again. The page is readable in any browser, by keyboard, in light and dark. Prompts, answers and
//! tool content stand in it only where [`Content::Full`] asks for them.

mod cell;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use super::cost::cost;
use super::diff_report::Is;
use super::units::{count, duration, tokens};
use crate::diff::{Pair, align};
use crate::model::{Session, StepIndex, Timeline};
use crate::price::PriceTable;
use crate::replay::{Tally, savings};
use cell::Cell;

/// What of the conversation stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Who, when, how long, how many tokens; no text of prompts, answers or tools.
    Metadata,
    /// Messages, arguments and results too.
    Full,
}

/// A page that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTML template could not be filled")]
pub struct HtmlError(#[from] minijinja::Error);

#[derive(Serialize)]
struct Page<'a> {
    name: &'a str,
    id: String,
    recorded_at: String,
    command: String,
    input: Option<&'a str>,
    has_content: bool,
    timelines: Vec<Summary<'a>>,
    comparisons: Vec<Comparison<'a>>,
    version: &'static str,
}

/// A line of the table of timelines.
#[derive(Serialize)]
struct Summary<'a> {
    label: &'a str,
    from: String,
    calls: usize,
    paid: TallyView,
    saved: TallyView,
    exit: Option<i32>,
    answer: Option<&'a str>,
    faults: &'a [String],
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
struct Comparison<'a> {
    left: &'a str,
    right: Option<&'a str>,
    summary: String,
    is_unaffected: bool,
    drift: Vec<String>,
    divergences: Vec<Diverged<'a>>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Diverged<'a> {
    message: &'a str,
    recorded: &'a str,
    found: &'a str,
}

#[derive(Serialize)]
struct Row {
    is: Is,
    is_fork: bool,
    left: Option<Cell>,
    right: Option<Cell>,
}

/// Returns the page of a session.
///
/// # Errors
/// The template can't be filled, which would be a fault of this program.
pub fn render(
    session: &Session,
    content: Content,
    prices: &PriceTable,
) -> Result<String, HtmlError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_name| AutoEscape::Html);
    environment.add_template("share.html", include_str!("../templates/share.html.jinja"))?;
    let page = page(session, content, prices);
    Ok(environment
        .get_template("share.html")?
        .render(Serde(&page))?)
}

fn page<'a>(session: &'a Session, content: Content, prices: &PriceTable) -> Page<'a> {
    let has_content = content == Content::Full;
    let forks: Vec<Comparison<'_>> = session
        .timelines
        .iter()
        .filter_map(|fork| {
            let parent = session.timeline(&fork.forked_from.as_ref()?.label)?;
            Some(comparison(parent, fork, content))
        })
        .collect();
    let alone = session.timelines.first().filter(|_first| forks.is_empty());
    Page {
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
        timelines: session
            .timelines
            .iter()
            .map(|timeline| summary(session, timeline, content, prices))
            .collect(),
        comparisons: forks
            .into_iter()
            .chain(alone.map(|one| single(one, content)))
            .collect(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn summary<'a>(
    session: &Session,
    timeline: &'a Timeline,
    content: Content,
    prices: &PriceTable,
) -> Summary<'a> {
    let fork = timeline.forked_from.as_ref();
    let parent = fork.and_then(|fork| session.timeline(&fork.label));
    let savings = savings(timeline, parent, prices);
    let view = |tally: &Tally| TallyView {
        calls: tally.calls,
        tokens: tokens(tally.tokens()),
        cost: cost(tally),
        time: duration(tally.time_us),
    };
    let answer = timeline.outcome.answer.as_deref();
    Summary {
        label: &timeline.label,
        from: fork
            .map(|fork| format!("{} at {}", fork.label, fork.address))
            .unwrap_or_default(),
        calls: timeline.model_steps().count(),
        paid: view(&savings.paid),
        saved: view(&savings.saved),
        exit: timeline.outcome.exit,
        answer: answer.filter(|_answer| content == Content::Full),
        faults: &timeline.outcome.faults,
    }
}

/// Returns a timeline on its own.
fn single(timeline: &Timeline, content: Content) -> Comparison<'_> {
    let rows = timeline.steps.iter().map(|step| Row {
        is: Is::Same,
        is_fork: false,
        left: Some(Cell::new(step, false, content)),
        right: None,
    });
    Comparison {
        left: &timeline.label,
        right: None,
        summary: count(timeline.steps.len() as u64, "step"),
        is_unaffected: false,
        drift: Vec::new(),
        divergences: Vec::new(),
        rows: rows.collect(),
    }
}

/// Returns a fork beside its parent.
fn comparison<'a>(parent: &'a Timeline, fork: &'a Timeline, content: Content) -> Comparison<'a> {
    let first_live = fork.forked_from.as_ref().and_then(|fork| fork.step);
    let mut is_passed = false;
    let alignment = align(parent, fork);
    let rows: Vec<Row> = alignment
        .steps
        .iter()
        .map(|pair| {
            let is_fork = !is_passed && is_from(pair, first_live);
            is_passed |= is_fork;
            row(pair, parent, fork, is_fork, content)
        })
        .collect();
    let number = |is: Is| rows.iter().filter(|row| row.is == is).count();
    let replay = fork.replay.as_ref();
    let text = |text: &'a str| if content == Content::Full { text } else { "" };
    Comparison {
        left: &parent.label,
        right: Some(&fork.label),
        summary: format!(
            "{} same, {} changed, {} removed, {} added",
            number(Is::Same),
            number(Is::Changed),
            number(Is::Removed),
            number(Is::Added)
        ),
        is_unaffected: replay.is_some_and(|replay| replay.is_unaffected),
        drift: replay
            .iter()
            .flat_map(|replay| &replay.drift)
            .map(ToString::to_string)
            .collect(),
        divergences: replay
            .iter()
            .flat_map(|replay| &replay.divergences)
            .map(|divergence| Diverged {
                message: &divergence.message,
                recorded: text(&divergence.recorded),
                found: text(&divergence.found),
            })
            .collect(),
        rows,
    }
}

/// Returns whether a pair is at or behind the first live step.
fn is_from(pair: &Pair, first_live: Option<StepIndex>) -> bool {
    first_live.is_some_and(|first| pair.right().is_some_and(|number| number >= first))
}

fn row(pair: &Pair, parent: &Timeline, fork: &Timeline, is_fork: bool, content: Content) -> Row {
    let is = match pair {
        Pair::Same { .. } => Is::Same,
        Pair::Changed { .. } => Is::Changed,
        Pair::Removed { .. } => Is::Removed,
        Pair::Added { .. } => Is::Added,
    };
    let left = pair.left().and_then(|number| parent.step(number));
    let right = pair.right().and_then(|number| fork.step(number));
    Row {
        is,
        is_fork,
        left: left.map(|step| Cell::new(step, parent.forked_from.is_some(), content)),
        right: right.map(|step| Cell::new(step, true, content)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::testing::{Talk, fork, research, session, timeline};
    use crate::model::{ReplayReport, Rung};

    const HOSTILE: &str = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>";

    fn shared(content: Content) -> String {
        let main = timeline("main", vec![research()]);
        let talk = Talk::new("a researcher", "population of Tokyo?")
            .served_from(1, Rung::Exact)
            .uses(
                "web_search",
                serde_json::json!({"q": "Tokyo population", "max": 5}),
                "14 million",
            )
            .live()
            .says(HOSTILE);
        let mut fixed = fork("fixed", &main, "3", vec![talk]);
        fixed.replay = Some(ReplayReport {
            served: 1,
            live: 1,
            ..ReplayReport::default()
        });
        let session = session("<b>research</b>", vec![main, fixed]);
        render(&session, content, &PriceTable::built_in()).unwrap()
    }

    #[test]
    fn both_timelines_stand_side_by_side_with_the_fork_marked() {
        let page = shared(Content::Full);
        assert!(page.contains("main → fixed"), "{page}");
        assert_eq!(page.matches("class=\"fork").count(), 1);
        assert!(page.contains("Tokyo has 14 million people."));
    }

    #[test]
    fn nothing_in_the_page_is_loaded_or_run() {
        let page = shared(Content::Full);
        assert!(page.contains("default-src 'none'"));
        for forbidden in [
            "<script", "<img", "<link", "<iframe", "http://", "https://", "<b>",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn content_is_left_out_unless_asked_for() {
        let page = shared(Content::Metadata);
        for secret in ["Tokyo", "14 million", "alert(1)", "agent.py"] {
            assert!(!page.contains(secret), "{secret}");
        }
        assert!(page.contains("web_search"));
    }

    #[test]
    fn a_session_without_forks_is_shown_alone() {
        let session = session("research", vec![timeline("main", vec![research()])]);
        let page = render(&session, Content::Full, &PriceTable::built_in()).unwrap();
        assert!(page.contains("5 steps"));
        assert!(page.contains("Tokyo area"));
    }
}
