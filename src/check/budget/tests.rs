//! Budgets of hand-made runs.

use serde_json::json;

use super::super::registry::tests::{check, try_check};
use super::*;
use crate::lineage::testing::{Talk, fork, research, timeline};
use crate::model::{Rung, StepIndex};
use crate::price::{Price, PriceTable};

fn outcome(toml: &str, reference: &Timeline, candidate: &Timeline) -> Outcome {
    let context = CheckContext::new(reference, candidate);
    check(&format!("kind = 'budget'\n{toml}")).run(&context)
}

fn longer() -> Timeline {
    let talk = Talk::new("a researcher", "?")
        .uses("web_search", json!({"q": "Tokyo"}), "14 million")
        .uses("web_search", json!({"q": "area"}), "2194 km2")
        .uses("web_search", json!({"q": "mayor"}), "Koike")
        .says("Tokyo has 14 million people.");
    timeline("new", vec![talk])
}

#[test]
fn absolute_limits_hold_up_to_the_limit() {
    // research(): 3 model calls with 100 + 300 + 500 input and 60 output tokens, 5 steps, 3 s.
    let run = timeline("main", vec![research()]);
    let at_limit = "tokens = 960\nsteps = 5\nmodel_calls = 3\ntool_calls = 2\nlatency = '3s'";
    assert_eq!(
        outcome(at_limit, &run, &run),
        Outcome::passed(
            "960 tokens of at most 960 tokens, 3.0 s of at most 3.0 s, 5 steps of at most 5 steps, \
             3 model calls of at most 3 model calls, 2 tool calls of at most 2 tool calls"
        )
    );
    for over in [
        "tokens = 959",
        "steps = 4",
        "model_calls = 2",
        "tool_calls = 1",
        "latency = '2999ms'",
        "usd = 0.0000001",
    ] {
        if over.starts_with("usd") {
            assert!(try_check(&format!("kind = 'budget'\n{over}")).is_err());
        } else {
            assert!(outcome(over, &run, &run).is_failed(), "{over}");
        }
    }
}

#[test]
fn relative_limits_count_from_the_reference() {
    let reference = timeline("main", vec![research()]);
    let candidate = longer();
    assert!(!outcome("steps = '1.4x'", &reference, &candidate).is_failed());
    assert!(!outcome("steps = '<= 1.5x'", &reference, &candidate).is_failed());
    let Outcome::Failed { findings, .. } = outcome("tokens = '1.5x'", &reference, &candidate)
    else {
        panic!("it passed")
    };
    assert_eq!(
        serde_json::to_value(&findings[0]).unwrap(),
        json!({
            "message": "the run used 1680 tokens, allowed are at most 1440 tokens (1.5x of 960 tokens)",
            "expected": "at most 1440 tokens (1.5x of 960 tokens)",
            "found": "1680 tokens",
            "step": 7,
        })
    );
}

#[test]
fn dollars_are_exact_and_what_has_no_price_is_not_free() {
    let run = timeline("main", vec![research()]);
    let price = Price {
        input: 1.0,
        cached_input: None,
        cache_write: None,
        output: 2.0,
    };
    let prices = PriceTable::built_in().with_overrides([("gpt-4o".to_owned(), price)]);
    let context = CheckContext {
        prices: &prices,
        ..CheckContext::new(&run, &run)
    };
    // 900 input tokens at $1 and 60 output tokens at $2 a million: 1020 millionths.
    let within = |usd: &str| check(&format!("kind = 'budget'\nusd = {usd}")).run(&context);
    assert!(!within("0.00102").is_failed());
    assert!(within("0.001019").is_failed());
    assert!(!within("'$1'").is_failed());
    assert!(!within("'1x'").is_failed());
    let mut unpriced = run.clone();
    for step in &mut unpriced.steps {
        if let crate::model::StepKind::Model(call) = &mut step.kind {
            let call = std::sync::Arc::make_mut(call);
            call.response.model = Some("own-model".into());
            let treatment = std::sync::Arc::make_mut(&mut call.request.treatment);
            treatment.model = Some("own-model".into());
        }
    }
    assert_eq!(
        outcome("usd = 5", &run, &unpriced).why(),
        "model `own-model` of step 1 has no price; give it one in `[prices]` of rewind.toml"
    );
}

