//! Copies of a timeline with one known regression each.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Regression;
use crate::model::{Step, StepKind, Timeline};

/// A copy with a regression.
pub(super) struct Mutant {
    pub(super) regression: Regression,
    /// What was done, in words.
    pub(super) what: String,
    pub(super) timeline: Timeline,
}

/// Returns the copies of a timeline that has something to lose; `foreign` is an answer to another question.
pub(super) fn mutants(reference: &Timeline, foreign: Option<&str>) -> Vec<Mutant> {
    let mut all = of_calls(reference);
    all.extend(of_answer(reference, foreign));
    all.extend(of_run(reference));
    all
}

/// A copy with nothing worse.
pub(super) struct Harmless {
    /// What is different, in words.
    pub(super) what: String,
    pub(super) timeline: Timeline,
}

/// Returns copies of a timeline that are as good as it.
pub(super) fn harmless(reference: &Timeline) -> Vec<Harmless> {
    let mut all = vec![Harmless {
        what: "unchanged".to_owned(),
        timeline: reference.clone(),
    }];
    if let Some(answer) = &reference.outcome.answer {
        let mut timeline = reference.clone();
        timeline.outcome.answer = Some(format!("\n{answer}\n"));
        all.push(Harmless {
            what: "white space around the answer".to_owned(),
            timeline,
        });
    }
    all
}

fn mutant(regression: Regression, what: impl Into<String>, timeline: Timeline) -> Mutant {
    Mutant {
        regression,
        what: what.into(),
        timeline,
    }
}

/// Returns the places of the tool steps among the steps, each with its name and number.
fn calls(timeline: &Timeline) -> Vec<(usize, String)> {
    let steps = timeline.steps.iter().enumerate();
    let tools = steps.filter_map(|(place, step)| {
        let tool = step.tool()?;
        Some((place, format!("{} (step {})", tool.name, step.number)))
    });
    tools.take(MOST_CALLS).collect()
}

fn of_calls(reference: &Timeline) -> Vec<Mutant> {
    let calls = calls(reference);
    let mut all = Vec::new();
    for (place, name) in &calls {
        let mut copy = reference.clone();
        copy.steps.remove(*place);
        all.push(mutant(
            Regression::DroppedCall,
            format!("{name} left out"),
            copy,
        ));
        let mut copy = reference.clone();
        if copy.steps.get_mut(*place).is_some_and(alter) {
            all.push(mutant(
                Regression::AlteredArgument,
                format!("an argument of {name} altered"),
                copy,
            ));
        }
    }
    for pair in calls.windows(2) {
        if let [(first, name), (second, other)] = pair
            && let Some(copy) = swapped(reference, *first, *second)
        {
            all.push(mutant(
                Regression::SwappedCalls,
                format!("{name} and {other} swapped"),
                copy,
            ));
        }
    }
    if let Some((place, name)) = calls.last() {
        let step = reference.steps.get(*place).cloned();
        if let Some(step) = &step {
            let mut copy = reference.clone();
            let again = std::iter::repeat_n(step.clone(), REPEATS);
            copy.steps.splice(*place..*place, again);
            all.push(mutant(
                Regression::Loop,
                format!("{name} called {REPEATS} times more"),
                copy,
            ));
        }
        if let Some(Step {
            kind: StepKind::Tool(tool),
            ..
        }) = &step
        {
            let mut copy = reference.clone();
            let mut forbidden = tool.clone();
            FORBIDDEN.clone_into(&mut forbidden.name);
            forbidden.arguments = json!({"path": "/"});
            if let Some(mut step) = step.clone() {
                step.kind = StepKind::Tool(forbidden);
                copy.steps.insert(*place, step);
                all.push(mutant(
                    Regression::ForbiddenCall,
                    format!("{FORBIDDEN} called"),
                    copy,
                ));
            }
        }
    }
    all
}

/// Returns a copy in which two tool steps have changed places; `None` where nobody could tell.
fn swapped(reference: &Timeline, first: usize, second: usize) -> Option<Timeline> {
    let mut copy = reference.clone();
    let (one, other) = (
        copy.steps.get(first)?.clone(),
        copy.steps.get(second)?.clone(),
    );
    let same =
        one.tool()?.name == other.tool()?.name && one.tool()?.arguments == other.tool()?.arguments;
    // Calls of one answer have no order of their own.
    let at_once =
        one.tool()?.called_by.is_some() && one.tool()?.called_by == other.tool()?.called_by;
    if same || at_once || are_workers(reference, &one, &other) {
        return None;
    }
    let (kind, earlier) = (other.kind.clone(), one.kind.clone());
    copy.steps.get_mut(first)?.kind = kind;
    copy.steps.get_mut(second)?.kind = earlier;
    Some(copy)
}

