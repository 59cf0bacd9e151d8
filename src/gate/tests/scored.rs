//! Scores, quotas, and all baselines together.

use super::*;
use crate::baseline::Said;
use crate::check::{KOfN, MaxDrop, Score};
use crate::gate::sampled::is_open;
use crate::model::{MicroUsd, SampleRange};

/// A whole live run that a judge gave this score, beside 0.9 for what was recorded.
fn scored(value: f64, max_drop: Option<MaxDrop>) -> Sample {
    let judged = CheckResult {
        id: "judge".into(),
        kind: "judge".into(),
        score: Some(Score {
            evaluator: "correctness".into(),
            value: Some(value),
            reference: Some(0.9),
            max_drop,
            votes: Vec::new(),
        }),
        ..pass()
    };
    Sample {
        mode: Mode::Live,
        ..with(&good(), judged)
    }
}

fn judged(base: &[f64], now: &[f64]) -> ForkInput {
    let samples = now.iter().map(|score| scored(*score, None)).collect();
    let mut input = ForkInput {
        min_samples: 3,
        tests: 1,
        sessions: 1,
        max_samples: 12,
        ..fork(samples)
    };
    if !base.is_empty() {
        input.accepted_scores =
            [("judge".to_owned(), base.iter().copied().map(Some).collect())].into();
    }
    input
}

#[test]
fn a_lower_mean_is_worse_only_where_it_is_no_chance() {
    let of = |base: &[f64], now: &[f64]| decide_fork(&judged(base, now));
    let high = [0.9, 0.95, 0.85, 0.9, 1.0, 0.9];
    let low = [0.6, 0.7, 0.65, 0.6, 0.7, 0.75];
    let found = of(&high, &low);
    assert_eq!(found.verdict, Verdict::Regressed);
    assert_eq!(
        found.why,
        "`correctness` went from 0.92 (n=6) to 0.67 (n=6), by more than 0.10 (p = 0.001, at most 0.025)"
    );
    let found = of(&high[..2], &low[..3]);
    assert_eq!(found.verdict, Verdict::Suspect, "{}", found.why);
    assert!(
        found.why.contains("samples of each would decide"),
        "{}",
        found.why
    );
    // Lower, but by less than the margin.
    assert_eq!(of(&[0.9; 6], &[0.81; 12]).verdict, Verdict::Stable);
    assert_eq!(of(&low, &high).verdict, Verdict::Improved);
    // What was recorded stands in for accepted samples.
    let found = of(&[], &[0.2, 0.3, 0.1]);
    assert_eq!(found.verdict, Verdict::Suspect);
    assert!(
        found
            .why
            .starts_with("`correctness` went from 0.90 (n=1) to 0.20"),
        "{}",
        found.why
    );
}

#[test]
fn a_check_may_say_how_much_its_mean_may_drop() {
    let (base, now) = ([0.5; 8], [0.42; 12]);
    let of = |max_drop: MaxDrop| {
        let mut input = judged(&base, &[]);
        input.samples = now
            .iter()
            .map(|score| scored(*score, Some(max_drop)))
            .collect();
        decide_fork(&input).verdict
    };
    assert_eq!(of(MaxDrop::Points(0.1)), Verdict::Stable);
    assert_eq!(of(MaxDrop::Points(0.05)), Verdict::Regressed);
    assert_eq!(of(MaxDrop::Share(0.1)), Verdict::Regressed);
    assert_eq!(of(MaxDrop::Share(0.2)), Verdict::Stable);
}

#[test]
fn what_it_takes_to_decide_has_a_price() {
    let mut input = judged(&[0.9, 0.7, 0.8], &[0.6, 0.7, 0.4]);
    input.sample_cost_micro_usd = Some(MicroUsd(20_000));
    let why = decide_fork(&input).why;
    assert!(why.contains("would decide, for about $0."), "{why}");
    let passes = ForkInput {
        sample_cost_micro_usd: Some(MicroUsd(20_000)),
        accepted_results: vec![Said::Passed; 12],
        ..fork([vec![good(); 9], vec![crashed(); 3]].concat())
    };
    let why = decide_fork(&passes).why;
    assert!(
        why.ends_with("30 samples would decide, for about $0.36"),
        "{why}"
    );
}

