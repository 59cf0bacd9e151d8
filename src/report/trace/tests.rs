//! Tests of traces.

use serde_json::json;

use super::*;
use crate::lineage::testing::{Talk, fork, research, timeline};
use crate::model::Drift;
use crate::price::PriceTable;

fn trace(texts: Texts) -> Trace {
    let main = timeline("main", vec![research()]);
    let talk = Talk::new("a researcher", "population of Tokyo?")
        .served_from(1, Rung::Exact)
        .uses(
            "web_search",
            json!({"q": "Tokyo population", "max": 5}),
            "14 million",
        )
        .live()
        .says("Tokyo has 37 million people.");
    let fixed = fork("fixed", &main, "3", vec![talk]);
    Trace::of_fork(&main, &fixed, texts, &PriceTable::built_in())
}

#[test]
fn the_fork_and_the_first_difference_are_found() {
    let trace = trace(Texts::Whole);
    assert_eq!((trace.fork_row, trace.first_row), (Some(2), Some(2)));
    let came: Vec<Came> = trace
        .rows
        .iter()
        .filter_map(|row| Some(row.right.as_ref()?.came))
        .collect();
    assert_eq!(came, [Came::Served, Came::Ran, Came::Live]);
    assert!(trace.has_other_answer && trace.answer.is_some());
    let served = trace.rows[0].right.as_ref().unwrap();
    assert_eq!(served.took_us, trace.rows[0].left.as_ref().unwrap().took_us);
}

#[test]
fn the_row_of_the_final_answer_is_known_without_its_text() {
    for texts in [Texts::None, Texts::Whole] {
        let trace = trace(texts);
        let row = trace.answer_row.and_then(|row| trace.rows.get(row));
        assert_eq!(row.unwrap().right.as_ref().unwrap().number.0, 3);
    }
}

#[test]
fn what_a_live_call_is_asked_with_is_held_against_the_recorded_one() {
    let main = timeline("main", vec![research()]);
    let talk = Talk::new("a careful researcher", "population of Tokyo?")
        .uses(
            "web_search",
            json!({"q": "Tokyo population", "max": 5}),
            "14 million",
        )
        .live()
        .says("Tokyo has 14 million people.");
    let mut fixed = fork("fixed", &main, "start", vec![talk]);
    fixed.replay = Some(crate::model::ReplayReport {
        drift: vec![Drift::SystemPrompt, Drift::Model],
        ..Default::default()
    });
    let agent = main.steps[0].agent.clone();
    for step in &mut fixed.steps {
        step.agent.clone_from(&agent);
    }
    let trace = Trace::of_fork(&main, &fixed, Texts::Whole, &PriceTable::built_in());
    let what: Vec<&str> = trace
        .changes
        .iter()
        .map(|change| change.what.as_str())
        .collect();
    assert_eq!(what, ["system prompt"]);
    assert!(trace.changes[0].diff.is_some());
}

#[test]
fn each_step_says_what_the_model_had_not_seen() {
    let trace = trace(Texts::Whole);
    let new: Vec<usize> = trace
        .rows
        .iter()
        .filter_map(|row| row.left.as_ref())
        .filter(|step| !step.is_tool)
        .map(|step| trace.new_messages(step).len())
        .collect();
    assert_eq!(new, [1, 1, 1]);
    // The question, two results, and the answers that asked for them, each once, and the prompt.
    assert!(trace.messages.len() <= 9, "{}", trace.messages.len());
}

#[test]
fn without_texts_nothing_of_them_is_there() {
    let json = serde_json::to_string(&trace(Texts::None)).unwrap();
    for said in ["Tokyo", "million", "area"] {
        assert!(!json.contains(said), "{said} in {json}");
    }
    let excerpt = serde_json::to_string(&trace(Texts::Excerpt)).unwrap();
    assert!(excerpt.contains("37 million"), "{excerpt}");
    assert!(!excerpt.contains("population of Tokyo?"), "{excerpt}");
}

#[test]
fn a_trace_reads_back_as_written() {
    let trace = trace(Texts::Full);
    let forks = [("tokyo@3".to_owned(), trace)].into_iter().collect();
    let traces = Traces { forks };
    assert_eq!(Traces::parse(&traces.to_json()).unwrap(), traces);
}
