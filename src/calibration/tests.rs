//! Figures that can be computed by hand, and records that are none.

use camino::Utf8Path;
use serde_json::{Value, json};

use super::*;
use crate::model::ContentId;
use crate::stats::Random;

fn rated(label: bool, scores: &[f64]) -> Rated {
    Rated {
        label,
        group: None,
        scores: scores.iter().copied().map(Some).collect(),
    }
}

/// Ten good and ten bad answers: the judge fails two of the good and passes one of the bad.
fn twenty() -> Vec<Rated> {
    let good = (0..10).map(|at| rated(true, &[if at < 2 { 0.2 } else { 0.9 }]));
    let bad = (0..10).map(|at| rated(false, &[if at < 1 { 0.6 } else { 0.1 }]));
    good.chain(bad).collect()
}

fn near(found: Option<Estimate>, value: f64, low: f64, high: f64) {
    let found = found.unwrap();
    for (found, expected) in [(found.value, value), (found.low, low), (found.high, high)] {
        assert!((found - expected).abs() < 5e-4, "{found} is not {expected}");
    }
}

#[test]
fn the_figures_are_those_of_the_table() {
    let figures = Figures::new(&twenty(), 0.5);
    let expected = Confusion {
        true_pass: 8,
        false_fail: 2,
        false_pass: 1,
        true_fail: 9,
    };
    assert_eq!(figures.confusion, expected);
    // 17 of 20, 8 of 10 and 9 of 10, by Wilson; kappa = (0.85 - 0.5) / 0.5.
    near(figures.agreement, 0.85, 0.6396, 0.9476);
    near(figures.true_positive_rate, 0.8, 0.4902, 0.9433);
    near(figures.true_negative_rate, 0.9, 0.5958, 0.9821);
    near(figures.kappa, 0.7, 0.3886, 1.0);
    let all_one = Figures::new(&[rated(true, &[1.0])], 0.5);
    assert_eq!((all_one.kappa, all_one.true_negative_rate), (None, None));
    assert_eq!(Figures::new(&[], 0.5).agreement, None);
}

#[test]
fn what_was_not_measured_counts_neither_way() {
    let mut items = twenty();
    items.push(Rated {
        label: false,
        group: None,
        scores: vec![None, Some(1.0)],
    });
    assert_eq!(Figures::new(&items, 0.5), Figures::new(&twenty(), 0.5));
    assert_eq!(counts(&items), counts(&twenty()));
}

#[test]
fn items_of_one_group_say_less_than_items_of_their_own() {
    let alone = Figures::new(&twenty(), 0.5);
    let mut grouped = twenty();
    for (at, item) in grouped.iter_mut().enumerate() {
        item.group = Some(format!("s{}", at / 5));
    }
    let grouped = Figures::new(&grouped, 0.5);
    let width = |estimate: Option<Estimate>| estimate.map(|found| found.high - found.low).unwrap();
    assert_eq!(grouped.confusion, alone.confusion);
    for of in [
        |figures: &Figures| figures.kappa,
        |figures: &Figures| figures.agreement,
        |figures: &Figures| figures.true_positive_rate,
    ] {
        assert!(
            width(of(&grouped)) > width(of(&alone)),
            "{grouped:?} {alone:?}"
        );
        assert!((of(&grouped).unwrap().value - of(&alone).unwrap().value).abs() < 1e-12);
    }
}

