//! What the documentation promises about JSON holds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::testing::{HOSTILE, judged, report};
use super::*;
use crate::gate::{Shown, Verdict};
use crate::lineage::testing::{Talk, fork, research, session, timeline};
use crate::model::Rung;
use crate::price::PriceTable;

/// Collects the keys of all objects; those of arguments and counts are data.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                let is_data = matches!(
                    key.as_str(),
                    "arguments" | "counts" | "forks_ms" | "accepted_scores"
                );
                if !is_data {
                    keys(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns where the schema does not take a report.
fn misfits(report: &Value) -> Vec<String> {
    let schema = include_str!("../../schemas/rewind-report-1.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors = validator.iter_errors(report);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn the_schema_takes_every_report_and_knows_every_key() {
    let schema = include_str!("../../schemas/rewind-report-1.schema.json");
    for content in [Content::None, Content::Excerpt, Content::Full] {
        let mut report = report(content);
        report.shard = Some(crate::gate::Shard { index: 1, total: 2 });
        report.conditions.commit = Some("0123456789".to_owned());
        report.notes.push("a note".to_owned());
        report.forks[0].place = Some(Place {
            file: "b.toml".to_owned(),
            line: 3,
        });
        report.forks[0].tags = vec!["smoke".to_owned()];
        report.forks[0].evidence.samples[0].checks[0].score = Some(judged("said"));
        report.forks[1].evidence.accepted = crate::gate::Accepted::Incomparable("x".to_owned());
        let value: Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(misfits(&value), Vec::<String>::new());
        let mut found = BTreeSet::new();
        keys(&value, &mut found);
        let unknown: Vec<&String> = found
            .iter()
            .filter(|key| !schema.contains(&format!("\"{key}\"")))
            .collect();
        assert!(unknown.is_empty(), "the schema lacks {unknown:?}");
    }
    for verdict in Verdict::ALL {
        assert!(
            schema.contains(&format!("\"{}\"", verdict.row().name)),
            "{verdict}"
        );
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let good: Value = serde_json::from_str(&report(Content::None).to_json()).unwrap();
    let changes: [(&str, Value); 5] = [
        ("/verdict", json!("fine")),
        ("/exit", json!(2)),
        ("/format", json!("2.0")),
        ("/forks/0/decision/verdict", json!("ok")),
        (
            "/forks/0/evidence/samples/0/checks/0/outcome",
            json!("maybe"),
        ),
    ];
    for (pointer, wrong) in changes {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = wrong;
        assert!(!misfits(&bad).is_empty(), "{pointer}");
    }
}

/// Returns a run with one fork of this verdict, as if its facts had led to it.
fn run_with(verdict: Verdict) -> RunReport {
    let mut fork = report(Content::None).forks.pop().unwrap();
    fork.decision.verdict = verdict;
    fork.decision.why = "because".to_owned();
    RunReport::new(vec![fork], crate::gate::Policy::default(), Content::None)
}

#[test]
fn every_row_of_the_table_is_the_same_in_every_output() {
    for verdict in Verdict::ALL {
        let row = verdict.row();
        let run = run_with(verdict);
        let word = row.shown.as_str();
        let text = |format: Format| format.render(&run, &Traces::default()).unwrap();

        let (junit_element, annotation, exit) = match row.shown {
            Shown::Pass => (None, None, 0),
            Shown::Fail => (Some("failure"), Some("::error "), 1),
            Shown::Look => (Some("skipped"), Some("::notice "), 0),
            Shown::NotMeasured if verdict == Verdict::NeedsLive => {
                (Some("skipped"), Some("::warning "), 3)
            }
            Shown::NotMeasured => (Some("error"), Some("::warning "), 3),
        };
        assert_eq!(run.exit, exit, "{verdict}");

        let terminal = anstream::adapter::strip_str(&text(Format::Terminal)).to_string();
        let first = terminal.lines().next().unwrap();
        assert!(
            first.starts_with(word) && first.contains(&row.name.replace('_', " ")),
            "{first}"
        );
        assert!(
            terminal
                .lines()
                .last()
                .unwrap()
                .starts_with(&format!("{word}: 1 ")),
            "{terminal}"
        );

        let markdown = text(Format::Markdown);
        assert!(
            markdown.contains(&format!("## Rewind: {word} · 1 ")),
            "{markdown}"
        );
        assert!(
            markdown.contains(&format!("| {} |", row.name)),
            "{markdown}"
        );

        let junit = text(Format::Junit);
        for element in ["failure", "error", "skipped"] {
            let opening = format!("<{element} type=\"{}\"", row.name);
            assert_eq!(
                junit.contains(&opening),
                junit_element == Some(element),
                "{junit}"
            );
        }
        assert!(
            junit.contains(&format!("value=\"{}\"", row.name)),
            "{junit}"
        );

        let github = text(Format::Github);
        for command in ["::error ", "::warning ", "::notice "] {
            assert_eq!(
                github.contains(command),
                annotation == Some(command),
                "{github}"
            );
        }
        assert!(
            github.contains(row.meaning) || row.shown == Shown::Pass,
            "{github}"
        );

        let page = text(Format::Html);
        assert!(page.contains(&format!(">{word}</span>")), "{verdict}");
        let name = row.name.replace('_', " ");
        assert!(page.contains(&format!(">{name}</span></td>")), "{verdict}");

        let json: Value = serde_json::from_str(&text(Format::Json)).unwrap();
        assert_eq!(json["forks"][0]["decision"]["verdict"], row.name);
        assert_eq!(json["exit"], exit);
        assert_eq!(json["counts"][row.name], 1);
    }
}

#[test]
fn what_does_not_gate_turns_nothing_red() {
    for verdict in Verdict::ALL {
        let mut fork = run_with(verdict).forks.remove(0);
        fork.evidence.is_gating = false;
        let run = RunReport::new(vec![fork], crate::gate::Policy::default(), Content::None);
        assert_eq!((run.exit, run.verdict), (0, Shown::Pass), "{verdict}");
        let junit = Format::Junit.render(&run, &Traces::default()).unwrap();
        assert!(
            !junit.contains("<failure") && !junit.contains("<error"),
            "{junit}"
        );
        let github = Format::Github.render(&run, &Traces::default()).unwrap();
        assert!(!github.contains("::error "), "{github}");
    }
}

#[test]
fn under_none_no_output_holds_what_was_written_elsewhere() {
    const MARKER: &str = "MARKER-8f3a";
    let mut forks = report(Content::Full).forks;
    for fork in &mut forks {
        fork.agent_log = MARKER.to_owned();
        for sample in &mut fork.evidence.samples {
            if let Some(fault) = &mut sample.fault {
                fault.said = MARKER.to_owned();
            }
            for divergence in &mut sample.replay.divergences {
                divergence.recorded = MARKER.to_owned();
                divergence.found = MARKER.to_owned();
            }
            for check in &mut sample.checks {
                if let crate::check::Outcome::Failed { findings, .. } = &mut check.outcome {
                    for finding in findings {
                        finding.expected = MARKER.to_owned();
                        finding.found = MARKER.to_owned();
                    }
                }
            }
        }
    }
    let formats = [
        Format::Terminal,
        Format::Markdown,
        Format::Junit,
        Format::Json,
        Format::Html,
        Format::Github,
    ];
    for format in formats {
        let none = RunReport::new(forks.clone(), crate::gate::Policy::default(), Content::None);
        assert!(
            !format
                .render(&none, &Traces::default())
                .unwrap()
                .contains(MARKER),
            "{format:?}"
        );
        let full = RunReport::new(forks.clone(), crate::gate::Policy::default(), Content::Full);
        assert!(
            format
                .render(&full, &Traces::default())
                .unwrap()
                .contains(MARKER),
            "{format:?}"
        );
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
    for document in &documents {
        keys(document, &mut found);
    }
    found.extend(Verdict::ALL.map(|verdict| verdict.row().name.to_owned()));
    let text = include_str!("../../docs/json-output.md");
    let missing: Vec<&String> = found
        .iter()
        .filter(|key| !text.contains(&format!("`{key}`")))
        .collect();
    assert!(missing.is_empty(), "docs/json-output.md lacks {missing:?}");
    assert!(found.len() > 60);
}

#[test]
fn what_judges_quote_is_content() {
    let mut report = report(Content::Full);
    report.forks[0].evidence.samples[0].checks[0].score = Some(judged(HOSTILE));
    let before = report.to_json();
    assert!(before.contains("quotes"), "{before}");
    report.limit(Content::None);
    assert!(!report.to_json().contains("everyone"));
    assert!(report.to_json().contains("judge-1"));
}
