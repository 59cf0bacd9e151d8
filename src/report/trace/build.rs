//! Makes traces of timelines.

use std::collections::{BTreeMap, BTreeSet};

use super::pool::Pool;
use super::side::side;
use super::step::Shown;
use super::treatment::{changes, differing, distinct};
use super::{Change, Row, Texts, Trace, TraceStep};
use crate::diff::{Pair, StepDiff, align, text_diff};
use crate::lineage::{final_answer, final_step};
use crate::model::{Divergence, StepIndex, Timeline};
use crate::price::PriceTable;
use crate::report::diff_report::Is;
use crate::report::terminal::words;

impl Trace {
    /// Returns a replay beside the timeline that it was replayed from.
    pub fn of_fork(parent: &Timeline, fork: &Timeline, texts: Texts, prices: &PriceTable) -> Self {
        let mut pool = Pool::new(texts);
        // Of a fork of a fork, the recorded side is shown as it was run.
        let lefts = Shown::new(parent, None, texts, prices);
        let rights = Shown::new(fork, Some(parent), texts, prices);
        let alignment = align(parent, fork);
        let sides = |pair: &Pair| pair.right().zip(pair.left());
        let pairs: BTreeMap<_, _> = alignment.steps.iter().filter_map(sides).collect();
        let mut rows = Vec::with_capacity(alignment.steps.len());
        for pair in alignment.steps {
            let left = pair.left().and_then(|number| parent.step(number));
            let right = pair.right().and_then(|number| fork.step(number));
            let (is, diff) = relation(pair);
            let is_told = match texts {
                Texts::None => false,
                Texts::Excerpt => {
                    is != Is::Same || left.into_iter().chain(right).any(words::is_failed)
                }
                Texts::Full | Texts::Whole => true,
            };
            let is_model = left.or(right).is_some_and(|step| step.call().is_some());
            rows.push(Row {
                is,
                left: left.map(|step| lefts.step(step, is_told, &mut pool)),
                right: right.map(|step| rights.step(step, is_told, &mut pool)),
                differs: diff
                    .as_deref()
                    .map_or_else(Vec::new, |diff| names(diff, is_model)),
                diff: diff.filter(|_diff| texts == Texts::Full || texts == Texts::Whole),
            });
        }
        let replay = fork.replay.as_ref();
        let first_live = fork.forked_from.as_ref().and_then(|from| from.step);
        let is_live = |row: &Row| {
            let right = row.right.as_ref();
            right.is_some_and(|step| first_live.is_some_and(|first| step.number >= first))
        };
        let (before, after) = (&parent.outcome.answer, &fork.outcome.answer);
        let answer = match texts {
            Texts::None | Texts::Excerpt => None,
            Texts::Full | Texts::Whole => text_diff(
                &pool.text(before.as_deref().unwrap_or_default()),
                &pool.text(after.as_deref().unwrap_or_default()),
            ),
        };
        Self {
            texts,
            left: side(parent, texts, &pool, prices),
            right: Some(side(fork, texts, &pool, prices)),
            address: fork
                .forked_from
                .as_ref()
                .map(|from| from.address.clone())
                .unwrap_or_default(),
            fork_row: rows.iter().position(is_live).map(|row| behind(&rows, row)),
            first_row: first_row(&rows),
            answer_row: answered(fork).and_then(|number| {
                rows.iter()
                    .position(|row| is_at(row.right.as_ref(), number))
            }),
            changes: altered(parent, fork, &pairs, texts),
            divergences: replay
                .iter()
                .flat_map(|replay| &replay.divergences)
                .map(|divergence| told(divergence, &pool))
                .collect(),
            has_other_answer: before != after,
            answer,
            rows,
            messages: pool.messages,
            chains: pool.chains,
        }
    }

    /// Returns a timeline on its own.
    pub fn of_one(timeline: &Timeline, texts: Texts, prices: &PriceTable) -> Self {
        let mut pool = Pool::new(texts);
        let shown = Shown::new(timeline, None, texts, prices);
        let rows: Vec<Row> = timeline
            .steps
            .iter()
            .map(|step| Row {
                is: Is::Same,
                left: Some(shown.step(step, true, &mut pool)),
                right: None,
                differs: Vec::new(),
                diff: None,
            })
            .collect();
        Self {
            texts,
            left: side(timeline, texts, &pool, prices),
            answer_row: answered(timeline)
                .and_then(|number| rows.iter().position(|row| is_at(row.left.as_ref(), number))),
            rows,
            messages: pool.messages,
            chains: pool.chains,
            ..Self::default()
        }
    }
}

