//! Programs that judge: in `eval score` and in the gate, by their verdict alone, and without any key.

use serde_json::Value;

use super::demo;
use crate::support::{App, Run};

/// The first block of this language in the section on programs.
fn documented(language: &str) -> String {
    let page = include_str!("../../../docs/judges.md");
    let section = page.split("## Programs that judge").nth(1).unwrap();
    let block = section.split(&format!("```{language}\n")).nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

/// Writes an evaluator `mine` that is this shell script.
fn script(app: &App, script: &str) {
    app.write("mine.sh", script);
    let config = "[judge]\nkey_env = \"MY_JUDGE\"\n[agent]\nenv = [\"MY_*\"]\n\
        [judge.exec.mine]\ncommand = [\"sh\", \"mine.sh\"]\ntimeout = \"5s\"\nwith = { least = 3 }\n";
    app.write("rewind.toml", config);
}

const SCORE: [&str; 5] = ["eval", "score", "latest", "-e", "mine"];

fn score(app: &App, more: &[&str]) -> Run {
    let mut command = app.rewind();
    command
        .args([&SCORE[..], more].concat())
        .env("MY_JUDGE", "jk-0123456789abcdefghij")
        .env("OPENAI_API_KEY", "sk-0123456789abcdefghij");
    let output = command.output().unwrap();
    Run::new(&command, output)
}

#[test]
fn the_programs_of_the_documents_score_answers() {
    let app = demo();
    app.write("evaluators/sources.py", &documented("python"));
    app.write("evaluators/brief.mjs", &documented("js"));
    app.write("rewind.toml", &documented("toml"));
    let both = ["-e", "sources", "-e", "brief", "--compare-timelines"];
    let run = app
        .run(["eval", "score", "latest"].iter().chain(&both))
        .exits(0);
    let shown = "session research, judged by programs\n\n\
        timeline  sources  brief\n\
        main        0.000  1.000\n\
        fixed       1.000  1.000\n\n\
        Delta (fixed vs main), sources: +1.00, not testable (n=1)\n";
    assert!(run.stdout.starts_with(shown), "{}", run.stdout);
    assert!(
        run.stdout.contains("main, sources: no tool returned 37"),
        "{}",
        run.stdout
    );
    // What it would read, without running it.
    let prompt = app.run(["eval", "prompt", "sources", "latest"]).exits(0);
    assert!(
        prompt.stdout.contains("\"evaluator\":\"sources\""),
        "{}",
        prompt.stdout
    );
}

#[test]
fn a_program_reads_all_that_is_judged_and_sees_no_key() {
    let app = demo();
    script(
        &app,
        "cat > read.json; env > env.txt; echo '{\"score\": 0.75, \"reasoning\": \"so\"}'",
    );
    let report = score(&app, &["--expected", "14", "--json"]).exits(0).json();
    assert_eq!(report["scores"][0]["score"], 0.75);
    assert_eq!(report["evaluators"][0]["is_program"], true);
    assert_eq!(report["judge_cost"]["calls"], 0);
    let read = std::fs::read_to_string(app.folder().join("read.json")).unwrap();
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read["version"], 1);
    assert_eq!(read["evaluator"], "mine");
    assert_eq!(read["with"]["least"], 3);
    assert_eq!(read["question"], "Tokyo population");
    assert_eq!(read["expected"], "14");
    assert!(read["answer"].as_str().unwrap().contains("14 million"));
    let step = &read["steps"][0];
    assert_eq!(step["name"], "research");
    assert!(step["arguments"]["question"].is_string(), "{step}");
    assert!(step["result"].is_string(), "{step}");
    let env = std::fs::read_to_string(app.folder().join("env.txt")).unwrap();
    assert!(env.contains("PATH="), "{env}");
    assert!(!env.contains("0123456789"), "{env}");
}

#[test]
fn a_program_that_crashes_hangs_or_rambles_has_not_measured() {
    let app = demo();
    for (text, why) in [
        (
            "echo '{\"score\": 1}'; echo boom >&2; exit 3",
            "status 3: boom",
        ),
        ("kill -9 $$", "status 137"),
        ("exec 5<&0; while :; do sleep 60; done", "ran longer than"),
        ("echo 'I would say 1.0'", "not one JSON document"),
        ("echo '{\"score\": 1.7}'", "no number from 0 to 1"),
        ("echo '{\"score\": 0.9, \"pass\": false}'", "contradicts"),
        ("echo '{\"passed\": true}'", "unknown field `passed`"),
        ("true", "printed no verdict"),
    ] {
        script(&app, text);
        if why == "ran longer than" {
            let config = std::fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
            app.write("rewind.toml", &config.replace("5s", "300ms"));
        }
        let run = score(&app, &["--json"]).exits(3);
        let found = &run.json()["scores"][0];
        assert_eq!(found["score"], Value::Null, "{text}");
        let said = found["not_measured"].as_str().unwrap();
        assert!(said.contains(why), "{text}: {said}");
    }
    script(&app, "echo '{\"score\": 1}'");
    let config = std::fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
    app.write("rewind.toml", &format!("{config}bad = \"whatever\"\n"));
    let kind = score(&app, &[]).exits(3);
    assert!(kind.stdout.contains("had to fail"), "{}", kind.stdout);
    app.write(
        "rewind.toml",
        "[judge.exec.correctness]\ncommand = [\"true\"]\n",
    );
    let double = score(&app, &[]).exits(2);
    assert!(
        double.stderr.contains("the name of another evaluator"),
        "{}",
        double.stderr
    );
}

#[test]
fn a_program_judges_in_the_gate_and_never_by_failing() {
    let app = super::gate::repository(super::RULES);
    super::gate::configure(
        &app,
        "[judge.exec.atlas]\ncommand = [\"sh\", \"atlas.sh\"]\n",
    );
    let baseline = "forks = [\"start\"]\n[[check]]\nkind = \"no_error\"\n\n\
        [[check]]\nkind = \"judge\"\nevaluator = \"atlas\"\nmin = 0.7\n";
    app.write("baselines/tokyo/baseline.toml", baseline);
    let verdict = "grep -q '14 million' && echo '{\"pass\": true}' || echo '{\"pass\": false}'";
    app.write("atlas.sh", verdict);
    super::gate::gate(&app, "Be polite.").exits(0);
    let wrong = super::gate::gate(&app, "Just guess.").exits(1);
    let why = "`atlas` gives 0.00, less than 0.70";
    assert!(wrong.stdout.contains(why), "{}", wrong.stdout);
    app.write("atlas.sh", "exit 1");
    let crash = super::gate::gate(&app, "Just guess.").exits(3);
    assert!(
        crash.stdout.contains("it exited with status 1"),
        "{}",
        crash.stdout
    );
}
