//! Puts tool results that came back in another order into the order of their calls.

use crate::model::{Answers, CallRef, Message, Part, Pooled, Thread};

/// Returns the conversation with every run of tool results in the order of their calls.
///
/// Parallel tools report in the order in which they finish; the model reads the same.
pub(super) fn in_call_order(thread: &Thread) -> Thread {
    let mut nodes: Vec<&Thread> = thread.ancestors().collect();
    nodes.reverse();
    let mut ordered = Thread::empty();
    let mut run: Vec<&Thread> = Vec::new();
    for node in nodes {
        if is_results_only(node) {
            run.push(node);
            continue;
        }
        ordered = push_run(ordered, &run);
        run.clear();
        ordered = push_same(&ordered, node);
    }
    push_run(ordered, &run)
}

fn is_results_only(node: &Thread) -> bool {
    node.last().is_some_and(|message| {
        !message.parts.is_empty() && message.tool_result_count() == message.parts.len()
    })
}

fn push_same(thread: &Thread, node: &Thread) -> Thread {
    match node.last() {
        Some(message) => thread.push(message.clone(), node.last_answers().to_vec()),
        None => thread.clone(),
    }
}

/// Adds a run of messages that hold nothing but tool results, its results sorted.
fn push_run(thread: Thread, run: &[&Thread]) -> Thread {
    if run.iter().all(|node| node.last_answers().is_empty()) {
        return run
            .iter()
            .fold(thread, |thread, node| push_same(&thread, node));
    }
    let mut usual = 0_u32;
    let mut results: Vec<(Option<CallRef>, Part)> = Vec::new();
    for node in run {
        let Some(message) = node.last() else { continue };
        for (nth, part) in message.parts.iter().enumerate() {
            let answers = node.last_answers();
            let reference = if answers.is_empty() {
                Some(CallRef {
                    turns_back: 0,
                    index: usual,
                })
            } else {
                answers.get(nth).copied().flatten()
            };
            usual = usual.saturating_add(1);
            results.push((reference, part.clone()));
        }
    }
    results.sort_by_key(|(reference, _part)| {
        reference.map_or((1, 0, 0), |call| {
            (0, u32::MAX - call.turns_back, call.index)
        })
    });
    let is_usual = (0_u32..).zip(&results).all(|(index, (reference, _part))| {
        *reference
            == Some(CallRef {
                turns_back: 0,
                index,
            })
    });
    refill(thread, run, results, is_usual)
}

/// Gives the sorted results to the messages of the run, as many to each as it had.
fn refill(
    thread: Thread,
    run: &[&Thread],
    results: Vec<(Option<CallRef>, Part)>,
    is_usual: bool,
) -> Thread {
    let mut results = results.into_iter();
    run.iter()
        .filter_map(|node| node.last())
        .fold(thread, |thread, message| {
            let (references, parts): (Answers, Vec<Part>) =
                results.by_ref().take(message.parts.len()).unzip();
            let sorted = Message {
                parts,
                ..message.value().clone()
            };
            thread.push(
                Pooled::new(sorted),
                if is_usual { Vec::new() } else { references },
            )
        })
}