#[test]
fn a_dropped_score_is_tested_once_with_all_its_samples() {
    let range = SampleRange::new(3, 12).unwrap();
    let base = [0.9; 6];
    assert!(is_open(&judged(&base, &[0.5; 3]), range));
    assert!(!is_open(&judged(&base, &[0.85; 3]), range));
    assert!(!is_open(&judged(&base, &[0.5; 12]), range));
    // No number of samples makes one accepted score enough.
    assert!(!is_open(&judged(&base[..1], &[0.5; 3]), range));
}

fn quota(held: u32, failed: u32, accepted: Accepted) -> ForkInput {
    let one = |check: CheckResult| {
        let check = CheckResult {
            id: "often".into(),
            k_of_n: KOfN::new(4, 5),
            ..check
        };
        with(&good(), check)
    };
    let held = (0..held).map(|_| one(pass()));
    let failed = (0..failed).map(|_| one(fail()));
    ForkInput {
        tests: 1,
        accepted,
        ..fork(held.chain(failed).collect())
    }
}

#[test]
fn a_check_may_hold_in_some_samples_of_many() {
    let verdict = |held, failed| decide_fork(&quota(held, failed, Accepted::Passed)).verdict;
    assert_eq!(verdict(5, 0), Verdict::Stable);
    assert_eq!(verdict(4, 1), Verdict::Stable);
    assert_eq!(verdict(3, 2), Verdict::Regressed);
    assert_eq!(verdict(0, 2), Verdict::Broken);
    // Of more samples the first count.
    assert_eq!(verdict(5, 5), Verdict::Stable);
    let short = decide_fork(&quota(3, 0, Accepted::Passed));
    assert_eq!(short.verdict, Verdict::Inconclusive);
    assert!(
        short
            .why
            .contains("wants 4 of 5 samples, and only 3 were measured"),
        "{}",
        short.why
    );
    let known = decide_fork(&quota(3, 2, Accepted::Failed));
    assert_eq!(known.verdict, Verdict::PreExisting);
    let range = SampleRange::new(3, 12).unwrap();
    assert!(is_open(&quota(3, 0, Accepted::Passed), range));
    assert!(!is_open(&quota(4, 0, Accepted::Passed), range));
    assert!(!is_open(&quota(2, 2, Accepted::Passed), range));
    // Without live tails one run is what every run would be.
    let mut dry = quota(1, 0, Accepted::Passed);
    dry.tests = 0;
    assert_eq!(decide_fork(&dry).verdict, Verdict::Stable);
}

#[test]
fn what_always_fails_is_run_until_that_is_no_chance() {
    let range = SampleRange::new(3, 12).unwrap();
    let of = |failed: usize, tests: u32| ForkInput {
        tests,
        max_samples: 12,
        accepted_results: vec![Said::Passed; 3],
        ..fork(vec![crashed(); failed])
    };
    assert!(is_open(&of(3, 1), range) && !is_open(&of(5, 1), range));
    assert!(is_open(&of(9, 50), range) && !is_open(&of(10, 50), range));
    assert_eq!(decide_fork(&of(5, 1)).verdict, Verdict::Broken);
    // All that there can be is enough, however few.
    let all = ForkInput {
        max_samples: 3,
        ..of(3, 50)
    };
    assert_eq!(decide_fork(&all).verdict, Verdict::Broken);
    // A run that was cut short does not know.
    let cut = decide_fork(&of(3, 50));
    assert_eq!(cut.verdict, Verdict::Suspect);
    assert!(
        cut.why.ends_with("10 failures in a row would decide"),
        "{}",
        cut.why
    );
}

#[test]
fn what_unchanged_forks_differ_by_does_not_count() {
    let noisy = |noise: f64| -> Vec<ForkInput> {
        let noise = [("correctness".to_owned(), noise), (PASSES.to_owned(), 0.4)];
        let forks = run(&[0.15; 12]).into_iter();
        let of = |fork| ForkInput {
            noise: noise.clone().into(),
            ..fork
        };
        forks.map(of).collect()
    };
    let score = |forks: &[ForkInput]| {
        let mut tests = suite(forks).into_iter();
        tests
            .find(|test| test.measure == "correctness")
            .unwrap()
            .verdict
    };
    assert_eq!(score(&noisy(0.05)), Some(Verdict::Regressed));
    // Neither proved nor gone: someone should look.
    assert_eq!(score(&noisy(0.2)), Some(Verdict::Suspect));
    let half = |noise: f64| ForkInput {
        accepted_results: vec![Said::Passed; 30],
        max_samples: 12,
        tests: 1,
        noise: [(PASSES.to_owned(), noise)].into(),
        ..fork([vec![good(); 6], vec![crashed(); 6]].concat())
    };
    assert_eq!(decide_fork(&half(0.4)).verdict, Verdict::Regressed);
    assert_eq!(decide_fork(&half(0.6)).verdict, Verdict::Suspect);
    // Beside the base of today there is no such noise.
    let samples = |sample: Sample| vec![sample; 6];
    let tried = ForkInput {
        confirmation: Some(Confirmation {
            unready: None,
            base: samples(good()),
            candidate: samples(crashed()),
        }),
        ..half(0.6)
    };
    assert_eq!(decide_fork(&tried).verdict, Verdict::Regressed);
}