/// Returns whether two steps are of conversations of one agent that ran at the same time: which of the workers made
/// which call is a matter of names.
fn are_workers(reference: &Timeline, one: &Step, other: &Step) -> bool {
    let ends = |lane| {
        let numbers = reference.steps.iter().filter(move |step| step.lane == lane);
        let numbers = numbers.map(|step| step.number);
        Some((numbers.clone().min()?, numbers.max()?))
    };
    let is_at_once = || {
        let ((begins, ends), (other_begins, other_ends)) = (ends(one.lane)?, ends(other.lane)?);
        Some(begins < other_ends && other_begins < ends)
    };
    one.lane != other.lane && one.agent == other.agent && is_at_once().unwrap_or_default()
}

/// Makes the first argument another one; returns whether there was one.
fn alter(step: &mut Step) -> bool {
    let StepKind::Tool(tool) = &mut step.kind else {
        return false;
    };
    alter_value(&mut tool.arguments)
}

fn alter_value(value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            text.insert_str(0, "altered ");
            true
        }
        Value::Number(number) => {
            let other = number.as_f64().unwrap_or_default() * 2.0 + 7.0;
            *value = json!(other);
            true
        }
        Value::Bool(is) => {
            *is = !*is;
            true
        }
        Value::Null => false,
        Value::Array(items) => items.iter_mut().any(alter_value),
        Value::Object(fields) => fields.values_mut().any(alter_value),
    }
}

fn of_answer(reference: &Timeline, foreign: Option<&str>) -> Vec<Mutant> {
    let Some(answer) = reference
        .outcome
        .answer
        .clone()
        .filter(|text| !text.trim().is_empty())
    else {
        return Vec::new();
    };
    let with = |regression, what: &str, text: Option<String>| {
        let mut copy = reference.clone();
        copy.outcome.answer = text;
        mutant(regression, what, copy)
    };
    let half: String = answer.chars().take(answer.chars().count() / 2).collect();
    let mut all = vec![
        with(Regression::NoAnswer, "the answer left out", None),
        with(
            Regression::TruncatedAnswer,
            "half of the answer left out",
            Some(half),
        ),
        with(
            Regression::NegatedAnswer,
            "the answer negated",
            Some(format!("It is not true that {answer}")),
        ),
    ];
    if let Some(foreign) = foreign.filter(|foreign| *foreign != answer) {
        let what = "the answer of another baseline";
        all.push(with(
            Regression::ForeignAnswer,
            what,
            Some(foreign.to_owned()),
        ));
    }
    all
}

fn of_run(reference: &Timeline) -> Vec<Mutant> {
    let mut crashed = reference.clone();
    crashed.outcome.exit = Some(1);
    let mut all = vec![mutant(Regression::Crash, "ended with status 1", crashed)];
    let mut dear = reference.clone();
    let mut spends = false;
    for step in &mut dear.steps {
        let StepKind::Model(call) = &mut step.kind else {
            continue;
        };
        if let Some(usage) = &mut Arc::make_mut(call).response.usage {
            usage.input = usage.input.saturating_mul(3);
            usage.output = usage.output.saturating_mul(3);
            spends = spends || usage.total() > 0;
        }
    }
    if spends {
        all.push(mutant(
            Regression::Overspending,
            "three times the tokens used",
            dear,
        ));
    }
    all
}

/// The most calls of one baseline that are left out or altered.
const MOST_CALLS: usize = 20;
/// How often a call is made again.
const REPEATS: usize = 5;
/// A tool that no agent should call unasked.
const FORBIDDEN: &str = "delete_all_files";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::testing::{Talk, research, timeline};

    #[test]
    fn every_copy_differs_from_the_reference() {
        let reference = timeline("main", vec![research()]);
        let all = mutants(&reference, Some("another answer"));
        assert!(all.len() >= 8, "{}", all.len());
        for one in &all {
            assert_ne!(one.timeline, reference, "{}", one.what);
        }
        let mut mute = reference;
        mute.steps.clear();
        mute.outcome.answer = None;
        let left: Vec<Regression> = mutants(&mute, None)
            .iter()
            .map(|one| one.regression)
            .collect();
        assert_eq!(left, [Regression::Crash]);
    }

    #[test]
    fn calls_of_parallel_workers_have_no_order() {
        let worker = |agent: &str, question: &str, clock: u64| {
            let talk = Talk::new(agent, question).at(clock);
            let talk = talk.uses("search", json!({"q": question}), "found");
            talk.says("done")
        };
        let swaps = |second: &str, clock: u64| {
            let talks = vec![worker("a worker", "one", 0), worker(second, "two", clock)];
            let all = mutants(&timeline("main", talks), None);
            let swaps = all.iter();
            let swaps = swaps.filter(|one| one.regression == Regression::SwappedCalls);
            swaps.count()
        };
        assert_eq!(swaps("a worker", 10), 0);
        assert_eq!(swaps("a worker", 10_000_000), 1, "one after the other");
        assert_eq!(swaps("a clerk", 10), 1, "another agent's call");
    }
}
