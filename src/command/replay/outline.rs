//! What came of a replay, for people and for programs.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Divergence, Drift, ReplayReport, Session, StepIndex, Timeline};
use crate::price::PriceTable;
use crate::report::{Savings, Totals, savings};

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
    /// Whether the run is proved equal to the recording.
    pub unaffected: bool,
    /// What of the treatment differs.
    pub drift: Vec<Drift>,
    /// Where the agent went another way.
    pub divergences: Vec<Divergence>,
    /// Recorded model steps that nobody asked for.
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
    pub live: Totals,
    /// Model calls that were served.
    pub served: Totals,
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
            let found = savings(one, parent, &|call| prices.price_of(call));
            ForkRow {
                label: one.label.clone(),
                live: found.live,
                served: found.served,
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
            unaffected: is_unaffected,
            drift,
            divergences,
            skipped,
            faults: timeline.outcome.faults.clone(),
            savings: savings(timeline, Some(parent), &|call| prices.price_of(call)),
            saved_steps: served,
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

    /// Writes it for people.
    ///
    /// # Errors
    /// The output can't be written.
    pub fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.to_text().as_bytes())
    }

    fn to_text(&self) -> String {
        let mut text = format!(
            "\nreplayed {} as {} (from {}): {} served, {} live",
            self.parent, self.timeline, self.from, self.served, self.live
        );
        if self.refused > 0 {
            push(&mut text, format_args!(", {} refused", self.refused));
        }
        text.push('\n');
        if self.unaffected {
            text.push_str("  unaffected: proved equal to the recording, at 0 tokens\n");
        }
        if !self.drift.is_empty() {
            let drift: Vec<String> = self.drift.iter().map(ToString::to_string).collect();
            push(
                &mut text,
                format_args!("  this change alters: {}\n", drift.join(", ")),
            );
        }
        for divergence in &self.divergences {
            push_divergence(&mut text, divergence);
        }
        for fault in &self.faults {
            push(&mut text, format_args!("  warning: {fault}\n"));
        }
        if let Some(exit) = self.exit.filter(|exit| *exit != 0) {
            push(
                &mut text,
                format_args!("  the agent exited with status {exit}\n"),
            );
        }
        self.push_savings(&mut text);
        self.push_forks(&mut text);
        push(
            &mut text,
            format_args!(
                "  next: rewind diff {} {} {}\n",
                self.name, self.parent, self.timeline
            ),
        );
        text
    }

    fn push_savings(&self, text: &mut String) {
        let saved = &self.savings.served;
        push(
            text,
            format_args!(
                "  not paid again: {} steps, {} tokens, {}, {}\n",
                self.saved_steps,
                saved.usage.total(),
                saved.cost(),
                seconds(saved.time_us)
            ),
        );
    }

    fn push_forks(&self, text: &mut String) {
        let width = self
            .forks
            .iter()
            .map(|row| row.label.chars().count())
            .max()
            .unwrap_or(0)
            .max(8);
        push(
            text,
            format_args!(
                "\n  {:width$}  {:>5}  {:>6}  {:>8}  {:>9}  {:>8}\n",
                "timeline", "calls", "served", "tokens", "cost", "time"
            ),
        );
        for row in &self.forks {
            push(
                text,
                format_args!(
                    "  {:width$}  {:>5}  {:>6}  {:>8}  {:>9}  {:>8}\n",
                    row.label,
                    row.live.calls,
                    row.served.calls,
                    row.live.usage.total(),
                    row.live.cost(),
                    seconds(row.live.time_us)
                ),
            );
        }
        text.push('\n');
    }
}

fn push_divergence(text: &mut String, divergence: &Divergence) {
    push(text, format_args!("  diverged: {}\n", divergence.message));
    if !divergence.pointer.is_empty() {
        push(text, format_args!("    at       {}\n", divergence.pointer));
    }
    if !divergence.recorded.is_empty() || !divergence.found.is_empty() {
        push(
            text,
            format_args!("    recorded {}\n", one_line(&divergence.recorded)),
        );
        push(
            text,
            format_args!("    found    {}\n", one_line(&divergence.found)),
        );
    }
    if !divergence.remedy.is_empty() {
        let remedy = divergence.remedy.replace('\n', "\n      ");
        push(text, format_args!("    to let it pass:\n      {remedy}\n"));
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    if text.write_fmt(arguments).is_err() {
        tracing::debug!("a value could not be formatted");
    }
}

/// Returns a quoted text on one line, without control characters.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn seconds(us: u64) -> String {
    format!("{:.1} s", us as f64 / 1e6)
}
