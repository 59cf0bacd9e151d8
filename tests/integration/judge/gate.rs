//! `kind = "judge"` in the gate: a judge decides only where an answer is new, and never by failing.

use crate::support::upstream::Upstream;
use crate::support::{App, Run};

const AGENT: &str = r#"
import json, os, urllib.request
body = {"model": "gpt-4o-mini", "messages": [
    {"role": "system", "content": open("prompt.txt").read()}, {"role": "user", "content": "How many live in Tokyo?"}]}
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
print(json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"])
"#;

const MODEL: &str = r#"
[[rule]]
when = { system = "guess" }
reply = { text = "Tokyo has 37 million inhabitants, surely." }
[[rule]]
when = { system = "polite" }
reply = { text = "If you please: Tokyo has 14 million inhabitants." }
[[rule]]
reply = { text = "Tokyo has 14 million inhabitants." }
"#;

/// A repository with one baseline, whose only check of the answer is a judge.
pub(super) fn repository(judge: &str) -> App {
    let app = App::new();
    app.write("agent.py", AGENT);
    app.write("model.toml", MODEL);
    app.write("prompt.txt", "Answer from the atlas.");
    app.write("judge.toml", judge);
    configure(&app, "[judge]\nscripted = \"judge.toml\"\n");
    app.run(["record", "--name", "tokyo"]).exits(0);
    let create = [
        "baseline",
        "create",
        "tokyo",
        "--name",
        "tokyo",
        "--from",
        "start",
        "--stability",
        "1",
    ];
    app.run(create).exits(0);
    let checks = "forks = [\"start\"]\n[[check]]\nkind = \"no_error\"\n\n\
                  [[check]]\nkind = \"judge\"\nevaluator = \"correctness\"\nmin = 0.7\n";
    app.write("baselines/tokyo/baseline.toml", checks);
    app
}

pub(super) fn configure(app: &App, judge: &str) {
    let agent =
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\n[upstream]\nscripted = \"model.toml\"\n";
    app.write("rewind.toml", &format!("{agent}{judge}"));
}

pub(super) fn gate(app: &App, prompt: &str) -> Run {
    app.write("prompt.txt", prompt);
    app.run(["gate", "--live", "--samples", "3"])
}

#[test]
fn a_new_answer_is_judged_and_an_unchanged_one_costs_nothing() {
    let app = repository(super::RULES);
    let same = gate(&app, "Answer from the atlas.").exits(0);
    assert!(same.stdout.contains("unaffected"), "{}", same.stdout);
    assert!(!same.stdout.contains("the judge"), "{}", same.stdout);

    let polite = gate(&app, "Be polite.").exits(0);
    // Three equal samples are one question, beside what was recorded and two canaries.
    let took = "note: the judge scripted-judge took 4 calls: $0";
    assert!(polite.stdout.contains(took), "{}", polite.stdout);

    let wrong = gate(&app, "Just guess.").exits(1);
    let why = "`correctness` gives 0.20, less than 0.70";
    assert!(wrong.stdout.contains(why), "{}", wrong.stdout);
    let report = std::fs::read_to_string(app.folder().join("rewind-report/report.md")).unwrap();
    assert!(report.contains("gives 0.20, less than 0.70"), "{report}");
    // What it quotes and why stands in the result and on the page, beside the answer.
    let read = |file: &str| std::fs::read_to_string(app.folder().join(file)).unwrap();
    let result: serde_json::Value =
        serde_json::from_str(&read("rewind-report/rewind-report.json")).unwrap();
    let checks = &result["forks"][0]["evidence"]["samples"][0]["checks"];
    let mut checks = checks.as_array().unwrap().iter();
    let check = checks.find(|check| check["kind"] == "judge").unwrap();
    let vote = &check["score"]["votes"][0];
    assert_eq!(vote["statements"][0]["quotes"][0], "37 million inhabitants");
    let page = read("rewind-report/report.html");
    assert!(page.contains("37 million inhabitants <a href="), "{vote}");
    assert!(page.contains("The number is made up."), "{vote}");
}

#[test]
fn a_judge_that_fails_is_neither_a_pass_nor_a_failure() {
    let prose = "[[rule]]\nreply = { text = 'I would say 9 of 10.' }\n";
    // It finds everything good, also what must fail.
    let verdict = |evidence: &str| {
        format!(
            "'{{\"verdicts\":[{{\"statement\":\"correctness\",\"evidence\":[\"{evidence}\"],\
             \"reasoning\":\"Good.\",\"score\":1,\"pass\":true}}]}}'"
        )
    };
    let kind = format!(
        "[[rule]]\nwhen = {{ last_user = \"Bananas are\" }}\nreply = {{ text = {} }}\n[[rule]]\nreply = {{ text = {} }}\n",
        verdict("Bananas"),
        verdict("Paris")
    );
    for (judge, why) in [(prose, "was not measured"), (kind.as_str(), "had to fail")] {
        let app = repository(judge);
        gate(&app, "Answer from the atlas.").exits(0);
        for prompt in ["Be polite.", "Just guess."] {
            let run = gate(&app, prompt).exits(3);
            assert!(run.stdout.contains("NOT MEASURED"), "{}", run.stdout);
            assert!(run.stdout.contains(why), "{}", run.stdout);
        }
    }
}

#[test]
fn without_a_judge_the_remedy_is_named() {
    let app = repository(super::RULES);
    configure(&app, "");
    let run = gate(&app, "Be polite.").exits(3);
    assert!(
        run.stdout.contains("name one by [judge] model"),
        "{}",
        run.stdout
    );
    app.write("prompt.txt", "Answer from the atlas.");
    app.run(["gate", "--offline"]).exits(0);
}

/// Labels on which the judge of [`super::RULES`] is always right; `bad` of them are labelled the other way round.
fn labels(app: &App, bad: usize) {
    let lines: Vec<String> = (0..20)
        .map(|at| {
            let is_right = at % 2 == 0;
            let text = if is_right {
                "Tokyo has 14 million inhabitants"
            } else {
                "Tokyo has 37 million inhabitants"
            };
            let label = if is_right == (at >= bad) {
                "pass"
            } else {
                "fail"
            };
            format!("{{\"answer\": \"{text}, as answer {at} says.\", \"label\": \"{label}\"}}\n")
        })
        .collect();
    app.write("labels.jsonl", &lines.concat());
}

fn calibrate(app: &App, bad: usize) {
    labels(app, bad);
    app.run([
        "eval",
        "calibrate",
        "labels.jsonl",
        "-e",
        "correctness",
        "--repeats",
        "1",
    ])
    .exits(0);
}

#[test]
fn a_judge_decides_only_where_its_calibration_says_that_it_may() {
    let app = repository(super::RULES);
    let checks = "forks = [\"start\"]\n[[check]]\nkind = \"judge\"\nevaluator = \"correctness\"\nmin = 0.7\nmin_kappa = 0.6\n";
    app.write("baselines/tokyo/baseline.toml", checks);
    let unmeasured = |why: &str| {
        for prompt in ["Be polite.", "Just guess."] {
            let run = gate(&app, prompt).exits(3);
            assert!(run.stdout.contains("NOT MEASURED"), "{}", run.stdout);
            assert!(run.stdout.contains(why), "{why}: {}", run.stdout);
        }
    };
    unmeasured("run `rewind eval calibrate labels.jsonl -e correctness`");
    // What nobody is asked about needs no calibration.
    gate(&app, "Answer from the atlas.").exits(0);

    calibrate(&app, 8);
    unmeasured("kappa is 0.20 for `min` 0.70 (20 labels), less than the 0.60");

    calibrate(&app, 2);
    gate(&app, "Be polite.").exits(0);
    let wrong = gate(&app, "Just guess.").exits(1);
    assert!(
        wrong.stdout.contains("gives 0.20, less than 0.70"),
        "{}",
        wrong.stdout
    );

    app.write("judge.toml", &super::RULES.replace("0.95", "0.9"));
    unmeasured("it was made with another set of rules that judge; calibrate anew");
    app.write("judge.toml", super::RULES);
    app.write("prompts/correctness.md", "Be strict.\n");
    unmeasured("it was made with another prompt; calibrate anew");
    std::fs::remove_dir_all(app.folder().join("prompts")).unwrap();

    let record = app.folder().join("judges/correctness.json");
    let text = std::fs::read_to_string(&record).unwrap();
    app.write(
        "judges/correctness.json",
        &text.replace("\"true_pass\": 9", "\"true_pass\": 10"),
    );
    unmeasured("its figures don't follow from its scores");
    app.write("judges/correctness.json", "{");
    unmeasured("is no record of a calibration");
}

#[test]
fn a_min_kappa_that_no_judge_can_miss_or_reach_is_a_configuration_error() {
    let app = repository(super::RULES);
    for wrong in ["0", "1.5", "-0.2", "\"high\""] {
        let checks = format!(
            "forks = [\"start\"]\n[[check]]\nkind = \"judge\"\nevaluator = \"correctness\"\nmin_kappa = {wrong}\n"
        );
        app.write("baselines/tokyo/baseline.toml", &checks);
        let run = app.run(["gate", "--offline"]).exits(2);
        assert!(run.stderr.contains("baseline.toml"), "{}", run.stderr);
    }
}

#[test]
fn a_judge_behind_a_socket_that_misbehaves_is_never_a_pass_and_never_a_failure() {
    let app = repository(super::RULES);
    for name in [
        "prose",
        "1.7",
        "a contradiction",
        "half an answer",
        "a limit for a minute",
    ] {
        let (_name, answer, why) = *super::provider::MISBEHAVIOURS
            .iter()
            .find(|(known, _answer, _why)| *known == name)
            .unwrap();
        let upstream = Upstream::start(move |request| {
            super::provider::canary(request).unwrap_or_else(|| answer(request))
        });
        let judge = format!(
            "[judge]\nmodel = \"judge-1\"\nurl = \"{}\"\ntimeout = \"700ms\"\n",
            upstream.url()
        );
        configure(&app, &judge);
        for prompt in ["Be polite.", "Just guess."] {
            let run = gate(&app, prompt).exits(3);
            assert!(
                run.stdout.contains("NOT MEASURED"),
                "{name}: {}",
                run.stdout
            );
            assert!(run.stdout.contains(why), "{name}: {}", run.stdout);
            assert!(!run.stdout.contains("gives 0"), "{name}: {}", run.stdout);
        }
    }
}

#[test]
fn an_evaluator_that_there_is_not_is_refused_when_the_gate_loads() {
    let app = repository(super::RULES);
    for check in [
        "kind = \"judge\"\nevaluator = \"corectness\"\n",
        "kind = \"not\"\ncheck = { kind = \"judge\", evaluator = \"corectness\" }\n",
    ] {
        let text = format!("[[check]]\nkind = \"no_error\"\n\n[[check]]\n{check}");
        app.write("baselines/tokyo/baseline.toml", &text);
        let refused = app.run(["gate", "--offline"]).exits(2);
        for said in [
            "baselines/tokyo/baseline.toml:6:",
            "unknown evaluator `corectness`",
            "did you mean `correctness`?",
            "[judge.rubric.corectness] or [judge.exec.corectness]",
        ] {
            assert!(refused.stderr.contains(said), "{}", refused.stderr);
        }
    }
    let own = "[judge]\nscripted = \"judge.toml\"\n[judge.rubric.corectness]\nstatements = [\"It is so.\"]\n";
    configure(&app, own);
    let text = "[[check]]\nkind = \"no_error\"\n\n[[check]]\nkind = \"judge\"\nevaluator = \"corectness\"\n";
    app.write("baselines/tokyo/baseline.toml", text);
    app.run(["gate", "--offline"]).exits(0);
}

#[test]
fn a_panel_judges_in_the_gate_and_says_how_far_it_agrees() {
    let app = repository(super::RULES);
    app.write("strict.toml", &super::RULES.replace("0.95", "0.6"));
    app.write("other.toml", &super::RULES.replace("0.95", "0.9"));
    configure(
        &app,
        "[judge.panel.a]\nscripted = \"judge.toml\"\n[judge.panel.b]\nscripted = \"strict.toml\"\n\
         [judge.panel.c]\nscripted = \"other.toml\"\n",
    );
    let polite = gate(&app, "Be polite.").exits(0);
    let took = "note: the judges a, b, c took 12 calls: $0, apart from what the agents cost; \
        their agreement (Krippendorff's alpha) is ";
    assert!(polite.stdout.contains(took), "{}", polite.stdout);
    let wrong = gate(&app, "Just guess.").exits(1);
    let why = "`correctness` gives 0.20, less than 0.70";
    assert!(wrong.stdout.contains(why), "{}", wrong.stdout);
    assert!(
        wrong.stdout.contains("(Krippendorff's alpha) is 0."),
        "{}",
        wrong.stdout
    );
}
