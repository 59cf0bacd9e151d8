//! How often a judge is asked, what its votes say together, and how sure a difference is.

use serde_json::Value;

use super::provider::{canary, configure, run, says, verdict};
use crate::support::upstream::Upstream;
use crate::support::{App, Run};

/// A judge whose nth vote on an answer is the nth score.
fn voting(app: &App, main: &'static [f64], fixed: &'static [f64]) -> Upstream {
    let upstream = Upstream::start(move |request| {
        canary(request).unwrap_or_else(|| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let nth = usize::try_from(body["seed"].as_u64().unwrap() - 7).unwrap();
            let is_fixed = body["messages"][1]["content"]
                .as_str()
                .unwrap()
                .contains("14 million inhabitants");
            let (scores, quote) = if is_fixed {
                (fixed, "14 million")
            } else {
                (main, "37 million")
            };
            match scores.get(nth) {
                Some(score) => says(request, &verdict(*score, &[quote]).to_string()),
                None => says(request, "I am tired."),
            }
        })
    });
    configure(app, &upstream, "openai");
    upstream
}

fn score(app: &App, more: &[&str]) -> Run {
    let command = ["eval", "score", "latest", "-e", "correctness"];
    run(app, &[&command[..], more].concat())
}

#[test]
fn a_judge_is_asked_again_only_while_its_votes_leave_it_open() {
    let app = super::demo();
    let upstream = voting(&app, &[0.1, 0.2], &[0.9, 0.2, 0.9, 0.8, 0.7]);
    let compared = score(&app, &["--compare-timelines", "--votes", "2..5"]).exits(0);
    // The fifth vote could not bring 0.9, 0.2, 0.9 and 0.8 below a pass.
    let shown = "timeline                      correctness\n\
        main                 0.150 (2 of 2 votes)\n\
        fixed     0.700 (4 of 4 votes, 1 against)\n\n\
        Delta (fixed vs main): +0.55 (+0.03 to +1.00, 95%)\n";
    assert!(compared.stdout.contains(shown), "{}", compared.stdout);
    let votes = "\n6 votes of at most 10, 1 against the majority on the same answer (17%)\n";
    assert!(compared.stdout.contains(votes), "{}", compared.stdout);
    // Two canaries, and six votes.
    assert_eq!(upstream.received().len(), 8);
    let again = score(&app, &["--compare-timelines", "--votes", "2..5", "--json"]).exits(0);
    let report = again.json();
    assert_eq!(upstream.received().len(), 8);
    assert_eq!(report["judge_cost"]["cached_votes"], 6);
    assert_eq!(report["voting"]["disagreeing"], 1);
    assert_eq!(report["scores"][1]["disagreeing"], 1);
    let interval = &report["deltas"][0]["interval"];
    assert_eq!(interval["level"], 0.95);
    assert!(interval["low"].as_f64().unwrap() > 0.02, "{report}");
    score(&app, &["--votes", "1..5"]).exits(2);
}

#[test]
fn an_interval_that_there_is_not_is_said_in_words() {
    let app = super::demo();
    let _upstream = voting(&app, &[0.2, 0.2, 0.2], &[0.9, 0.9, 0.9]);
    let one = score(&app, &["--compare-timelines"]).exits(0);
    let delta = "Delta (fixed vs main): +0.70, not testable (n=1)\n";
    assert!(one.stdout.contains(delta), "{}", one.stdout);
    let equal = score(&app, &["--compare-timelines", "--votes", "3"]).exits(0);
    let delta = "+0.70, not testable (the votes are all equal, n=3 and 3)\n";
    assert!(equal.stdout.contains(delta), "{}", equal.stdout);
    let report = score(&app, &["--compare-timelines", "--json"])
        .exits(0)
        .json();
    let delta = &report["deltas"][0];
    assert_eq!(delta["interval"], Value::Null);
    assert_eq!(delta["not_testable"], "not testable (n=1)");
}

#[test]
fn a_judge_that_dies_half_way_leaves_no_score_and_is_not_asked_for_nothing() {
    let app = super::demo();
    // One vote, then prose: three of five can't be had any more after the fourth.
    let upstream = voting(&app, &[], &[0.9]);
    let run = score(&app, &["--votes", "2..5", "--json"]).exits(3);
    let score = &run.json()["scores"][0];
    assert_eq!(score["score"], Value::Null);
    let why = score["not_measured"].as_str().unwrap();
    assert!(why.starts_with("1 of 4 votes were measured"), "{why}");
    // Two canaries, one vote, and three that are asked for twice.
    assert_eq!(upstream.received().len(), 9);
}