/// Returns the step whose answer is the final one; `None` where that is read elsewhere.
fn answered(timeline: &Timeline) -> Option<StepIndex> {
    let answer = timeline.outcome.answer.as_deref()?.trim();
    let steps = &timeline.steps;
    let agents: BTreeSet<&str> = steps.iter().map(|step| step.agent.as_str()).collect();
    let mut found = std::iter::once(None)
        .chain(agents.into_iter().map(Some))
        .filter(|agent| final_answer(steps, *agent).is_some_and(|text| text.trim() == answer));
    Some(final_step(steps, found.next()?)?.number)
}

fn is_at(step: Option<&TraceStep>, number: StepIndex) -> bool {
    step.is_some_and(|step| step.number == number)
}

fn relation(pair: Pair) -> (Is, Option<Box<StepDiff>>) {
    match pair {
        Pair::Same { .. } => (Is::Same, None),
        Pair::Changed { diff, .. } => (Is::Changed, Some(diff)),
        Pair::Removed { .. } => (Is::Removed, None),
        Pair::Added { .. } => (Is::Added, None),
    }
}

/// Returns in what two steps differ.
fn names(diff: &StepDiff, is_model: bool) -> Vec<String> {
    let StepDiff {
        text,
        reasoning,
        fields,
        status,
        error,
    } = diff;
    let (said, asked) = if is_model {
        ("answer", "calls")
    } else {
        ("result", "arguments")
    };
    [
        (!fields.is_empty(), asked),
        (text.is_some(), said),
        (reasoning.is_some(), "reasoning"),
        (status.is_some(), "status"),
        (error.is_some(), "error"),
    ]
    .into_iter()
    .filter(|(differs, _name)| *differs)
    .map(|(_differs, name)| name.to_owned())
    .collect()
}

/// Returns the row at which the fork stands: before what the live steps came in place of.
fn behind(rows: &[Row], first_live: usize) -> usize {
    let before = rows.iter().take(first_live).rev();
    first_live - before.take_while(|row| row.is == Is::Removed).count()
}

/// Returns the first row in which the two differ. A tool that gave back something else comes after what made it do
/// so, where it has steps of its own: it began before them.
fn first_row(rows: &[Row]) -> Option<usize> {
    let differs = |row: &Row| row.is != Is::Same;
    let is_result = |row: &Row| {
        let step = row.left.as_ref().or(row.right.as_ref());
        step.is_some_and(|step| step.is_tool) && row.differs.iter().all(|what| what == "result")
    };
    let cause = |row: &Row| differs(row) && !(row.is == Is::Changed && is_result(row));
    rows.iter()
        .position(cause)
        .or_else(|| rows.iter().position(differs))
}

fn told(divergence: &Divergence, pool: &Pool) -> Divergence {
    Divergence {
        recorded: pool.text(&divergence.recorded),
        found: pool.text(&divergence.found),
        ..divergence.clone()
    }
}

/// Returns what the change alters: in requests that were served though they are not quite those of the recording,
/// and in live ones, held against the recorded ones that they came in place of.
fn altered(
    parent: &Timeline,
    fork: &Timeline,
    pairs: &BTreeMap<StepIndex, StepIndex>,
    texts: Texts,
) -> Vec<Change> {
    let known = fork.replay.as_ref();
    let known = known.map_or(&[][..], |replay| replay.drift.as_slice());
    let mut found = Vec::new();
    for (step, call) in fork.model_steps() {
        let number = match &call.served {
            Some(served) => Some(served.step),
            None => pairs.get(&step.number).copied(),
        };
        let recorded = number.and_then(|number| parent.step(number));
        let recorded = recorded.filter(|recorded| recorded.agent == step.agent);
        let Some(recorded) = recorded.and_then(|recorded| recorded.call()) else {
            continue;
        };
        let drift = match &call.served {
            Some(served) => served.drift.clone(),
            None => differing(recorded, call, known),
        };
        found.extend(changes(recorded, call, &step.agent, &drift, texts));
    }
    distinct(found)
}