#[test]
fn intervals_of_groups_hold_the_truth_about_as_often_as_they_say() {
    let mut random = Random::seeded(5);
    // The judge is right on 0.7 or on all of a group, and people pass 0.2 or 0.8 of it: kappa is (0.85 - 0.5) / 0.5.
    let mut set = || {
        let mut items = Vec::new();
        for group in 0..30 {
            let right = if random.share() < 0.5 { 0.7 } else { 1.0 };
            let good = if random.share() < 0.5 { 0.2 } else { 0.8 };
            for _item in 0..5 {
                let label = random.share() < good;
                let is_right = random.share() < right;
                let score = f64::from(u8::from(label == is_right));
                let group = Some(format!("g{group}"));
                items.push(Rated {
                    group,
                    ..rated(label, &[score])
                });
            }
        }
        items
    };
    let holds = |found: Option<Estimate>, truth: f64| {
        u32::from(found.is_some_and(|found| (found.low..=found.high).contains(&truth)))
    };
    let [mut kappa, mut agreement, mut alone] = [0; 3];
    for _set in 0..1000 {
        let mut items = set();
        let figures = Figures::new(&items, 0.5);
        kappa += holds(figures.kappa, 0.7);
        agreement += holds(figures.agreement, 0.85);
        for item in &mut items {
            item.group = None;
        }
        alone += holds(Figures::new(&items, 0.5).agreement, 0.85);
    }
    assert!((915..=975).contains(&kappa), "{kappa}");
    assert!((925..=975).contains(&agreement), "{agreement}");
    assert!(alone < 915, "{alone}");
}

#[test]
fn every_threshold_has_its_table() {
    let counts = counts(&twenty());
    let rows: Vec<(f64, u32, u32)> = counts.iter().map(|c| (c.score, c.pass, c.fail)).collect();
    assert_eq!(rows, [(0.1, 0, 9), (0.2, 2, 0), (0.6, 0, 1), (0.9, 8, 0)]);
    assert_eq!(
        table_at(&counts, 0.5),
        Figures::new(&twenty(), 0.5).confusion
    );
    let strict = table_at(&counts, 0.7);
    assert_eq!(
        (strict.false_pass, strict.true_fail, strict.true_pass),
        (0, 10, 8)
    );
    assert_eq!(table_at(&counts, 0.2).false_fail, 0);
    assert_eq!(table_at(&counts, 0.95).true_pass, 0);
}

#[test]
fn flips_are_counted_by_items_and_by_pairs_of_askings() {
    let items = [
        rated(true, &[1.0, 1.0, 1.0]),
        rated(true, &[1.0, 0.0, 1.0]),
        rated(false, &[0.0, 0.0]),
        rated(false, &[0.4]),
    ];
    let found = flips(&items, 0.5).unwrap();
    // One of three items; of its three pairs two differ.
    assert_eq!((found.items, found.flipped), (3, 1));
    assert!((found.rate - 2.0 / 9.0).abs() < 1e-12);
    assert_eq!(flips(&items[3..], 0.5), None);
}

fn asked() -> Asked {
    Asked {
        model: "gpt-4o-mini".to_owned(),
        temperature: Some(0.0),
        rules: None,
        prompt: ContentId::of(b"prompt"),
        votes: 1,
    }
}

fn record() -> Record {
    let items = twenty();
    Record {
        format: Record::FORMAT.to_owned(),
        evaluator: "correctness".to_owned(),
        asked: asked(),
        threshold: 0.5,
        items: Items {
            pass: 10,
            fail: 10,
            groups: 20,
            ..Items::default()
        },
        figures: Figures::new(&items, 0.5),
        repeats: 2,
        flips: flips(&[rated(true, &[1.0, 0.0])], 0.5),
        scores: counts(&items),
        provenance: Origin {
            when: "2026-11-30T12:00:00Z".to_owned(),
            commit: Some("git:abc".to_owned()),
            labels: "labels.jsonl".to_owned(),
            labels_hash: ContentId::of(b"labels"),
        },
    }
}

const PATH: &str = "judges/correctness.json";

fn reread(change: impl Fn(&mut Value)) -> Result<Record, String> {
    let mut value = serde_json::to_value(record()).unwrap();
    change(&mut value);
    Record::parse(Utf8Path::new(PATH), &value.to_string()).map_err(|error| error.to_string())
}