#[test]
fn all_together_that_are_red_by_chance_or_with_the_base_are_cleared() {
    let again = |now: f64, base: f64| -> SuiteTest {
        let forks: Vec<ForkInput> = run(&[0.15; 12])
            .into_iter()
            .map(|fork| {
                let of = |score: f64| judged(&[0.9], &[score; 3]).samples;
                ForkInput {
                    confirmation: Some(Confirmation {
                        unready: None,
                        base: of(base),
                        candidate: of(now),
                    }),
                    ..fork
                }
            })
            .collect();
        let mut tests = suite(&forks).into_iter();
        tests.find(|test| test.measure == "correctness").unwrap()
    };
    let same = again(0.7, 0.85);
    assert_eq!(same.verdict, Some(Verdict::Regressed));
    assert!(
        same.why
            .ends_with("confirmed against base: 0.70 against 0.85"),
        "{}",
        same.why
    );
    let gone = again(0.7, 0.7);
    assert_eq!(gone.verdict, Some(Verdict::PreExisting));
    assert!(
        gone.why.contains("; not confirmed against base"),
        "{}",
        gone.why
    );
    let mut forks = run(&[0.15; 12]);
    forks[0].confirmation = Some(Confirmation {
        unready: Some("setup failed".to_owned()),
        ..Confirmation::default()
    });
    let tests = suite(&forks);
    let score = tests.iter().find(|test| test.measure == "correctness");
    assert_eq!(score.unwrap().verdict, Some(Verdict::NotMeasured));
}

/// Baselines with these differences between accepted and new scores, three samples of each.
fn run(drops: &[f64]) -> Vec<ForkInput> {
    let sessions = u32::try_from(drops.len()).unwrap();
    drops
        .iter()
        .enumerate()
        .map(|(nth, drop)| ForkInput {
            baseline: format!("b{nth:02}"),
            tests: sessions,
            sessions,
            accepted_results: vec![Said::Passed; 3],
            ..judged(&[0.9, 0.8, 0.85], &[0.85 - drop, 0.8 - drop, 0.9 - drop])
        })
        .collect()
}

#[test]
fn many_small_drops_are_one_that_counts() {
    let of = |drops: &[f64]| {
        let forks = run(drops);
        let tests = suite(&forks);
        assert_eq!(tests[0].measure, PASSES);
        let score = tests.into_iter().find(|test| test.measure == "correctness");
        (score.unwrap(), forks)
    };
    let (dropped, forks) = of(&[0.15; 12]);
    assert_eq!(dropped.verdict, Some(Verdict::Regressed), "{dropped:?}");
    assert!(dropped.p_value <= 0.025 && (dropped.level - 0.025).abs() < 1e-12);
    // No fork alone could tell.
    for fork in &forks {
        assert_eq!(decide_fork(fork).verdict, Verdict::Suspect);
    }
    let [low, high] = dropped.interval.unwrap();
    assert!(low <= -0.15 + 1e-9 && -0.15 <= high + 1e-9, "{dropped:?}");

    assert_eq!(of(&[0.0; 12]).0.verdict, Some(Verdict::Stable));
    let up_and_down: Vec<f64> = (0..12).map(|nth| [0.4, -0.1][nth % 2]).collect();
    assert_eq!(of(&up_and_down).0.verdict, Some(Verdict::Suspect));
    let (few, _forks) = of(&[0.3; 6]);
    assert_eq!(few.verdict, None);
    assert_eq!(few.why, "not testable: 6 of at least 7 baselines");
}

