//! Many baselines that drop a little: none of them alone could tell, all of them together can.

use std::fs;

use super::gate::repository;
use crate::support::{App, Run};

/// Finds the polite answer a little worse.
const POLITE: &str = r#"
[[rule]]
when = { last_user = "If you please" }
reply = { text = '{"verdicts":[{"statement":"correctness","evidence":["If you please"],"reasoning":"Wordy.","score":0.75,"pass":true}]}' }
"#;

/// Eight baselines, each accepted as recorded and in three live samples.
fn eight() -> App {
    let app = repository(&format!("{POLITE}{}", super::RULES));
    let baselines = app.folder().join("baselines");
    for number in 1..8 {
        copy(
            &baselines.join("tokyo"),
            &baselines.join(format!("city-{number}")),
        );
    }
    let names = (1..8).map(|number| format!("city-{number}"));
    for name in names.chain(["tokyo".to_owned()]) {
        app.run([
            "baseline",
            "sample",
            &name,
            "-n",
            "3",
            "--live",
            "--reason",
            "what is typical",
        ])
        .exits(0);
    }
    app
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn gate(app: &App, prompt: &str) -> Run {
    app.write("prompt.txt", prompt);
    app.run(["gate", "--live", "--samples", "3"])
}

#[test]
fn eight_baselines_that_drop_a_little_are_red_together() {
    let app = eight();
    gate(&app, "Answer from the atlas.").exits(0);
    let red = gate(&app, "Be polite.").exits(1);
    for said in [
        "LOOK  tokyo@start",
        "`correctness` went from 0.95 (n=3) to 0.75 (n=3)",
        "correctness  0.95 → 0.75 (−0.20), nothing varies: regressed",
        "8 baselines, 8 forks",
        "it is lower, and not by chance",
        "FAIL: 8 suspect",
    ] {
        assert!(red.stdout.contains(said), "{said}\n{}", red.stdout);
    }
    // The guide shows what is printed.
    let guide = include_str!("../../../docs/reports.md");
    let printed = guide.split("all baselines together\n").nth(1).unwrap();
    let printed = printed.split("```").next().unwrap();
    assert!(red.stdout.contains(printed), "{printed}\n{}", red.stdout);
    let report_file =
        |name: &str| fs::read_to_string(app.folder().join("rewind-report").join(name)).unwrap();
    let comment = report_file("report.md");
    assert!(
        comment.contains("all baselines together, correctness: it is lower"),
        "{comment}"
    );
    assert!(
        comment.contains("| `correctness` | 0.95 → 0.75 (−0.20) |"),
        "{comment}"
    );
    let junit = report_file("junit.xml");
    assert!(
        junit.contains("all baselines together") && junit.contains("type=\"regressed\""),
        "{junit}"
    );
    app.run(["verify", "rewind-report"]).exits(0);
    let forged = report_file("rewind-report.json")
        .replace("\"verdict\": \"regressed\"", "\"verdict\": \"stable\"");
    app.write("forged.json", &forged);
    app.run(["verify", "forged.json"]).exits(1);
    // What was red together is what did not pass.
    let again = app.run(["gate", "--live", "--samples", "3", "--only", "failed"]);
    let again = again.exits(1);
    assert!(again.stdout.contains("FAIL: 8 suspect"), "{}", again.stdout);
    tried_again(&app);
}

/// A red over all baselines stays one where the base answers as before, and is none where the base does the same today.
fn tried_again(app: &App) {
    let base = |prompt: &str| {
        let read = |name: &str| fs::read_to_string(app.folder().join(name)).unwrap();
        let setup = read("rewind.toml").replace("[agent]\n", "[agent]\nsetup = []\n");
        for (name, text) in [
            ("agent.py", read("agent.py").as_str()),
            ("model.toml", &read("model.toml")),
            ("judge.toml", &read("judge.toml")),
            ("rewind.toml", &setup),
            ("prompt.txt", prompt),
        ] {
            app.write(&format!("base/{name}"), text);
        }
        app.run(["gate", "--live", "--samples", "3", "--base", "base"])
    };
    let confirmed = base("Answer from the atlas.").exits(1);
    for said in [
        "all baselines together are red; 8 forks are tried again beside the base",
        "; confirmed against base: 0.75 against 0.95",
        "the agent of the base, run again, differs from the accepted samples of 8 forks by",
    ] {
        let all = format!("{}{}", confirmed.stdout, confirmed.stderr);
        assert!(all.contains(said), "{said}\n{all}");
    }
    app.run(["verify", "rewind-report"]).exits(0);
    let cleared = base("Be polite.").exits(0);
    for said in ["; not confirmed against base: 0.75 against 0.75", "LOOK"] {
        assert!(cleared.stdout.contains(said), "{said}\n{}", cleared.stdout);
    }
    app.run(["verify", "rewind-report"]).exits(0);
}

#[test]
fn a_judge_that_breaks_on_the_recorded_answer_passes_nothing() {
    let app = repository(&format!("{POLITE}{}", super::RULES));
    let sample = [
        "baseline", "sample", "tokyo", "-n", "8", "--live", "--reason", "typical",
    ];
    app.run(sample).exits(0);
    gate(&app, "Be polite.").exits(1);
    // The accepted samples were as recorded, so they have no score but that of what was recorded.
    let breaks = "[[rule]]\nwhen = { last_user = \"Tokyo has 14 million\" }\nreply = { text = \"Splendid!\" }\n";
    app.write("judge.toml", &format!("{POLITE}{breaks}{}", super::RULES));
    let run = gate(&app, "Be polite.").exits(3);
    let why = "the recorded answer could not be judged";
    assert!(run.stdout.contains(why), "{}", run.stdout);
    app.run(["verify", "rewind-report"]).exits(0);
}
