//! `rewind selftest`: what the checks of a suite notice, and what they don't.

use std::fs;

use crate::support::{App, repository_path};

#[test]
fn the_checks_of_this_repository_miss_nothing_that_a_check_can_know() {
    let app = App::new();
    let baselines = repository_path("baselines");
    let words = ["selftest", "--baselines", &baselines];
    let run = app.run(words).exits(0);
    assert!(
        run.stdout.contains("0                 6   false alarms"),
        "{}",
        run.stdout
    );
    let report = app.run(words.iter().chain(&["--json"])).exits(0).json();
    assert_eq!(
        (
            report["false_alarms"].as_u64(),
            report["unchanged"].as_u64()
        ),
        (Some(0), Some(6))
    );
    let missed: Vec<&str> = report["regressions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["caught_by"].as_array().unwrap().is_empty())
        .map(|one| one["regression"].as_str().unwrap())
        .collect();
    // What an answer means is for a judge; all else a check can know.
    assert!(
        missed.iter().all(|kind| *kind == "negated_answer"),
        "{missed:?} were missed: {}",
        run.stdout
    );
    assert!(report["seeded"].as_u64().unwrap() > 50, "{}", run.stdout);
}

#[test]
fn a_suite_that_checks_little_is_told_what_it_misses() {
    let app = App::new();
    let copied = app
        .program("cp")
        .args(["-r", &repository_path("baselines"), "."])
        .status();
    assert!(copied.unwrap().success());
    for folder in fs::read_dir(app.folder().join("baselines")).unwrap() {
        let file = folder.unwrap().path().join("baseline.toml");
        let text = fs::read_to_string(&file).unwrap();
        let head = text.split("[[check]]").next().unwrap();
        fs::write(&file, format!("{head}\n[[check]]\nkind = \"no_error\"\n")).unwrap();
    }
    let run = app.run(["selftest", "--min", "0.9"]).exits(1);
    assert!(
        run.stdout.contains("no gating check notices:"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("the answer of another baseline"),
        "{}",
        run.stdout
    );
    app.run(["selftest"]).exits(0);
    app.run(["selftest", "--min", "2"]).exits(2);
    app.run(["selftest", "--baselines", "nowhere"]).exits(5);
}

/// A baseline of one answer, which a judge scores and nothing else looks at.
fn judged(judge: &str) -> App {
    let app = App::new();
    app.write(
        "agent.py",
        r#"
import json, os, urllib.request
body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How many live in Tokyo?"}]}
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
print(json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"])
"#,
    );
    app.write(
        "model.toml",
        "[[rule]]\nreply = { text = \"Tokyo has 14 million inhabitants.\" }\n",
    );
    app.write(
        "rewind.toml",
        &format!(
            "[agent]\ncommand = [\"python3\", \"agent.py\"]\n[upstream]\nscripted = \"model.toml\"\n[judge]\n{judge}"
        ),
    );
    app.run(["record", "--name", "tokyo"]).exits(0);
    app.run([
        "session",
        "export",
        "tokyo",
        "-o",
        "baselines/tokyo/session",
    ])
    .exits(0);
    let checks = "[[check]]\nkind = \"no_error\"\n\n[[check]]\nkind = \"judge\"\nevaluator = \"correctness\"\n";
    app.write("baselines/tokyo/baseline.toml", checks);
    app
}

#[test]
fn a_judge_is_asked_about_worse_answers() {
    let verdict = |evidence: &str, pass: bool| {
        let score = u8::from(pass);
        format!(
            "{{\"verdicts\":[{{\"statement\":\"correctness\",\"evidence\":[{evidence}],\
             \"reasoning\":\"So it is.\",\"score\":{score},\"pass\":{pass}}}]}}"
        )
    };
    let app = judged("scripted = \"judge.toml\"\n");
    let rules = [
        (
            "The capital of France is Paris.",
            verdict("\"Paris\"", true),
        ),
        ("Bananas are", verdict("", false)),
        ("It is not true", verdict("\"It is not true\"", false)),
        ("14 million inhabitants", verdict("\"14 million\"", true)),
    ];
    let rules = rules.map(|(when, text)| {
        format!("[[rule]]\nwhen = {{ last_user = '{when}' }}\nreply = {{ text = '{text}' }}\n")
    });
    let rest = format!("[[rule]]\nreply = {{ text = '{}' }}\n", verdict("", false));
    app.write("judge.toml", &(rules.concat() + &rest));
    let report = app.run(["selftest", "--json"]).exits(0).json();
    let by = |kind: &str| {
        let all = report["regressions"].as_array().unwrap();
        let one = all.iter().find(|one| one["regression"] == kind).unwrap();
        one["caught_by"].clone()
    };
    assert_eq!(by("negated_answer")[0], "judge", "{report}");
    assert_eq!(by("truncated_answer")[0], "judge", "{report}");
    assert_eq!(by("crash")[0], "no_error", "{report}");
    assert_eq!(by("overspending").as_array().unwrap().len(), 0);
    // What is not there can't be judged.
    assert_eq!(by("no_answer").as_array().unwrap().len(), 0);
    assert_eq!(report["open"], 1, "{report}");
    assert_eq!(report["checks"]["judge"]["false_alarms"], 0, "{report}");
    let took = report["judge"].as_str().unwrap();
    assert!(took.contains("scripted-judge took"), "{took}");
}

#[test]
fn what_a_judge_was_not_asked_is_open_and_neither_caught_nor_missed() {
    let app = judged("model = \"gpt-4o-mini\"\n");
    let run = app.run(["selftest"]).exits(0);
    let open = "open, since a check could not be decided here:\n  tokyo: ";
    assert!(run.stdout.contains(open), "{}", run.stdout);
    assert!(
        run.stdout.contains("tokyo: the answer negated (judge)"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("the judge"), "{}", run.stdout);
    let report = app.run(["selftest", "--json"]).exits(0).json();
    // Nothing was asked of it, so it caught nothing and cried no wolf.
    assert_eq!(report["checks"]["judge"]["caught"], 0, "{report}");
    assert!(report["judge"].is_null(), "{report}");
}
