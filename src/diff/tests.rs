//! Alignments of hand-made timelines.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::lineage::testing::{Talk, research, timeline};
use crate::model::{StepIndex, Timeline};

fn outline(alignment: &Alignment) -> Vec<String> {
    alignment
        .steps
        .iter()
        .map(|pair| match pair {
            Pair::Same { left, right } => format!("{left} = {right}"),
            Pair::Changed { left, right, .. } => format!("{left} ~ {right}"),
            Pair::Removed { left } => format!("{left} -"),
            Pair::Added { right } => format!("- {right}"),
        })
        .collect()
}

#[test]
fn an_inserted_step_does_not_make_later_ones_differ() {
    let left = timeline("main", vec![research()]);
    let right = Talk::new("a researcher", "population of Tokyo?")
        .uses(
            "web_search",
            json!({"q": "Tokyo population", "max": 5}),
            "14 million",
        )
        .uses("calculator", json!({"sum": "1+1"}), "2")
        .uses(
            "web_search",
            json!({"q": "Tokyo area", "max": 5}),
            "2194 km2",
        )
        .says("Tokyo has 14 million people.");
    let alignment = align(&left, &timeline("new", vec![right]));
    assert_eq!(
        outline(&alignment),
        ["1 = 1", "2 = 2", "- 3", "- 4", "3 = 5", "4 = 6", "5 = 7"]
    );
    assert!(!alignment.is_same_trajectory());
}

#[test]
fn changed_arguments_are_named_field_by_field() {
    let left = timeline("main", vec![research()]);
    let right = Talk::new("a researcher", "population of Tokyo?")
        .uses(
            "web_search",
            json!({"q": "Tokyo population", "max": 5}),
            "14 million",
        )
        .uses(
            "web_search",
            json!({"q": "Tokyo size", "max": 5}),
            "2194 km2",
        )
        .says("Tokyo has 37 million people.");
    let alignment = align(&left, &timeline("new", vec![right]));
    assert_eq!(
        outline(&alignment),
        ["1 = 1", "2 = 2", "3 ~ 3", "4 ~ 4", "5 ~ 5"]
    );
    let Pair::Changed { diff, .. } = &alignment.steps[3] else {
        panic!()
    };
    assert_eq!(
        diff.fields,
        [FieldChange {
            pointer: "/q".into(),
            left: Some(json!("Tokyo area")),
            right: Some(json!("Tokyo size")),
        }]
    );
    assert!(diff.text.is_none());
    assert!(alignment.answer.is_some());
}

#[test]
fn other_words_alone_are_the_same_trajectory() {
    let left = timeline("main", vec![research()]);
    let mut talk = research();
    talk.calls.pop();
    let right = timeline(
        "new",
        vec![talk.says("About 14 million people live in Tokyo.")],
    );
    let alignment = align(&left, &right);
    assert!(!alignment.is_equal());
    assert!(alignment.is_same_trajectory());
}

#[test]
fn ids_headers_and_times_do_not_count() {
    let left = timeline("main", vec![research()]);
    let mut later = Talk::new("a researcher", "population of Tokyo?").at(77_000_000);
    later = later
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
        .says("Tokyo has 14 million people.");
    let right = timeline("new", vec![later]);
    let id = |t: &Timeline| t.steps[0].call().unwrap().response.id.clone();
    assert_ne!(id(&left), id(&right));
    assert!(align(&left, &right).is_equal());
}

#[test]
fn parallel_conversations_are_paired_whatever_their_order() {
    let worker = |name: &str, at| {
        Talk::new("a worker", &format!("task {name}"))
            .at(at)
            .uses("search", json!({"q": name}), name)
            .says(&format!("{name} is done"))
    };
    let left = timeline("main", vec![worker("rome", 0), worker("oslo", 10)]);
    let right = timeline("new", vec![worker("oslo", 0), worker("rome", 10)]);
    let alignment = align(&left, &right);
    assert!(
        alignment
            .steps
            .iter()
            .all(|pair| matches!(pair, Pair::Same { .. }))
    );
    let changed = Talk::new("a worker", "task oslo").at(10).says("no idea");
    let alignment = align(&left, &timeline("new", vec![changed, worker("rome", 0)]));
    let rome: Vec<_> = alignment
        .steps
        .iter()
        .filter(|pair| matches!(pair, Pair::Same { .. }))
        .filter_map(Pair::left)
        .collect();
    assert_eq!(rome.len(), 3);
    assert!(
        alignment
            .steps
            .iter()
            .any(|pair| pair.left() == Some(StepIndex(2)))
    );
}

fn any_timeline() -> impl Strategy<Value = Timeline> {
    let turn = (0..3_u8, 0..3_u8);
    let talk = (
        0..2_u8,
        0..3_u8,
        prop::collection::vec(turn, 0..5),
        0..3_u64,
    );
    prop::collection::vec(talk, 0..4).prop_map(|talks| {
        let talks = talks
            .into_iter()
            .map(|(agent, question, turns, at)| {
                let begun = Talk::new(&format!("agent{agent}"), &format!("q{question}"));
                turns
                    .iter()
                    .fold(begun.at(at * 500_000), |talk, (kind, value)| match kind {
                        0 => talk.says(&format!("text {value}")),
                        1 => talk.uses("search", json!({"q": value}), "found"),
                        _ => talk.fails(500, "overloaded"),
                    })
            })
            .collect();
        timeline("main", talks)
    })
}

proptest! {
    #[test]
    fn a_timeline_is_equal_to_itself(timeline in any_timeline()) {
        let alignment = align(&timeline, &timeline);
        prop_assert!(alignment.is_equal());
        let straight = alignment.steps.iter().all(|pair| pair.left() == pair.right());
        prop_assert!(straight);
    }

    #[test]
    fn every_step_stands_in_an_alignment_exactly_once(
        left in any_timeline(), right in any_timeline(),
    ) {
        let alignment = align(&left, &right);
        let mut lefts: Vec<u32> = alignment.steps.iter().filter_map(|p| Some(p.left()?.0)).collect();
        prop_assert!(lefts.is_sorted());
        lefts.dedup();
        prop_assert_eq!(lefts.len(), left.steps.len());
        let mut rights: Vec<u32> =
            alignment.steps.iter().filter_map(|p| Some(p.right()?.0)).collect();
        rights.sort_unstable();
        rights.dedup();
        prop_assert_eq!(rights.len(), right.steps.len());
        for pair in &alignment.steps {
            if let Pair::Changed { diff, .. } = pair {
                prop_assert!(**diff != StepDiff::default());
            }
        }
    }
}
