//! What holds of any samples.

use proptest::prelude::*;

use super::*;

fn any_outcome() -> impl Strategy<Value = CheckResult> {
    let outcome = prop::sample::select(vec![pass(), fail(), not_run(), violation()]);
    let severity = prop::sample::select(vec![Severity::Gate, Severity::Warn]);
    (outcome, severity).prop_map(|(check, severity)| CheckResult { severity, ..check })
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let base = prop::sample::select(vec![
        good(),
        unaffected(),
        drifted(),
        cut(),
        faulty(),
        crashed(),
    ]);
    (
        base,
        prop::collection::vec(any_outcome(), 0..4),
        any::<bool>(),
    )
        .prop_map(|(sample, checks, is_live)| {
            let mode = if is_live { Mode::Live } else { Mode::Offline };
            Sample {
                mode,
                checks,
                ..sample
            }
        })
}

fn badness(check: &CheckResult) -> u32 {
    match (check.severity, &check.outcome) {
        (Severity::Off | Severity::Warn, _) | (Severity::Gate, Outcome::Passed { .. }) => 0,
        (Severity::Gate, Outcome::NotRun { .. }) => 1,
        (Severity::Gate, Outcome::Failed { is_violation, .. }) => 2 + u32::from(*is_violation),
    }
}

fn run_of(forks: &[Vec<Sample>], policy: &Policy) -> RunVerdict {
    let verdicts = forks.iter().map(|samples| (verdict(samples.clone()), true));
    decide_run(verdicts, [], policy)
}

proptest! {
    #[test]
    fn a_check_that_gets_worse_never_turns_fail_into_something_better(
        forks in prop::collection::vec(prop::collection::vec(any_sample(), 1..4), 1..4),
        place in any::<(prop::sample::Index, prop::sample::Index, prop::sample::Index)>(),
        worse in prop::sample::select(vec![not_run(), fail(), violation()]),
    ) {
        let policy = Policy::default();
        let before = run_of(&forks, &policy);
        let mut worsened = forks;
        let samples = place.0.get_mut(worsened.as_mut_slice());
        let checks = &mut place.1.get_mut(samples.as_mut_slice()).checks;
        prop_assume!(!checks.is_empty());
        let check = place.2.get_mut(checks.as_mut_slice());
        prop_assume!(badness(&worse) > badness(check));
        *check = worse;
        let after = run_of(&worsened, &policy);
        prop_assert!(after.shown == Shown::Fail || before.shown != Shown::Fail);
    }

    #[test]
    fn pass_means_that_every_fork_was_measured_and_none_failed(
        forks in prop::collection::vec(prop::collection::vec(any_sample(), 0..4), 0..4),
        min_coverage in 0.0..=1.0_f64,
        allow_needs_live in any::<bool>(),
    ) {
        let policy = Policy { min_coverage, allow_needs_live, is_enforced: true };
        if run_of(&forks, &policy).shown == Shown::Pass {
            for samples in &forks {
                let whole = samples.iter().filter(|s| s.fault.is_none() && s.replay.refused == 0);
                prop_assert!(whole.count() > 0);
                prop_assert!(!samples.iter().any(|s| s.checks.iter().any(
                    |c| *c == violation() && c.severity == Severity::Gate
                )));
            }
        }
    }

    #[test]
    fn a_better_coverage_demand_never_makes_a_run_look_better(
        verdicts in prop::collection::vec(prop::sample::select(Verdict::ALL.to_vec()), 0..8),
        low in 0.0..=1.0_f64, high in 0.0..=1.0_f64,
    ) {
        let run = |min_coverage: f64| {
            let policy = Policy { min_coverage, ..Policy::default() };
            decide_run(verdicts.iter().map(|verdict| (*verdict, true)), [], &policy).shown
        };
        prop_assert!(run(low.max(high)) >= run(low.min(high)));
    }
}
