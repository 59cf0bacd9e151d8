//! `rewind eval`: judges score recorded answers.

mod calibrate;
mod gate;
mod known;
mod pairs;
mod panel;
mod program;
mod provider;
mod together;
mod votes;

use crate::support::App;

/// The demo's session: `main` hallucinates, `fixed` does not.
fn demo() -> App {
    let app = App::new();
    app.run(["demo"]).exits(0);
    app
}

/// A judge by rules: it knows the canaries of correctness, and that 14 million is right.
pub(crate) const RULES: &str = r#"
[[rule]]
when = { last_user = "The capital of France is Paris." }
reply = { text = '{"verdicts":[{"statement":"correctness","evidence":["Paris"],"reasoning":"Right.","score":1,"pass":true}]}' }
[[rule]]
when = { last_user = "Bananas are" }
reply = { text = '{"verdicts":[{"statement":"correctness","evidence":[],"reasoning":"Off the point.","score":0,"pass":false}]}' }
[[rule]]
when = { last_user = "Tokyo has 14 million" }
reply = { text = '{"verdicts":[{"statement":"correctness","evidence":["14 million\n inhabitants"],"reasoning":"As in the atlas.","score":0.95,"pass":true}]}' }
[[rule]]
reply = { text = '{"verdicts":[{"statement":"correctness","evidence":["37 million inhabitants"],"reasoning":"The number is made up.","score":0.2,"pass":false}]}' }
"#;

#[test]
fn two_timelines_are_scored_and_compared() {
    let app = demo();
    app.write("judge.toml", RULES);
    let score = [
        "eval",
        "score",
        "latest",
        "-e",
        "correctness",
        "--scripted",
        "judge.toml",
    ];
    let run = app
        .run(score.iter().chain(&["--compare-timelines"]))
        .exits(0);
    let expected = "session research, judged by scripted-judge (rules)\n\n\
        timeline  correctness\n\
        main            0.200\n\
        fixed           0.950\n\n\
        Delta (fixed vs main): +0.75, not testable (n=1)\n\n\
        main, correctness: The number is made up.\n\
        fixed, correctness: As in the atlas.\n\n\
        judge: 4 calls, ";
    assert!(run.stdout.starts_with(expected), "{}", run.stdout);
    let one = app
        .run(score.iter().chain(&["--timeline", "main"]))
        .exits(0);
    assert!(!one.stdout.contains("fixed"), "{}", one.stdout);
    assert!(!one.stdout.contains("Delta"), "{}", one.stdout);
}