#[test]
fn more_samples_are_run_where_all_together_can_tell_more() {
    let range = SampleRange::new(3, 12).unwrap();
    let rounds = |forks: &[ForkInput]| {
        let forks: Vec<_> = forks.iter().map(|fork| (fork, range)).collect();
        next_round(&forks)
    };
    assert_eq!(rounds(&run(&[0.0; 8])), [0; 8]);
    // It is red, so nothing more is spent.
    assert_eq!(rounds(&run(&[0.3; 12])), [0; 12]);
    // What each check lets pass is decided for each fork, and not for all together.
    let mut forks = run(&[0.3, -0.25, 0.3, -0.25, 0.3, -0.25, 0.3, -0.25]);
    let checks = forks.iter_mut().flat_map(|fork| &mut fork.samples);
    for check in checks.flat_map(|sample| &mut sample.checks) {
        if let Some(score) = &mut check.score {
            score.max_drop = Some(MaxDrop::Points(0.5));
        }
    }
    assert_eq!(suite(&forks)[1].verdict, Some(Verdict::Inconclusive));
    assert_eq!(rounds(&forks), [0; 8], "no accepted sample is left");
    for fork in &mut forks {
        fork.accepted_results = vec![Said::Passed; 6];
        fork.accepted_scores = [("judge".to_owned(), vec![Some(0.85); 6])].into();
    }
    assert_eq!(rounds(&forks), [3; 8]);
    let mut begun = run(&[0.3; 12]);
    begun[0].samples.clear();
    assert_eq!(rounds(&begun)[0], 3);
}

#[test]
fn a_run_is_as_bad_as_all_baselines_together() {
    let policy = Policy::default();
    let of = |together: Verdict| decide_run([(Verdict::Stable, true)], [together], &policy).shown;
    assert_eq!(of(Verdict::Regressed), Shown::Fail);
    assert_eq!(of(Verdict::Suspect), Shown::Look);
    assert_eq!(of(Verdict::Improved), Shown::Pass);
}

#[test]
fn what_one_measure_failed_before_excuses_no_other() {
    let mut input = judged(&[0.95; 8], &[0.55; 8]);
    input.tests = 1;
    input.accepted = Accepted::Failed;
    input.accepted_results = vec![Said::Failed; 8];
    let broken = CheckResult {
        id: "answer".into(),
        ..fail()
    };
    for sample in &mut input.samples {
        sample.checks.push(broken.clone());
    }
    assert_eq!(decide_fork(&input).verdict, Verdict::Regressed);
}

#[test]
fn what_could_not_be_measured_does_not_make_a_failure_sure() {
    let lost = Sample {
        fault: Some(Fault::new(
            FaultKind::Provider,
            "it answered with status 503",
        )),
        ..good()
    };
    let of = |failed: usize, lost_ones: usize| ForkInput {
        tests: 50,
        max_samples: 12,
        accepted_results: vec![Said::Passed; 3],
        ..fork([vec![crashed(); failed], vec![lost.clone(); lost_ones]].concat())
    };
    assert_eq!(decide_fork(&of(3, 9)).verdict, Verdict::Suspect);
    assert_eq!(decide_fork(&of(10, 2)).verdict, Verdict::Broken);
}

#[test]
fn what_is_new_in_a_change_lifts_no_mean() {
    let mut forks = run(&[0.2; 8]);
    let new = run(&[-0.3; 12]).into_iter().map(|fork| ForkInput {
        baseline: format!("new-{}", fork.baseline),
        sessions: 0,
        ..fork
    });
    forks.extend(new);
    let tests = suite(&forks);
    let score = tests.iter().find(|test| test.measure == "correctness");
    assert_eq!(
        score.unwrap().verdict,
        Some(Verdict::Regressed),
        "{tests:?}"
    );
    assert_eq!(score.unwrap().sessions, 8);
}

#[test]
fn a_check_that_allows_less_than_the_noise_of_the_day_is_held_to_the_noise() {
    let strict = Some(MaxDrop::Points(0.02));
    let samples = [0.75; 8].map(|score| scored(score, strict)).to_vec();
    let of = |fell: f64| ForkInput {
        samples: samples.clone(),
        tests: 1,
        noise: [("correctness".to_owned(), fell)].into(),
        ..judged(&[0.81; 8], &[0.75; 8])
    };
    assert_eq!(decide_fork(&of(0.0)).verdict, Verdict::Regressed);
    // More than the check allows, and less than the margin of the run.
    assert_eq!(decide_fork(&of(0.07)).verdict, Verdict::Suspect);
}
