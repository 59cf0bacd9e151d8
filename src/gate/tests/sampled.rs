//! Samples of which some pass and some fail.

use proptest::prelude::*;

use super::*;
use crate::baseline::Said;
use crate::gate::sampled::is_open;
use crate::model::SampleRange;

#[test]
fn a_mix_of_samples_is_held_against_the_accepted_ones() {
    let of = |accepted: Accepted, base: (usize, usize), passed: usize, failed: usize| {
        let samples = [vec![good(); passed], vec![crashed(); failed]].concat();
        let said = [vec![Said::Passed; base.0], vec![Said::Failed; base.1]].concat();
        decide_fork(&ForkInput {
            accepted,
            accepted_results: said,
            ..fork(samples)
        })
    };
    let passed = |base, good, bad| of(Accepted::Passed, base, good, bad).verdict;
    assert_eq!(passed((0, 0), 0, 3), Verdict::Broken);
    assert_eq!(passed((0, 0), 1, 9), Verdict::Suspect);
    assert_eq!(passed((12, 0), 3, 0), Verdict::Stable);
    assert_eq!(passed((12, 0), 7, 5), Verdict::Regressed);
    assert_eq!(passed((12, 0), 9, 3), Verdict::Suspect);
    assert_eq!(passed((6, 6), 6, 6), Verdict::Suspect);
    // What failed at times before is not broken where it fails each time, but worse.
    assert_eq!(passed((2, 1), 0, 3), Verdict::Suspect);
    assert_eq!(passed((11, 1), 0, 3), Verdict::Regressed);
    let failed = |base, good, bad| of(Accepted::Failed, base, good, bad).verdict;
    assert_eq!(failed((0, 3), 0, 3), Verdict::PreExisting);
    assert_eq!(failed((11, 1), 0, 3), Verdict::Regressed);
    assert_eq!(failed((0, 3), 3, 0), Verdict::Improved);

    let why = |base, good, bad| of(Accepted::Passed, base, good, bad).why;
    let said = why((12, 0), 9, 3);
    assert!(
        said.starts_with("3 of 12 samples fail: the agent exited"),
        "{said}"
    );
    assert!(said.ends_with("30 samples would decide"), "{said}");
    let said = why((1, 0), 1, 2);
    assert!(
        said.ends_with("1 accepted samples can't decide, 6 of each would"),
        "{said}"
    );
    let said = why((6, 6), 6, 6);
    assert!(
        said.ends_with("that is within 0.1 of the accepted evidence"),
        "{said}"
    );
}

proptest! {
    /// However the samples that were left out had come out, the verdict had been the same.
    #[test]
    fn samples_end_only_where_no_further_one_could_change_the_verdict(
        base in (0_usize..15, 0_usize..15), failing in prop::collection::vec(any::<bool>(), 12),
        rest in prop::collection::vec(any::<bool>(), 12),
    ) {
        let range = SampleRange::new(3, 12).unwrap();
        let said = [vec![Said::Passed; base.0], vec![Said::Failed; base.1]].concat();
        let of = |failing: &[bool]| ForkInput {
            accepted_results: said.clone(),
            ..fork(failing.iter().map(|fails| if *fails { crashed() } else { good() }).collect())
        };
        let mut taken = 3;
        while is_open(&of(&failing[..taken]), range) {
            taken += 1;
        }
        prop_assert!(taken <= 12);
        let verdict = decide_fork(&of(&failing[..taken])).verdict;
        if !matches!(verdict, Verdict::Stable | Verdict::Broken) {
            let whole = [&failing[..taken], &rest[taken..]].concat();
            prop_assert_eq!(decide_fork(&of(&whole)).verdict, verdict);
        }
    }
}
