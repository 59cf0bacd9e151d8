//! An agent whose answer is the model's still has to print it.

use super::{create, gate_with, read, record, repository};
use crate::support::App;

fn survey(output: &str) -> App {
    let app = repository("loop", "\"MODE\", \"PROMPT\"");
    let config = read(&app, "rewind.toml");
    let config = config.replace("[agent]\n", &format!("[agent]\noutput = \"{output}\"\n"));
    app.write("rewind.toml", &config);
    record(&app, "loop", "survey", &[]);
    create(&app, "survey", &["--stability", "1"]).exits(0);
    app
}

#[test]
fn an_agent_that_does_less_is_never_unaffected_for_the_gate() {
    for output in ["stdout", "last-message"] {
        let app = survey(output);
        let stops = (0..=14).map(|step| format!("stop:{step}"));
        for mode in stops.chain(["silent", "crash", "half"].map(str::to_owned)) {
            let gated = gate_with(&app, &[("MODE", &mode)], &["--offline"]);
            let report = read(&app, "rewind-report/rewind-report.json");
            let report: serde_json::Value = serde_json::from_str(&report).unwrap();
            let counts = &report["counts"];
            assert!(
                counts.get("unaffected").is_none(),
                "{output} {mode}: {counts}"
            );
            assert!(!gated.stdout.contains("unaffected"), "{output} {mode}");
        }
        gate_with(&app, &[], &["--offline"]).exits(0);
    }
}

#[test]
fn half_an_answer_is_shown_and_can_be_accepted_without_a_live_call() {
    let app = survey("last-message");
    let half = [("MODE", "half")];
    let gated = gate_with(&app, &half, &["--live"]).exits(0);
    let said = "standard output does not hold its final answer";
    assert!(gated.stdout.contains(said), "{}", gated.stdout);
    assert!(
        gated.stdout.contains("LOOK: 2 inconclusive"),
        "{}",
        gated.stdout
    );
    assert!(!gated.stderr.contains("live tails"), "{}", gated.stderr);
    app.run(["baseline", "accept", "--reason", "brief"])
        .exits(0);
    let gated = gate_with(&app, &half, &["--offline"]).exits(0);
    assert!(gated.stdout.contains("unaffected"), "{}", gated.stdout);
}

#[test]
fn evidence_that_does_not_say_so_is_not_compared() {
    let app = survey("last-message");
    let known = read(&app, "baselines/survey/accepted.json");
    let older = known.replace("  \"printed\": true,\n", "");
    assert_ne!(older, known);
    app.write("baselines/survey/accepted.json", &older);
    let gated = gate_with(&app, &[("MODE", "half")], &["--offline"]).exits(0);
    assert!(gated.stdout.contains("unaffected"), "{}", gated.stdout);
    assert!(!gated.stdout.contains("to accept"), "{}", gated.stdout);
}