#[test]
fn a_record_reads_back_as_written_and_fits_the_published_schema() {
    assert_eq!(reread(|_value| ()).unwrap(), record());
    let schema = include_str!("../../schemas/judge-record-1.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut sparse = record();
    (sparse.flips, sparse.asked.temperature) = (None, None);
    sparse.asked.rules = Some(ContentId::of(b"rules"));
    sparse.provenance.commit = None;
    sparse.figures = Figures::new(&[], 0.5);
    for record in [record(), sparse] {
        let value = serde_json::to_value(record).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let mut unknown = value;
        unknown["figures"]["extra"] = json!(1);
        assert!(!validator.is_valid(&unknown));
    }
}

#[test]
fn a_record_that_was_tampered_with_or_is_newer_is_refused() {
    let text = |change: &dyn Fn(&mut Value)| reread(change).unwrap_err();
    let higher = text(&|value| value["figures"]["kappa"]["value"] = json!(0.99));
    assert!(higher.contains("don't follow from its scores"), "{higher}");
    let fewer = text(&|value| value["scores"][0]["fail"] = json!(1));
    assert!(fewer.contains("don't follow"), "{fewer}");
    let newer = text(&|value| value["format"] = json!("2.0"));
    assert!(newer.contains("use a newer one"), "{newer}");
    for broken in [
        "",
        "{}",
        "[1]",
        "{\"format\": \"x\"}",
        "{\"format\": \"1.0\"}",
    ] {
        let error = Record::parse(Utf8Path::new(PATH), broken).unwrap_err();
        assert!(
            error.to_string().contains("rewind eval calibrate"),
            "{error}"
        );
    }
}

#[test]
fn a_record_counts_for_the_judge_that_was_asked_and_for_no_other() {
    let record = record();
    let check = |asked: &Asked, min: f64, min_kappa: f64| {
        let allowed = record.allows("correctness", asked, min, min_kappa);
        allowed.map_err(|unfit| unfit.to_string())
    };
    assert_eq!(check(&asked(), 0.5, 0.7), Ok(()));
    let below = check(&asked(), 0.5, 0.71).unwrap_err();
    assert!(below.contains("kappa is 0.70"), "{below}");
    // By the threshold of the check: at 0.7 the judge errs twice only.
    assert_eq!(check(&asked(), 0.7, 0.8), Ok(()));
    assert!(
        check(&asked(), 0.95, 0.1)
            .unwrap_err()
            .contains("kappa is 0.00")
    );
    let (model, prompt, rules) = (
        "other".to_owned(),
        ContentId::of(b"new"),
        Some(ContentId::of(b"r")),
    );
    for (what, now) in [
        ("judge, gpt-4o-mini", Asked { model, ..asked() }),
        ("prompt", Asked { prompt, ..asked() }),
        (
            "temperature",
            Asked {
                temperature: None,
                ..asked()
            },
        ),
        (
            "votes",
            Asked {
                votes: 3,
                ..asked()
            },
        ),
        ("kind of judge", Asked { rules, ..asked() }),
    ] {
        let stale = check(&now, 0.5, 0.1).unwrap_err();
        assert!(
            stale.contains(what) && stale.contains("calibrate anew"),
            "{stale}"
        );
    }
    let other = record.allows("safety", &asked(), 0.5, 0.1).unwrap_err();
    assert!(other.to_string().contains("evaluator"));
}

#[test]
fn a_name_that_is_a_path_has_no_record() {
    let root = Utf8Path::new("/r");
    assert_eq!(
        Record::path(root, "tone_2").unwrap(),
        "/r/judges/tone_2.json"
    );
    for name in ["", "../x", "a/b", "a.b"] {
        assert_eq!(Record::path(root, name), None, "{name}");
    }
}

fn labels(text: &str) -> Result<Vec<Item>, String> {
    read(Utf8Path::new("labels.jsonl"), text).map_err(|error| error.to_string())
}

#[test]
fn items_are_read_as_they_are_written() {
    let text = r#"{"question":"q","answer":"a","label":"pass","expected":"e","group":"s","id":"one"}

{"answer":"b","label":0.4,"tools":[{"name":"t","arguments":{"b":1,"a":2},"result":{"x":[1]}},{"name":"u","result":"plain"}]}
{"answer":"c","labels":{"ann":"pass","ben":"fail","cid":0.5,"dan":null}}
{"answer":"d","labels":{"ann":"pass","ben":"fail"}}
{"answer":"e","labels":{"ann":"pass"},"label":"fail"}
"#;
    let items = labels(text).unwrap();
    let found: Vec<_> = items.iter().map(|item| (item.line, item.label)).collect();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(found, [(1, yes), (3, no), (4, yes), (5, None), (6, no)]);
    assert_eq!(items[0].subject.expected.as_deref(), Some("e"));
    assert_eq!(
        (items[0].group.as_deref(), items[0].id.as_deref()),
        (Some("s"), Some("one"))
    );
    let tools = &items[1].subject.tools;
    assert_eq!(
        (tools[0].arguments.as_str(), tools[0].result.as_str()),
        (r#"{"a":2,"b":1}"#, r#"{"x":[1]}"#)
    );
    assert_eq!(
        (tools[1].arguments.as_str(), tools[1].result.as_str()),
        ("{}", "plain")
    );
    assert_eq!(items[2].labels.len(), 3);
}

#[test]
fn a_line_that_is_no_item_is_named() {
    let fine = r#"{"answer":"a","label":"pass"}"#;
    for (line, why) in [
        (r#"{"answer":"b","lable":"pass"}"#, "unknown field `lable`"),
        (r#"{"answer":"b"}"#, "no `label`"),
        (r#"{"answer":"b","labels":{"ann":null}}"#, "no `label`"),
        (r#"{"label":"pass"}"#, "missing field `answer`"),
        (
            r#"{"answer":"b","label":"good"}"#,
            "\"pass\", \"fail\", or a score from 0 to 1",
        ),
        (r#"{"answer":"b","label":1.5}"#, "a score from 0 to 1"),
        (r#"{"answer":"b","label":true}"#, "a score from 0 to 1"),
        (
            r#"{"answer":"b","label":"pass","label":"fail"}"#,
            "duplicate field",
        ),
        (
            r#"{"answer":"b","labels":{"ann":"pass","ann":"fail"}}"#,
            "two labels",
        ),
        (r#"{"answer":"b","labels":["pass"]}"#, "an object of people"),
        (
            r#"{"answer":"b","label":"pass","tools":[{"name":"t"}]}"#,
            "missing field `result`",
        ),
        (r#"{"answer":"b","label":"#, "column"),
        ("[1]", "one JSON object"),
        (fine, "the item of line 1 again"),
    ] {
        let shown = labels(&format!("{fine}\n{line}\n")).unwrap_err();
        assert!(
            shown.starts_with("labels.jsonl:2: ") && shown.contains(why),
            "{line}: {shown}"
        );
        assert!(!shown.contains("at line 1"), "{shown}");
    }
    assert!(labels("\n \n").unwrap_err().contains("holds no item"));
}

#[test]
fn people_are_compared_with_each_other() {
    let text = r#"{"answer":"1","labels":{"ann":"pass","ben":"pass"}}
{"answer":"2","labels":{"ann":"pass","ben":"fail"}}
{"answer":"3","labels":{"ann":"fail","ben":"fail"}}
{"answer":"4","labels":{"ann":"fail","ben":"fail","cid":"fail"}}
{"answer":"5","labels":{"ann":"pass"}}
{"answer":"6","label":"pass"}
"#;
    let found = people(&labels(text).unwrap()).unwrap();
    assert_eq!(
        (found.items, found.names.len(), found.pairs.len()),
        (4, 3, 3)
    );
    let pair = &found.pairs[0];
    assert_eq!(
        (pair.first.as_str(), pair.second.as_str(), pair.items),
        ("ann", "ben", 4)
    );
    // 3 of 4 agree, and chance would 0.5 * 0.25 + 0.5 * 0.75.
    assert!((pair.agreement - 0.75).abs() < 1e-12 && (pair.kappa.unwrap() - 0.5).abs() < 1e-12);
    assert_eq!(found.pairs[1].kappa, None);
    assert!(found.alpha.unwrap() > 0.4);
    assert_eq!(
        people(&labels("{\"answer\":\"6\",\"label\":\"pass\"}").unwrap()),
        None
    );
}
