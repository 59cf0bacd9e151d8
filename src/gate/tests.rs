//! The ladder, the table and the run, walked through.

mod properties;
mod sampled;
mod scored;

use super::*;
use crate::check::{CheckResult, Finding, Outcome, Severity};
use crate::exit::Exit;
use crate::model::{Divergence, DivergenceKind, Drift, ReplayReport, StepIndex};

fn result(severity: Severity, outcome: Outcome) -> CheckResult {
    CheckResult {
        id: "c".into(),
        kind: "answer".into(),
        severity,
        score: None,
        k_of_n: None,
        outcome,
    }
}

fn pass() -> CheckResult {
    result(Severity::Gate, Outcome::passed("fine"))
}

fn fail() -> CheckResult {
    let findings = vec![Finding::new("the answer is wrong").step(Some(StepIndex(4)))];
    result(
        Severity::Gate,
        Outcome::Failed {
            findings,
            is_violation: false,
        },
    )
}

fn violation() -> CheckResult {
    let findings = vec![Finding::new("forbidden tool `x` was called")];
    result(
        Severity::Gate,
        Outcome::Failed {
            findings,
            is_violation: true,
        },
    )
}

fn not_run() -> CheckResult {
    result(Severity::Gate, Outcome::not_run("no end was seen"))
}

fn divergence() -> Divergence {
    Divergence {
        kind: DivergenceKind::History,
        step: Some(StepIndex(5)),
        agent: String::new(),
        pointer: String::new(),
        recorded: String::new(),
        found: String::new(),
        message: "the agent went another way at step 5".into(),
        remedy: String::new(),
    }
}

/// A whole run that served everything, with one passing check.
fn good() -> Sample {
    Sample {
        mode: Mode::Offline,
        replay: ReplayReport {
            served: 3,
            ..ReplayReport::default()
        },
        exit: Some(0),
        recorded_exit: Some(0),
        fault: None,
        printed: None,
        is_same_trajectory: true,
        checks: vec![pass()],
    }
}

fn with(sample: &Sample, check: CheckResult) -> Sample {
    Sample {
        checks: vec![pass(), check],
        ..sample.clone()
    }
}

fn unaffected() -> Sample {
    let replay = ReplayReport {
        is_unaffected: true,
        ..good().replay
    };
    Sample { replay, ..good() }
}

fn drifted() -> Sample {
    let replay = ReplayReport {
        drift: vec![Drift::SystemPrompt],
        ..good().replay
    };
    Sample { replay, ..good() }
}

fn cut() -> Sample {
    let replay = ReplayReport {
        refused: 1,
        divergences: vec![divergence()],
        ..good().replay
    };
    Sample {
        replay,
        exit: Some(1),
        checks: vec![not_run()],
        ..good()
    }
}

fn faulty() -> Sample {
    let fault = Fault {
        kind: FaultKind::Harness,
        said: String::new(),
        message: "no such command `pyton3`".into(),
    };
    Sample {
        fault: Some(fault),
        checks: Vec::new(),
        ..good()
    }
}

fn crashed() -> Sample {
    Sample {
        exit: Some(1),
        ..good()
    }
}

fn fork(samples: Vec<Sample>) -> ForkInput {
    ForkInput {
        baseline: "b".into(),
        fork: "auto".into(),
        step: None,
        is_gating: true,
        min_samples: 1,
        tests: 0,
        sessions: 0,
        max_samples: 0,
        alpha: USUAL_ALPHA,
        margin: USUAL_MARGIN,
        noise: std::collections::BTreeMap::new(),
        sample_cost_micro_usd: None,
        accepted_scores: std::collections::BTreeMap::new(),
        accepted: Accepted::Passed,
        accepted_results: Vec::new(),
        unheard: Vec::new(),
        samples,
        confirmation: None,
    }
}

fn verdict(samples: Vec<Sample>) -> Verdict {
    decide_fork(&fork(samples)).verdict
}

