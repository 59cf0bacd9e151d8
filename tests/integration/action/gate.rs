//! The action around a program in place of `rewind`: what the gate says is passed on, and nothing else is taken for a pass.

use std::fs;

use super::{ONE_GATE, REPORT, Repository};

#[test]
fn the_action_passes_on_what_the_gate_said() {
    for (word, code, outcome) in [
        ("pass", 0, "success"),
        ("fail", 1, "failure"),
        ("not_measured", 3, "failure"),
    ] {
        let repository =
            Repository::with_fake(&format!("{}\nexit {code}", REPORT.replace("WORD", word)));
        let run = repository.act("pull_request", "one.yml").exits(0);
        let seen = format!("seen outcome={outcome} verdict={word} code={code}");
        assert!(run.stdout.contains(&seen), "no {seen:?} in\n{}", run.stdout);
        let uploaded = repository
            .app
            .folder()
            .join("uploads/rewind-report/report.md");
        assert!(uploaded.exists(), "the report was not uploaded");
    }
}

#[test]
fn the_counts_of_a_report_are_passed_on_and_nothing_behind_them() {
    for (counts, seen) in [
        ("{}", "{}"),
        (
            r#"{\n    "stable": 2,\n    "unaffected": 1\n  }"#,
            r#"{"stable":2,"unaffected":1}"#,
        ),
    ] {
        let behind =
            format!(r#"WORD",\n  "counts": {counts},\n  "savings": {{\n    "paid": 0\n  }}"#);
        let report = REPORT.replace("WORD\"", &behind).replace("WORD", "pass");
        let repository = Repository::with_fake(&format!("{report}\nexit 0"));
        let run = repository.act("pull_request", "one.yml").exits(0);
        let seen = format!("verdict=pass code=0 counts={seen}");
        assert!(run.stdout.contains(&seen), "no {seen:?} in\n{}", run.stdout);
    }
}

#[test]
fn a_server_that_takes_no_artifact_changes_no_verdict() {
    for (word, code, outcome) in [("pass", 0, "success"), ("fail", 1, "failure")] {
        let report = REPORT.replace("WORD", word);
        let repository = Repository::with_fake(&format!("{report}\nexit {code}"));
        repository.app.write("uploads", "no folder");
        let run = repository.act("pull_request", "one.yml").exits(0);
        let seen = format!("seen outcome={outcome} verdict={word} code={code}");
        assert!(run.stdout.contains(&seen), "no {seen:?} in\n{}", run.stdout);
        assert!(
            run.stdout.contains("Failure - Main actions/upload"),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn a_gate_that_breaks_is_never_a_pass() {
    for (script, code) in [
        ("kill -9 $$", 137),
        ("exit 0", 3),
        ("echo '::set-output name=exit-code::0'; exit 2", 2),
    ] {
        let repository = Repository::with_fake(script);
        let run = repository.act("pull_request", "one.yml").exits(0);
        let seen = format!("seen outcome=failure verdict=error code={code}");
        assert!(
            run.stdout.contains(&seen),
            "{script}: no {seen:?} in\n{}",
            run.stdout
        );
    }
}

#[test]
fn an_event_with_secrets_never_runs_the_agent() {
    let repository = Repository::with_fake("touch \"$GITHUB_WORKSPACE/ran\"; exit 0");
    repository.app.write(
        "repository/.github/workflows/one.yml",
        &ONE_GATE.replace("on: pull_request", "on: pull_request_target"),
    );
    let run = repository.act("pull_request_target", "one.yml").exits(0);
    assert!(
        run.stdout
            .contains("seen outcome=failure verdict=error code=2"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("refuses the event pull_request_target"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_the_agent_prints_is_no_command_of_the_runner() {
    // What tells GitHub of a run prints nothing of the agent.
    let mask = "if [ \"$1\" = gate ]; then echo '::add-mask::outcome'; fi";
    let repository = Repository::with_fake(&format!("{mask}\n{}", REPORT.replace("WORD", "pass")));
    let run = repository.act("pull_request", "one.yml").exits(0);
    assert!(
        run.stdout.contains("seen outcome=success"),
        "the mask was taken:\n{}",
        run.stdout
    );
}

#[test]
fn an_input_is_one_argument_whatever_stands_in_it() {
    const HOSTILE: &str = "a b\"; echo PWNED; $(id) `id` *";
    let log = "for word in \"$@\"; do printf '<%s>\\n' \"$word\" >>\"$UPLOADS.arguments\"; done";
    let repository = Repository::with_fake(&format!("{log}\n{}", REPORT.replace("WORD", "pass")));
    let options = [
        ("config", "--config", 2),
        ("baselines", "--baselines", 2),
        ("filter", "--filter", 1),
        ("policy-from", "--policy-from", 2),
        ("changed-since", "--changed-since", 1),
        ("profile", "--profile", 1),
        ("shard", "--shard", 1),
        ("max-usd", "--max-usd", 1),
        ("key", "--key", 2),
        ("comment", "--mode", 1),
        ("check-run", "--name", 1),
    ];
    let inputs: Vec<String> = options
        .iter()
        .map(|(input, _option, _times)| format!("          {input}: '{HOSTILE}'\n"))
        .collect();
    let with = "          binary: fake-rewind\n";
    repository.app.write(
        "repository/.github/workflows/one.yml",
        &ONE_GATE.replace(with, &format!("{with}{}", inputs.concat())),
    );
    let run = repository.act("pull_request", "one.yml").exits(0);
    let arguments = fs::read_to_string(repository.app.folder().join("uploads.arguments")).unwrap();
    for (_input, option, times) in options {
        let pair = format!("<{option}>\n<{HOSTILE}>\n");
        assert_eq!(arguments.matches(&pair).count(), times, "{arguments}");
    }
    assert!(
        run.stdout
            .contains("seen outcome=success verdict=pass code=0"),
        "{}",
        run.stdout
    );
    for line in run.stdout.lines() {
        assert!(
            !line.ends_with("| PWNED") && !line.contains("uid="),
            "{line}"
        );
    }
}
