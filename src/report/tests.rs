//! What the documentation promises about JSON holds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::testing::report;
use super::*;
use crate::gate::Verdict;
use crate::lineage::testing::{Talk, fork, research, session, timeline};
use crate::model::Rung;
use crate::price::PriceTable;

/// Collects the keys of all objects; those of arguments and counts are data.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                let is_data = matches!(key.as_str(), "arguments" | "counts" | "forks_ms");
                if !is_data {
                    keys(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_key_is_documented() {
    let main = timeline("main", vec![research()]);
    let talk = Talk::new("a researcher", "population of Tokyo?")
        .served_from(1, Rung::Drift)
        .uses("web_search", json!({"q": "Tokyo"}), "14 million")
        .live()
        .fails(500, "overloaded");
    let mut fixed = fork("fixed", &main, "3", vec![talk]);
    fixed.outcome.exit = Some(1);
    let session = session("research", vec![main.clone(), fixed.clone()]);
    let prices = PriceTable::built_in();
    let documents = [
        serde_json::to_value(SessionReport::new(&session, None, &prices)).unwrap(),
        serde_json::to_value(DiffReport::new(session.id, &main, &fixed, &prices)).unwrap(),
        serde_json::from_str(&report(Content::Full).to_json()).unwrap(),
    ];
    let mut found = BTreeSet::new();
    documents
        .iter()
        .for_each(|document| keys(document, &mut found));
    found.extend(Verdict::ALL.map(|verdict| verdict.row().name.to_owned()));
    let text = include_str!("../../docs/json-output.md");
    let missing: Vec<&String> = found
        .iter()
        .filter(|key| !text.contains(&format!("`{key}`")))
        .collect();
    assert!(missing.is_empty(), "docs/json-output.md lacks {missing:?}");
    assert!(found.len() > 60);
}
