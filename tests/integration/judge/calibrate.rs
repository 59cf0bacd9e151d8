//! `rewind eval calibrate`: judges that are wrong in a known way, so that each number can be checked by hand.

use std::fs;

use serde_json::{Value, json};

use crate::support::App;

/// A rule that answers what holds `word` with a score, and quotes the word.
fn rule(word: &str, score: f64, times: &str) -> String {
    let pass = score >= 0.5;
    format!(
        "[[rule]]\nwhen = {{ last_user = \"{word}\" }}\nreply = {{ text = '{{\"verdicts\":[{{\"statement\":\"correctness\",\
         \"evidence\":[\"{word}\"],\"reasoning\":\"It is {word}.\",\"score\":{score},\"pass\":{pass}}}]}}'{times} }}\n"
    )
}

/// A judge that knows its canaries and gives each kind of answer a score of its own; answers that are `broken` get none.
fn judge() -> String {
    let rules = [
        // Paris is the right answer of both canaries.
        rule("Bananas", 0.0, ""),
        rule("Paris", 1.0, ""),
        rule("certain", 0.9, ""),
        rule("mumbled", 0.2, ""),
        rule("guessed", 0.1, ""),
        rule("boasted", 0.6, ""),
    ];
    rules.concat() + "[[rule]]\nreply = { text = 'Nine of ten, I would say.' }\n"
}

/// Ten answers that people pass, of which the judge fails two; ten that they fail, of which it passes one.
fn labels() -> Vec<Value> {
    let kinds = [
        ("certain", "pass", 8),
        ("mumbled", "pass", 2),
        ("guessed", "fail", 9),
        ("boasted", "fail", 1),
    ];
    let mut items = Vec::new();
    for (kind, label, count) in kinds {
        for number in 1..=count {
            let answer = format!("Answer {number} is {kind}.");
            items.push(json!({"question": "What is it?", "answer": answer, "label": label}));
        }
    }
    items
}

fn write(app: &App, items: &[Value]) {
    let lines: Vec<String> = items.iter().map(Value::to_string).collect();
    app.write("labels.jsonl", &(lines.join("\n") + "\n"));
}

/// A folder with labels and a configured judge.
fn folder(items: &[Value], judge: &str) -> App {
    let app = App::new();
    app.write("rewind.toml", "[judge]\nscripted = \"judge.toml\"\n");
    app.write("judge.toml", judge);
    write(&app, items);
    app
}

const CALIBRATE: [&str; 5] = ["eval", "calibrate", "labels.jsonl", "-e", "correctness"];

