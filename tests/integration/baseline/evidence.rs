//! What was accepted, what waits to be, and baselines that do not count for a while.

use serde_json::Value;

use super::{create, fixture, gate_with, read, record, repository};
use crate::support::App;

fn survey() -> App {
    let app = repository("loop", "\"MODE\", \"PROMPT\"");
    record(&app, "loop", "survey", &[]);
    create(&app, "survey", &["--stability", "1"]).exits(0);
    app
}

fn accepted(app: &App) -> Value {
    serde_json::from_str(&read(app, "baselines/survey/accepted.json")).unwrap()
}

fn verdicts(app: &App) -> Vec<String> {
    let report: Value =
        serde_json::from_str(&read(app, "rewind-report/rewind-report.json")).unwrap();
    let forks = report["forks"].as_array().unwrap();
    forks
        .iter()
        .map(|fork| fork["decision"]["verdict"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_unchanged_agent_leaves_nothing_to_accept_and_the_gate_never_writes_baselines() {
    let app = survey();
    let before = read(&app, "baselines/survey/accepted.json");
    gate_with(&app, &[], &["--offline"]).exits(0);
    assert!(!app.folder().join("rewind-report/pending").exists());
    gate_with(&app, &[("MODE", "crash")], &["--offline"]).exits(1);
    assert!(
        app.folder()
            .join("rewind-report/pending/survey/accepted.json")
            .is_file()
    );
    assert_eq!(read(&app, "baselines/survey/accepted.json"), before);
}

#[test]
fn a_failure_that_was_accepted_is_pre_existing_and_a_new_one_is_not() {
    let app = survey();
    let toml = read(&app, "baselines/survey/baseline.toml");
    // A check that the recording itself fails.
    let wanted =
        format!("{toml}\n[[check]]\nid = \"kind\"\nkind = \"answer\"\ncontains = \"please\"\n");
    app.write("baselines/survey/baseline.toml", &wanted);
    gate_with(&app, &[], &["--offline"]).exits(1);
    assert_eq!(verdicts(&app), ["broken", "broken"]);
    let review = app.run(["baseline", "review"]).exits(0);
    assert!(
        review.stdout.contains("last kind: none -> failed"),
        "{}",
        review.stdout
    );
    let old = accepted(&app);
    app.run([
        "baseline",
        "accept",
        "survey",
        "--reason",
        "known since May",
    ])
    .exits(0);
    let new = accepted(&app);
    assert_eq!(new["provenance"]["reason"], "known since May");
    assert!(
        new["provenance"]["replaces"]
            .as_str()
            .unwrap()
            .starts_with("b3:")
    );
    assert!(old["provenance"].get("replaces").is_none());
    assert_eq!(
        new["forks"]["last"]["checks"]["kind"]["results"][0],
        "failed"
    );
    gate_with(&app, &[], &["--offline"]).exits(0);
    assert_eq!(verdicts(&app), ["pre_existing", "pre_existing"]);
    // What fails beside it is new.
    gate_with(&app, &[("MODE", "crash")], &["--offline"]).exits(1);
    assert_eq!(verdicts(&app), ["broken", "broken"]);
    assert_eq!(
        app.run(["baseline", "review"])
            .exits(0)
            .stdout
            .matches("survey\n")
            .count(),
        1
    );
}

#[test]
fn a_recording_that_was_edited_is_not_compared_until_it_is_accepted() {
    let app = survey();
    let manifest = read(&app, "baselines/survey/session/session.toml");
    app.write(
        "baselines/survey/session/session.toml",
        &manifest.replace("survey", "survey2"),
    );
    gate_with(&app, &[], &["--offline"]).exits(3);
    assert_eq!(verdicts(&app), ["incomparable", "incomparable"]);
    app.run(["baseline", "accept", "survey"]).exits(0);
    gate_with(&app, &[], &["--offline"]).exits(0);
}

#[test]
fn evidence_of_a_newer_format_is_refused_by_name() {
    let app = survey();
    let text = read(&app, "baselines/survey/accepted.json");
    app.write(
        "baselines/survey/accepted.json",
        &text.replace("\"1.0\"", "\"2.0\""),
    );
    let run = gate_with(&app, &[], &["--offline"]).exits(2);
    assert!(
        run.stderr.contains("accepted.json has format 2.0"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_live_run_can_become_the_recording() {
    let app = survey();
    let changed = [("PROMPT", "You are a surveyor. Be brief.")];
    gate_with(&app, &changed, &["--live"]).exits(0);
    app.run(["baseline", "accept", "--rerecord", "--reason", "new prompt"])
        .exits(0);
    // Now the changed agent is the recorded one.
    gate_with(&app, &changed, &["--offline"]).exits(0);
    assert_eq!(verdicts(&app), ["unaffected", "unaffected"]);
    let run = app.run(["baseline", "accept", "survey"]).exits(2);
    assert!(run.stderr.contains("nothing is pending"), "{}", run.stderr);
}

#[test]
fn a_quarantined_baseline_runs_and_is_shown_without_gating_until_its_day() {
    let app = survey();
    let toml = read(&app, "baselines/survey/baseline.toml");
    let until = |days: i64| {
        let day = jiff::Zoned::now().date() + jiff::Span::new().days(days);
        let table =
            format!("\n[quarantine]\nowner = \"mia\"\nreason = \"flaky tool\"\nuntil = {day}\n");
        app.write("baselines/survey/baseline.toml", &format!("{toml}{table}"));
    };
    until(10);
    let run = gate_with(&app, &[("MODE", "crash")], &["--offline"]).exits(0);
    assert!(
        run.stdout.contains("does not gate (mia: flaky tool)"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("broken"), "{}", run.stdout);
    until(-1);
    let run = gate_with(&app, &[("MODE", "crash")], &["--offline"]).exits(1);
    assert!(run.stdout.contains("it gates again"), "{}", run.stdout);
    let stale = app.run(["baseline", "list", "--stale"]).exits(0);
    assert!(
        stale.stdout.contains("its quarantine expired"),
        "{}",
        stale.stdout
    );
    until(40);
    let run = gate_with(&app, &[], &["--offline"]).exits(2);
    assert!(run.stderr.contains("more than 30 days"), "{}", run.stderr);
}

#[test]
fn what_is_old_or_asks_a_retired_model_is_stale() {
    let app = repository("loop", "");
    let agent = std::fs::read_to_string(fixture("loop.py")).unwrap();
    let agent = agent.replace("gpt-4o-mini", "gpt-4-0613");
    let script = app.write("loop.py", &agent);
    let script = script.to_str().unwrap();
    app.run(["record", "--name", "survey", "--", "python3", script])
        .exits(0);
    create(&app, "survey", &["--unverified"]).exits(0);
    let mut known = accepted(&app);
    known["provenance"]["when"] = "2025-01-02T00:00:00Z".into();
    app.write("baselines/survey/accepted.json", &known.to_string());
    let stale = app.run(["baseline", "list", "--stale"]).exits(0).stdout;
    for part in [
        "when it was made, and nothing since: it may be that no change concerns it",
        "its model `gpt-4-0613` was retired on 2026-10-23",
    ] {
        assert!(stale.contains(part), "{part}\n{stale}");
    }
    known["provenance"]["replaces"] = known["recording"].clone();
    app.write("baselines/survey/accepted.json", &known.to_string());
    let stale = app.run(["baseline", "list", "--stale"]).exits(0).stdout;
    assert!(stale.contains("days ago; record it anew"), "{stale}");
}