#[test]
fn only_live_steps_have_a_time() {
    let main = timeline("main", vec![research()]);
    let replayed = |live: bool| {
        let talk = Talk::new("a researcher", "population of Tokyo?")
            .served_from(1, Rung::Exact)
            .uses(
                "web_search",
                json!({"q": "Tokyo population", "max": 5}),
                "14 million",
            )
            .uses(
                "web_search",
                json!({"q": "Tokyo area", "max": 5}),
                "2194 km2",
            );
        let talk = if live { talk.live() } else { talk };
        fork("new", &main, "last", vec![talk.says("14 million.")])
    };
    assert_eq!(
        outcome("latency = '1s'", &main, &replayed(true)),
        Outcome::passed("1.0 s of at most 1.0 s (2 served steps were not measured)")
    );
    assert!(outcome("latency = '0.9x'", &main, &replayed(true)).is_failed());
    assert!(!outcome("latency = '1x'", &main, &replayed(true)).is_failed());
    assert_eq!(
        outcome("latency = '1h'", &main, &replayed(false)),
        Outcome::not_run("no model call was live, and the time of served steps is not measured")
    );
}

#[test]
fn times_beyond_all_bounds_are_no_less_than_others() {
    let mut endless = timeline("main", vec![research()]);
    for step in &mut endless.steps {
        if let crate::model::StepKind::Model(call) = &mut step.kind {
            let call = std::sync::Arc::make_mut(call);
            (call.began_us, call.ended_us) = (0, u64::MAX);
        }
    }
    assert!(!outcome("latency = '1x'", &endless, &endless).is_failed());
    let short = timeline("main", vec![research()]);
    assert!(outcome("latency = '1x'", &short, &endless).is_failed());
}

#[test]
fn what_is_already_too_much_fails_although_the_rest_is_not_known() {
    let main = timeline("main", vec![research()]);
    let mut half = main.clone();
    if let crate::model::StepKind::Model(call) = &mut half.steps[0].kind {
        std::sync::Arc::make_mut(call).response.usage = None;
    }
    assert!(outcome("tokens = 700", &main, &half).is_failed());
    assert_eq!(
        outcome("tokens = 960", &main, &half).why(),
        "step 1 does not say how many tokens it used"
    );
    assert_eq!(
        outcome("tokens = '2x'", &half, &main).why(),
        "of the recording: step 1 does not say how many tokens it used"
    );
    let Outcome::Failed { findings, .. } = outcome("tokens = 960\nsteps = 2", &main, &half) else {
        panic!("it passed")
    };
    assert_eq!(findings[0].step, None::<StepIndex>);
}

#[test]
fn what_is_no_limit_is_said_with_an_example() {
    let message = |toml: &str| {
        try_check(&format!("kind = 'budget'\n{toml}"))
            .unwrap_err()
            .message
    };
    for (toml, word) in [
        ("", "needs `tokens`"),
        ("tokens = -5", "20 or"),
        ("tokens = 1.5", "20 or"),
        ("tokens = '1.5'", "20 or"),
        ("steps = 'x'", "20 or"),
        ("steps = '1.2345x'", "20 or"),
        ("steps = []", "20 or"),
        ("usd = 'cheap'", "0.05"),
        ("usd = nan", "0.05"),
        ("latency = 30", "\"30s\""),
        ("latency = '99999999999999999999h'", "\"30s\""),
        ("seconds = 3", "unknown field `seconds`"),
    ] {
        assert!(message(toml).contains(word), "{toml}: {}", message(toml));
    }
}