#[test]
fn what_is_printed_can_be_computed_by_hand() {
    let app = folder(&labels(), &judge());
    let run = app.run(CALIBRATE).exits(0);
    let expected = "correctness, judged by scripted-judge (rules), on 20 labelled answers

             judge passes  judge fails
people pass             8            2
people fail             1            9

agreement  0.850  0.640 to 0.948
kappa      0.700  0.389 to 1.000  agreement beyond chance
TPR        0.800  0.490 to 0.943  of what people pass, the judge passes
TNR        0.900  0.596 to 0.982  of what people fail, the judge fails
flips      0 of 20 answers in 2 askings; two askings differ in 0.000 of all cases

threshold    TPR    TNR  kappa
    0.100  1.000  0.000  0.000
    0.200  1.000  0.900  0.900  best kappa, best TPR + TNR
    0.500  0.800  0.900  0.700  counted above
    0.600  0.800  0.900  0.700
    0.900  0.800  1.000  0.800

where it passes 50 of 100, people would pass 0.571 (0.272 to 0.932)
";
    assert!(run.stdout.starts_with(expected), "{}", run.stdout);
    let page = include_str!("../../../docs/judges.md");
    assert!(
        page.contains(run.stdout.trim_end()),
        "docs/judges.md shows something else than\n{}",
        run.stdout
    );
    let rest = [
        "line 9: people pass it, the judge gives 0.20: It is mumbled.",
        "line 20: people fail it, the judge gives 0.60: It is boasted.",
        // Two canaries, and each answer twice.
        "judge: 42 calls",
        "record: judges/correctness.json",
    ];
    for line in rest {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    let rates = ["--rate", "84/120", "--rate", "0/9", "--dry-run"];
    let rates = app.run(CALIBRATE.iter().chain(&rates)).exits(0).stdout;
    // (0.7 - 0.1) / (0.8 - 0.1), and none of nine is less than the tenth of bad answers that pass.
    for line in [
        "where it passes 84 of 120, people would pass 0.857 (",
        "where it passes 0 of 9, people would pass 0.000 (",
    ] {
        assert!(rates.contains(line), "{rates}");
    }
    for wrong in ["9/8", "0/0", "5", "a/b"] {
        app.run(CALIBRATE.iter().chain(&["--rate", wrong])).exits(2);
    }
    let strict = app.run(CALIBRATE.iter().chain(&["--threshold", "0.7", "--dry-run"]));
    let strict = strict.exits(0).stdout;
    assert!(
        strict.contains("people fail             0           10"),
        "{strict}"
    );
    assert!(!strict.contains("record:"), "{strict}");
}

#[test]
fn an_asking_is_never_answered_by_the_verdict_of_another() {
    // One answer is passed when it is asked about for the first time only.
    let flipping = rule("moody", 0.9, ", times = 1") + &rule("moody", 0.3, "") + &judge();
    let mut items = labels();
    items.push(json!({"answer": "It is moody.", "label": "pass"}));
    let app = folder(&items, &flipping);
    let run = app
        .run(CALIBRATE.iter().chain(&["--repeats", "3"]))
        .exits(0);
    // Of three askings about one of 21 answers two pairs differ.
    let flips = "flips      1 of 21 answers in 3 askings; two askings differ in 0.032 of all cases";
    assert!(run.stdout.contains(flips), "{}", run.stdout);
    assert!(run.stdout.contains("judge: 65 calls"), "{}", run.stdout);
    let once = app
        .run(CALIBRATE.iter().chain(&["--repeats", "1", "--dry-run"]))
        .exits(0);
    assert!(
        once.stdout.contains("flips      not measured"),
        "{}",
        once.stdout
    );
}

#[test]
fn what_was_not_measured_is_neither_a_fail_nor_a_record() {
    let mut items = labels();
    items.push(json!({"id": "odd one", "answer": "It is broken.", "label": "fail"}));
    items.push(json!({"answer": "It is nobody's.", "labels": {"ann": "pass", "ben": "fail"}}));
    let app = folder(&items, &judge());
    let run = app.run(CALIBRATE).exits(3);
    assert!(
        run.stdout
            .contains("people fail             1            9"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("not measured line 21 (odd one): "),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains("1 more, on which people are divided, left out"),
        "{}",
        run.stdout
    );
    let record = app.folder().join("judges/correctness.json");
    assert!(!record.exists());
    app.run(CALIBRATE.iter().chain(&["--partial"])).exits(3);
    let record: Value = serde_json::from_slice(&fs::read(record).unwrap()).unwrap();
    let expected = json!({"pass": 10, "fail": 10, "undecided": 1, "not_measured": 1, "groups": 20});
    assert_eq!(record["items"], expected);
    // A judge that fails its canaries has measured nothing at all.
    let blind = rule("France is Paris", 0.0, "") + &judge();
    app.write("judge.toml", &blind);
    let run = app
        .run(CALIBRATE.iter().chain(&["--partial", "--out", "none.json"]))
        .exits(3);
    assert!(
        run.stdout.contains("on 0 labelled answers"),
        "{}",
        run.stdout
    );
    let why = "not measured 21 answers, the first in line 1: the judge failed a canary: ";
    assert!(run.stdout.contains(why), "{}", run.stdout);
    assert!(!app.folder().join("none.json").exists());
}

#[test]
fn groups_widen_the_intervals_and_people_are_compared() {
    let mut items = labels();
    for (at, item) in items.iter_mut().enumerate() {
        item["group"] = json!(format!("session {}", at / 4));
        let label = item["label"].clone();
        let other = if at == 0 {
            json!("fail")
        } else {
            label.clone()
        };
        item["labels"] = json!({"ann": label, "ben": other});
    }
    let app = folder(&items, &judge());
    let run = app.run(CALIBRATE).exits(0);
    assert!(
        run.stdout.contains("in 5 groups, which the intervals know"),
        "{}",
        run.stdout
    );
    let people = "people among themselves: alpha 0.902, 20 answers of 2 annotators\n  \
                  ann and ben: kappa 0.900, agreement 0.950, 20 answers\n";
    assert!(run.stdout.contains(people), "{}", run.stdout);
    let report = app.run(CALIBRATE.iter().chain(&["--json"])).exits(0).json();
    let kappa = &report["record"]["figures"]["kappa"];
    assert!(
        (kappa["value"].as_f64().unwrap() - 0.7).abs() < 1e-9,
        "{kappa}"
    );
    assert!(kappa["low"].as_f64().unwrap() < 0.38, "{kappa}");
}

#[test]
fn every_key_of_a_calibration_in_json_is_described() {
    let mut items = labels();
    items.push(
        json!({"id": "odd", "answer": "It is broken.", "labels": {"ann": "fail", "ben": "fail"}}),
    );
    let app = folder(&items, &judge());
    let report = app
        .run(CALIBRATE.iter().chain(&["--json", "--partial"]))
        .exits(3)
        .json();
    let page = include_str!("../../../docs/json-output.md");
    let section = page
        .split("## `rewind eval calibrate --json`")
        .nth(1)
        .unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut keys = Vec::new();
    super::collect(&report, &mut keys);
    assert!(keys.len() > 60);
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| !section.contains(&format!("`{key}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_can_not_be_calibrated_is_refused_before_the_judge_is_asked() {
    let app = folder(&labels(), &judge());
    let unknown = app
        .run(["eval", "calibrate", "labels.jsonl", "-e", "tone"])
        .exits(2);
    assert!(
        unknown.stderr.contains("no evaluator `tone`"),
        "{}",
        unknown.stderr
    );
    let none = app
        .run(["eval", "calibrate", "none.jsonl", "-e", "correctness"])
        .exits(2);
    assert!(
        none.stderr.contains("cannot read none.jsonl"),
        "{}",
        none.stderr
    );
    app.write(
        "labels.jsonl",
        "{\"answer\": \"a\", \"label\": \"pass\"}\n{\"answer\": \"b\", \"label\": \"good\"}\n",
    );
    let wrong = app.run(CALIBRATE).exits(2);
    assert!(
        wrong.stderr.contains("labels.jsonl:2: a label is \"pass\""),
        "{}",
        wrong.stderr
    );
    for threshold in ["0", "1.1", "nan", "x"] {
        app.run(CALIBRATE.iter().chain(&["--threshold", threshold]))
            .exits(2);
    }
    app.write(
        "rewind.toml",
        "[judge]\nscripted = \"judge.toml\"\n[judge.rubric.\"a/b\"]\nstatements = [\"It is.\"]\n",
    );
    write(&app, &labels());
    let path = app
        .run(["eval", "calibrate", "labels.jsonl", "-e", "a/b"])
        .exits(2);
    assert!(
        path.stderr.contains("no name for a file"),
        "{}",
        path.stderr
    );
}