#[test]
fn every_row_of_the_table_is_as_documented() {
    let table: Vec<String> = Verdict::ALL
        .iter()
        .map(|verdict| {
            let row = verdict.row();
            let run = decide_run([(*verdict, true)], [], &Policy::default());
            let half = Policy {
                min_coverage: 0.5,
                ..Policy::default()
            };
            let others = [(Verdict::Stable, true), (*verdict, true)];
            let covered = decide_run(others, [], &half);
            let conclusion = |run: &RunVerdict| run.shown.check_run().conclusion(run.exit);
            format!(
                "{verdict:<12} | {:<12} | alone {} {:<15} | among others {} {:<8} | {:?}",
                row.shown,
                run.exit.code(),
                conclusion(&run),
                covered.exit.code(),
                conclusion(&covered),
                row.junit,
            )
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn names_in_files_are_those_of_the_table() {
    for verdict in Verdict::ALL {
        let name = serde_json::to_value(verdict).unwrap();
        assert_eq!(name, verdict.row().name);
    }
    assert!(Verdict::ALL.is_sorted());
}

#[test]
fn whole_runs_are_decided_by_their_checks() {
    assert_eq!(verdict(vec![good()]), Verdict::Stable);
    assert_eq!(verdict(vec![unaffected()]), Verdict::Unaffected);
    assert_eq!(verdict(vec![with(&good(), fail())]), Verdict::Broken);
    assert_eq!(verdict(vec![with(&unaffected(), fail())]), Verdict::Broken);
    let other = Sample {
        is_same_trajectory: false,
        ..good()
    };
    assert_eq!(verdict(vec![other]), Verdict::Changed);
    let warned = CheckResult {
        severity: Severity::Warn,
        ..fail()
    };
    assert_eq!(verdict(vec![with(&good(), warned)]), Verdict::Stable);
    assert_eq!(
        verdict(vec![good(), with(&good(), fail())]),
        Verdict::Suspect
    );
}

#[test]
fn a_crash_of_the_agent_is_a_failure_one_of_the_harness_is_not() {
    let decided = decide_fork(&fork(vec![crashed()]));
    assert_eq!(decided.verdict, Verdict::Broken);
    assert_eq!(
        decided.why,
        "the agent exited with status 1, recorded was 0"
    );
    let recorded = Sample {
        recorded_exit: Some(1),
        ..crashed()
    };
    assert_eq!(verdict(vec![recorded]), Verdict::Stable);
    let decided = decide_fork(&fork(vec![faulty()]));
    assert_eq!(decided.verdict, Verdict::NotMeasured);
    assert_eq!(decided.why, "no such command `pyton3`");
    assert_eq!(verdict(vec![]), Verdict::NotMeasured);
    assert_eq!(verdict(vec![faulty(), good()]), Verdict::Stable);
}

#[test]
fn offline_a_changed_treatment_or_another_way_needs_a_live_run() {
    let decided = decide_fork(&fork(vec![drifted()]));
    assert_eq!(decided.verdict, Verdict::NeedsLive);
    assert_eq!(decided.why, "this change alters: system prompt");
    let decided = decide_fork(&fork(vec![cut()]));
    assert_eq!(decided.verdict, Verdict::NeedsLive);
    assert_eq!(decided.why, "the agent went another way at step 5");
    assert_eq!(verdict(vec![with(&drifted(), fail())]), Verdict::Violated);
    assert_eq!(verdict(vec![with(&cut(), fail())]), Verdict::Violated);
    let live = Sample {
        mode: Mode::Live,
        ..drifted()
    };
    assert_eq!(verdict(vec![live]), Verdict::Stable);
}

#[test]
fn a_change_that_no_fork_shows_never_passes_and_hides_no_failure() {
    let live = |check: CheckResult| ForkInput {
        unheard: vec!["no fork shows the planner's prompt".into()],
        ..fork(vec![Sample {
            mode: Mode::Live,
            ..with(&drifted(), check)
        }])
    };
    let decided = decide_fork(&live(pass()));
    assert_eq!(decided.verdict, Verdict::NeedsLive);
    assert_eq!(decided.why, "no fork shows the planner's prompt");
    assert_eq!(decide_fork(&live(fail())).verdict, Verdict::Broken);
    assert_eq!(decide_fork(&live(violation())).verdict, Verdict::Violated);
}

#[test]
fn a_tool_result_taken_for_the_recorded_one_needs_no_live_run() {
    let drift = vec![Drift::ToolResult {
        name: "web_search".into(),
    }];
    let replay = ReplayReport {
        drift,
        ..good().replay
    };
    assert_eq!(verdict(vec![Sample { replay, ..good() }]), Verdict::Stable);
}

#[test]
fn a_violation_outweighs_everything() {
    for sample in [good(), drifted(), cut(), faulty(), crashed()] {
        assert_eq!(
            verdict(vec![good(), with(&sample, violation())]),
            Verdict::Violated
        );
    }
    let decided = decide_fork(&fork(vec![with(&good(), violation())]));
    assert_eq!(decided.why, "forbidden tool `x` was called");
}

#[test]
fn a_check_that_could_not_run_never_passes() {
    let decided = decide_fork(&fork(vec![with(&good(), not_run())]));
    assert_eq!(decided.verdict, Verdict::NotMeasured);
    assert_eq!(decided.why, "check `c` could not run: no end was seen");
    assert_eq!(
        verdict(vec![with(&with(&good(), fail()), fail())]),
        Verdict::Broken
    );
}

#[test]
fn what_no_check_measures_is_not_a_pass_unless_proved_equal() {
    let unchecked = Sample {
        checks: Vec::new(),
        is_same_trajectory: false,
        ..good()
    };
    assert_eq!(verdict(vec![unchecked]), Verdict::Inconclusive);
    let proved = Sample {
        checks: Vec::new(),
        ..unaffected()
    };
    assert_eq!(verdict(vec![proved]), Verdict::Unaffected);
}

#[test]
fn accepted_failures_are_not_the_changes_fault() {
    let known = |sample| ForkInput {
        accepted: Accepted::Failed,
        ..fork(vec![sample])
    };
    assert_eq!(
        decide_fork(&known(with(&good(), fail()))).verdict,
        Verdict::PreExisting
    );
    assert_eq!(decide_fork(&known(good())).verdict, Verdict::Improved);
    assert_eq!(
        decide_fork(&known(with(&good(), violation()))).verdict,
        Verdict::Violated
    );
    let other = ForkInput {
        accepted: Accepted::Incomparable("the judge's prompt changed".into()),
        ..fork(vec![good()])
    };
    assert_eq!(decide_fork(&other).verdict, Verdict::Incomparable);
}

#[test]
fn a_run_passes_only_when_everything_was_measured() {
    let run = |forks: &[Verdict], policy: &Policy| {
        let run = decide_run(forks.iter().map(|verdict| (*verdict, true)), [], policy);
        (run.shown, run.exit)
    };
    let policy = Policy::default();
    let (stable, live) = (Verdict::Stable, Verdict::NeedsLive);
    assert_eq!(
        run(&[stable, Verdict::Unaffected], &policy),
        (Shown::Pass, Exit::Pass)
    );
    assert_eq!(
        run(&[stable, live], &policy),
        (Shown::NotMeasured, Exit::NotMeasured)
    );
    assert_eq!(
        run(&[Verdict::Broken, live], &policy),
        (Shown::Fail, Exit::Fail)
    );
    assert_eq!(
        run(&[stable, Verdict::Suspect], &policy),
        (Shown::Look, Exit::Pass)
    );
    let mut twenty = vec![stable; 19];
    twenty.push(Verdict::NotMeasured);
    assert_eq!(run(&twenty, &policy), (Shown::Look, Exit::Pass));
    let allowed = Policy {
        allow_needs_live: true,
        ..policy
    };
    assert_eq!(run(&[stable, live], &allowed), (Shown::Look, Exit::Pass));
    let missing = [Verdict::NotMeasured, live];
    assert_eq!(
        run(&missing, &allowed),
        (Shown::NotMeasured, Exit::NotMeasured)
    );
    let advisory = Policy {
        is_enforced: false,
        ..policy
    };
    assert_eq!(
        run(&[Verdict::Broken], &advisory),
        (Shown::Fail, Exit::Pass)
    );
    assert_eq!(run(&[], &policy), (Shown::Pass, Exit::Pass));
}

#[test]
fn forks_that_do_not_gate_are_counted_but_fail_nothing() {
    let run = decide_run(
        [(Verdict::Broken, false), (Verdict::Stable, true)],
        [],
        &Policy::default(),
    );
    assert_eq!((run.shown, run.exit), (Shown::Pass, Exit::Pass));
    assert_eq!(run.counts[&Verdict::Broken], 1);
    assert_eq!((run.gating, run.covered), (1, 1));
}
