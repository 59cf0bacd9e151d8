//! Verdicts that the gate knows: an answer that is the same again is not judged again.

use std::fs;

use serde_json::{Value, json as value};

use super::gate::{configure, repository};
use crate::support::upstream::{Received, Upstream, json};
use crate::support::{App, Run};

/// A judge behind a socket that knows the canaries and that 14 million is right.
fn judge(reasoning: &'static str) -> Upstream {
    Upstream::start(move |request| {
        let (score, evidence) = match material(request) {
            text if text.contains("The capital of France is Paris.") => (1.0, vec!["Paris"]),
            text if text.contains("Bananas are") => (0.0, vec![]),
            text if text.contains("14 million") => (0.95, vec!["14 million"]),
            _ => (0.2, vec!["37 million"]),
        };
        let verdict = value!({"verdicts": [{
            "statement": "correctness", "evidence": evidence, "reasoning": reasoning,
            "score": score, "pass": score >= 0.5,
        }]});
        json(
            200,
            &value!({
                "choices": [{"message": {"role": "assistant", "content": verdict.to_string()}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
            }),
        )
    })
}

/// Returns what the judge was sent to look at.
fn material(request: &Received) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["messages"][1]["content"].as_str().unwrap().to_owned()
}

fn asks(app: &App, judge: &Upstream, model: &str) {
    let judge = format!(
        "[judge]\nmodel = \"{model}\"\nurl = \"{}\"\n[prices.\"{model}\"]\ninput = 1.0\noutput = 10.0\n",
        judge.url()
    );
    configure(app, &judge);
}

fn gate(app: &App, prompt: &str, arguments: &[&str]) -> Run {
    app.write("prompt.txt", prompt);
    app.run([&["gate", "--live", "--samples", "3"], arguments].concat())
}

fn accepted(app: &App) -> Value {
    let path = app.folder().join("baselines/tokyo/accepted.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

const KNOWN: &str = "note: 2 verdicts of the judge were known, $0.0040 not paid";

#[test]
fn an_accepted_answer_is_not_judged_again() {
    let judge =
        judge("So it says. Mail ann with key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789.");
    let app = repository("");
    asks(&app, &judge, "judge-1");
    gate(&app, "Be polite.", &[]).exits(0);
    // Three equal samples are one question, beside what was recorded and two canaries.
    assert_eq!(judge.received().len(), 4);
    app.run(["baseline", "accept", "tokyo"]).exits(0);
    let known = accepted(&app);
    let verdicts = known["verdicts"].as_object().unwrap();
    assert_eq!(verdicts.len(), 2, "{known}");
    let verdict = verdicts.values().next().unwrap();
    assert_eq!(verdict["judge"], "judge-1");
    assert_eq!(verdict["cost_micro_usd"], 2000);
    let reasoning = &verdict["answer"]["verdicts"][0]["reasoning"];
    assert_eq!(
        reasoning,
        "So it says. Mail ann with key [redacted:openai-key]."
    );
    let check = &known["forks"]["start"]["checks"]["judge"];
    let last = check["verdicts"].as_array().unwrap().last().unwrap();
    let last = last
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_str().unwrap());
    assert!(last.eq(verdicts.keys()), "{known}");
    assert_eq!(check["scores"].as_array().unwrap().last().unwrap(), 0.95);

    let again = gate(&app, "Be polite.", &[]).exits(0);
    assert_eq!(judge.received().len(), 4);
    assert!(again.stdout.contains(KNOWN), "{}", again.stdout);
    gate(&app, "Be polite.", &["--profile", "nightly"]).exits(0);
    assert_eq!(judge.received().len(), 4);
    let fresh = gate(&app, "Be polite.", &["--fresh"]).exits(0);
    assert_eq!(judge.received().len(), 8);
    assert!(!fresh.stdout.contains("known"), "{}", fresh.stdout);
    // Another judge has said nothing yet.
    asks(&app, &judge, "judge-2");
    gate(&app, "Be polite.", &[]).exits(0);
    assert_eq!(judge.received().len(), 12);
}

#[test]
fn verdicts_that_nothing_refers_to_are_dropped_when_something_is_accepted() {
    let judge = judge("So it says.");
    let app = repository("");
    asks(&app, &judge, "judge-1");
    gate(&app, "Be polite.", &[]).exits(0);
    app.run(["baseline", "accept", "tokyo"]).exits(0);
    let path = "baselines/tokyo/baseline.toml";
    let text = fs::read_to_string(app.folder().join(path)).unwrap();
    let without = text.split("[[check]]\nkind = \"judge\"").next().unwrap();
    app.write(path, without);
    gate(&app, "Be polite.", &[]).exits(0);
    app.run(["baseline", "accept", "tokyo"]).exits(0);
    let known = accepted(&app);
    assert_eq!(known["verdicts"], Value::Null, "{known}");
}

#[test]
fn what_was_judged_on_the_last_push_is_known_for_a_day() {
    let judge = judge("So it says.");
    let app = repository("");
    asks(&app, &judge, "judge-1");
    let kept = ["--cache-dir", "kept"];
    gate(&app, "Be polite.", &kept).exits(0);
    assert_eq!(judge.received().len(), 4);
    let second = gate(&app, "Be polite.", &kept).exits(0);
    assert!(second.stdout.contains(KNOWN), "{}", second.stdout);
    assert_eq!(judge.received().len(), 4);
    // What waits to be accepted has it all the same.
    app.run(["baseline", "accept", "tokyo"]).exits(0);
    assert_eq!(accepted(&app)["verdicts"].as_object().unwrap().len(), 2);

    let judged_wrong = gate(&app, "Just guess.", &kept).exits(1);
    let why = "`correctness` gives 0.20, less than 0.70";
    assert!(judged_wrong.stdout.contains(why), "{}", judged_wrong.stdout);
    assert_eq!(judge.received().len(), 7);
    gate(&app, "Just guess.", &kept).exits(1);
    assert_eq!(judge.received().len(), 7);
    let nightly = [&kept[..], &["--profile", "nightly"]].concat();
    gate(&app, "Just guess.", &nightly).exits(1);
    assert_eq!(judge.received().len(), 10);
    for entry in fs::read_dir(app.folder().join("kept")).unwrap() {
        let path = entry.unwrap().path();
        let mut kept: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        kept["kept_at"] = value!("2020-01-01T00:00:00Z");
        fs::write(&path, kept.to_string()).unwrap();
    }
    gate(&app, "Just guess.", &kept).exits(1);
    assert_eq!(judge.received().len(), 13);
}

#[test]
fn what_rules_judge_is_never_kept() {
    let app = repository(super::RULES);
    gate(&app, "Be polite.", &["--cache-dir", "kept"]).exits(0);
    app.run(["baseline", "accept", "tokyo"]).exits(0);
    let known = accepted(&app);
    assert_eq!(known["verdicts"], Value::Null, "{known}");
    assert!(!app.folder().join("kept").exists());
}

/// Returns the verdict on the one fork of the last run, and why.
fn verdict(app: &App) -> (String, String) {
    let path = app.folder().join("rewind-report/rewind-report.json");
    let report: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let decision = &report["forks"][0]["decision"];
    let text = |key: &str| decision[key].as_str().unwrap().to_owned();
    (text("verdict"), text("why"))
}

/// A repository whose polite answer was accepted, as `judge-1` judged it.
fn polite(judge: &Upstream) -> App {
    let app = repository("");
    asks(&app, judge, "judge-1");
    gate(&app, "Be polite.", &[]).exits(0);
    app.run(["baseline", "accept", "tokyo"]).exits(0);
    app
}

#[test]
fn a_changed_judge_judges_what_was_accepted_too() {
    let mild = judge("So it says.");
    let app = polite(&mild);
    let before = accepted(&app);
    // Nothing is as good as it was for this one, so what it finds was there before.
    let strict = Upstream::start(|request| {
        let score = if material(request).contains("The capital of France is Paris.") {
            1.0
        } else {
            0.1
        };
        let evidence: &[&str] = if score > 0.5 { &["Paris"] } else { &[] };
        let verdict = value!({"verdicts": [{
            "statement": "correctness", "evidence": evidence, "reasoning": "No.", "score": score, "pass": score > 0.5,
        }]});
        json(
            200,
            &value!({"choices": [{"message": {"role": "assistant", "content": verdict.to_string()}, "finish_reason": "stop"}]}),
        )
    });
    asks(&app, &strict, "judge-2");
    let same = gate(&app, "Answer from the atlas.", &[]).exits(0);
    assert_eq!(verdict(&app).0, "unaffected");
    assert!(strict.received().is_empty(), "{}", same.stdout);
    assert!(!app.folder().join("rewind-report/pending/tokyo").exists());

    let run = gate(&app, "Be polite.", &[]).exits(0);
    let note = "the accepted answers were judged anew (tokyo)";
    assert!(run.stdout.contains(note), "{}", run.stdout);
    assert_eq!(verdict(&app).0, "pre_existing", "{}", run.stdout);
    app.run(["baseline", "accept", "tokyo"]).exits(0);
    let known = accepted(&app);
    let (was, is) = (
        &before["forks"]["start"]["checks"]["judge"],
        &known["forks"]["start"]["checks"]["judge"],
    );
    assert_ne!(was["definition"], is["definition"]);
    let said = |check: &Value| check["results"].as_array().unwrap().clone();
    assert_eq!(said(was), ["passed", "passed", "passed"]);
    // What was recorded is as good as it was.
    assert_eq!(said(is)[..4], ["passed", "failed", "failed", "failed"]);
    let verdicts = known["verdicts"].as_object().unwrap();
    assert!(verdicts.values().all(|one| one["judge"] == "judge-2"));
}

#[test]
fn what_a_changed_judge_can_not_see_again_is_incomparable() {
    let judge = judge("So it says.");
    let app = polite(&judge);
    let mut known = accepted(&app);
    known.as_object_mut().unwrap().remove("answers");
    for sample in known["forks"]["start"]["samples"].as_array_mut().unwrap() {
        sample["live"] = value!(true);
        sample.as_object_mut().unwrap().remove("answer");
    }
    app.write("baselines/tokyo/accepted.json", &known.to_string());
    gate(&app, "Be polite.", &[]).exits(0);
    asks(&app, &judge, "judge-2");
    gate(&app, "Be polite.", &[]).exits(3);
    let (word, why) = verdict(&app);
    assert_eq!(word, "incomparable");
    assert!(why.contains("`rewind baseline sample tokyo"), "{why}");
    app.run(["baseline", "accept", "tokyo"]).exits(0);
    gate(&app, "Be polite.", &[]).exits(0);
}
