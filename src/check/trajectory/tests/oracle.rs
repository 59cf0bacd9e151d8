//! Trajectories against an oracle that tries every way to pair calls.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::check::registry::tests::check;
use crate::check::{CheckContext, Finding, Outcome};
use crate::lineage::testing::{Talk, timeline};
use crate::model::Timeline;

/// A call of these small worlds: a tool and which of three arguments it gives.
type Call = (u8, [Option<u8>; 3]);

fn arguments(given: [Option<u8>; 3]) -> Value {
    let pairs = ["a", "b", "c"].into_iter().zip(given);
    let given = pairs.filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
    Value::Object(given.collect())
}

fn run_of(calls: &[Call]) -> Timeline {
    let talk = calls
        .iter()
        .fold(Talk::new("a clerk", "?"), |talk, (tool, given)| {
            talk.uses(&format!("t{tool}"), arguments(*given), "ok")
        });
    timeline("main", vec![talk.says("done")])
}

/// Whether the arguments fit, said once more, in the words of the documentation.
fn fits(args: &str, ignored: bool, tolerance: u8, recorded: Call, found: Call) -> bool {
    if recorded.0 != found.0 {
        return false;
    }
    if args == "ignore" {
        return true;
    }
    let pairs = recorded.1.into_iter().zip(found.1).enumerate();
    let mut pairs = pairs.filter(|(index, _)| !(ignored && *index == 2));
    pairs.all(|(_, (left, right))| match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => left.abs_diff(right) <= tolerance,
        (Some(_), None) => args == "subset",
        (None, Some(_)) => args == "superset",
    })
}

/// Tries everything: the most pairs that can be made, in order or in any.
fn most(edges: &[Vec<bool>], columns: usize, in_order: bool) -> usize {
    fn go(edges: &[Vec<bool>], row: usize, free: u32, from: usize, in_order: bool) -> usize {
        let Some(columns) = edges.get(row) else {
            return 0;
        };
        let mut best = go(edges, row + 1, free, from, in_order);
        for (column, fits) in columns.iter().enumerate() {
            let is_free = free & (1 << column) != 0;
            if *fits && is_free && (!in_order || column >= from) {
                let next = go(edges, row + 1, free & !(1 << column), column + 1, in_order);
                best = best.max(1 + next);
            }
        }
        best
    }
    go(edges, 0, (1 << columns) - 1, 0, in_order)
}

fn call() -> impl Strategy<Value = Call> {
    (0..2_u8, prop::array::uniform3(prop::option::of(0..3_u8)))
}

/// Calls, and the same in another order with some changed, so that many pairs can be made.
fn runs() -> impl Strategy<Value = (Vec<Call>, Vec<Call>)> {
    let calls = prop::collection::vec(call(), 0..7);
    calls.prop_flat_map(|calls| {
        let changes = prop::collection::vec(prop::option::weighted(0.2, call()), calls.len());
        let other =
            (Just(calls.clone()).prop_shuffle(), changes).prop_map(|(shuffled, changes)| {
                let both = shuffled.into_iter().zip(changes);
                both.map(|(one, change)| change.unwrap_or(one)).collect()
            });
        (Just(calls), other)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_mode_agrees_with_trying_everything(
        (recorded, found) in runs(),
        args in prop::sample::select(vec!["exact", "subset", "superset", "ignore"]),
        ignored in any::<bool>(),
        tolerance in 0..2_u8,
    ) {
        let edges: Vec<Vec<bool>> = recorded
            .iter()
            .map(|left| found.iter().map(|right| fits(args, ignored, tolerance, *left, *right)).collect())
            .collect();
        let any_order = most(&edges, found.len(), false);
        let in_order = most(&edges, found.len(), true);
        let (all, alone) = (recorded.len(), found.len());
        let expected = BTreeMap::from([
            ("strict", in_order == all && all == alone),
            ("in_order", in_order == all),
            ("unordered", any_order == all && all == alone),
            ("subset", any_order == alone),
            ("superset", any_order == all),
        ]);
        let (reference, candidate) = (run_of(&recorded), run_of(&found));
        for (mode, holds) in expected {
            let rule = format!("tolerance = {tolerance}{}", if ignored { "\nignore = ['/c']" } else { "" });
            let toml = format!("kind = 'trajectory'\nmode = '{mode}'\nargs = '{args}'\n[tools.t0]\n{rule}\n[tools.t1]\n{rule}");
            let outcome = check(&toml).run(&CheckContext::new(&reference, &candidate));
            prop_assert_eq!(matches!(outcome, Outcome::Passed { .. }), holds, "{}: {:?}", mode, outcome);
            // Each finding names a call of its own, so there are no more than calls without a partner.
            if let Outcome::Failed { findings, .. } = outcome {
                let pairs = if matches!(mode, "strict" | "in_order") { in_order } else { any_order };
                let steps = findings.iter().filter(|finding: &&Finding| finding.step.is_some()).count();
                prop_assert!(steps <= alone - pairs);
                prop_assert!(findings.len() <= all + alone - 2 * pairs);
            }
        }
    }
}
