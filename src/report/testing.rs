//! A gate run for the tests of the reports: good, bad and hostile forks.

use super::{Content, ForkReport, RunReport};
use crate::check::{CheckResult, Finding, JudgeVote, JudgedStatement, Outcome, Score, Severity};
use crate::gate::{
    Accepted, Comparison, Fault, FaultKind, ForkInput, Measure, Mode, Policy, Sample,
};
use crate::model::{Divergence, DivergenceKind, Drift, MicroUsd, ReplayReport, StepIndex};
use crate::replay::{Savings, Tally};

/// Text as a hostile model would write it.
pub(super) const HOSTILE: &str =
    "]]> </failure> @everyone <script>alert(1)</script> \u{1b}[31m\u{0} ``` <!-- & \u{ffff}";

fn check(id: &str, outcome: Outcome) -> CheckResult {
    CheckResult {
        id: id.into(),
        kind: id.into(),
        severity: Severity::Gate,
        score: None,
        k_of_n: None,
        outcome,
    }
}

fn passed(id: &str) -> CheckResult {
    check(id, Outcome::passed("looked at 4 tool calls"))
}

fn sample(replay: ReplayReport, checks: Vec<CheckResult>) -> Sample {
    Sample {
        mode: Mode::Offline,
        replay,
        exit: Some(0),
        recorded_exit: Some(0),
        fault: None,
        printed: None,
        is_same_trajectory: true,
        checks,
    }
}

/// Returns a score with a vote of a judge that says this wherever it says something.
pub(super) fn judged(said: &str) -> Score {
    Score {
        evaluator: "correctness".to_owned(),
        value: Some(0.2),
        reference: Some(0.9),
        max_drop: None,
        votes: vec![
            JudgeVote {
                judge: "judge-1".to_owned(),
                score: Some(0.2),
                why: String::new(),
                statements: vec![JudgedStatement {
                    statement: "correctness".to_owned(),
                    score: 0.2,
                    quotes: vec![said.to_owned()],
                    reasoning: said.to_owned(),
                }],
            },
            JudgeVote {
                judge: "judge-2".to_owned(),
                why: said.to_owned(),
                ..JudgeVote::default()
            },
        ],
    }
}

fn fork(baseline: &str, fork: &str, sample: Sample) -> ForkReport {
    let evidence = ForkInput {
        baseline: baseline.into(),
        fork: fork.into(),
        step: None,
        is_gating: true,
        min_samples: 1,
        tests: 0,
        sessions: 0,
        max_samples: 0,
        alpha: crate::gate::USUAL_ALPHA,
        margin: crate::gate::USUAL_MARGIN,
        noise: std::collections::BTreeMap::new(),
        sample_cost_micro_usd: None,
        accepted_scores: std::collections::BTreeMap::new(),
        accepted_results: Vec::new(),
        unheard: Vec::new(),
        accepted: Accepted::Passed,
        samples: vec![sample],
        confirmation: None,
    };
    let saved = Tally {
        tools: 0,
        calls: 8,
        input_tokens: 12_000,
        output_tokens: 400,
        cost: MicroUsd(41_000),
        unpriced: 0,
        time_us: 9_300_000,
    };
    ForkReport::new(
        evidence,
        Savings {
            saved,
            paid: Tally::default(),
        },
    )
}

/// Returns a run whose checks, that many, all held.
fn run(checks: u32) -> Measure {
    Measure {
        asked: checks,
        held: checks,
        steps: 11,
        input_tokens: 12_000,
        output_tokens: 400,
        cost_micro_usd: Some(MicroUsd(41_000)),
    }
}

/// Returns a run with one fork of each kind that people see.
pub(super) fn report(content: Content) -> RunReport {
    let served = ReplayReport {
        served: 8,
        ..ReplayReport::default()
    };
    let whole = ReplayReport {
        is_unaffected: true,
        ..served.clone()
    };
    let good = vec![passed("trajectory"), passed("tools")];
    let mut unaffected = fork("tokyo", "auto", sample(whole, good.clone()));

    let findings = vec![
        Finding::new("forbidden tool `delete_all_files` was called")
            .values("", HOSTILE)
            .step(Some(StepIndex(4))),
    ];
    let bad = vec![
        check(
            "tools",
            Outcome::Failed {
                findings,
                is_violation: true,
            },
        ),
        check(
            "answer",
            Outcome::not_run("the run could not be followed to its end"),
        ),
    ];
    let divergence = Divergence {
        kind: DivergenceKind::History,
        step: Some(StepIndex(5)),
        agent: "researcher".into(),
        pointer: "/messages/3/content".into(),
        recorded: "14 million".into(),
        found: HOSTILE.into(),
        message: "the agent went another way than step 5 (researcher)".into(),
        remedy: "[replay] tool_results = { web_search = \"recorded\" }".into(),
    };
    let cut = ReplayReport {
        refused: 1,
        divergences: vec![divergence],
        skipped: vec![StepIndex(7)],
        ..served.clone()
    };
    let mut violated = fork(
        "broken|copy",
        "auto",
        Sample {
            exit: Some(1),
            ..sample(cut, bad)
        },
    );

    let drifted = ReplayReport {
        drift: vec![Drift::SystemPrompt],
        ..served.clone()
    };
    let mut needs_live = fork("currency", "last", sample(drifted, good.clone()));
    needs_live.live_estimate = Some(needs_live.savings.saved);

    let message = "cannot start `pyton3`: no such file".to_owned();
    let fault = Some(Fault {
        said: HOSTILE.to_owned(),
        ..Fault::new(FaultKind::Harness, message)
    });
    let unmeasured = fork(
        "currency",
        "auto",
        Sample {
            fault,
            exit: None,
            ..sample(ReplayReport::default(), Vec::new())
        },
    );
    let mut unchecked = fork("tallest", "auto", sample(served, Vec::new()));
    let sides = |base, head| Some(Comparison { base, head });
    unaffected.comparison = sides(vec![run(2)], vec![run(2)]);
    violated.comparison = sides(vec![run(2)], Vec::new());
    unchecked.comparison = sides(Vec::new(), vec![run(0)]);
    let forks = vec![unaffected, violated, needs_live, unmeasured, unchecked];
    RunReport::new(forks, Policy::default(), content)
}