#[test]
fn every_key_of_the_scores_in_json_is_described() {
    let app = demo();
    app.write("judge.toml", &RULES.replace("As in", "\\u001b[2J"));
    let run = app.run([
        "eval",
        "score",
        "-e",
        "correctness",
        "--compare-timelines",
        "--json",
        "--votes",
        "2",
        "--scripted",
        "judge.toml",
    ]);
    let report = run.exits(0).json();
    assert_eq!(report["scores"][1]["score"], 0.95);
    assert_eq!(report["deltas"][0]["timeline"], "fixed");
    assert_eq!(report["judge_cost"]["calls"], 6);
    let page = include_str!("../../../docs/json-output.md");
    let section = page.split("## `rewind eval score --json`").nth(1).unwrap();
    let mut keys = Vec::new();
    collect(&report, &mut keys);
    assert!(keys.len() > 30);
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| !section.contains(&format!("`{key}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn collect(value: &serde_json::Value, keys: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        keys.push(key.clone());
        collect(value, keys);
    }
    for item in value.as_array().into_iter().flatten() {
        collect(item, keys);
    }
}

#[test]
fn a_rubric_and_a_prompt_of_the_repository_are_what_the_judge_is_sent() {
    let app = demo();
    app.write(
        "rewind.toml",
        "[judge]\nscripted = \"judge.toml\"\n[judge.rubric.tone]\nstatements = [{ text = \"It names a year.\", weight = 3 }, \"It is polite.\"]\n",
    );
    app.write("prompts/tone.md", "Be strict about years.\n");
    app.write(
        "judge.toml",
        "[[rule]]\nwhen = { system = \"Be strict about years.\" }\nreply = { text = '{\"verdicts\":[{\"statement\":\"s1\",\"evidence\":[\"1950\"],\"reasoning\":\"\",\"met\":true},{\"statement\":\"s2\",\"evidence\":[],\"reasoning\":\"Curt.\",\"met\":false}]}' }\n",
    );
    let prompt = app
        .run(["eval", "prompt", "tone", "latest"])
        .exits(0)
        .stdout;
    assert!(prompt.contains("Be strict about years."), "{prompt}");
    assert!(prompt.contains("- `s2`: It is polite."), "{prompt}");
    assert!(prompt.contains("Tokyo has 14 million"), "{prompt}");
    assert!(prompt.contains("\"met\""), "{prompt}");
    let run = app.run(["eval", "score", "latest", "-e", "tone"]).exits(0);
    assert!(run.stdout.contains("fixed     0.750"), "{}", run.stdout);
    let unknown = app.run(["eval", "prompt", "tome"]).exits(2);
    assert!(
        unknown.stderr.contains("groundedness"),
        "{}",
        unknown.stderr
    );
    app.run(["eval", "prompt", "../../etc/passwd"]).exits(2);
}

#[test]
fn in_ci_a_judge_is_asked_only_with_a_word_and_rules_always() {
    let app = demo();
    app.write("rules.toml", RULES);
    app.write(
        "rewind.toml",
        "[judge]\nmodel = \"m\"\nurl = \"http://127.0.0.1:9/v1\"\ntimeout = \"50ms\"\n",
    );
    let in_ci = |arguments: &[&str]| {
        let mut command = app.rewind();
        command
            .args(["eval", "score", "-e", "correctness"])
            .args(arguments);
        let output = command.env("CI", "true").output().unwrap();
        crate::support::Run::new(&command, output)
    };
    let refused = in_ci(&[]).exits(2);
    assert!(refused.stderr.contains("--live"), "{}", refused.stderr);
    in_ci(&["--scripted", "rules.toml"]).exits(0);
    let unmeasured = in_ci(&["--live"]).exits(3);
    assert!(
        unmeasured.stdout.contains("not measured"),
        "{}",
        unmeasured.stdout
    );
}

#[test]
fn without_a_judge_or_an_evaluator_the_command_says_what_to_write() {
    let app = demo();
    std::fs::remove_dir_all(app.folder().join("rewind-demo")).unwrap();
    let none = app.run(["eval", "score", "-e", "correctness"]).exits(2);
    assert!(none.stderr.contains("[judge]"), "{}", none.stderr);
    app.write("rewind.toml", "[judge]\nmodel = \"gpt-4o-mini\"\n");
    let keyless = app.run(["eval", "score", "-e", "correctness"]).exits(2);
    assert!(
        keyless.stderr.contains("OPENAI_API_KEY"),
        "{}",
        keyless.stderr
    );
    app.write(
        "rewind.toml",
        "[judge]\nmodel = \"mine\"\nurl = \"http://127.0.0.1:9/v1\"\nmax_usd = 1\n",
    );
    let unpriced = app.run(["eval", "score", "-e", "correctness"]).exits(2);
    assert!(
        unpriced.stderr.contains("[prices.\"mine\"]"),
        "{}",
        unpriced.stderr
    );
    app.write("rewind.toml", "[judge]\nmodel = \"claude-x\"\nseed = 1\n");
    let sampled = app.run(["eval", "score", "-e", "correctness"]).exits(2);
    assert!(
        sampled.stderr.contains("Anthropic's dialect"),
        "{}",
        sampled.stderr
    );
    app.write("rewind.toml", "[judge.rubric.empty]\ntools = true\n");
    let empty = app.run(["eval", "prompt", "empty"]).exits(2);
    assert!(empty.stderr.contains("statements"), "{}", empty.stderr);
}

#[test]
fn any_criterion_may_see_the_steps() {
    let app = demo();
    let prompt = |more: &[&str]| {
        let command = ["eval", "prompt", "correctness", "latest"];
        app.run(command.iter().chain(more)).exits(0).stdout
    };
    let (plain, steps) = (prompt(&[]), prompt(&["--steps"]));
    assert!(!plain.contains("[[BEGIN tool result"), "{plain}");
    assert!(steps.contains("[[BEGIN tool result 1 "), "{steps}");
    assert!(steps.contains("are the steps on which"), "{steps}");
    // It is another prompt, so its scores are others.
    assert_ne!(plain.lines().next(), steps.lines().next());
    app.write("rewind.toml", "[judge]\nsee = \"steps\"\n");
    assert_eq!(prompt(&[]), steps);
    // A quote of a step is evidence only where the steps are seen.
    let rules = RULES.replace("14 million\\n inhabitants", "Statistics of Tokyo");
    app.write("judge.toml", &rules);
    let score = [
        "eval",
        "score",
        "-e",
        "correctness",
        "--scripted",
        "judge.toml",
    ];
    app.run(score).exits(0);
    app.write("rewind.toml", "");
    let unseen = app.run(score).exits(3);
    assert!(
        unseen.stdout.contains("does not stand in the judged text"),
        "{}",
        unseen.stdout
    );
}

#[test]
fn the_demo_has_a_judge_of_its_own_that_needs_no_key() {
    let app = demo();
    let command = [
        "eval",
        "score",
        "latest",
        "-e",
        "correctness",
        "--compare-timelines",
    ];
    let run = app.run(command).exits(0);
    let expected = "session research, judged by scripted-judge (rules)\n\n\
        timeline  correctness\n\
        main            0.200\n\
        fixed           0.950\n\n\
        Delta (fixed vs main): +0.75, not testable (n=1)\n";
    assert!(run.stdout.starts_with(expected), "{}", run.stdout);
    let pairs = ["eval", "score", "latest", "-e", "correctness", "--pairwise"];
    let pairs = app.run(pairs).exits(0);
    assert!(pairs.stdout.contains("fixed is better"), "{}", pairs.stdout);
    let built_in = [
        "coherence",
        "relevance",
        "safety",
        "task_completion",
        "groundedness",
    ];
    let each = built_in.iter().flat_map(|name| ["-e", *name]);
    let all = app.run(command.into_iter().chain(each)).exits(0);
    assert!(!all.stdout.contains("not measured"), "{}", all.stdout);
    let grounded = "Delta (fixed vs main), groundedness: +0.70";
    assert!(all.stdout.contains(grounded), "{}", all.stdout);
    // It knows its question alone.
    app.write("rewind.toml", "[judge]\nscripted = \"rewind-demo/judge.toml\"\n\n[judge.rubric.brevity]\nstatements = [\"The answer is brief.\"]\n");
    let other = app
        .run(["eval", "score", "latest", "-e", "brevity"])
        .exits(3);
    assert!(other.stdout.contains("not measured"), "{}", other.stdout);
    // A judge that is configured comes first.
    app.write("rewind.toml", "[judge]\nmodel = \"gpt-4o-mini\"\n");
    let keyless = app.run(command).exits(2);
    assert!(
        keyless.stderr.contains("OPENAI_API_KEY"),
        "{}",
        keyless.stderr
    );
}
