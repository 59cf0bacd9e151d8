//! `kind = "judge"` in the gate: a judge decides only where an answer is new, and never by failing.

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

fn gate(app: &App, prompt: &str) -> Run {
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
