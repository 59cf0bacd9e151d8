//! One session as one self-contained HTML file: no network, no script, everything escaped.
//!
//! The page is readable in any browser. Prompts, answers and tool content stand in it only where
//! [`Content::Full`] asks for them.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use crate::model::{Body, MicroUsd, Part, Session, Step, StepKind, Timeline, plain_text};
use crate::price::PriceTable;

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
    timelines: Vec<TimelineView<'a>>,
    version: &'static str,
}

#[derive(Serialize)]
struct TimelineView<'a> {
    label: &'a str,
    forked_from: Option<String>,
    fork_step: Option<u32>,
    exit: Option<i32>,
    answer: Option<&'a str>,
    faults: &'a [String],
    drift: Vec<String>,
    divergences: Vec<&'a str>,
    served: u32,
    live: u32,
    unaffected: bool,
    tokens: u64,
    cost: String,
    steps: Vec<StepView>,
}

#[derive(Serialize)]
struct StepView {
    number: u32,
    kind: &'static str,
    agent: String,
    lane: u32,
    title: String,
    tokens: Option<String>,
    took: Option<String>,
    status: &'static str,
    mark: String,
    is_fork: bool,
    question: String,
    answer: String,
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
    environment.add_template("share.html", include_str!("templates/share.html.jinja"))?;
    let has_content = content == Content::Full;
    let page = Page {
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
            .map(|timeline| timeline_view(timeline, has_content, prices))
            .collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(environment
        .get_template("share.html")?
        .render(Serde(&page))?)
}

fn timeline_view<'a>(
    timeline: &'a Timeline,
    has_content: bool,
    prices: &PriceTable,
) -> TimelineView<'a> {
    let replay = timeline.replay.as_ref();
    let fork_step = timeline
        .forked_from
        .as_ref()
        .and_then(|fork| fork.step)
        .map(|number| number.0);
    let live_calls = || {
        let calls = timeline.model_steps().map(|(_step, call)| call);
        calls.filter(|call| call.served.is_none())
    };
    let costs: Vec<Option<MicroUsd>> = live_calls()
        .filter(|call| call.response.usage.is_some())
        .map(|call| prices.price_of(call))
        .collect();
    let cost = if costs.iter().any(Option::is_none) {
        "unpriced".to_owned()
    } else {
        costs.into_iter().flatten().sum::<MicroUsd>().to_string()
    };
    TimelineView {
        label: &timeline.label,
        forked_from: timeline
            .forked_from
            .as_ref()
            .map(|fork| format!("{} at {}", fork.label, fork.address)),
        fork_step,
        exit: timeline.outcome.exit,
        answer: timeline
            .outcome
            .answer
            .as_deref()
            .filter(|_answer| has_content),
        faults: &timeline.outcome.faults,
        drift: replay
            .map(|r| r.drift.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        divergences: replay
            .map(|r| r.divergences.iter().map(|d| d.message.as_str()).collect())
            .unwrap_or_default(),
        served: replay.map_or(0, |r| r.served),
        live: live_calls().count().try_into().unwrap_or(u32::MAX),
        unaffected: replay.is_some_and(|r| r.is_unaffected),
        tokens: live_calls()
            .filter_map(|call| call.response.usage)
            .map(|usage| usage.total())
            .sum(),
        cost,
        steps: timeline
            .steps
            .iter()
            .map(|step| step_view(step, fork_step, has_content))
            .collect(),
    }
}

fn step_view(step: &Step, fork_step: Option<u32>, has_content: bool) -> StepView {
    use crate::model::Status;
    let status = match step.status {
        Status::Ok => "ok",
        Status::Error => "error",
        Status::NoResult => "no result",
        Status::Partial => "broke off",
    };
    let (kind, title, tokens, question, answer) = match &step.kind {
        StepKind::Model(call) => {
            let model = call.request.treatment.model.clone();
            let usage = call.response.usage;
            let question = call
                .request
                .thread
                .last()
                .map(|message| parts_text(&message.parts));
            let answer = call
                .response
                .output
                .as_ref()
                .map(|message| parts_text(&message.parts))
                .or_else(|| {
                    call.response
                        .error
                        .as_ref()
                        .map(|error| error.message.clone())
                })
                .or_else(|| call.exchange.body.as_ref().map(raw_text));
            (
                "model",
                model.unwrap_or_else(|| call.exchange.path.clone()),
                usage.map(|usage| format!("{} → {}", usage.input, usage.output)),
                question.unwrap_or_default(),
                answer.unwrap_or_default(),
            )
        }
        StepKind::Tool(tool) => (
            "tool",
            tool.name.clone(),
            None,
            tool.arguments.to_string(),
            tool.result.as_deref().map(plain_text).unwrap_or_default(),
        ),
    };
    let keep = |text: String| if has_content { text } else { String::new() };
    StepView {
        number: step.number.0,
        kind,
        agent: step.agent.clone(),
        lane: step.lane.0,
        title,
        tokens,
        took: step.duration_us().map(|us| format!("{} ms", us / 1000)),
        status,
        mark: match (step.served(), &step.kind) {
            (Some(served), _) => format!("served, {}", served.rung),
            (None, StepKind::Model(_)) => "live".to_owned(),
            (None, StepKind::Tool(_)) => "ran".to_owned(),
        },
        is_fork: fork_step == Some(step.number.0),
        question: keep(question),
        answer: keep(answer),
    }
}

fn parts_text(parts: &[Part]) -> String {
    let pieces: Vec<String> = parts
        .iter()
        .map(|part| match part {
            Part::Text { text, .. } | Part::Refusal { text } => text.clone(),
            Part::Reasoning { text, .. } => format!("(reasoning) {text}"),
            Part::ToolCall {
                name, arguments, ..
            } => format!("{name}({arguments})"),
            Part::ToolResult { content, .. } => plain_text(content),
            Part::Media { kind, .. } => format!("[{kind}]"),
            Part::Other { value } => value.to_string(),
        })
        .collect();
    pieces.join("\n")
}

fn raw_text(body: &Body) -> String {
    String::from_utf8_lossy(&body.to_bytes()).into_owned()
}
