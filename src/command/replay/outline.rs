//! What came of a replay, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Divergence, Drift, RanTool, ReplayReport, Session, StepIndex, Timeline};
use crate::price::PriceTable;
use crate::replay::{Savings, Tally, savings};
use crate::report::terminal::{self, Style};

/// The outcome of a replay; serialised for `--json` (`docs/json-output.md`).
#[derive(Debug, Clone, Serialize)]
pub struct Outline {
    /// The session's id.
    pub session: String,
    /// The session's name.
    pub name: String,
    /// The label of the new timeline.
    pub timeline: String,
    /// The label of the timeline that was replayed.
    pub parent: String,
    /// The fork point as asked for.
    pub from: String,
    /// The first live step; null where everything was served.
    pub first_live: Option<StepIndex>,
    /// The agent's exit status.
    pub exit: Option<i32>,
    /// The final answer.
    pub answer: Option<String>,
    /// Number of model calls served from the recording.
    pub served: u32,
    /// Number of model calls that went live.
    pub live: u32,
    /// Number of requests that were refused.
    pub refused: u32,
    /// Number of captured tool calls served from the recording.
    pub tools_served: u32,
    /// The captured tools that ran for real.
    pub tools_ran: Vec<RanTool>,
    /// Whether the run is proved equal to the recording.
    pub unaffected: bool,
    /// What of the treatment differs.
    pub drift: Vec<Drift>,
    /// Where the agent went another way.
    pub divergences: Vec<Divergence>,
    /// Recorded steps that nobody asked for.
    pub skipped: Vec<StepIndex>,
    /// What went wrong, in words.
    pub faults: Vec<String>,
    /// What was paid, and what not.
    pub savings: Savings,
    /// Number of steps that were served, tools included where they were captured.
    pub saved_steps: u32,
    /// All forks of the session so far, this one last.
    pub forks: Vec<ForkRow>,
}

/// One timeline of the before/after table.
#[derive(Debug, Clone, Serialize)]
pub struct ForkRow {
    /// Its label.
    pub label: String,
    /// Model calls that went to the provider.
    pub paid: Tally,
    /// Model calls that were served.
    pub saved: Tally,
}

impl Outline {
    /// Returns the outline of `timeline`, a fork of `parent` in `session`.
    pub fn new(
        session: &Session,
        parent: &Timeline,
        timeline: &Timeline,
        prices: &PriceTable,
    ) -> Self {
        let report = timeline.replay.clone().unwrap_or_default();
        let fork = timeline.forked_from.as_ref();
        let row = |one: &Timeline, parent: Option<&Timeline>| {
            let found = savings(one, parent, prices);
            ForkRow {
                label: one.label.clone(),
                paid: found.paid,
                saved: found.saved,
            }
        };
        let earlier = session.timelines.iter().map(|one| {
            let parent = one
                .forked_from
                .as_ref()
                .and_then(|fork| session.timeline(&fork.label));
            row(one, parent)
        });
        let ReplayReport {
            drift,
            divergences,
            skipped,
            served,
            live,
            refused,
            tools_served,
            tools_ran,
            is_unaffected,
        } = report;
        Self {
            session: session.id.to_string(),
            name: session.name.clone(),
            timeline: timeline.label.clone(),
            parent: parent.label.clone(),
            from: fork.map(|fork| fork.address.clone()).unwrap_or_default(),
            first_live: fork.and_then(|fork| fork.step),
            exit: timeline.outcome.exit,
            answer: timeline.outcome.answer.clone(),
            served,
            live,
            refused,
            tools_served,
            tools_ran,
            unaffected: is_unaffected,
            drift,
            divergences,
            skipped,
            faults: timeline.outcome.faults.clone(),
            savings: savings(timeline, Some(parent), prices),
            saved_steps: served.saturating_add(tools_served),
            forks: earlier.chain([row(timeline, Some(parent))]).collect(),
        }
    }

    /// Writes it as one line of JSON.
    ///
    /// # Errors
    /// The output can't be written.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let text = serde_json::to_string(self).map_err(io::Error::other)?;
        writeln!(out, "{text}")
    }
}

/// Writes what came of a replay for people, with the table of all forks of the session.
///
/// # Errors
/// The output can't be written.
pub fn text(
    session: &Session,
    parent: &Timeline,
    timeline: &Timeline,
    prices: &PriceTable,
    out: &mut dyn Write,
) -> io::Result<()> {
    // anstream takes the colour out again where it is not wanted.
    let style = Style::Colour;
    writeln!(out)?;
    terminal::replay(
        timeline,
        &savings(timeline, Some(parent), prices),
        style,
        out,
    )?;
    let forks: Vec<(&Timeline, Savings)> = session
        .timelines
        .iter()
        .chain([timeline])
        .filter_map(|fork| {
            let of = session.timeline(&fork.forked_from.as_ref()?.label)?;
            Some((fork, savings(fork, Some(of), prices)))
        })
        .collect();
    writeln!(out)?;
    terminal::over_forks(&forks, style, out)?;
    writeln!(
        out,
        "\nnext: rewind diff {} {} {}",
        session.name, parent.label, timeline.label
    )
}
